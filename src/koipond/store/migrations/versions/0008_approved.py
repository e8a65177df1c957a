"""Under which apply a touch was approved, what an approval covers, what waits for one; a chained audit."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("touch", sa.Column("approved_no", sa.BigInteger(), nullable=True))
    op.add_column("plan", sa.Column("digest", sa.Text(), nullable=True))
    op.create_index("ix_touch_plan", "touch", ["plan", "touch_no"])
    op.add_column("audit_log", sa.Column("hash", sa.Text(), nullable=True))
    op.add_column("definition_apply", sa.Column("approved_by", sa.Text(), nullable=True))
    op.create_table(
        "definition_proposal",
        sa.Column("proposal_no", _KEY, primary_key=True, autoincrement=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("proposed_s", sa.BigInteger(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_s", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("apply_no", sa.BigInteger(), nullable=True),
    )


def downgrade() -> None:
    op.drop_table("definition_proposal")
    op.drop_column("definition_apply", "approved_by")
    op.drop_column("audit_log", "hash")
    op.drop_index("ix_touch_plan", "touch")
    op.drop_column("plan", "digest")
    op.drop_column("touch", "approved_no")
