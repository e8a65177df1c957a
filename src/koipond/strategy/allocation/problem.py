"""The allocation problem (预算分配): customers, offers, and the limits that share them. Pure.

One offer or none for each customer. Money is counted in a unit so small that every cost is whole, wherever
costs have a few decimals: then all sums of this package are exact.

A limit binds money or head count of a *group*: everybody (``total``), one offer, or one segment. Groups are
numbered 0 = total, then the offers, then the segments; arrays of limits, usage and prices have the shape
(2, groups): row 0 money, row 1 head count.

Customers lie in *cells*, each within one segment; cells are how the dual splits its cuts.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

MONEY, COUNT = 0, 1
_CELLS_WANTED = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A checked problem. Offers are rows, so that one offer's customers lie together in memory."""

    value: FloatArray  # (offers, customers); -inf where the option is barred
    cost: FloatArray  # (offers, customers), >= 0
    segment: IntArray  # (customers,), 0 … segments-1; all 0 when there are none
    limits: FloatArray  # (2, groups), >= 0, inf where there is none

    @property
    def offer_count(self) -> int:
        return int(self.value.shape[0])

    @property
    def customer_count(self) -> int:
        return int(self.value.shape[1])

    @property
    def segment_count(self) -> int:
        return int(self.limits.shape[1]) - 1 - self.offer_count

    @property
    def pieces(self) -> int:
        """Cells of one segment: its customers in runs of equal length over the whole list."""
        return max(1, _CELLS_WANTED // self.segment_count)

    def cells(self, rows: slice) -> IntArray:
        """Return the cell of each customer of ``rows``: segment × pieces + piece."""
        position = np.arange(rows.start, min(rows.stop, self.customer_count))
        piece = position * self.pieces // max(1, self.customer_count)
        cells: IntArray = self.segment[rows] * self.pieces + piece
        return cells

    def take(self, rows: IntArray, *, limits: FloatArray) -> "Problem":
        """Return the problem of some customers under other limits."""
        return Problem(
            value=np.ascontiguousarray(self.value[:, rows]),
            cost=np.ascontiguousarray(self.cost[:, rows]),
            segment=self.segment[rows],
            limits=limits,
        )

    def spread(self, per_group: FloatArray) -> FloatArray:
        """Return (segments, offers): what the groups of each pair add up to in ``per_group`` (groups,)."""
        offers = per_group[1 : 1 + self.offer_count]
        segments = per_group[1 + self.offer_count :]
        spread: FloatArray = per_group[0] + offers[None, :] + segments[:, None]
        return spread

    def gather(self, table: FloatArray) -> FloatArray:
        """Return (…, groups): the sums of ``table`` (…, segments, offers) by group."""
        offers, segments = table.sum(axis=-2), table.sum(axis=-1)
        return np.concatenate([offers.sum(axis=-1, keepdims=True), offers, segments], axis=-1)

    def usage(self, choice: IntArray) -> FloatArray:
        """Return (2, groups): money and heads used by ``choice`` (customers,), -1 = none."""
        rows = np.flatnonzero(choice >= 0)
        pair = self.segment[rows] * self.offer_count + choice[rows]
        shape = (self.segment_count, self.offer_count)
        size = shape[0] * shape[1]
        money = np.bincount(pair, weights=self.cost[choice[rows], rows], minlength=size)
        heads = np.bincount(pair, minlength=size).astype(np.float64)
        return self.gather(np.stack([money.reshape(shape), heads.reshape(shape)]))

    def worth(self, choice: IntArray) -> float:
        """Return the value of ``choice`` (customers,), -1 = none."""
        rows = np.flatnonzero(choice >= 0)
        return float(self.value[choice[rows], rows].sum())

    def members(self, choice: IntArray, group: int) -> BoolArray:
        """Return (customers,): who of ``choice`` counts in the limits of ``group``."""
        counted: BoolArray = choice >= 0
        if 1 <= group <= self.offer_count:
            counted = choice == group - 1
        elif group > self.offer_count:
            counted &= self.segment == group - 1 - self.offer_count
        return counted


def bar_hopeless(problem: Problem) -> Problem:
    """Return ``problem`` without options that no whole assignment can hold: worth nothing, or over a limit
    alone.

    The optimum does not change and the bound gets tighter; afterwards any single option fits.
    """
    offers = problem.offer_count
    money, heads = problem.limits
    segment_money, segment_heads = money[1 + offers :], heads[1 + offers :]
    value = problem.value.copy()
    for offer in range(offers):
        room = np.minimum(segment_money, min(money[0], money[1 + offer]))[problem.segment]
        places = np.minimum(segment_heads, min(heads[0], heads[1 + offer]))[problem.segment]
        value[offer, (value[offer] <= 0) | (problem.cost[offer] > room) | (places < 1)] = -np.inf
    return replace(problem, value=value)


def can_bind(problem: Problem) -> BoolArray:
    """Return (2, groups): the limits that some assignment could break; the others never have a price."""
    segments = problem.segment_count
    option = np.isfinite(problem.value)
    cost = np.where(option, problem.cost, 0.0)
    worst = np.empty_like(problem.limits)
    for row, use in ((MONEY, cost), (COUNT, option.astype(np.float64))):
        most = use.max(axis=0, initial=0.0)
        by_segment = np.bincount(problem.segment, weights=most, minlength=segments)
        worst[row] = np.concatenate([[most.sum()], use.sum(axis=1), by_segment])
    return worst * (1 + 1e-9) > problem.limits
