"""People (客户): customers, their identifiers, links between them, staff and stores.

Personal data: ``identifier.cipher`` (encrypted) and ``identifier.key_hash`` (keyed), erased with the
customer; ``staff.name`` (an employee), erased when the employee leaves and asks.
"""

import sqlalchemy as sa

from koipond.store.tables.base import KEY, METADATA, flag, instant, number, serial, text

customer = sa.Table(
    "customer",
    METADATA,
    sa.Column("customer_no", KEY, primary_key=True, autoincrement=False),
    text("customer_uid", unique=True),
    number("survivor_no", null=True),  # root of the linked people; null when it is itself the root
    flag("staff"),
    flag("minor"),
    flag("profiling_refused"),
    text("zone", null=True),
    instant("created_s"),
    instant("staff_s", null=True),  # since when the gate knows; null = never, or before it was noted
    instant("minor_s", null=True),
    sa.CheckConstraint("survivor_no < customer_no", name="survivor_is_older"),
)
sa.Index(
    "ix_customer_survivor_no",
    customer.c.survivor_no,
    sqlite_where=customer.c.survivor_no.is_not(None),
    postgresql_where=customer.c.survivor_no.is_not(None),
)

identifier = sa.Table(
    "identifier",
    METADATA,
    sa.Column("key_hash", sa.Text, primary_key=True),  # keyed hash of kind, scope and value
    sa.Column("customer_no", sa.BigInteger, sa.ForeignKey("customer.customer_no"), primary_key=True),
    text("kind"),  # shop_id | phone | email
    text("scope"),  # the source; empty for a verified phone or e-mail
    flag("verified"),
    sa.Column("cipher", sa.LargeBinary, nullable=False),
    text("key_id"),
    instant("seen_s"),
    text("address_hash", null=True),  # keyed hash of kind and value alone: one address whoever tells it
    sqlite_with_rowid=False,
)
sa.Index("ix_identifier_customer_no", identifier.c.customer_no)
_ADDRESS = identifier.c.address_hash.is_not(None)
sa.Index(
    "ix_identifier_address_hash",
    identifier.c.address_hash,
    sqlite_where=_ADDRESS,
    postgresql_where=_ADDRESS,
)

identity_link = sa.Table(
    "identity_link",
    METADATA,
    serial("link_no"),
    number("customer_no"),  # the younger
    number("other_no"),  # the older
    text("kind"),
    text("key_hash"),  # the identifier they share
    instant("linked_s"),
    instant("undone_s", null=True),
    text("undone_by", null=True),
    sa.UniqueConstraint("customer_no", "other_no"),
)
sa.Index("ix_identity_link_other_no", identity_link.c.other_no)
sa.Index("ix_identity_link_key_hash", identity_link.c.key_hash)

identity_block = sa.Table(
    "identity_block",
    METADATA,
    serial("block_no"),
    number("customer_no"),
    number("other_no"),
    text("kind"),
    text("why"),  # different_verified | too_many_people | undone
    instant("at_s"),
    sa.UniqueConstraint("customer_no", "other_no", "kind"),
)

brand_store = sa.Table(
    "brand_store",
    METADATA,
    sa.Column("store_key", sa.Text, primary_key=True),
    text("name"),
    text("zone", null=True),
)

staff = sa.Table(
    "staff",
    METADATA,
    sa.Column("staff_key", sa.Text, primary_key=True),
    text("name"),
    text("store_key", null=True),
    flag("active"),
    sa.ForeignKeyConstraint(["store_key"], ["brand_store.store_key"]),
)

customer_staff = sa.Table(
    "customer_staff",
    METADATA,
    sa.Column("customer_no", sa.BigInteger, sa.ForeignKey("customer.customer_no"), primary_key=True),
    sa.Column("staff_key", sa.Text, sa.ForeignKey("staff.staff_key"), primary_key=True),
    text("relation"),  # friend | follow | serves
    instant("since_s"),
    instant("until_s", null=True),
)
sa.Index("ix_customer_staff_staff_key", customer_staff.c.staff_key)

counter = sa.Table(
    "counter",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    number("value"),
)
