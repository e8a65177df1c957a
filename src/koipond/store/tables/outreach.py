"""Outreach (触达): touches, their way through the outbox, arms, budgets, codes, plans.

A touch never changes; how far it got stands in ``outbox`` (narrow, because it is rewritten three times) and
in ``touch_event``. Personal data: ``touch.variables`` may hold a name, and is emptied when a customer is
erased; no address is kept here.

Only ``touch`` refers to ``customer`` by a foreign key. The other tables are written in the transaction that
holds what they name; checking them once more took a fifth of the gate's time on PostgreSQL (bench/gate.py).
"""

import sqlalchemy as sa

from koipond.store.tables.base import KEY, METADATA, flag, instant, number, serial, text

touch = sa.Table(
    "touch",
    METADATA,
    sa.Column("touch_no", KEY, primary_key=True, autoincrement=False),
    text("touch_key", unique=True),
    sa.Column("customer_no", sa.BigInteger, sa.ForeignKey("customer.customer_no"), nullable=False),
    text("strategy"),
    number("strategy_version"),
    text("play"),
    text("occurrence"),
    text("variant"),
    text("channel"),
    text("purpose"),
    text("content"),
    text("plan"),
    text("salt"),
    text("global_round"),  # which draw of the global hold-out it passed; empty when none applied
    number("cost_fen"),
    number("offer_cost_fen"),
    text("shares"),  # JSON: budget scope → what this touch took of it
    text("caps"),  # JSON: the caps it was admitted under
    number("code_no", null=True),
    text("template"),
    number("template_version"),
    text("language"),
    text("variables"),  # JSON: template variables, frozen at the plan
    flag("consent_required"),
    instant("admitted_s"),
    text("consent_assumed", server_default=""),  # segment by which consent was assumed; empty = it was not
    number("approved_no", null=True),  # the apply its plan was made and approved under
    sa.UniqueConstraint("customer_no", "strategy", "play", "occurrence"),  # whatever its version
)

sa.Index("ix_touch_admitted_s", touch.c.admitted_s)
sa.Index("ix_touch_plan", touch.c.plan, touch.c.touch_no)

outbox = sa.Table(
    "outbox",
    METADATA,
    sa.Column("touch_no", KEY, primary_key=True, autoincrement=False),
    text("channel"),
    text("state"),  # koipond.outreach.model.TouchState
    instant("due_s"),
    instant("expires_s"),
    instant("sent_s", null=True),  # when the intent to send was committed
    number("attempts"),
    text("lease", null=True),  # the sender's (table lease) that has claimed it
    text("detail"),
    text("shares", null=True),  # what it holds of budgets and quotas since it moved to another day
    number("heard_seq", null=True),  # newest statement of consent heard when the intent was committed
    instant("asked_s", null=True),  # when the plan wanted it to go; null once it was brought back to that
    number("apply_no", null=True),  # the apply whose settings and strategies that intent obeyed
    postgresql_with={"fillfactor": "70"},
)
# written out in the statement: a database cannot tell that a parameter fits a partial index
QUEUED = outbox.c.state == sa.literal_column("'queued'")
UNDER_WAY = outbox.c.state.in_([sa.literal_column("'leased'"), sa.literal_column("'sending'")])
sa.Index(
    "ix_outbox_queued",
    outbox.c.channel,
    outbox.c.due_s,
    outbox.c.touch_no,
    sqlite_where=QUEUED,
    postgresql_where=QUEUED,
)
sa.Index(
    "ix_outbox_lease",
    outbox.c.lease,
    sqlite_where=UNDER_WAY,
    postgresql_where=UNDER_WAY,
)

touch_event = sa.Table(
    "touch_event",
    METADATA,
    serial("seq"),
    number("touch_no"),
    text("kind"),  # a state, or unsubscribed | unfriended | bounced
    instant("at_s"),
    text("detail"),
    sa.UniqueConstraint("touch_no", "kind", "at_s"),
)

