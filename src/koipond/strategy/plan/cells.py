"""Candidates counted (候选计数): how many of a bid share outcome, channel, zone and language."""

from dataclasses import dataclass

import ibis

from koipond.facts.ports import IbisTable
from koipond.strategy.plan.context import Context
from koipond.strategy.plan.offer_stock import cost_of

KEYS = ("bid", "reason", "detail", "channel", "held", "zone_no", "tongue")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """How many candidates of a bid share all that the numbers and words of a plan need."""

    bid: int
    reason: int
    detail: int
    channel: int
    held: bool  # they have a code of the bid's list already: the offer costs nothing more
    zone_no: int = 0
    tongue: int = 0
    candidates: int

    @property
    def touched(self) -> bool:
        """Say whether they get a touch."""
        return self.reason == 0


def cells(known: Context, outcomes: IbisTable) -> list[Cell]:
    """Count the candidates of ``outcomes``: all that the numbers of a plan need."""
    keys = [name for name in KEYS if name in outcomes.columns]
    counted = outcomes.group_by(*keys).aggregate(candidates=ibis._.count())
    found = [Cell(**row) for row in known.reader.frame(counted).to_pylist()]
    return sorted(found, key=lambda cell: tuple(getattr(cell, name) for name in KEYS))


def cost_of_cell(known: Context, cell: Cell) -> int:
    """Return what one touch of ``cell`` costs."""
    return sum(cost_of(known, known.bids[cell.bid], cell.channel, held=cell.held))
