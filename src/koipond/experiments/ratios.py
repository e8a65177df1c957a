"""Ratio metrics (比率指标), such as revenue per order, with the customer as the unit. Pure.

A t test on orders is wrong: one customer's orders go together. The delta method treats the ratio of sums
as the mean of (numerator - ratio · denominator) / mean denominator (Deng, Knoblich and Lu 2018, eq. 3;
science B2). An arm with few in the denominator does not vouch for its own variance: `few` (case B21).
"""

from koipond.experiments.bounds import FIXED, Bound
from koipond.experiments.effect import Effect, effect_of
from koipond.experiments.few import Spread, guarded
from koipond.experiments.relative import ArmEstimate, RelativeMethod
from koipond.experiments.statistics import MetricSums, combined_variance
from koipond.kernel import InputError, Message


def ratio_estimate(arm: MetricSums, numerator: str, denominator: str) -> ArmEstimate:
    """Return Σ numerator / Σ denominator of ``arm`` with its delta-method variance.

    Raises InputError when the denominators sum to nothing or there are fewer than two customers.
    """
    below = arm.mean(denominator)
    if below <= 0:
        raise InputError(
            "{numerator} / {denominator}: the denominators sum to {below:g}, not above 0",
            numerator=numerator,
            denominator=denominator,
            below=below * arm.n,
        )
    ratio = arm.mean(numerator) / below
    spread = combined_variance(arm, {numerator: 1 / below, denominator: -ratio / below})
    return ArmEstimate(n=arm.n, value=ratio, variance=spread / arm.n, df=float(arm.n - 1))


def compare_ratios(
    control: MetricSums,
    treated: MetricSums,
    numerator: str,
    denominator: str,
    *,
    bound: Bound = FIXED,
    relative: RelativeMethod = "log-ratio",
    spread: Spread = "auto",
) -> Effect:
    """Return the difference in Σ numerator / Σ denominator, treated - control; raise InputError as above."""
    alone = tuple(ratio_estimate(arm, numerator, denominator) for arm in (control, treated))
    arms, method = (alone[0], alone[1]), Message("delta-method t")
    one, two, method = guarded((control, treated), arms, numerator, denominator, method=method, spread=spread)
    return effect_of(one, two, method=method, bound=bound, relative=relative)
