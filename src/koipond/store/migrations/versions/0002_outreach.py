"""Outreach: touches, outbox, arms, budgets, codes, plans."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _budget()
    _offer_code()
    _plan()
    _rate_bucket()
    _assignment()
    _held_out()
    _past_touch()
    _touch()
    _outbox()
    _touch_event()


def downgrade() -> None:
    for table in (
        "touch_event",
        "outbox",
        "touch",
        "past_touch",
        "held_out",
        "assignment",
        "rate_bucket",
        "plan",
        "offer_code",
        "budget",
    ):
        op.drop_table(table)


def _budget() -> None:
    op.create_table(
        "budget",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("taken_fen", sa.BigInteger(), nullable=False),
        sa.Column("limit_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("taken_fen >= 0", name=op.f("ck_budget_taken_not_negative")),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_budget")),
    )


def _offer_code() -> None:
    op.create_table(
        "offer_code",
        sa.Column(
            "code_no",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("list_key", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("expires_s", sa.BigInteger(), nullable=True),
        sa.Column("customer_no", sa.BigInteger(), nullable=True),
        sa.Column("touch_no", sa.BigInteger(), nullable=True),
        sa.Column("issued_s", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(customer_no IS NULL) = (touch_no IS NULL)", name=op.f("ck_offer_code_issued_with_a_touch")
        ),
        sa.PrimaryKeyConstraint("code_no", name=op.f("pk_offer_code")),
        sa.UniqueConstraint("list_key", "code", name=op.f("uq_offer_code_list_key_code")),
    )
    with op.batch_alter_table("offer_code", schema=None) as batch_op:
        batch_op.create_index(
            "ix_offer_code_stock",
            ["list_key", "code_no"],
            unique=False,
            sqlite_where=sa.text("customer_no IS NULL"),
            postgresql_where=sa.text("customer_no IS NULL"),
        )
        batch_op.create_index(
            "ix_offer_code_touch_no",
            ["touch_no"],
            unique=False,
            sqlite_where=sa.text("customer_no IS NOT NULL"),
            postgresql_where=sa.text("customer_no IS NOT NULL"),
        )
        batch_op.create_index(
            "uq_offer_code_holder",
            ["customer_no", "list_key"],
            unique=True,
            sqlite_where=sa.text("customer_no IS NOT NULL"),
            postgresql_where=sa.text("customer_no IS NOT NULL"),
        )


def _plan() -> None:
    op.create_table(
        "plan",
        sa.Column(
            "plan_no",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("as_of_day", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("strategies", sa.Text(), nullable=False),
        sa.Column("definition_version", sa.BigInteger(), nullable=False),
        sa.Column("warehouse_version", sa.BigInteger(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("made_s", sa.BigInteger(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_s", sa.BigInteger(), nullable=True),
        sa.Column("ended_s", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("plan_no", name=op.f("pk_plan")),
    )


def _rate_bucket() -> None:
    op.create_table(
        "rate_bucket",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("level_micro", sa.BigInteger(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "account", name=op.f("pk_rate_bucket")),
    )


def _assignment() -> None:
    op.create_table(
        "assignment",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_no", sa.BigInteger(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("arm", sa.Text(), nullable=False),
        sa.Column("play", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("drawn_s", sa.BigInteger(), nullable=False),
        sa.Column("strategy_version", sa.BigInteger(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_no"], ["customer.customer_no"], name=op.f("fk_assignment_customer_no")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_assignment")),
        sa.UniqueConstraint(
            "customer_no", "scope", "salt", name=op.f("uq_assignment_customer_no_scope_salt")
        ),
    )


def _held_out() -> None:
    op.create_table(
        "held_out",
        sa.Column("customer_no", sa.BigInteger(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("strategy_version", sa.BigInteger(), nullable=False),
        sa.Column("play", sa.Text(), nullable=False),
        sa.Column("occurrence", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_no"], ["customer.customer_no"], name=op.f("fk_held_out_customer_no")
        ),
        sa.PrimaryKeyConstraint(
            "customer_no", "strategy", "strategy_version", "play", "occurrence", name=op.f("pk_held_out")
        ),
        sqlite_with_rowid=False,
    )


def _past_touch() -> None:
    op.create_table(
        "past_touch",
        sa.Column("touch_key", sa.Text(), nullable=False),
        sa.Column("customer_no", sa.BigInteger(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.Column("import_no", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_no"], ["customer.customer_no"], name=op.f("fk_past_touch_customer_no")
        ),
        sa.PrimaryKeyConstraint("touch_key", name=op.f("pk_past_touch")),
    )
    with op.batch_alter_table("past_touch", schema=None) as batch_op:
        batch_op.create_index("ix_past_touch_customer_no", ["customer_no"], unique=False)


def _touch() -> None:
    op.create_table(
        "touch",
        sa.Column(
            "touch_no",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("touch_key", sa.Text(), nullable=False),
        sa.Column("customer_no", sa.BigInteger(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("strategy_version", sa.BigInteger(), nullable=False),
        sa.Column("play", sa.Text(), nullable=False),
        sa.Column("occurrence", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("global_round", sa.Text(), nullable=False),
        sa.Column("cost_fen", sa.BigInteger(), nullable=False),
        sa.Column("offer_cost_fen", sa.BigInteger(), nullable=False),
        sa.Column("shares", sa.Text(), nullable=False),
        sa.Column("caps", sa.Text(), nullable=False),
        sa.Column("code_no", sa.BigInteger(), nullable=True),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("template_version", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("variables", sa.Text(), nullable=False),
        sa.Column("consent_required", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("admitted_s", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["customer_no"], ["customer.customer_no"], name=op.f("fk_touch_customer_no")),
        sa.PrimaryKeyConstraint("touch_no", name=op.f("pk_touch")),
        sa.UniqueConstraint(
            "customer_no",
            "strategy",
            "strategy_version",
            "play",
            "occurrence",
            name=op.f("uq_touch_customer_no_strategy_strategy_version_play_occurrence"),
        ),
        sa.UniqueConstraint("touch_key", name=op.f("uq_touch_touch_key")),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column(
            "touch_no",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_s", sa.BigInteger(), nullable=False),
        sa.Column("expires_s", sa.BigInteger(), nullable=False),
        sa.Column("sent_s", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("lease_until_s", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["touch_no"], ["touch.touch_no"], name=op.f("fk_outbox_touch_no")),
        sa.PrimaryKeyConstraint("touch_no", name=op.f("pk_outbox")),
        postgresql_with={"fillfactor": "70"},
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_lease_until_s",
            ["lease_until_s"],
            unique=False,
            sqlite_where=sa.text("state IN ('leased', 'sending')"),
            postgresql_where=sa.text("state IN ('leased', 'sending')"),
        )
        batch_op.create_index(
            "ix_outbox_queued",
            ["channel", "due_s", "touch_no"],
            unique=False,
            sqlite_where=sa.text("state = 'queued'"),
            postgresql_where=sa.text("state = 'queued'"),
        )


def _touch_event() -> None:
    op.create_table(
        "touch_event",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("touch_no", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["touch_no"], ["touch.touch_no"], name=op.f("fk_touch_event_touch_no")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_touch_event")),
        sa.UniqueConstraint("touch_no", "kind", "at_s", name=op.f("uq_touch_event_touch_no_kind_at_s")),
    )
