"""Predicted uplift in units that can be spent: set against what the test measured. Pure.

The best linear predictor of the effect given a score (Chernozhukov, Demirer, Duflo and Fernández-Val 2018,
§2): the doubly robust score of each customer regressed on the centred model score. Its intercept is the
average effect; its slope is 1 when the model's differences are real, 0 when they are noise; the slope's test
is the proof of a ranking.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
GROUPS = 5
Z_95 = 1.959963984540054
"""Half width of a two-sided 95 % interval: what is proven here has zero, or the cost, outside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupEffect:
    """Customers of neighbouring scores, the lowest first: what was predicted, what was measured."""

    customers: int
    predicted: float
    effect: float
    se: float

    @property
    def low(self) -> float:
        return self.effect - Z_95 * self.se

    @property
    def high(self) -> float:
        return self.effect + Z_95 * self.se


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How to read a model's score as an effect: ``effect + kept × slope × (score - centre)``."""

    effect: float  # average over all customers
    effect_se: float
    slope: float
    slope_se: float
    centre: float

    @property
    def ranking_z(self) -> float:
        """Slope ÷ its standard error: how surely higher scores mean larger effects."""
        return self.slope / self.slope_se if self.slope_se > 0 else 0.0

    @property
    def kept(self) -> float:
        """Share of the slope that is used: 0 for a slope that may be noise, towards 1 for a sure one.

        The positive part of 1 - (standard error ÷ slope)², after James and Stein 1961.
        """
        return max(0.0, 1.0 - 1.0 / self.ranking_z**2) if self.ranking_z > 0 else 0.0

    def predict(self, score: FloatArray) -> FloatArray:
        """Return the calibrated effect for each of ``score``."""
        return self.effect + self.kept * self.slope * (score - self.centre)

    def low(self, score: FloatArray) -> FloatArray:
        """Return the lower end of the 95 % interval of the calibrated effect."""
        reach = self.kept * self.slope_se * (score - self.centre)
        return self.predict(score) - Z_95 * np.sqrt(self.effect_se**2 + reach**2)


def calibrate(score: FloatArray, robust: FloatArray) -> Calibration:
    """Return the calibration of out-of-fold ``score`` (customers,) on doubly robust scores (customers,)."""
    n = len(score)
    centre, effect = float(score.mean()), float(robust.mean())
    offset = score - centre
    spread = float(offset @ offset)
    residual = robust - effect
    slope = float(offset @ residual) / spread if spread > 0 else 0.0
    residual = residual - slope * offset
    slope_se = (
        float(np.sqrt((offset**2) @ (residual**2)) / spread * np.sqrt(n / (n - 2))) if spread > 0 else 0.0
    )
    return Calibration(
        effect=effect,
        effect_se=float(robust.std(ddof=1) / np.sqrt(n)),
        slope=slope,
        slope_se=slope_se,
        centre=centre,
    )


def group_of(score: FloatArray, groups: int = GROUPS) -> IntArray:
    """Return (customers,) 0 … groups-1 from the lowest score up; customers of equal score share a group."""
    rank = np.searchsorted(np.sort(score), score, side="left")
    return (rank * groups // max(1, len(score))).astype(np.intp)


def group_effects(group: IntArray, predicted: FloatArray, robust: FloatArray) -> tuple[GroupEffect, ...]:
    """Return the measured effect of each group that has two customers or more."""
    found = []
    for number in range(int(group.max()) + 1):
        rows = group == number
        size = int(rows.sum())
        if size > 1:
            effect, sd = float(robust[rows].mean()), float(robust[rows].std(ddof=1))
            mean = float(predicted[rows].mean())
            found.append(GroupEffect(customers=size, predicted=mean, effect=effect, se=sd / size**0.5))
    return tuple(found)
