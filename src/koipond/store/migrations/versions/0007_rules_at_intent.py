"""Which apply an intent obeyed."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("outbox", sa.Column("apply_no", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("outbox", "apply_no")
