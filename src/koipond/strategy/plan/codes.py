"""The checks that look at one candidate alone, in the order of `Reason`, as one expression for each play.

On several channels a candidate fails only when no channel is left: its reason is the one of the channel that
came furthest, and the touch takes the first channel that passes every check.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis

from koipond.experiments.assignment import HOLDOUT
from koipond.ingest.ports import IbisTable
from koipond.outreach.model import FrequencyCap, Reason
from koipond.outreach.ports import ChannelSheet
from koipond.strategy.plan.arms import Expr, bucket_of, in_arm
from koipond.strategy.plan.known import Known
from koipond.strategy.plan.model import DETAILS, MAX_PLAYS, ORDER
from koipond.strategy.plan.person import MONEY, ORDERS, column_of
from koipond.strategy.plan.scope import variant_number
from koipond.strategy.plan.stock import flagged, offer_cost
from koipond.strategy.plan.task import PlayTask, default_caps

GLOBAL_DETAIL, STRATEGY_DETAIL = 1, 2
NO_DETAIL = 0
SAME_INBOX = DETAILS - 1
"""Detail of who lost to another customer at the same address; others name the strategy that comes first."""


def code(reason: Reason, detail: int = NO_DETAIL) -> int:
    """Return the code of ``reason`` with ``detail``."""
    return ORDER[reason] * DETAILS + detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Columns of one play: the outcome so far, arm and channel, and what would fail it after competing.

    ``late`` (code or 0) is known from the candidate alone, but its reason comes after those of competition:
    such a candidate neither takes a customer from another play nor uses up a budget.
    """

    code: Expr
    arm: Expr
    channel: Expr
    late: Expr


def outcome(known: Known, play: PlayTask, wide: IbisTable) -> Outcome:
    """Return the outcome of every check before candidates compete."""
    if (still := _standing_still(known, play)) is not None:
        zero = ibis.literal(0, type="int16")
        none = ibis.literal(0, type="int32")
        return Outcome(code=ibis.literal(still, type="int32"), arm=zero, channel=zero, late=none)
    arm = _arm(known, play, wide)
    fails = [_channel_code(known, play, channel, wide) for channel in play.channels]
    latest = fails[0] if len(fails) == 1 else _furthest(fails)
    checks = [
        (wide.staff, code(Reason.STAFF)),
        (_is(latest, Reason.SUPPRESSED), latest),
        *([(wide.minor, code(Reason.MINOR))] if play.play.purpose == "marketing" else []),
        (latest.between(code(Reason.NO_ADDRESS), code(Reason.HOLDOUT) - 1), latest),
        *_holdout(known, play, wide),
        *_history(known, play, wide, arm),
        *_template(play, wide, arm),
    ]
    channel = _first_open(fails)
    return Outcome(
        code=ibis.cases(*checks, else_=latest).cast("int32"),
        arm=arm.cast("int16"),
        channel=channel.cast("int16"),
        late=_late(known, play, wide, arm, cost_of(known, play, arm, channel, wide)).cast("int32"),
    )


def _standing_still(known: Known, play: PlayTask) -> int | None:
    """Return the code of all candidates when the play touches nobody today."""
    if not play.runs:
        return code(Reason.NOT_RUNNING)
    for arm in play.arms:
        audience = known.audiences.get(arm.arm.audience)
        if audience is not None and audience.stale:
            return code(Reason.STALE_SEGMENT)
    return None


def _arm(known: Known, play: PlayTask, wide: IbisTable) -> Expr:
    """Return the number of the customer's arm: the variants drawn for each slot under test, combined."""
    number: Expr = ibis.literal(0)
    for slot, names in play.play.tested():
        number = number * len(names) + variant_number(known, play, slot, wide.customer_uid)
    return number


