"""Were the arms alike before the touch? Pure.

The arm regressed on all features: customers × R² is chi-square with one degree of freedom a feature when arms
were drawn by lot (the joint test of Hansen and Bowers 2008 in its regression form).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from koipond.strategy.uplift.sample import Sample

ALARM_P = 0.001
"""As for the sample ratio (science D6): a lottery fails this once in a thousand tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """One arm against the control: the joint test, and the feature that differs most."""

    p: float
    worst: int  # column of the features
    worst_difference: float  # of means, in standard deviations

    @property
    def alarming(self) -> bool:
        return self.p < ALARM_P


def balance(sample: Sample, arm: int) -> Balance:
    """Return how ``arm`` and the control compare in their features."""
    from scipy.special import chdtrc

    rows = np.flatnonzero((sample.arm == 0) | (sample.arm == arm))
    features, treated = sample.features[rows], sample.arm[rows] == arm
    centred: NDArray[np.float64] = features - features.mean(axis=0)
    side = treated - treated.mean()
    slopes, _, rank, _ = np.linalg.lstsq(centred, side, rcond=None)
    explained = float((centred @ slopes) @ side) / float(side @ side)
    gap = features[treated].mean(axis=0) - features[~treated].mean(axis=0)
    spread = np.maximum(features.std(axis=0), 1e-12)
    worst = int(np.abs(gap / spread).argmax())
    p = float(chdtrc(float(rank), max(0.0, len(rows) * explained)))
    return Balance(p=p, worst=worst, worst_difference=float((gap / spread)[worst]))
