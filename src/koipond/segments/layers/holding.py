"""Held grades of many customers (当前等级): the fold of `grade.hold` and `grade.lift` over whole columns.

Grades are places in `GRADES` (0 the best); `NONE` stands for no grade. A property test holds both folds
equal.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from koipond.segments.layers.grade import GRADES, GradeDefinition

NONE = len(GRADES)
"""Worse than every grade: nothing is held, or there is no snapshot."""
NO_DAY = -(2**31)
"""Joined long ago: nobody said when."""

Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Columns of equal length: place of the grade held, monthly runs below it, epoch day it is held since."""

    place: Ints
    runs_below: Ints
    since_day: Ints

    @staticmethod
    def nothing(count: int) -> "Held":
        """Return ``count`` rows of people who hold no grade."""
        zeros = np.zeros(count, np.int64)
        return Held(place=zeros + NONE, runs_below=zeros, since_day=zeros)

    def differs(self, other: "Held") -> Any:
        """Return where any column is another."""
        return (
            (self.place != other.place)
            | (self.runs_below != other.runs_below)
            | (self.since_day != other.since_day)
        )


def hold_all(held: Held, snapshot: Ints, joined_day: Ints, *, definition: GradeDefinition, day: int) -> Held:
    """Return what is held after the monthly run on ``day``; who has no snapshot grade holds none."""
    up = snapshot <= held.place
    below = np.where(up, 0, held.runs_below + 1)
    protected = (joined_day != NO_DAY) & (day - joined_day <= definition.protected_days)
    down = (below >= definition.down_after_runs) & ~protected
    ended = snapshot == NONE
    return _moved(held, up | down | ended, snapshot, np.where(up | down | ended, 0, below), day)


def lift_all(held: Held, snapshot: Ints, day: int) -> Held:
    """Return what is held after a refresh on ``day`` that is no monthly run: up at once, never down."""
    up = snapshot < held.place
    return _moved(held, up, snapshot, np.where(up, 0, held.runs_below), day)


def _moved(held: Held, moves: Any, snapshot: Ints, runs_below: Ints, day: int) -> Held:
    place = np.where(moves, snapshot, held.place)
    since = np.where(place != held.place, day, held.since_day)
    return Held(place=place, runs_below=runs_below, since_day=np.where(place == NONE, 0, since))
