"""Applied definitions: every version ever applied, never changed. No personal data but the author's name."""

import sqlalchemy as sa

from koipond.store.tables.base import METADATA, instant, number, serial, text

definition_apply = sa.Table(
    "definition_apply",
    METADATA,
    serial("apply_no"),
    text("author"),
    text("note"),
    instant("applied_s"),
)

definition = sa.Table(
    "definition",
    METADATA,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    text("fingerprint"),
    text("body"),  # canonical JSON
    text("managed_by"),  # file | console
    sa.Column("apply_no", sa.BigInteger, sa.ForeignKey("definition_apply.apply_no"), nullable=False),
    number("archived_no", null=True),  # the apply that archived it; the content stays
    sa.ForeignKeyConstraint(["archived_no"], ["definition_apply.apply_no"]),
)
