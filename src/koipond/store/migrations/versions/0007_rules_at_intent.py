"""Which apply an intent obeyed, whose consent was assumed, who is unreal, when a touch was asked for."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("touch", sa.Column("consent_assumed", sa.Text(), nullable=False, server_default=""))
    _assume_as_applied()
    unreal = sa.text("verdict = 'confirmed'")
    op.create_index(
        "ix_people_verdict_customer_no",
        "people_verdict",
        ["customer_no"],
        sqlite_where=unreal,
        postgresql_where=unreal,
    )
    op.create_index("ix_touch_admitted_s", "touch", ["admitted_s"])
    op.add_column("outbox", sa.Column("asked_s", sa.BigInteger(), nullable=True))
    op.add_column("outbox", sa.Column("apply_no", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("outbox", "apply_no")
    op.drop_column("outbox", "asked_s")
    op.drop_index("ix_touch_admitted_s", "touch")
    op.drop_index("ix_people_verdict_customer_no", "people_verdict")
    op.drop_column("touch", "consent_assumed")


def _assume_as_applied() -> None:
    """Note of touches that wait on which segment their consent rests: the one that was applied last, also
    where it is applied no more."""
    connection = op.get_bind()
    bodies = "SELECT body FROM definition WHERE kind = 'workspace' ORDER BY apply_no"
    assumed = {}
    for (body,) in connection.exec_driver_sql(bodies).all():
        policy = json.loads(body).get("defaults", {}).get("contact_policy", {})
        assumed.update(policy.get("assumed_consent", {}))
    waiting = sa.text(
        "UPDATE touch SET consent_assumed = :segment WHERE channel = :channel AND NOT consent_required"
        " AND touch_no IN (SELECT touch_no FROM outbox WHERE state IN ('queued', 'leased'))"
    )
    for channel, one in assumed.items():
        connection.execute(waiting, {"channel": channel, "segment": one["segment"]})
