"""Held value grades: what every customer is treated by, the monthly runs and every change."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "held_grade",
        sa.Column("customer_no", sa.BigInteger(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("runs_below", sa.BigInteger(), nullable=False),
        sa.Column("since_day", sa.BigInteger(), nullable=False),
        sa.Column("definition_version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_no", name=op.f("pk_held_grade")),
        sqlite_with_rowid=False,
    )
    counts = ("began", "up", "down", "kept", "ended")
    op.create_table(
        "grade_run",
        sa.Column("month", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("seen_day", sa.BigInteger(), nullable=False),
        sa.Column("ran_s", sa.BigInteger(), nullable=False),
        sa.Column("definition_version", sa.BigInteger(), nullable=False),
        sa.Column("layers_version", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in counts),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_grade_run")),
    )
    op.create_table(
        "grade_change",
        sa.Column(
            "change_no",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("customer_no", sa.BigInteger(), nullable=False),
        sa.Column("from_grade", sa.Text(), nullable=True),
        sa.Column("to_grade", sa.Text(), nullable=True),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("definition_version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("change_no", name=op.f("pk_grade_change")),
    )


def downgrade() -> None:
    for table in ("grade_change", "grade_run", "held_grade"):
        op.drop_table(table)
