"""From scores to lists (排序): the best k eligible items of each customer, block by block. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from koipond.frames.columns import Floats, Ints

BLOCK_BYTES = 64 * 2**20
_SPARE = 10

Scorer = Callable[[Ints], Floats]
"""Customer codes → their scores of all items, −inf where the item must not be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    """Which items may be shown, and how many of one category a list may hold.

    ``category`` holds a code for each item, −1 for none (never limited).
    """

    allowed: npt.NDArray[np.bool_]
    category: Ints | None = None
    per_category_max: int | None = None


@dataclass(frozen=True, kw_only=True)
class Lists:
    """Ranked entries, one each, by customer and rank: rank counts from 1 inside a customer."""

    customer: Ints
    rank: Ints
    item: Ints
    score: Floats


def top_lists(
    scorer: Scorer, customers: Ints, eligibility: Eligibility, *, k: int, block_bytes: int = BLOCK_BYTES
) -> Lists:
    """Return up to ``k`` items of each of ``customers`` by falling score; ties go to the lower item code.

    Memory is bounded: scores exist for as many customers at a time as fit ``block_bytes``.
    """
    items = len(eligibility.allowed)
    step = max(block_bytes // (8 * max(items, 1)), 1)
    parts = [
        _top_block(scorer(customers[at : at + step]), customers[at : at + step], eligibility, k)
        for at in range(0, len(customers), step)
    ]
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else [np.zeros(0)] * 4
    return Lists(
        customer=joined[0].astype(np.int64),
        rank=joined[1].astype(np.int64),
        item=joined[2].astype(np.int64),
        score=joined[3].astype(np.float64),
    )


def _top_block(
    scores: Floats, customers: Ints, eligibility: Eligibility, k: int
) -> tuple[Ints, Ints, Ints, Floats]:
    scores = np.where(eligibility.allowed, scores, -np.inf)
    limited = eligibility.category is not None and eligibility.per_category_max is not None
    width = min(scores.shape[1], k * _SPARE if limited else k)
    order = _largest(scores, width)
    best = np.take_along_axis(scores, order, axis=1)
    shown = np.isfinite(best)
    if limited:
        shown = _spread(order, shown, eligibility)
    rank = np.cumsum(shown, axis=1)
    shown &= rank <= k
    row, column = np.nonzero(shown)
    return customers[row], rank[row, column], order[row, column], best[row, column]


def _largest(scores: Floats, width: int) -> Ints:
    """Return the positions of the ``width`` largest of each row, largest first, equal scores by position."""
    if width < scores.shape[1]:
        least = np.partition(scores, -width, axis=1)[:, [-width]]
        picked = scores >= least
        tied = np.flatnonzero(np.count_nonzero(picked, axis=1) > width)
        if len(tied):
            surely, maybe = scores[tied] > least[tied], scores[tied] == least[tied]
            room = width - np.count_nonzero(surely, axis=1)[:, None]
            picked[tied] = surely | (maybe & (np.cumsum(maybe, axis=1, dtype=np.int32) <= room))
        chosen = np.nonzero(picked)[1].reshape(len(scores), width)
    else:
        chosen = np.broadcast_to(np.arange(width), (len(scores), width))
    order = np.argsort(-np.take_along_axis(scores, chosen, axis=1), axis=1, kind="stable")
    return np.asarray(np.take_along_axis(chosen, order, axis=1), dtype=np.int64)


def _spread(order: Ints, shown: npt.NDArray[np.bool_], eligibility: Eligibility) -> npt.NDArray[np.bool_]:
    """Return ``shown`` without the entries beyond ``per_category_max`` of their category in their list."""
    assert eligibility.category is not None
    assert eligibility.per_category_max is not None
    kinds = eligibility.category[order]
    used = np.zeros((len(order), int(eligibility.category.max(initial=-1)) + 2), dtype=np.int64)
    kept = shown.copy()
    row = np.arange(len(order))
    for column in range(order.shape[1]):
        kind = kinds[:, column]
        kept[:, column] &= (kind < 0) | (used[row, kind] < eligibility.per_category_max)
        used[row, kind] += kept[:, column]
    return kept
