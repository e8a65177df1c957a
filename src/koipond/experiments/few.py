"""Few buyers in an arm (人数过少): a spread that few of them show is no spread to trust. Pure.

The variance of an arm is estimated from those of its customers who bought, however many did not. With one
order the ratio of an arm has variance 0 by construction; with ten of a hold-out its largest baskets are
missing more often than not, and the interval is short just when the estimate is low. In a world of
log-normal baskets without any effect that gives 8 to 40 % false alarms at a nominal 5 % (case B21,
bench/experiments.py).

So below `FEW` effective buyers in an arm (Kish's count: (Σx)² / Σx²) each arm's variance is the larger of
its own and of what both arms together say of the spread. That holds the nominal level down to two orders in
an arm; the price is a wider interval where the arm with fewer is truly the calmer one. A ratio counts the
smaller of numerator and denominator; a mean is guarded only where most customers have nothing or few have
most of it (Kish's count below half of them), so that five ordinary measurements stay a plain Welch test.
"""

from dataclasses import replace
from typing import Literal

from koipond.experiments.relative import ArmEstimate
from koipond.experiments.statistics import MetricSums
from koipond.kernel import InputError, Message, joined

FEW = 100
"""Effective buyers of an arm below which its own spread is not trusted alone."""
NOTE = Message("few buyers: larger of own and common spread")
Spread = Literal["auto", "own"]


def guarded(
    arms: tuple[MetricSums, MetricSums],
    estimates: tuple[ArmEstimate, ArmEstimate],
    numerator: str,
    denominator: str | None,
    *,
    method: Message,
    spread: Spread = "auto",
) -> tuple[ArmEstimate, ArmEstimate, Message]:
    """Return the estimates with variances that few buyers can carry, and ``method`` with what that adds.

    ``spread="own"`` leaves them as they are, to compare with other libraries. Raises InputError when a ratio
    has no more than one effective denominator in each arm.
    """
    if spread == "own" or not any(_few(arm, numerator, denominator) for arm in arms):
        return (*estimates, method)
    units = [_units(arm, denominator) for arm in arms]
    own = [_own(one, unit, denominator) for one, unit in zip(estimates, units, strict=True)]
    freedom = sum(units) - 2
    if freedom < 1:
        raise InputError(
            "{numerator} / {denominator}: both arms together have a {denominator} of only "
            "{units:.3g} customers, too few to tell how they differ",
            numerator=numerator,
            denominator=denominator,
            units=sum(units),
        )
    common = sum(one * unit * max(0.0, unit - 1) for one, unit in zip(own, units, strict=True)) / freedom
    made = [
        replace(
            one,
            variance=max(variance, common / unit),
            df=one.df if denominator is None else max(1.0, freedom / 2),
        )
        for one, unit, variance in zip(estimates, units, own, strict=True)
    ]
    return made[0], made[1], joined(", ", (method, NOTE))


def _few(arm: MetricSums, numerator: str, denominator: str | None) -> bool:
    count = arm.effective_count(numerator)
    if denominator is None:
        return count < FEW and count < arm.n / 2
    return min(count, arm.effective_count(denominator)) < FEW


def _units(arm: MetricSums, denominator: str | None) -> float:
    return float(arm.n) if denominator is None else arm.effective_count(denominator)


def _own(one: ArmEstimate, unit: float, denominator: str | None) -> float:
    """Return the arm's own variance; of a ratio with the degree of freedom that its own mean took."""
    if denominator is None:
        return one.variance
    return one.variance * unit / (unit - 1) if unit >= 2 else 0.0
