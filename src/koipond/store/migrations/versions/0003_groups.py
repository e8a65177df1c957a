"""Groups: lists of customers, manual tags and the acts on them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "customer_list",
        sa.Column("list_key", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("list_key", name=op.f("pk_customer_list")),
    )
    op.create_table(
        "customer_list_member",
        sa.Column("list_key", sa.Text(), nullable=False),
        sa.Column("customer_no", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_key"], ["customer_list.list_key"], name=op.f("fk_customer_list_member_list_key")
        ),
        sa.PrimaryKeyConstraint("list_key", "customer_no", name=op.f("pk_customer_list_member")),
    )
    op.create_table(
        "manual_tag",
        sa.Column("customer_no", sa.BigInteger(), nullable=False),
        sa.Column("tag_group", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("from_day", sa.BigInteger(), nullable=False),
        sa.Column("until_day", sa.BigInteger(), nullable=True),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_no", "tag_group", "value", name=op.f("pk_manual_tag")),
    )
    op.create_table(
        "tag_act",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_no", sa.BigInteger(), nullable=False),
        sa.Column("tag_group", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until_day", sa.BigInteger(), nullable=True),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_tag_act")),
    )
    with op.batch_alter_table("tag_act") as batch_op:
        batch_op.create_index("ix_tag_act_customer_no", ["customer_no"], unique=False)


def downgrade() -> None:
    for table in ("tag_act", "manual_tag", "customer_list_member", "customer_list"):
        op.drop_table(table)