past_touch = sa.Table(
    "past_touch",
    METADATA,
    sa.Column("touch_key", sa.Text, primary_key=True),
    sa.Column("customer_no", sa.BigInteger, sa.ForeignKey("customer.customer_no"), nullable=False),
    text("strategy"),
    text("channel"),
    text("purpose"),
    text("content"),
    instant("at_s"),
    number("import_no"),
)
sa.Index("ix_past_touch_customer_no", past_touch.c.customer_no)

assignment = sa.Table(
    "assignment",
    METADATA,
    serial("seq"),
    number("customer_no"),
    text("scope"),  # global, or a strategy's key
    text("salt"),
    text("arm"),  # touch | holdout
    text("play"),
    text("variant"),
    instant("drawn_s"),
    number("strategy_version"),
    text("plan"),
    sa.UniqueConstraint("customer_no", "scope", "salt"),
)

held_out = sa.Table(
    "held_out",
    METADATA,
    sa.Column("customer_no", sa.BigInteger, primary_key=True),
    sa.Column("strategy", sa.Text, primary_key=True),
    number("strategy_version"),
    sa.Column("play", sa.Text, primary_key=True),
    sa.Column("occurrence", sa.Text, primary_key=True),
    text("scope"),
    instant("at_s"),
    text("plan"),
    sqlite_with_rowid=False,
)

budget = sa.Table(
    "budget",
    METADATA,
    sa.Column("scope", sa.Text, primary_key=True),
    number("taken_fen"),
    number("limit_fen"),  # in force when the last touch was admitted
    sa.CheckConstraint("taken_fen >= 0", name="taken_not_negative"),
)

rate_bucket = sa.Table(
    "rate_bucket",
    METADATA,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, primary_key=True),
    number("level_micro"),  # millionths of a touch
    number("at_us"),  # microseconds since 1970
)

offer_code = sa.Table(
    "offer_code",
    METADATA,
    serial("code_no"),
    text("list_key"),
    text("code"),
    instant("expires_s", null=True),
    number("customer_no", null=True),
    number("touch_no", null=True),  # the touch it was issued with
    instant("issued_s", null=True),
    text("code_key", server_default=""),  # the code as people read it: equal keys cannot be told apart
    sa.UniqueConstraint("list_key", "code"),
    sa.CheckConstraint("(customer_no IS NULL) = (touch_no IS NULL)", name="issued_with_a_touch"),
)
_ISSUED = offer_code.c.customer_no.is_not(None)
sa.Index(
    "uq_offer_code_holder",
    offer_code.c.customer_no,
    offer_code.c.list_key,
    unique=True,
    sqlite_where=_ISSUED,
    postgresql_where=_ISSUED,
)
sa.Index(
    "ix_offer_code_stock",
    offer_code.c.list_key,
    offer_code.c.code_no,
    sqlite_where=offer_code.c.customer_no.is_(None),
    postgresql_where=offer_code.c.customer_no.is_(None),
)
sa.Index("ix_offer_code_code_key", offer_code.c.code_key)
sa.Index("ix_offer_code_touch_no", offer_code.c.touch_no, sqlite_where=_ISSUED, postgresql_where=_ISSUED)

plan = sa.Table(
    "plan",
    METADATA,
    serial("plan_no"),
    number("as_of_day"),
    text("status"),  # making | draft | approved | sent | withdrawn | unfinished
    text("strategies"),  # JSON: key → version
    number("definition_version"),
    number("warehouse_version"),
    text("summary"),  # JSON: what the plan command answered
    instant("made_s"),
    text("approved_by", null=True),
    instant("approved_s", null=True),
    instant("ended_s", null=True),
    text("digest", null=True),  # of what was approved: definitions, settings, numbers
)

pause = sa.Table(
    "pause",
    METADATA,
    sa.Column("scope", sa.Text, primary_key=True),  # all | channel:KEY | strategy:KEY
    text("author"),
    text("reason"),
    instant("since_s"),
)
