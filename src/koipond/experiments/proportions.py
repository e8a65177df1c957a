"""Proportions (转化率): pooled z test, with a Wald interval or, for few customers, Newcombe's. Pure.

The p is that of the pooled z (equal to Pearson's chi-square without correction); the interval does not pool,
because it must hold when the arms differ. Newcombe's interval (1998, method 10: two Wilson intervals) stays
inside [-1, 1] and is defined for 0 of n; it replaces Wald's when an arm has under 10 converts or refusers.
"""

from math import sqrt
from typing import Literal

from koipond.experiments.bounds import FIXED, Bound
from koipond.experiments.effect import Effect, label
from koipond.experiments.relative import ArmEstimate, RelativeMethod, relative_lift
from koipond.experiments.statistics import MetricSums
from koipond.kernel import InputError, Message

IntervalMethod = Literal["auto", "wald", "newcombe"]
FEW = 10  # converts or refusers in an arm below which the normal interval is not trusted


def compare_proportions(
    control: MetricSums,
    treated: MetricSums,
    column: str,
    *,
    bound: Bound = FIXED,
    interval: IntervalMethod = "auto",
    relative: RelativeMethod = "log-ratio",
) -> Effect:
    """Return the difference of shares of a 0/1 ``column``, treated - control.

    Defined for one customer an arm and for 0 or all converts. When nobody differs from anybody in either arm
    the difference keeps Newcombe's interval, which grows with fewer customers, and the relative lift is not
    defined. Raises InputError for an empty arm, for values other than 0 and 1, and for ``interval="wald"``
    when nobody differs: it would be 0 wide.
    """
    (k1, n1), (k2, n2) = successes(control, column), successes(treated, column)
    p1, p2, total = k1 / n1, k2 / n2, n1 + n2
    if interval == "wald" and k1 in (0, n1) and k2 in (0, n2):
        raise InputError(
            "column {column}: nobody differs within either arm, so Wald's interval has no "
            "width; use interval='newcombe'",
            column=column,
        )
    z = bound.multiplier(total)
    pooled = (k1 + k2) / total
    pooled_se = sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    wald = interval == "wald" or (interval == "auto" and min(k1, n1 - k1, k2, n2 - k2) >= FEW)
    low, high = (_wald if wald else newcombe)((k1, n1), (k2, n2), z=z)
    one = ArmEstimate(n=n1, value=p1, variance=p1 * (1 - p1) / n1)
    two = ArmEstimate(n=n2, value=p2, variance=p2 * (1 - p2) / n2)
    return Effect(
        method=label(
            Message("pooled z, Wald interval") if wald else Message("pooled z, Newcombe interval"), bound
        ),
        control=p1,
        treated=p2,
        difference=p2 - p1,
        se=sqrt(one.variance + two.variance),
        low=low,
        high=high,
        # nobody or everybody converted: no evidence of any difference
        p=bound.p_value((p2 - p1) / pooled_se, total) if pooled_se > 0 else 1.0,
        alpha=bound.alpha,
        customers=total,
        relative=relative_lift(one, two, z=z, method=relative),
    )


def successes(arm: MetricSums, column: str) -> tuple[int, int]:
    """Return converts and customers; raise InputError unless the sums are those of a 0/1 column."""
    plain = arm.about((0,) * len(arm.columns))
    i = plain.index(column)
    total, squares = plain.sums[i], plain.products[_diagonal(i, len(plain.columns))]
    if arm.n < 1:
        raise InputError("the share of {column} over no customers is not defined", column=column)
    count = round(total)
    if abs(total - count) > 1e-6 or abs(squares - count) > 1e-6 or not 0 <= count <= arm.n:
        raise InputError(
            "column {column} must hold 0 and 1 to be a proportion; use 'mean' for amounts", column=column
        )
    return count, arm.n


def wilson(k: int, n: int, *, z: float) -> tuple[float, float]:
    """Return Wilson's score interval (1927) for ``k`` of ``n``."""
    share, extra = k / n, z * z / n
    middle = (share + extra / 2) / (1 + extra)
    half = z / (1 + extra) * sqrt(share * (1 - share) / n + extra / (4 * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def newcombe(control: tuple[int, int], treated: tuple[int, int], *, z: float) -> tuple[float, float]:
    """Return Newcombe's hybrid score interval (1998, method 10) for the share of treated - control."""
    (k1, n1), (k2, n2) = control, treated
    (l1, u1), (l2, u2) = wilson(k1, n1, z=z), wilson(k2, n2, z=z)
    p1, p2 = k1 / n1, k2 / n2
    low = p2 - p1 - sqrt((p2 - l2) ** 2 + (u1 - p1) ** 2)
    return low, p2 - p1 + sqrt((u2 - p2) ** 2 + (p1 - l1) ** 2)


def _wald(control: tuple[int, int], treated: tuple[int, int], *, z: float) -> tuple[float, float]:
    (k1, n1), (k2, n2) = control, treated
    p1, p2 = k1 / n1, k2 / n2
    half = z * sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    return p2 - p1 - half, p2 - p1 + half


def _diagonal(i: int, width: int) -> int:
    return i * width - i * (i - 1) // 2
