"""Covariate adjustment (协变量校正): CUPED and Lin with any number of covariates, from sums. Pure.

A covariate must be fixed before assignment: the same metric in the weeks before works best (variance falls by
the squared correlation); last year's value may gain nothing (science B3). A covariate that does not vary, or
repeats others, is left out of the fit and changes nothing; when none is left the method's name says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from koipond.experiments.bounds import FIXED, Bound
from koipond.experiments.effect import Effect, effect_of
from koipond.experiments.few import Spread, guarded
from koipond.experiments.ratios import ratio_estimate
from koipond.experiments.relative import ArmEstimate, RelativeMethod
from koipond.experiments.statistics import MetricSums, combined_variance
from koipond.kernel import InputError, Message

Vector = npt.NDArray[np.float64]
_COLLINEAR = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is compared: the mean of ``numerator``, or Σ numerator / Σ denominator."""

    numerator: str
    denominator: str | None = None

    def value(self, arm: MetricSums) -> float:
        """Return the mean or the ratio in ``arm``."""
        if self.denominator is None:
            return arm.mean(self.numerator)
        return ratio_estimate(arm, self.numerator, self.denominator).value

    def weights(self, arm: MetricSums) -> dict[str, float]:
        """Return the columns' weights in one customer's contribution to the value (delta method)."""
        if self.denominator is None:
            return {self.numerator: 1.0}
        below, ratio = arm.mean(self.denominator), self.value(arm)
        return {self.numerator: 1 / below, self.denominator: -ratio / below}


def compare_cuped(
    control: MetricSums,
    treated: MetricSums,
    target: Target,
    covariates: Sequence[str],
    *,
    bound: Bound = FIXED,
    relative: RelativeMethod = "log-ratio",
    spread: Spread = "auto",
) -> Effect:
    """Return the difference after CUPED (Deng, Xu, Kohavi and Walker 2013, eq. 3), one slope for both arms.

    The slope comes from both arms together; each arm's variance is that of its own adjusted values. Raises
    InputError when a covariate is the metric itself, an arm has fewer than two customers or nothing varies.
    """
    _check(target, covariates)
    total = control + treated
    slope = slopes(total, target, covariates)

    def adjusted(arm: MetricSums) -> ArmEstimate:
        shift = sum(b * (arm.mean(x) - total.mean(x)) for x, b in slope.items())
        weights = target.weights(arm) | {x: -b for x, b in slope.items()}
        variance = combined_variance(arm, weights) / arm.n
        return ArmEstimate(n=arm.n, value=target.value(arm) - shift, variance=variance, df=float(arm.n - 1))

    alone = adjusted(control), adjusted(treated)
    method = _method(adjusted=bool(slope), ratio=target.denominator is not None)
    one, two, method = guarded(
        (control, treated), alone, target.numerator, target.denominator, method=method, spread=spread
    )
    return effect_of(one, two, method=method, bound=bound, relative=relative)


def _method(*, adjusted: bool, ratio: bool) -> Message:
    if adjusted:
        return Message("CUPED delta-method t") if ratio else Message("CUPED Welch t")
    return Message("delta-method t") if ratio else Message("Welch t")


def compare_lin(
    control: MetricSums,
    treated: MetricSums,
    column: str,
    covariates: Sequence[str],
    *,
    bound: Bound = FIXED,
    relative: RelativeMethod = "log-ratio",
) -> Effect:
    """Return the difference by Lin's interacted regression (2013, §4): slopes of each arm's own.

    Equal to the arm coefficient of OLS on arm, centred covariates and their products. The variance is that of
    each arm's own regression line at the common mean (HC2 needs rows; they agree to 4 digits, science B3).
    Raises InputError as `compare_cuped`, and when an arm has no more customers than covariates + 1.
    """
    target = Target(numerator=column)
    _check(target, covariates)
    total = control + treated

    def adjusted(arm: MetricSums) -> ArmEstimate:
        slope = slopes(arm, target, covariates)
        df = arm.n - 1 - len(slope)
        if df < 1:
            raise InputError(
                "Lin's adjustment with {count} covariates needs more than {n} customers",
                count=len(slope),
                n=arm.n,
            )
        weights = {column: 1.0} | {x: -b for x, b in slope.items()}
        noise = combined_variance(arm, weights) * (arm.n - 1) / df
        away = [arm.mean(x) - total.mean(x) for x in covariates]
        value = arm.mean(column) - sum(slope.get(x, 0.0) * d for x, d in zip(covariates, away, strict=True))
        leverage = _leverage(
            arm, list(slope), [d for x, d in zip(covariates, away, strict=True) if x in slope]
        )
        return ArmEstimate(n=arm.n, value=value, variance=noise * (1 / arm.n + leverage), df=float(df))

    one, two = adjusted(control), adjusted(treated)
    varies = any(_independent(arm, covariates) for arm in (control, treated))
    method = Message("Lin regression t") if varies else Message("Welch t")
    return effect_of(one, two, method=method, bound=bound, relative=relative)


def slopes(stats: MetricSums, target: Target, covariates: Sequence[str]) -> dict[str, float]:
    """Return the least-squares slope on each covariate that varies and is not a repeat of earlier ones."""
    weights = target.weights(stats)
    kept = _independent(stats, covariates)
    if not kept:
        return {}
    cross = np.array([sum(w * stats.covariance(y, x) for y, w in weights.items()) for x in kept])
    return dict(zip(kept, _solve(stats, kept, cross).tolist(), strict=True))


def explained_share(stats: MetricSums, target: Target, covariates: Sequence[str]) -> float:
    """Return the share of the metric's variance that ``covariates`` explain: rho² for one of them."""
    before = combined_variance(stats, target.weights(stats))
    if before == 0:
        return 0.0
    slope = slopes(stats, target, covariates)
    after = combined_variance(stats, target.weights(stats) | {x: -b for x, b in slope.items()})
    return 1 - after / before


def _independent(stats: MetricSums, covariates: Sequence[str]) -> list[str]:
    """Return the covariates whose part not explained by the ones before them is more than rounding."""
    kept: list[str] = []
    for name in covariates:
        variance = stats.variance(name)
        if variance <= 0:
            continue
        if kept:
            cross = np.array([stats.covariance(name, x) for x in kept])
            left = variance - float(cross @ _solve(stats, kept, cross))
            if left <= _COLLINEAR * variance:
                continue
        kept.append(name)
    return kept


def _solve(stats: MetricSums, names: Sequence[str], right: Vector) -> Vector:
    """Solve covariance(names) · b = right, scaled to correlations first."""
    spread = np.sqrt([stats.variance(x) for x in names])
    matrix = np.array([[stats.covariance(a, b) for b in names] for a in names])
    return np.linalg.solve(matrix / np.outer(spread, spread), right / spread) / spread


def _leverage(arm: MetricSums, names: Sequence[str], away: Sequence[float]) -> float:
    if not names:
        return 0.0
    distance = np.array(away)
    return float(distance @ _solve(arm, names, distance)) / (arm.n - 1)


def _check(target: Target, covariates: Sequence[str]) -> None:
    if not covariates:
        raise InputError("an adjustment needs at least one covariate")
    own = {target.numerator, target.denominator} & set(covariates)
    if own:
        raise InputError("{own} is the metric itself and cannot adjust itself", own=", ".join(map(str, own)))
