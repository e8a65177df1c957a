"""Quotas, codes and money dealt out together (统一分配), in the order of the gate. Pure.

Candidates of one play that go by one channel, take a new code of one list and cost the same are alike: a
class. What is left of a quota, a code list or a budget only shrinks, so a class that does not fit once
never fits again: it closes at that candidate. A candidate who is refused takes nothing, so his code and
his money go to the next who fits: a plan promises exactly what the gate grants.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """Something of which ``left`` may be taken. ``takes``: class → how much one candidate of it takes.

    ``code``: the outcome of whom it refuses.
    """

    code: int
    left: int
    takes: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """From row ``row`` of the order on, candidates of class ``kind`` are refused with ``code``."""

    kind: int
    row: int
    code: int


def closings(kinds: Ints, supplies: Sequence[Supply]) -> list[Closing]:
    """Return where each class of candidates ends, for candidates of ``kinds`` in order.

    Of several supplies that refuse one candidate the first of ``supplies`` says why.
    """
    found: list[Closing] = []
    left = [supply.left for supply in supplies]
    takes = [supply.takes.copy() for supply in supplies]
    start = 0
    while supplies and start < len(kinds):
        rest = kinds[start:]
        sums = [np.cumsum(take[rest]) for take in takes]
        places = [int(np.searchsorted(one, room, side="right")) for one, room in zip(sums, left, strict=True)]
        place = min(places)
        if place == len(rest):
            break
        kind = int(rest[place])
        found.append(Closing(kind=kind, row=start + place, code=supplies[places.index(place)].code))
        if place:
            left = [room - int(one[place - 1]) for one, room in zip(sums, left, strict=True)]
        for take in takes:
            take[kind] = 0
        start += place
    return found


def together(plays: Sequence[int], shared: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return ``plays`` in groups that share a supply; ``shared``: for each supply its plays."""
    group = {play: play for play in plays}

    def root(play: int) -> int:
        while group[play] != play:
            play = group[play]
        return play

    for users in shared:
        for other in users[1:]:
            group[root(other)] = root(users[0])
    found: dict[int, list[int]] = {}
    for play in plays:
        found.setdefault(root(play), []).append(play)
    return list(found.values())