def _channel_code(known: Known, play: PlayTask, channel: ChannelSheet, wide: IbisTable) -> Expr:
    """Return 0 when ``channel`` is open for the customer, else the code of its first failure."""
    place = list(known.channels).index(channel.channel)
    purpose = play.play.purpose
    checks = []
    if f"suppressed_{channel.channel}" in wide.columns:
        checks.append((wide[f"suppressed_{channel.channel}"], code(Reason.SUPPRESSED, place)))
    if channel.address_kind:
        checks.append((~wide[f"reachable_{channel.channel}"], code(Reason.NO_ADDRESS, place)))
    if (allowed := f"consent_{channel.channel}_{purpose}") in wide.columns:
        checks.append((~wide[allowed], code(Reason.NO_CONSENT, place)))
    checks += _caps(known, play, channel, wide)
    return ibis.cases(*checks, else_=0) if checks else ibis.literal(0)


def _caps(known: Known, play: PlayTask, channel: ChannelSheet, wide: IbisTable) -> list[tuple[Expr, int]]:
    purpose = play.play.purpose
    own = [cap for cap in play.strategy.caps if cap.purpose == purpose]
    checks: list[tuple[Expr, int]] = []
    for group, caps in caps_by_group(known, purpose):
        member = None if "cap_group" not in wide.columns else wide.cap_group == group
        for cap in (*caps, *own):
            task = next(task for task in known.caps if task.cap == cap)
            column = f"n_{task.counter}"
            if cap.channel not in (None, channel.channel) or column not in wide.columns:
                continue
            reached = wide[column] >= cap.touches_max
            test = reached if member is None else member & reached
            checks.append((test, code(Reason.FREQUENCY_CAP, task.number)))
        if member is None:
            break
    return checks


def caps_by_group(known: Known, purpose: str) -> list[tuple[int, Sequence[FrequencyCap]]]:
    """Return (cap group, caps that hold for it); exempt people have no group here."""
    policy = known.request.policy
    groups: list[tuple[int, Sequence[FrequencyCap]]] = [(0, default_caps(known.request, purpose))]
    for number, key in enumerate(known.groups):
        caps = [cap for cap in policy.capped_groups[key] if cap.purpose == purpose]
        groups.append((number + 1, caps))
    return groups


def _furthest(fails: list[Expr]) -> Expr:
    """Return 0 when some channel is open, else the code of the channel that fails last."""
    latest = ibis.greatest(*fails)
    return ibis.cases(*((fail == 0, 0) for fail in fails), else_=latest)


def _first_open(fails: list[Expr]) -> Expr:
    """Return the place of the first open channel, else of the one that fails last."""
    latest = ibis.greatest(*fails) if len(fails) > 1 else fails[0]
    cases = [(fail == 0, place) for place, fail in enumerate(fails)]
    cases += [(fail == latest, place) for place, fail in enumerate(fails)]
    return ibis.cases(*cases, else_=0) if len(fails) > 1 else ibis.literal(0)


def _holdout(known: Known, play: PlayTask, wide: IbisTable) -> list[tuple[Expr, int]]:
    """Return the two hold-outs; transactional messages know none (science D6)."""
    if play.play.purpose != "marketing":
        return []
    request, place = known.request, known.strategy_number(play)
    out = in_arm(known.global_arms, HOLDOUT, wide.customer_uid, duckdb=known.duckdb)
    width = round(play.strategy.holdout_rate * 10_000)
    drawn = bucket_of(request.salt, play.strategy.key, wide.customer_uid, duckdb=known.duckdb) < width
    checks = []
    for name, detail in (("global", GLOBAL_DETAIL), ("strategy", STRATEGY_DETAIL)):
        if (held := f"held_by_{name}_{play.number}") in wide.columns:
            checks.append((wide[held], code(Reason.HOLDOUT, detail)))
    checks.append((out, code(Reason.HOLDOUT, GLOBAL_DETAIL)))
    if f"drawn_holdout_{place}" in wide.columns:
        checks.append((wide[f"drawn_holdout_{place}"], code(Reason.HOLDOUT, STRATEGY_DETAIL)))
        drawn = ~wide[f"drawn_touch_{place}"] & drawn
    if width:
        checks.append((drawn, code(Reason.HOLDOUT, STRATEGY_DETAIL)))
    return checks


