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
    text("approved_by", null=True),  # who approved it, where the settings in force ask for that
)

definition_proposal = sa.Table(
    "definition_proposal",
    METADATA,
    serial("proposal_no"),
    text("author"),
    instant("proposed_s"),
    text("changes"),  # JSON: what `koipond.store.definitions.DefinitionChange` holds
    text("state"),  # waiting | applied | rejected | replaced
    text("decided_by", null=True),
    instant("decided_s", null=True),
    text("reason", server_default=""),
    number("apply_no", null=True),  # the apply it became
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
