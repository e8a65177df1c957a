"""What the two lists come back as (推荐结果)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from koipond.frames import PlotSpec, bar_layer, chart, plain
from koipond.recommend.evaluate import Evaluation


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """Ranked items a customer, and whether the model behind them earned it.

    ``table``: customer, rank, item, score (``buy_again`` adds due_on); scores compare within a customer only.
    ``served`` is False when the ``asked`` model was not better than the simple method and ``method`` stands
    in; ``reason`` says why. ``evaluation`` is None when no check was asked for or possible.
    """

    table: pa.Table
    asked: str
    method: str
    served: bool
    reason: str
    evaluation: Evaluation | None

    def to_dict(self) -> dict[str, Any]:
        """Return how the lists came about as plain values, without the lists (see ``table``)."""
        found: dict[str, Any] = plain(
            {
                "asked": self.asked,
                "method": self.method,
                "served": self.served,
                "reason": self.reason,
                "rows": self.table.num_rows,
                "customers": len(pc.unique(self.table["customer"])),
                "evaluation": None if self.evaluation is None else self.evaluation.to_dict(),
            }
        )
        return found

    def __str__(self) -> str:
        head = f"{self.method} ({'as asked' if self.served else 'not ' + self.asked}): {self.reason}"
        return head if self.evaluation is None else f"{head}\n{self.evaluation}"

    def plot(self) -> PlotSpec:
        """Return the evaluation's bars, or without one the number of items shown at each rank."""
        if self.evaluation is not None:
            return self.evaluation.plot()
        counts = np.bincount(self.table["rank"].to_numpy())[1:]
        rows = [{"rank": i, "customers": int(count)} for i, count in enumerate(counts, start=1)]
        return chart(rows, [bar_layer(x="rank", y="customers")], title=f"Lists by {self.method}")
