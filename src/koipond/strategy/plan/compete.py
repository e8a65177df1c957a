"""The checks that look at all candidates together: priority across plays, platform quotas, shared budgets.

Ranking is one total order (play's rank, then the customer's value, then the customer's number), so a limit
ends each class of alike candidates at one point (`dealing`), which is then compared row by row, without a
join.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import numpy as np

from koipond.ingest.ports import IbisTable
from koipond.outreach.model import Reason
from koipond.strategy.plan.arms import Expr
from koipond.strategy.plan.cells import Cell
from koipond.strategy.plan.codes import code, cost_of
from koipond.strategy.plan.dealing import Supply, closings, together
from koipond.strategy.plan.known import Known
from koipond.strategy.plan.limits import Limit
from koipond.strategy.plan.model import ORDER
from koipond.strategy.plan.person import VALUE
from koipond.strategy.plan.stock import takes
from koipond.strategy.plan.task import PlayTask


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Where a class of candidates of ``play`` ends: from (value, customer) on they lose with ``code``.

    Only those on ``channel`` (its place) who would take a new code of list ``code_list`` at ``cost_fen``.
    """

    play: int
    channel: int
    code_list: int
    cost_fen: int
    code: int
    value: int
    customer_no: int


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


def cuts(known: Known, table: IbisTable, counted: Sequence[Cell], limits: Sequence[Limit]) -> list[Cut]:
    """Return where quotas, code lists and shared budgets end; none when everything is within its limits.

    They are dealt out together, in the order in which the gate meets the candidates.
    """
    wanted = [(limit, sum(limit.of(cell) for cell in counted)) for limit in limits]
    short = [limit for limit, n in wanted if n and limit.left() < n]  # what is spent is read only when asked
    users = [sorted({cell.play for cell in counted if limit.of(cell)}) for limit in short]
    plays = sorted({play for mine in users for play in mine})
    found: list[Cut] = []
    for group in together(plays, users):
        mine = [limit for limit, takers in zip(short, users, strict=True) if takers[0] in group]
        found += _group_cuts(known, table, [known.plays[number] for number in group], mine)
    return found


def _group_cuts(
    known: Known, table: IbisTable, plays: Sequence[PlayTask], limits: Sequence[Limit]
) -> list[Cut]:
    """Return where each class of the candidates of ``plays``, who share ``limits``, ends."""
    rows = _survivors(known, table, plays)
    ranked = rows.order_by(rows.rank, rows.value.desc(), rows.customer_no)
    found = known.reader.frame(ranked.select("play", "channel", "code_list", "cost", "value", "customer_no"))
    named = ("play", "channel", "code_list", "cost")
    keys = np.column_stack([found[name].to_numpy().astype(np.int64) for name in named])
    classes, kinds = np.unique(keys, axis=0, return_inverse=True)
    supplies = [
        Supply(
            code=limit.code,
            left=limit.left(),
            takes=np.array([limit.takes(*map(int, one)) for one in classes], dtype=np.int64),
        )
        for limit in limits
    ]
    return [
        Cut(
            play=int(classes[end.kind][0]),
            channel=int(classes[end.kind][1]),
            code_list=int(classes[end.kind][2]),
            cost_fen=int(classes[end.kind][3]),
            code=end.code,
            value=int(found["value"][end.row].as_py()),
            customer_no=int(found["customer_no"][end.row].as_py()),
        )
        for end in closings(kinds.reshape(-1).astype(np.int64), supplies)
    ]


def with_cuts(known: Known, table: IbisTable, found: Sequence[Cut]) -> IbisTable:
    """Return ``table`` with the codes of those who lose by ``found``."""
    changed = {}
    for play in known.plays:
        now = table[f"code_{play.number}"]
        checks = [(_loses(known, table, play, cut), cut.code) for cut in found if cut.play == play.number]
        if checks:
            changed[f"code_{play.number}"] = ibis.cases((now != 0, now), *checks, else_=0).cast("int32")
    return table.mutate(**changed) if changed else table


def _loses(known: Known, table: IbisTable, play: PlayTask, cut: Cut) -> Expr:
    value, arm, channel = _value(table), table[f"arm_{play.number}"], table[f"channel_{play.number}"]
    behind = (value < cut.value) | ((value == cut.value) & (table.customer_no >= cut.customer_no))
    alike = (channel == cut.channel) & (takes(known, play, arm, table) == cut.code_list)
    return behind & alike & (cost_of(known, play, arm, channel, table) == cut.cost_fen)


def _value(table: IbisTable) -> Expr:
    return (
        table[VALUE].fill_null(0).cast("int64") if VALUE in table.columns else ibis.literal(0, type="int64")
    )


def _survivors(known: Known, table: IbisTable, plays: Sequence[PlayTask]) -> IbisTable:
    parts = []
    for play in plays:
        n = play.number
        mine = table.filter(table[f"member_{n}"] & (table[f"code_{n}"] == 0))
        parts.append(
            mine.select(
                "customer_no",
                play=ibis.literal(n, type="int32"),
                rank=ibis.literal(play.rank, type="int32"),
                value=_value(mine),
                channel=mine[f"channel_{n}"].cast("int32"),
                cost=cost_of(known, play, mine[f"arm_{n}"], mine[f"channel_{n}"], mine),
                code_list=takes(known, play, mine[f"arm_{n}"], mine),
            )
        )
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def reason_of(number: int) -> Reason:
    """Return the reason at place ``number`` of the order of the checks."""
    return next(reason for reason, place in ORDER.items() if place == number)
