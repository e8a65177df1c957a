"""Days between purchases (购买间隔), every one with the history behind it. Pure."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from koipond.frames.columns import Floats, Ints
from koipond.profiles.purchase_days import PurchaseDays


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """Every gap in order, one array entry each, and each customer's totals.

    ``owner`` is the customer's position, ``before`` counts the owner's earlier gaps and ``log_before`` sums
    their logarithms; ``count`` and ``log_sum`` are a customer's totals.
    """

    days: Floats
    owner: npt.NDArray[np.intp]
    before: npt.NDArray[np.intp]
    log_before: Floats
    count: Ints
    log_sum: Floats

    @property
    def customers(self) -> int:
        """Return how many customers there are, with or without a gap."""
        return len(self.count)

    @staticmethod
    def of(kept: PurchaseDays) -> "Gaps":
        """Return the gaps of ``kept``."""
        starts = kept.starts
        owner = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(kept.day))))
        same = owner[1:] == owner[:-1]
        days = np.diff(kept.day)[same].astype(np.float64)
        owner = owner[1:][same]
        count = np.bincount(owner, minlength=len(starts)).astype(np.int64)
        first = np.concatenate([[0], np.cumsum(count)[:-1]])
        logs = np.log(days)
        running = np.concatenate([[0.0], np.cumsum(logs)])
        return Gaps(
            days=days,
            owner=owner,
            before=np.arange(len(days)) - first[owner],
            log_before=running[:-1] - running[first[owner]],
            count=count,
            log_sum=running[first + count] - running[first],
        )
