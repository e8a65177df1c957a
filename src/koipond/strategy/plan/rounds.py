"""Who lost to a play that then cannot pay comes back (让出后回补): competition in rounds. Source: design §7.

A round: each customer goes to the first play that wants him, an inbox to who ranks first there, and
quotas, codes and budgets are dealt out. Whom the first play that cannot pay refuses is not its candidate
in the next round, so the play that gave way gets him, and his inbox is free. Plays before that one are
settled by then; so there are no more rounds than plays, and just one where nothing runs out.
"""

from collections.abc import Sequence

import ibis

from koipond.ingest.ports import IbisTable
from koipond.outreach.model import Reason
from koipond.strategy.plan.arms import Expr
from koipond.strategy.plan.cells import Cell, cells
from koipond.strategy.plan.codes import code
from koipond.strategy.plan.compete import Cut, compete, cuts, with_cuts
from koipond.strategy.plan.inboxes import shares
from koipond.strategy.plan.known import Known
from koipond.strategy.plan.limits import limits_of
from koipond.strategy.plan.one_each import one_each
from koipond.strategy.plan.task import PlayTask

ROUND = "plan_round"


def settle(known: Known, table: IbisTable) -> tuple[IbisTable, list[Cell]]:
    """Return ``table`` with the final ``code_<play>`` of every candidate, and the candidates counted."""
    limits = limits_of(known)
    for turn in range(len(known.plays) + 1):
        now = table.mutate(**{f"alone_{n}": table[f"code_{n}"] for n in _numbers(known)})
        now = now.mutate(**compete(known, now))
        now = now.mutate(**one_each(known, now)) if shares(known) else now
        counted = cells(known, now)
        found = cuts(known, now, counted, limits)
        if not found:
            return now, counted
        after = now.mutate(**{f"was_{n}": now[f"code_{n}"] for n in _numbers(known)})
        after = with_cuts(known, after, found)
        play = _first_with_a_way_out(known, after, found)
        if play is None:
            return after, cells(known, after)
        table = _again(known, table, after, play, turn)
    raise AssertionError("a play refused the same candidates twice")


def _numbers(known: Known) -> list[int]:
    return [play.number for play in known.plays]


def _refused(after: IbisTable, play: PlayTask) -> Expr:
    n = play.number
    return after[f"member_{n}"] & (after[f"was_{n}"] == 0) & (after[f"code_{n}"] != 0)


def _first_with_a_way_out(known: Known, after: IbisTable, found: Sequence[Cut]) -> PlayTask | None:
    """Return the first play in rank that refuses somebody whom another play, or another customer at the same
    address, would get."""
    refused = sorted({cut.play for cut in found}, key=lambda number: known.plays[number].rank)
    for play in (known.plays[number] for number in refused):
        ways = [_gave_way(known, after, play, other) for other in known.plays if other.rank > play.rank]
        if shares(known):
            ways.append(ibis.literal(True))
        if not ways:
            continue
        out = _refused(after, play) & (ibis.or_(*ways) if len(ways) > 1 else ways[0])
        if int(known.reader.scalar(out.ifelse(1, 0).sum().name("n")) or 0):
            return play
    return None


def _gave_way(known: Known, after: IbisTable, play: PlayTask, other: PlayTask) -> Expr:
    """Return whether ``other`` gave the customer up for ``play``."""
    lost = code(Reason.PRIORITY_LOST, known.strategy_number(play))
    return after[f"member_{other.number}"] & (after[f"code_{other.number}"] == lost)


def _again(known: Known, table: IbisTable, after: IbisTable, play: PlayTask, turn: int) -> IbisTable:
    """Return ``table`` as it stood, but that whom ``play`` refuses fails it late: he competes for others."""
    names, late = table.columns, f"late_{play.number}"
    refused = _refused(after, play).ifelse(after[f"code_{play.number}"], after[late])
    back = {f"code_{n}": after[f"alone_{n}"] for n in _numbers(known)}
    made = known.reader.cache(f"{ROUND}_{turn}", after.mutate(**back, **{late: refused}).select(*names))
    if turn:
        known.reader.forget(f"{ROUND}_{turn - 1}")
    return made
