"""Tables written in every admission and every send carry no foreign keys."""

from alembic import op

revision = "0004"
down_revision = "0003"

KEYS = (
    ("outbox", "touch_no", "touch"),
    ("touch_event", "touch_no", "touch"),
    ("assignment", "customer_no", "customer"),
    ("held_out", "customer_no", "customer"),
)


def upgrade() -> None:
    for table, column, _ in KEYS:
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(f"fk_{table}_{column}", type_="foreignkey")


def downgrade() -> None:
    for table, column, other in KEYS:
        with op.batch_alter_table(table) as batch:
            batch.create_foreign_key(f"fk_{table}_{column}", other, [column], [column])
