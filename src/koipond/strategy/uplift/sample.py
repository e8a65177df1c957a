"""Customers of a test as arrays, and how they are divided into folds. Pure."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Customers of a test: what they looked like, which arm they were in (0 = control), what they did."""

    features: FloatArray  # (customers, columns)
    arm: IntArray  # (customers,) 0 … arms
    outcome: FloatArray  # (customers,)
    arms: int  # without the control
    binary: bool
    randomised: bool  # arms drawn by lot; else the chance of each arm is estimated from the features

    def take(self, rows: IntArray) -> "Sample":
        return replace(self, features=self.features[rows], arm=self.arm[rows], outcome=self.outcome[rows])


def canonical_order(sample: Sample) -> IntArray:
    """Return the rows in an order that depends on what they hold, not on how the table came.

    Folds drawn by position are then the same for a re-sorted table; customers alike in all may trade places.
    """
    return np.lexsort((*sample.features.T, sample.outcome, sample.arm))


def folds_of(sample: Sample, folds: int, seed: int) -> IntArray:
    """Return (customers,) a fold each, drawn so that every fold holds its share of each arm and outcome."""
    rng = np.random.default_rng(seed)
    fold = np.empty(len(sample.arm), dtype=np.intp)
    high = sample.outcome > np.median(sample.outcome) if not sample.binary else sample.outcome > 0
    for arm in range(sample.arms + 1):
        for side in (False, True):
            rows = np.flatnonzero((sample.arm == arm) & (high == side))
            fold[rng.permutation(rows)] = (np.arange(len(rows)) + rng.integers(folds)) % folds
    return fold
