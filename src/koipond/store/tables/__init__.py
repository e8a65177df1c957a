"""Tables (表): one set of SQLAlchemy Core tables, for SQLite and PostgreSQL. Only the store knows them."""

from koipond.store.tables.base import METADATA
from koipond.store.tables.consents import consent, consent_log, suppression
from koipond.store.tables.definitions import definition, definition_apply, definition_proposal
from koipond.store.tables.grades import grade_change, grade_run, held_grade
from koipond.store.tables.groups import (
    customer_list,
    customer_list_member,
    manual_tag,
    tag_act,
)
from koipond.store.tables.outreach import (
    assignment,
    budget,
    held_out,
    offer_code,
    outbox,
    past_touch,
    pause,
    plan,
    rate_bucket,
    touch,
    touch_event,
)
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
from koipond.store.tables.warehouse import lease, warehouse_file, warehouse_version

__all__ = [
    "METADATA",
    "assignment",
    "audit_log",
    "brand_store",
    "budget",
    "consent",
    "consent_log",
    "counter",
    "customer",
    "customer_list",
    "customer_list_member",
    "customer_staff",
    "definition",
    "definition_apply",
    "definition_proposal",
    "grade_change",
    "grade_run",
    "held_grade",
    "held_out",
    "identifier",
    "identity_block",
    "identity_link",
    "import_batch",
    "lease",
    "manual_tag",
    "offer_code",
    "outbox",
    "past_touch",
    "pause",
    "people_verdict",
    "plan",
    "rate_bucket",
    "staff",
    "suppression",
    "tag_act",
    "touch",
    "touch_event",
    "warehouse_file",
    "warehouse_version",
    "workspace_setting",
]
