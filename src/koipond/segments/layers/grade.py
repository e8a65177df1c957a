"""Value grades (S19): core 核心, key 重要, regular 普通, fringe 长尾, by share of value. Source: science D4.

The snapshot grade is a row against three least values. The held grade is a fold over monthly runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis

from koipond.facts.ports import IbisTable
from koipond.kernel import Message
from koipond.profiles.spec import Window
from koipond.segments.layers.fields import Fields

GRADES = ("core", "key", "regular", "fringe")
"""From the best to the least."""
CUT_NAMES = ("core", "key", "regular")


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeDefinition:
    """Shares of value in whole percent: core while less than ``core_percent`` stands strictly ahead."""

    window_days: int | None = 365
    core_percent: int = 50
    key_percent: int = 80
    regular_percent: int = 95
    down_after_runs: int = 2  # monthly runs in a row below the held grade
    protected_days: int = 90  # never down so soon after joining

    @property
    def window(self) -> Window:
        """The window of value."""
        return Window(days=self.window_days)

    @staticmethod
    def read(fields: Fields) -> "GradeDefinition":
        """Take the definition from ``fields``; mistakes are left in ``fields.findings``."""
        of = GradeDefinition()
        made = GradeDefinition(
            window_days=fields.window("window", of.window_days),
            core_percent=fields.whole("core_percent", of.core_percent, low=1, high=100),
            key_percent=fields.whole("key_percent", of.key_percent, low=1, high=100),
            regular_percent=fields.whole("regular_percent", of.regular_percent, low=1, high=100),
            down_after_runs=fields.whole("down_after_runs", of.down_after_runs, low=1, high=120),
            protected_days=fields.whole("protected_days", of.protected_days, low=0, high=36_500),
        )
        if not made.core_percent <= made.key_percent <= made.regular_percent:
            fix = Message("Let core_percent ≤ key_percent ≤ regular_percent")
            fields.refuse("core_percent", Message("the grades are out of order"), fix)
        return made

    def to_mapping(self) -> dict[str, Any]:
        """Return the canonical body of layers/grade.yaml."""
        names = ("core_percent", "key_percent", "regular_percent", "down_after_runs", "protected_days")
        window = {"window": "all" if self.window_days is None else self.window_days}
        return window | {name: getattr(self, name) for name in names}


def grade(rows: IbisTable, definition: GradeDefinition, values: Mapping[str, Any]) -> Any:
    """Return the snapshot grade of buyers, null for others; ``values``: least values ``core_min_fen`` …."""
    value = rows[f"money_{definition.window.suffix}_fen"]
    steps = [(value >= values[f"{name}_min_fen"], name) for name in CUT_NAMES]
    named = ibis.cases((value <= 0, "fringe"), *steps, else_="fringe")
    return ibis.cases((rows.purchase_days > 0, named))


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldGrade:
    """The grade a customer is treated by, and how many monthly runs in a row the snapshot lay below it."""

    grade: str
    runs_below: int = 0


def hold(
    held: HeldGrade | None,
    snapshot: str,
    *,
    definition: GradeDefinition,
    joined_on: date | None,
    run_on: date,
) -> HeldGrade:
    """Return the held grade after the monthly run on ``run_on`` (science D4).

    Up at once; down, to the snapshot grade, after ``down_after_runs`` runs in a row below; never down within
    ``protected_days`` of joining. Call it once for each monthly run, in order.
    """
    if held is None or GRADES.index(snapshot) <= GRADES.index(held.grade):
        return HeldGrade(grade=snapshot)
    below = held.runs_below + 1
    protected = joined_on is not None and (run_on - joined_on).days <= definition.protected_days
    if below >= definition.down_after_runs and not protected:
        return HeldGrade(grade=snapshot)
    return HeldGrade(grade=held.grade, runs_below=below)


def lift(held: HeldGrade | None, snapshot: str) -> HeldGrade:
    """Return the held grade between monthly runs: up at once, else as it was (science D4)."""
    if held is None or GRADES.index(snapshot) < GRADES.index(held.grade):
        return HeldGrade(grade=snapshot)
    return held


def run_due(last_run: date | None, day: date) -> bool:
    """Say whether a refresh on ``day`` is the month's first: months without any refresh have no run."""
    return last_run is None or (day.year, day.month) > (last_run.year, last_run.month)


def gap_to_next_fen(value_fen: int, current: str, least_fen: Mapping[str, int]) -> int | None:
    """Return how much more value lifts a customer one grade, None at the top or when the next is empty."""
    place = GRADES.index(current)
    if place == 0:
        return None
    least = least_fen.get(GRADES[place - 1])
    return None if least is None else max(0, least - value_fen)
