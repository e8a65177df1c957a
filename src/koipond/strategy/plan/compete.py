"""The checks that look at all candidates together: priority across plays, platform quotas, shared budgets.

Ranking is one total order (play's rank, then the customer's value, then the customer's number), so a limit
cuts it at one point: that point is found with one query and then compared row by row, without a join.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import ibis

from koipond.ingest.ports import IbisTable, Reader
from koipond.kernel import epoch_day
from koipond.outreach.model import Reason
from koipond.strategy.plan.arms import Expr
from koipond.strategy.plan.codes import DAY, TOTAL, budget_detail, code, cost_of, list_detail
from koipond.strategy.plan.known import Known
from koipond.strategy.plan.model import ORDER
from koipond.strategy.plan.person import VALUE
from koipond.strategy.plan.stock import holds, list_number, takes
from koipond.strategy.plan.task import PlayTask, send_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """How many candidates of a play share code, arm, channel and zone."""

    play: int
    code: int
    arm: int
    channel: int
    zone: int
    candidates: int
    held: bool = False  # they have a code of the arm's list already: the offer costs nothing more


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Where a limit ends: who ranks at or behind (rank, value, customer) among ``plays`` loses with ``code``.

    ``channel``: only those on that channel, None = all; ``code_list``: only those who would take a new code
    of the list of that number, None = all.
    """

    plays: tuple[int, ...]
    channel: str | None
    code: int
    rank: int
    value: int
    customer_no: int
    code_list: int | None = None


def compete(known: Known, table: IbisTable) -> dict[str, Expr]:
    """Return ``code_<play>`` after priority, late failures included.

    Plays of one purpose compete: a customer gets at most one marketing touch of a plan.
    """
    nobody = len(known.plays)
    best: dict[str, Expr] = {}
    for purpose in sorted({play.play.purpose for play in known.plays}):
        ranks = [
            ibis.ifelse(_open(table, play), play.rank, nobody)
            for play in known.plays
            if play.play.purpose == purpose
        ]
        best[purpose] = ibis.least(*ranks) if len(ranks) > 1 else ibis.literal(nobody)
    return {
        f"code_{play.number}": _after(known, table, play, best[play.play.purpose]) for play in known.plays
    }


def _open(table: IbisTable, play: PlayTask) -> Expr:
    n = play.number
    return table[f"member_{n}"] & (table[f"code_{n}"] == 0) & (table[f"late_{n}"] == 0)


def _after(known: Known, table: IbisTable, play: PlayTask, best: Expr) -> Expr:
    now, late = table[f"code_{play.number}"], table[f"late_{play.number}"]
    by_rank = sorted(known.plays, key=lambda one: one.rank)[: play.rank]
    lost = [
        (best == winner.rank, code(Reason.PRIORITY_LOST, known.strategy_number(winner)))
        for winner in by_rank
        if winner.play.purpose == play.play.purpose
    ]
    return ibis.cases((now != 0, now), *lost, else_=late).cast("int32")


def cells(known: Known, table: IbisTable) -> list[Cell]:
    """Count candidates by play, code, arm, channel and zone: all that the numbers of a plan need."""
    found = []
    for play in known.plays:
        n = play.number
        zone = table.zone_no if "zone_no" in table.columns else ibis.literal(0)
        mine = table.filter(table[f"member_{n}"]).select(
            code=table[f"code_{n}"],
            arm=table[f"arm_{n}"],
            channel=table[f"channel_{n}"],
            zone=zone,
            held=holds(known, play, table[f"arm_{n}"], table),
        )
        counted = mine.group_by("code", "arm", "channel", "zone", "held").aggregate(candidates=mine.count())
        found += [Cell(play=n, **row) for row in known.reader.frame(counted).to_pylist()]
    return sorted(
        found, key=lambda cell: (cell.play, cell.code, cell.arm, cell.channel, cell.zone, cell.held)
    )


