"""What another policy would have earned (离线策略评估), from logged choices with known chances. Pure.

Sources: inverse propensity scores, Horvitz and Thompson 1952; self-normalised, Swaminathan and Joachims 2015,
eq. 5; doubly robust, Dudik, Langford and Li 2011, eq. 4; weights cut at √n times their mean, Ionides 2008.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from koipond.kernel import InputError, Message, RefusedError, joined

Vector = npt.NDArray[np.float64]
EFFECTIVE_MIN = 100
"""Effective sample size below which no answer is given."""
MEAN_WEIGHT_OFF = 0.05
"""How far the mean weight, 1 when the log covers the target policy, may lie from 1 beyond chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyValue:
    """Mean reward of the target policy by one estimator."""

    method: str
    estimate: float
    se: float
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """Return the value as plain values."""
        return {name: getattr(self, name) for name in PolicyValue.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """How much of the log speaks for the target policy."""

    n: int
    effective_sample_size: float  # (Σw)² / Σw²
    mean_weight: float
    mean_weight_se: float
    max_weight: float

    @property
    def fault(self) -> str | None:
        """Why the log cannot answer, or None."""
        if self.effective_sample_size < EFFECTIVE_MIN:
            return Message(
                "{n} logged choices are worth only {effective_sample_size:.0f} for this policy "
                "(at least {effective_min}): it chooses what the log hardly ever chose",
                n=self.n,
                effective_sample_size=self.effective_sample_size,
                effective_min=EFFECTIVE_MIN,
            )
        off = abs(self.mean_weight - 1)
        if off > MEAN_WEIGHT_OFF and off > 4 * self.mean_weight_se:
            return Message(
                "the weights average {mean_weight:.3f} and not 1: the policy chooses what the "
                "log never chose, or the propensities are wrong",
                mean_weight=self.mean_weight,
            )
        return None


def overlap(weights: Vector) -> Overlap:
    """Return the overlap that ``weights`` (target chance / logged chance, not cut) leave."""
    n = len(weights)
    squares = float(weights @ weights)
    return Overlap(
        n=n,
        effective_sample_size=float(weights.sum()) ** 2 / squares if squares > 0 else 0.0,
        mean_weight=float(weights.mean()),
        mean_weight_se=float(weights.std()) / sqrt(n),
        max_weight=float(weights.max()),
    )


def importance_weights(target: Vector, propensity: Vector) -> Vector:
    """Return target / propensity; raise InputError for chances that are none."""
    wrong = []
    if not np.all((propensity > 0) & (propensity <= 1)):
        wrong.append(
            Message("every propensity must lie above 0 and at most at 1: what was logged had a chance")
        )
    if not np.all((target >= 0) & (target <= 1)):
        wrong.append(Message("every chance of the target policy must lie between 0 and 1"))
    if wrong:
        raise InputError(joined("; ", wrong))
    return target / propensity


def require_overlap(found: Overlap) -> None:
    """Raise RefusedError (code ``no_overlap``) when the log cannot answer."""
    if found.fault is not None:
        raise RefusedError("no answer: {fault}", fault=found.fault, code="no_overlap", overlap=found)


def clipped(weights: Vector, clip: float | None) -> Vector:
    """Return ``weights`` cut at ``clip`` (default √n times their mean)."""
    limit = sqrt(len(weights)) * float(weights.mean()) if clip is None else clip
    if not limit > 0:
        raise InputError("clip must be above 0, got {limit}", limit=limit)
    return np.minimum(weights, limit)


def ips(reward: Vector, weights: Vector, *, alpha: float = 0.05) -> PolicyValue:
    """Return the mean of weight × reward: unbiased without clipping, and wide."""
    return _value("IPS", weights * reward, alpha)


def snips(reward: Vector, weights: Vector, *, alpha: float = 0.05) -> PolicyValue:
    """Return the weighted mean of the reward: a little biased, narrower, inside the range of the rewards."""
    value = float(weights @ reward / weights.sum())
    return _value("SNIPS", value + weights * (reward - value) / weights.mean(), alpha)


def doubly_robust(
    reward: Vector, weights: Vector, predicted: Vector, predicted_target: Vector, *, alpha: float = 0.05
) -> PolicyValue:
    """Return prediction under the target policy + weight × (reward - prediction of the logged choice).

    Right when either the propensities or the predictions are. Predict from other rows (cross-fitting).
    """
    return _value("DR", predicted_target + weights * (reward - predicted), alpha)


def _value(method: str, parts: Vector, alpha: float) -> PolicyValue:
    n = len(parts)
    estimate, se = float(parts.mean()), float(parts.std(ddof=1)) / sqrt(n)
    half = float(-ndtri(alpha / 2)) * se
    return PolicyValue(method=method, estimate=estimate, se=se, low=estimate - half, high=estimate + half)
