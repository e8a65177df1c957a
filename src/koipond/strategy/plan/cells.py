"""Candidates counted (候选计数): how many of a play share outcome, arm, channel and zone."""

from dataclasses import dataclass

import ibis

from koipond.ingest.ports import IbisTable
from koipond.strategy.plan.known import Known
from koipond.strategy.plan.stock import holds
from koipond.strategy.plan.task import PlayTask


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


def cost_of_cell(play: PlayTask, cell: Cell) -> int:
    """Return what one touch of ``cell`` costs."""
    return (0 if cell.held else play.arms[cell.arm].offer_cost_fen) + play.channels[cell.channel].cost_fen
