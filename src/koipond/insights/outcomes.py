"""Outcomes (结果): who was assigned, and what each bought in his window before and after. Ibis expressions.

Population: every candidate of a strategy that reached the hold-out check for the first time in the period,
in the arm drawn then, touched or not (intention to treat); only those whose outcome window has elapsed.
Staff and customers merged across arms leave; the latter are counted. Source: design §8, science D6.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ibis

from koipond.facts.orders import counted, is_paid, linked_refunds, net_of_refunds, unlinked_refunds
from koipond.facts.ports import IbisTable, Reader
from koipond.facts.tables import FactTables, left_out_people, read_facts, without_unreal
from koipond.insights.margins import ORDER, has_margins, order_margins

DAY_S = 86_400
BEFORE_DAYS_MIN = 90
WAITING = ("planned", "queued", "leased", "sending")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeWindow:
    """``days`` of outcome after the draw; as-of day and period in whole days since 1970, both included.

    ``facts_day``: the day of the newest order, None = every fact up to the as-of day is known. A window that
    reaches beyond it is not over, whatever the calendar says (case U09).
    """

    days: int
    as_of_day: int
    since_day: int | None = None
    until_day: int | None = None
    facts_day: int | None = None

    @property
    def before_days(self) -> int:
        """How many days before the draw the covariate looks back."""
        return max(BEFORE_DAYS_MIN, self.days)

    @property
    def known_day(self) -> int:
        """The last day of which outcomes are known."""
        return self.as_of_day if self.facts_day is None else min(self.as_of_day, self.facts_day)


def first_draws(reader: Reader, strategy: str, window: OutcomeWindow) -> IbisTable:
    """Return customer_no (survivor), arm, arms, play, variant, drawn_s, drawn_day, strategy_version of each
    customer's first draw by the as-of day."""
    rows = reader.table("assignments")
    rows = rows.filter((rows.scope == strategy) & (rows.drawn_day <= window.as_of_day))
    drawn = read_facts(reader).canonical(rows)
    if window.since_day is not None:
        drawn = drawn.filter(lambda t: t.drawn_day >= window.since_day)
    if window.until_day is not None:
        drawn = drawn.filter(lambda t: t.drawn_day <= window.until_day)
    first = ibis.row_number().over(
        group_by="customer_no", order_by=[drawn.drawn_s, drawn.arm, drawn.play, drawn.variant]
    )
    arms = drawn.arm.nunique().over(group_by="customer_no")
    ranked = drawn.mutate(place=first, arms=arms)
    return ranked.filter(lambda t: t.place == 0).select(
        "customer_no", "arm", "arms", "play", "variant", "drawn_s", "drawn_day", "strategy_version"
    )


def population(reader: Reader, strategy: str, window: OutcomeWindow) -> IbisTable:
    """Return those of `first_draws` that count: one arm, window elapsed at the as-of day, neither staff nor
    confirmed as unreal."""
    draws = first_draws(reader, strategy, window)
    return _real(reader, draws.filter(lambda t: (t.arms == 1) & over(t, window)))


def running(reader: Reader, strategy: str, window: OutcomeWindow) -> IbisTable:
    """Return those of `first_draws` that will count once their window is over."""
    draws = first_draws(reader, strategy, window)
    return _real(reader, draws.filter(lambda t: (t.arms == 1) & ~over(t, window)))


def over(draws: IbisTable, window: OutcomeWindow) -> Any:
    """Say whose outcome window has elapsed."""
    return draws.drawn_day + window.days <= window.known_day


def unreal(reader: Reader, draws: IbisTable) -> IbisTable:
    """Return those of ``draws`` whom an operator confirmed as unreal."""
    people = left_out_people(read_facts(reader))
    return draws.limit(0) if people is None else draws.semi_join(people, "customer_no")


def _real(reader: Reader, draws: IbisTable) -> IbisTable:
    staff = reader.table("customers").filter(lambda t: t.staff.fill_null(False)).select("customer_no")
    return without_unreal(read_facts(reader), draws).anti_join(staff, "customer_no")