def cuts(known: Known, table: IbisTable, counted: Sequence[Cell]) -> list[Cut]:
    """Return where quotas, code lists and shared budgets end; none when everything is within its limits.

    Who gets no code costs nothing, so codes are dealt out before money.
    """
    quotas = _quota_cuts(known, table, counted)
    within = with_cuts(known, table, quotas)
    codes = _code_cuts(known, within, counted)
    return [*quotas, *codes, *_budget_cuts(known, with_cuts(known, within, codes), counted)]


def with_cuts(known: Known, table: IbisTable, found: Sequence[Cut]) -> IbisTable:
    """Return ``table`` with the codes of those who lose by ``found``, the first of them that applies."""
    changed = {}
    for play in known.plays:
        mine = [cut for cut in found if play.number in cut.plays]
        now = table[f"code_{play.number}"]
        checks = [(_loses(known, table, play, cut), cut.code) for cut in mine]
        if checks:
            changed[f"code_{play.number}"] = ibis.cases((now != 0, now), *checks, else_=0).cast("int32")
    return table.mutate(**changed) if changed else table


def _loses(known: Known, table: IbisTable, play: PlayTask, cut: Cut) -> Expr:
    value = _value(table)
    later = (value < cut.value) | ((value == cut.value) & (table.customer_no >= cut.customer_no))
    behind = ibis.literal(True) if play.rank > cut.rank else later
    if play.rank < cut.rank:
        behind = ibis.literal(False)
    if cut.code_list is not None:
        return behind & (takes(known, play, table[f"arm_{play.number}"], table) == cut.code_list)
    if cut.channel is None:
        return behind
    keys = [channel.channel for channel in play.channels]
    return behind & (table[f"channel_{play.number}"] == keys.index(cut.channel))


def _value(table: IbisTable) -> Expr:
    return (
        table[VALUE].fill_null(0).cast("int64") if VALUE in table.columns else ibis.literal(0, type="int64")
    )


def _survivors(known: Known, table: IbisTable, plays: Sequence[PlayTask]) -> IbisTable:
    parts = []
    for play in plays:
        n = play.number
        mine = table.filter(table[f"member_{n}"] & (table[f"code_{n}"] == 0))
        names = ibis.cases(
            *((mine[f"channel_{n}"] == place, c.channel) for place, c in enumerate(play.channels)), else_=""
        )
        parts.append(
            mine.select(
                "customer_no",
                rank=ibis.literal(play.rank, type="int32"),
                value=_value(mine),
                channel=names,
                cost=cost_of(known, play, mine[f"arm_{n}"], mine[f"channel_{n}"], mine),
                code_list=takes(known, play, mine[f"arm_{n}"], mine),
            )
        )
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _quota_cuts(known: Known, table: IbisTable, counted: Sequence[Cell]) -> list[Cut]:
    found = []
    for number, terms in enumerate(known.channels.values()):
        if terms.quota_per_day is None:
            continue
        plays = [play for play in known.plays if terms in play.channels]
        wanted = sum(
            cell.candidates
            for cell in counted
            if cell.code == 0 and known.plays[cell.play].channels[cell.channel] == terms
        )
        left = max(0, terms.quota_per_day - _sent_today(known, terms.channel))
        if wanted <= left:
            continue
        rows = _survivors(known, table, plays)
        rows = rows.filter(rows.channel == terms.channel)
        ranked = rows.order_by(rows.rank, rows.value.desc(), rows.customer_no).limit(1, offset=left)
        found.append(_cut(known.reader, ranked, plays, terms.channel, code(Reason.PLATFORM_QUOTA, number)))
    return found


def _sent_today(known: Known, channel: str) -> int:
    if not known.reader.has("touches"):
        return 0
    rows = known.reader.table("touches")
    sent = rows.filter((rows.channel == channel) & (rows.day == epoch_day(send_on(known.request))))
    return int(known.reader.scalar(sent.count()))


