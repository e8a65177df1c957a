"""Means (均值): Welch's unequal-variance t test and interval from sufficient statistics. Pure.

Source: Welch 1947, eq. 28 for the degrees of freedom; science B2. With few buyers in an arm: `few`.
"""

from koipond.experiments.bounds import FIXED, Bound
from koipond.experiments.effect import Effect, effect_of
from koipond.experiments.few import Spread, guarded
from koipond.experiments.relative import ArmEstimate, RelativeMethod
from koipond.experiments.statistics import MetricSums
from koipond.kernel import Message


def mean_estimate(arm: MetricSums, column: str) -> ArmEstimate:
    """Return the mean of ``column`` in ``arm`` and its variance; raise InputError for n < 2."""
    return ArmEstimate(
        n=arm.n, value=arm.mean(column), variance=arm.variance(column) / arm.n, df=float(arm.n - 1)
    )


def compare_means(
    control: MetricSums,
    treated: MetricSums,
    column: str,
    *,
    bound: Bound = FIXED,
    relative: RelativeMethod = "log-ratio",
    spread: Spread = "auto",
) -> Effect:
    """Return the difference in means of ``column``, treated - control.

    Raises InputError when an arm has fewer than two customers or nobody differs from anybody.
    """
    alone = mean_estimate(control, column), mean_estimate(treated, column)
    one, two, method = guarded(
        (control, treated), alone, column, None, method=Message("Welch t"), spread=spread
    )
    return effect_of(one, two, method=method, bound=bound, relative=relative)
