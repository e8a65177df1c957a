"""Quantile metrics (分位数), such as the median basket, from addable counts of values. Pure.

The variance of a sample quantile comes from the order statistics at the ends of its binomial interval (Deng,
Knoblich and Lu 2018, §4.2): no density has to be guessed. A quantile that sits in a heap of equal values (the
median of a metric that most customers have at 0) has no such interval and is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, sqrt

import numpy as np
import numpy.typing as npt

from koipond.experiments.bounds import FIXED, Bound
from koipond.experiments.columns import numeric
from koipond.experiments.effect import Effect, effect_of
from koipond.experiments.relative import ArmEstimate, RelativeMethod
from koipond.experiments.statistics import Number
from koipond.kernel import InputError, Message

_Z = 1.959963984540054  # the order statistics of a 95 % interval, whatever alpha is printed later
FEW = 30  # below this many customers on the thin side the normal interval is not trusted


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ValueCounts:
    """How many customers of one arm have each value: ``select value, count(*) … group by value``."""

    values: npt.NDArray[np.float64]  # ascending, distinct
    counts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, values: Sequence[Number] | npt.NDArray[np.float64]) -> "ValueCounts":
        """Return the counts of one value per customer; raise InputError for missing or infinite ones."""
        distinct, counts = np.unique(numeric("value", values).astype(np.float64), return_counts=True)
        return cls(values=distinct, counts=counts.astype(np.int64))

    @property
    def n(self) -> int:
        return int(self.counts.sum())

    def __add__(self, other: "ValueCounts") -> "ValueCounts":
        values, where = np.unique(np.concatenate([self.values, other.values]), return_inverse=True)
        counts = np.zeros(len(values), dtype=np.int64)
        np.add.at(counts, where, np.concatenate([self.counts, other.counts]))
        return ValueCounts(values=values, counts=counts)

    def at_rank(self, rank: int) -> float:
        """Return the value of the customer at 0-based ``rank`` from below."""
        return float(self.values[np.searchsorted(np.cumsum(self.counts), rank, side="right")])

    def quantile(self, q: float) -> float:
        """Return the type-7 (linear) quantile, as numpy's and SQL's ``quantile_cont``."""
        place = q * (self.n - 1)
        low, high = self.at_rank(floor(place)), self.at_rank(ceil(place))
        return low + (high - low) * (place - floor(place))


def quantile_estimate(arm: ValueCounts, q: float, *, name: str = "the metric") -> ArmEstimate:
    """Return the ``q`` quantile of ``arm`` and its variance.

    Raises InputError when q is not inside (0, 1), there are fewer than 30 customers on its thinner side,
    or the quantile sits in a heap of equal values.
    """
    if not 0 < q < 1:
        raise InputError("a quantile must lie between 0 and 1, got {q}", q=q)
    n = arm.n
    if n * min(q, 1 - q) < FEW:
        raise InputError(
            "the {q:g} quantile of {name} needs {ceil} customers, not {n}",
            q=q,
            name=name,
            ceil=ceil(FEW / min(q, 1 - q) - 1e-09),
            n=n,
        )
    reach = _Z * sqrt(n * q * (1 - q))
    low = arm.at_rank(max(0, floor(n * q - reach)))
    high = arm.at_rank(min(n - 1, ceil(n * q + reach)))
    if low == high:
        raise InputError(
            "the {q:g} quantile of {name} sits among customers who all have {low:g}: compare "
            "a mean or a proportion instead",
            q=q,
            name=name,
            low=low,
        )
    return ArmEstimate(n=n, value=arm.quantile(q), variance=((high - low) / (2 * _Z)) ** 2)


def compare_quantiles(
    control: ValueCounts,
    treated: ValueCounts,
    q: float,
    *,
    name: str = "the metric",
    bound: Bound = FIXED,
    relative: RelativeMethod = "log-ratio",
) -> Effect:
    """Return the difference of the ``q`` quantiles, treated - control; raise InputError as above."""
    one, two = quantile_estimate(control, q, name=name), quantile_estimate(treated, q, name=name)
    return effect_of(
        one, two, method=Message("order statistics z, q {q:g}", q=q), bound=bound, relative=relative
    )
