"""Quotas, codes, money and addresses dealt out (统一分配) among the candidates of one play, in order. Pure.

Candidates who go by one channel, take a new code of one list and cost the same are alike: a class. What is
left of a supply only shrinks, so a class that does not fit once never fits again: it closes at that
candidate. A candidate who is refused takes nothing, so his code, his money and his address go to the next who
fits: a plan promises exactly what the gate grants.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

GETS, BESIDE = -1, -2
"""Verdicts: a touch, and refused because another has the address. Any other is the supply that refused."""
_REFUSED = -3


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """Something of which ``left`` may be taken. ``takes``: class → how much one candidate of it takes."""

    left: int
    takes: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Which candidate (``row``, in order) uses which shared address (``box``).

    ``used``: box → it went to somebody before.
    """

    row: Ints
    box: Ints
    used: Flags


def deal(kinds: Ints, supplies: Sequence[Supply], shared: Addresses | None = None) -> Ints:
    """Return the verdict on each of the candidates of ``kinds``, in order; `Addresses.used` is brought on.

    An address is asked for before supplies; of several supplies that refuse a candidate the first is named.
    """
    verdicts = np.full(len(kinds), GETS, dtype=np.int64)
    closed = np.zeros(int(kinds.max(initial=0)) + 1, dtype=bool)
    left, start = [supply.left for supply in supplies], 0
    while True:
        verdicts[start:] = np.where(closed[kinds[start:]], _REFUSED, GETS)
        if shared is not None:
            _come_first(verdicts, start, shared)
        going = start + np.flatnonzero(verdicts[start:] == GETS)
        place, left = _take(kinds[going], supplies, left)
        if shared is not None:
            taken = np.zeros(len(kinds), dtype=bool)
            taken[going[:place]] = True
            shared.used[shared.box[taken[shared.row]]] = True
        if place == len(going):
            _name(verdicts, kinds, supplies)
            return verdicts
        start = int(going[place])
        closed[kinds[start]] = True


def _take(kinds: Ints, supplies: Sequence[Supply], left: list[int]) -> tuple[int, list[int]]:
    """Return how many candidates get what they take before one does not, and what is left then."""
    sums = [np.cumsum(supply.takes[kinds]) for supply in supplies]
    places = [int(np.searchsorted(one, room, side="right")) for one, room in zip(sums, left, strict=True)]
    place = min(places, default=len(kinds))
    if place:
        left = [room - int(one[place - 1]) for one, room in zip(sums, left, strict=True)]
    return place, left


def _name(verdicts: Ints, kinds: Ints, supplies: Sequence[Supply]) -> None:
    """Say of each refused candidate which supply had not enough for him when he was met."""
    unnamed, gets = verdicts == _REFUSED, verdicts == GETS
    for number, supply in enumerate(supplies):
        takes = supply.takes[kinds]
        left = supply.left - np.cumsum(np.where(gets, takes, 0))
        short = unnamed & (takes > left)
        verdicts[short] = number
        unnamed &= ~short


def _come_first(verdicts: Ints, start: int, shared: Addresses) -> None:
    """Refuse whose address went to somebody before him; each round decides all who are first wherever they
    are.
    """
    here = shared.row >= start
    row, box = shared.row[here], shared.box[here]
    last = len(verdicts)
    taker = np.where(shared.used, -1, last)
    waiting = (verdicts[row] == GETS) & ~_any_of(row, taker[box] < row, last)
    while waiting.any():
        rows, boxes = row[waiting], box[waiting]
        first = np.full(len(shared.used), last)
        first[boxes[::-1]] = rows[::-1]  # rows are in order, so the earliest of a box is written last
        wins = ~_any_of(rows, first[boxes] != rows, last)
        taker[boxes[wins]] = rows[wins]
        waiting[waiting] = ~wins
        waiting &= ~_any_of(row, taker[box] < row, last)
    verdicts[row[taker[box] < row]] = BESIDE


def _any_of(row: Ints, test: Flags, rows: int) -> Flags:
    """Return for each pair whether ``test`` holds for any pair of its row."""
    found = np.zeros(rows, dtype=bool)
    found[row[test]] = True
    return found[row]