def outcomes(reader: Reader, people: IbisTable, strategy: str, window: OutcomeWindow) -> IbisTable:
    """Return one row for each of ``people`` with integer outcomes and covariates, 0 when nothing happened.

    ``converted`` 0/1 (a paid order in the window), ``order_count``, ``revenue_fen`` (net of refunds as
    profiles count it: those of a known order lower that order, others count on their own day), ``touched``
    0/1 (within the window), and ``before_*`` of the ``before_days`` up to the draw. Where products carry
    margins also ``product_margin_fen`` of the revenue that they brought, and that revenue, ``covered_fen``.
    """
    facts = read_facts(reader)
    orders = net_orders(facts, window.as_of_day).semi_join(people, "customer_no")
    margins = {}
    if facts.orders is not None and has_margins(reader):
        earned = order_margins(reader, facts, orders, window.as_of_day)
        orders = orders.left_join(earned, "order_no").drop("order_no_right")
        margins = {"product_margin_fen": "margin_fen", "covered_fen": "covered_fen"}
    moves = orders.mutate(counted=ibis.literal(1, "int8"))
    if facts.refunds is not None:
        moves = moves.union(_loose_refunds(facts, window.as_of_day, moves))
    bought = people.select("customer_no", "drawn_s").inner_join(moves, "customer_no")
    after = (bought.at_s >= bought.drawn_s) & (bought.at_s < bought.drawn_s + window.days * DAY_S)
    before = (bought.at_s < bought.drawn_s) & (bought.at_s >= bought.drawn_s - window.before_days * DAY_S)
    sums = bought.group_by("customer_no").aggregate(
        order_count=after.ifelse(bought.counted, 0).sum(),
        revenue_fen=after.ifelse(bought.net_fen, 0).sum(),
        before_order_count=before.ifelse(bought.counted, 0).sum(),
        before_revenue_fen=before.ifelse(bought.net_fen, 0).sum(),
        **{name: after.ifelse(bought[column], 0).sum() for name, column in margins.items()},
    )
    touched = touched_since(reader, people, strategy, window.days)
    rows = people.left_join(sums, "customer_no").drop("customer_no_right")
    rows = rows.left_join(touched, "customer_no").drop("customer_no_right")
    names = ["order_count", "revenue_fen", "before_order_count", "before_revenue_fen", "touched", *margins]
    rows = rows.mutate(**{name: rows[name].fill_null(0).cast("int64") for name in names})
    return rows.mutate(converted=(rows.order_count > 0).cast("int64"))


def net_orders(facts: FactTables, as_of_day: int, also: Sequence[str] = ()) -> IbisTable:
    """Return paid orders as of a day: `ORDER` (survivor's number), at_s, net_fen > 0 after linked refunds,
    ``also``."""
    if facts.orders is None:
        nothing = ibis.literal(0, "int64")
        return facts.customers.select("customer_no", at_s=nothing, net_fen=nothing).limit(0)
    orders = facts.canonical(facts.orders.filter(is_paid(facts.orders), facts.orders.day <= as_of_day))
    if facts.refunds is not None:
        orders = net_of_refunds(orders, linked_refunds(facts, as_of_day))
    return counted(orders.select(*ORDER, "at_s", "net_fen", *also))


def _loose_refunds(facts: FactTables, as_of_day: int, moves: IbisTable) -> IbisTable:
    """Return refunds that name no known order, shaped as ``moves``: money below 0, no order counted."""
    linked = None if facts.orders is None else linked_refunds(facts, as_of_day)
    rows = unlinked_refunds(facts, as_of_day, linked, "at_s")
    rows = rows.mutate(net_fen=-rows.amount_fen, counted=ibis.literal(0, "int8"))
    kinds = moves.schema()
    return rows.select(
        **{n: rows[n].cast(kinds[n]) if n in rows.columns else ibis.null(kinds[n]) for n in moves.columns}
    )


def sent_since(reader: Reader, people: IbisTable, strategy: str, days: int | None = None) -> IbisTable:
    """Return the touches of the strategy that were sent to ``people`` since their draw (``drawn_s``), and
    within ``days`` of it.

    A touch that still waits has reached nobody; one whose call was never answered may have.
    """
    touches = read_facts(reader).canonical(reader.table("touches").filter(lambda t: t.strategy == strategy))
    made = people.select("customer_no", "drawn_s").inner_join(touches, "customer_no")
    sent = made.filter(lambda t: (t.at_s >= t.drawn_s) & ~ibis.coalesce(t.state.isin(WAITING), False))
    return sent if days is None else sent.filter(lambda t: t.at_s < t.drawn_s + days * DAY_S)


def touched_since(reader: Reader, people: IbisTable, strategy: str, days: int | None = None) -> IbisTable:
    """Return customer_no, touched (1) of those of ``people`` whom `sent_since` reached."""
    return sent_since(reader, people, strategy, days).select("customer_no", touched=1).distinct()
