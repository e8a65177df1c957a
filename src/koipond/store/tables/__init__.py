"""Tables (表): one set of SQLAlchemy Core tables, for SQLite and PostgreSQL. Only the store knows them."""

from koipond.store.tables.base import METADATA
from koipond.store.tables.consents import consent, consent_log, suppression
from koipond.store.tables.definitions import definition, definition_apply
from koipond.store.tables.people import (
    brand_store,
    counter,
    customer,
    customer_staff,
    identifier,
    identity_block,
    identity_link,
    staff,
)
from koipond.store.tables.records import audit_log, import_batch, people_verdict, workspace_setting
from koipond.store.tables.warehouse import warehouse_lease, warehouse_version

__all__ = [
    "METADATA",
    "audit_log",
    "brand_store",
    "consent",
    "consent_log",
    "counter",
    "customer",
    "customer_staff",
    "definition",
    "definition_apply",
    "identifier",
    "identity_block",
    "identity_link",
    "import_batch",
    "people_verdict",
    "staff",
    "suppression",
    "warehouse_lease",
    "warehouse_version",
    "workspace_setting",
]