def _history(known: Known, play: PlayTask, wide: IbisTable, arm: Expr) -> list[tuple[Expr, int]]:
    checks = []
    if (had := f"had_{play.number}") in wide.columns:
        checks.append((wide[had], code(Reason.RE_ENTRY)))
    again = f"again_{known.strategy_number(play)}"
    if again in wide.columns:
        checks.append((wide[again], code(Reason.RE_ENTRY)))
    for number, task in enumerate(play.arms):
        column = f"duplicate_{known.contents.index(task.content)}"
        if column in wide.columns:
            same = wide[column] if len(play.arms) == 1 else (arm == number) & wide[column]
            checks.append((same, code(Reason.DUPLICATE_CONTENT)))
    return checks


def _template(play: PlayTask, wide: IbisTable, arm: Expr) -> list[tuple[Expr, int]]:
    """Return a failure for each required variable that the customer has no value for."""
    checks = []
    for number, task in enumerate(play.arms):
        for place, path in enumerate(task.required):
            column = column_of(path)
            absent = wide[column].isnull() if column in wide.columns else ibis.literal(True)
            here = absent if len(play.arms) == 1 else (arm == number) & absent
            checks.append((here, code(Reason.TEMPLATE_ERROR, template_detail(number, place))))
    return checks


def cost_of(known: Known, play: PlayTask, arm: Expr, channel: Expr, table: IbisTable) -> Expr:
    """Return what a touch costs: the channel's price and the offer's cost."""
    offers = offer_cost(known, play, arm, table)
    prices = ibis.cases(*((channel == n, terms.cost_fen) for n, terms in enumerate(play.channels)), else_=0)
    return (offers + prices).cast("int64")


def _late(known: Known, play: PlayTask, wide: IbisTable, arm: Expr, cost: Expr) -> Expr:
    """Return the code of the customer's own budget or expired offer code, or of a negative margin, else 0."""
    place = known.strategy_number(play)
    limit = play.strategy.budget.per_customer_fen
    checks = []
    if limit is not None and play.cost_max_fen:
        spent = wide[f"spent_{place}"] if f"spent_{place}" in wide.columns else ibis.literal(0)
        own = code(Reason.BUDGET, budget_detail(place, CUSTOMER))
        checks.append((spent + cost > limit, own))
    for place, lapsed in flagged(known, play, arm, wide, "lapsed"):
        checks.append((lapsed, code(Reason.BUDGET, list_detail(place))))
    margin_bp = known.request.default_margin_bp
    if margin_bp is not None and MONEY in wide.columns and play.cost_max_fen:
        checks.append((_loses_money(wide, cost, margin_bp), code(Reason.NEGATIVE_MARGIN)))
    return ibis.cases(*checks, else_=0) if checks else ibis.literal(0)


def _loses_money(wide: IbisTable, cost: Expr, margin_bp: int) -> Expr:
    """Return whether an order of the customer's usual size would not pay for message and offer.

    Known only with orders in the last 365 days: cost × orders > money × margin. It says nothing about how
    many answer; a plan with a forecast of that belongs to allocation.
    """
    earned = wide[MONEY].cast("int64") * margin_bp
    return ((wide[ORDERS] > 0) & (cost * wide[ORDERS].cast("int64") * 10_000 > earned)).fill_null(False)


TOTAL, DAY, CUSTOMER = 0, 1, 2
LISTS = 3 * MAX_PLAYS  # budgets of strategies come first


def budget_detail(strategy: int, scope: int) -> int:
    """Number the budget ``scope`` of the strategy at place ``strategy``."""
    return strategy * 3 + scope


def list_detail(number: int) -> int:
    """Number the code list ``number`` among the budgets."""
    return LISTS + number


def template_detail(arm: int, variable: int) -> int:
    """Number a required variable of an arm's template."""
    return arm * 20 + variable + 1


def _is(latest: Expr, reason: Reason) -> Expr:
    return latest.between(code(reason), code(reason, DETAILS - 1))