def _code_cuts(known: Known, table: IbisTable, counted: Sequence[Cell]) -> list[Cut]:
    """Return where the codes of each list end; plays that give codes of one list share them."""
    found = []
    for number, key in enumerate(known.code_lists):
        left = known.request.codes[key].left
        users = [play for play in known.plays if any(list_number(known, arm) == number for arm in play.arms)]
        wanted = sum(
            cell.candidates
            for play in users
            for cell in counted
            if cell.play == play.number
            and cell.code == 0
            and not cell.held
            and list_number(known, play.arms[cell.arm]) == number
        )
        if wanted <= left:
            continue
        rows = _survivors(known, table, users)
        rows = rows.filter(rows.code_list == number)
        ranked = rows.order_by(rows.rank, rows.value.desc(), rows.customer_no).limit(1, offset=left)
        why = code(Reason.BUDGET, list_detail(number))
        if cut := _cut_or_none(known.reader, ranked, users, None, why):  # a quota may have cut deeper
            found.append(replace(cut, code_list=number))
    return found


def _budget_cuts(known: Known, table: IbisTable, counted: Sequence[Cell]) -> list[Cut]:
    found = []
    for number, strategy in enumerate(known.request.strategies):
        plays = [play for play in known.plays if play.strategy.key == strategy.key]
        wanted = sum(_cost(play, cell) for play in plays for cell in counted if cell.play == play.number)
        if wanted == 0:
            continue
        total, today = _spent(known, strategy.key)
        limits = {TOTAL: (strategy.budget.total_fen, total), DAY: (strategy.budget.per_day_fen, today)}
        for scope, (limit, spent) in limits.items():
            if limit is None or wanted <= limit - spent:
                continue
            ranked = _beyond(_survivors(known, table, plays), max(0, limit - spent))
            why = code(Reason.BUDGET, budget_detail(number, scope))
            if cut := _cut_or_none(known.reader, ranked, plays, None, why):
                found.append(cut)
    return found


def _beyond(rows: IbisTable, left: int) -> IbisTable:
    """Return the first in rank whose cost, added to that of all before, is more than ``left``."""
    order = [rows.rank, rows.value.desc(), rows.customer_no]
    running = rows.cost.sum().over(ibis.window(order_by=order, preceding=None, following=0))
    added = rows.mutate(running=running)
    over = added.filter(added.running > left)
    return over.order_by(over.rank, over.value.desc(), over.customer_no).limit(1)


def _cost(play: PlayTask, cell: Cell) -> int:
    if cell.code != 0:
        return 0
    return cell.candidates * cost_of_cell(play, cell)


def cost_of_cell(play: PlayTask, cell: Cell) -> int:
    """Return what one touch of ``cell`` costs."""
    return (0 if cell.held else play.arms[cell.arm].offer_cost_fen) + play.channels[cell.channel].cost_fen


def _spent(known: Known, strategy: str) -> tuple[int, int]:
    """Return what ``strategy`` has cost so far, and on the day the plan is sent."""
    if not known.reader.has("touches"):
        return 0, 0
    rows = known.facts.rows("touches")
    mine = rows.filter((rows.strategy == strategy) & (rows.cost_fen > 0))
    today = mine.day == epoch_day(send_on(known.request))
    sums = mine.aggregate(total=mine.cost_fen.sum(), today=mine.cost_fen.sum(where=today))
    row: Mapping[str, int | None] = known.reader.frame(sums).to_pylist()[0]
    return int(row["total"] or 0), int(row["today"] or 0)


def _cut(reader: Reader, ranked: IbisTable, plays: Sequence[PlayTask], channel: str | None, why: int) -> Cut:
    found = _cut_or_none(reader, ranked, plays, channel, why)
    assert found is not None, "more candidates than the limit were counted"
    return found


def _cut_or_none(
    reader: Reader, ranked: IbisTable, plays: Sequence[PlayTask], channel: str | None, why: int
) -> Cut | None:
    rows = reader.frame(ranked).to_pylist()
    if not rows:
        return None
    return Cut(
        plays=tuple(play.number for play in plays),
        channel=channel,
        code=why,
        rank=int(rows[0]["rank"]),
        value=int(rows[0]["value"]),
        customer_no=int(rows[0]["customer_no"]),
    )


def reason_of(number: int) -> Reason:
    """Return the reason at place ``number`` of the order of the checks."""
    return next(reason for reason, place in ORDER.items() if place == number)
