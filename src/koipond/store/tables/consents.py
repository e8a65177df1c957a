"""Consent (授权同意): an append-only log with its proof, the current state, and who may not be reached.

Personal data: none beyond the customer's number; ``proof`` names a document, not a person. Kept as legal
proof when a customer is erased.
"""

import sqlalchemy as sa

from koipond.store.tables.base import METADATA, flag, instant, number, serial, text

consent_log = sa.Table(
    "consent_log",
    METADATA,
    serial("seq"),
    number("customer_no"),
    text("channel"),
    text("purpose"),  # marketing | transactional | profiling
    flag("granted"),
    instant("at_s"),
    text("source"),
    text("text_version"),
    text("proof"),
    number("import_no", null=True),
    instant("recorded_s"),
    instant("void_s", null=True),  # out of force: its import was undone
    number("heard_no"),  # order of hearing; what was heard at once, such as one import, shares it
)
sa.Index("ix_consent_log_customer_no", consent_log.c.customer_no)
sa.Index("ix_consent_log_import_no", consent_log.c.import_no)

consent = sa.Table(
    "consent",
    METADATA,
    sa.Column("customer_no", sa.BigInteger, sa.ForeignKey("customer.customer_no"), primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("purpose", sa.Text, primary_key=True),
    flag("granted"),
    instant("at_s"),
    instant("heard_s"),  # when the statement that decides was recorded
    number("heard_no"),  # its place in the order of hearing
    sqlite_with_rowid=False,
)

suppression = sa.Table(
    "suppression",
    METADATA,
    sa.Column("customer_no", sa.BigInteger, sa.ForeignKey("customer.customer_no"), primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),  # '*' = every channel
    sa.Column("reason", sa.Text, primary_key=True),  # erased | complaint | unfriended | hard_bounce
    instant("at_s"),
    text("note"),
    sqlite_with_rowid=False,
)
