"""Whose outcome window still runs (等待结果): by arm, and the first day with a result. Source: design §8."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from koipond.facts.ports import Reader
from koipond.insights.outcomes import OutcomeWindow, running, touched_since
from koipond.kernel import from_epoch_day


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Arm → how many were assigned and how many of them touched so far, of those whose window runs.

    ``first_result_day``: when the first window of the strategy is over, whole days since 1970.
    """

    assigned: Mapping[str, int] = field(default_factory=dict)
    touched: Mapping[str, int] = field(default_factory=dict)
    first_result_day: int | None = None

    def row(self, arm: str) -> dict[str, int]:
        """Return what an arm's row of the report says about them."""
        return {"waiting": self.assigned.get(arm, 0), "waiting_touched": self.touched.get(arm, 0)}

    @property
    def first_result_on(self) -> str | None:
        """The local day of the first result, as text."""
        return None if self.first_result_day is None else from_epoch_day(self.first_result_day).isoformat()


def waiting(reader: Reader, strategy: str, window: OutcomeWindow) -> Waiting:
    """Return whose outcome window is not over on the as-of day, staff and unreal people left out."""
    people = running(reader, strategy, window)
    reached = touched_since(reader, people, strategy)
    rows = people.left_join(reached, "customer_no").drop("customer_no_right")
    rows = rows.mutate(touched=rows.touched.fill_null(0))
    counted = rows.group_by("arm").aggregate(
        n=rows.count(), touched=rows.touched.sum(), drawn_day=rows.drawn_day.min()
    )
    found: list[dict[str, Any]] = reader.frame(counted).to_pylist()
    days = [row["drawn_day"] + window.days for row in found]
    return Waiting(
        assigned={row["arm"]: row["n"] for row in found},
        touched={row["arm"]: int(row["touched"]) for row in found},
        first_result_day=min(days, default=None),
    )
