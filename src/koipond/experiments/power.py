"""Sample size, power and smallest detectable effect (样本量, 检验效能), before launch. Pure.

Normal theory for two arms; a sequential design needs the fixed size times the square of its drift over the
fixed one (Jennison and Turnbull 2000, §7.2). Proportions: null variance pooled, alternative not (Fleiss,
Levin and Paik 2003, eq. 4.14); from 0.10 to 0.11 at 80 % that is 14,751 an arm, and 14,745 by Cohen's h
(science B4).
"""

from dataclasses import dataclass
from math import asin, ceil, sqrt

from scipy.special import ndtri

from koipond.experiments.bounds import check_alpha
from koipond.experiments.sequential import crossing
from koipond.kernel import InputError, Message, joined


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the metric does without the treatment: a share, or a mean with its standard deviation.

    ``explained`` is the share of variance that covariates take away (squared correlation, CUPED).
    """

    mean: float
    sd: float | None = None  # None: a share, whose spread follows from the mean
    explained: float = 0.0

    def __post_init__(self) -> None:
        wrong = []
        if self.sd is None and not 0 < self.mean < 1:
            wrong.append(
                Message("a share must lie between 0 and 1, got {mean}; give sd for a mean", mean=self.mean)
            )
        if self.sd is not None and not self.sd > 0:
            wrong.append(Message("sd must be above 0, got {sd}", sd=self.sd))
        if not 0 <= self.explained < 1:
            wrong.append(
                Message("explained must be at least 0 and below 1, got {explained}", explained=self.explained)
            )
        if wrong:
            raise InputError(joined("; ", wrong))

    def spread(self, difference: float, control_share: float) -> tuple[float, float]:
        """Return √N times the standard error of the difference under no effect and under ``difference``."""
        one, two = 1 / control_share, 1 / (1 - control_share)
        left = 1 - self.explained
        if self.sd is not None:
            both = self.sd * sqrt((one + two) * left)
            return both, both
        p1, p2 = self.mean, self.mean + difference
        if not 0 < p2 < 1:
            raise InputError(
                "a share of {p1:g} cannot move by {difference:g}: it must stay between 0 and 1",
                p1=p1,
                difference=difference,
            )
        pooled = control_share * p1 + (1 - control_share) * p2
        null = sqrt(pooled * (1 - pooled) * (one + two) * left)
        return null, sqrt((p1 * (1 - p1) * one + p2 * (1 - p2) * two) * left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The bounds of a design on |Z| at each share of the information: what power depends on."""

    information: tuple[float, ...]
    bounds: tuple[float, ...]

    @classmethod
    def fixed(cls, alpha: float = 0.05) -> "Plan":
        """Return the plan with one look."""
        return cls(information=(1.0,), bounds=(float(-ndtri(check_alpha(alpha) / 2)),))

    @property
    def alpha(self) -> float:
        """Chance of stopping with no effect at all."""
        return crossing(self.information, self.bounds).total

    def drift(self, power: float) -> float:
        """Return the mean of Z at the end that makes the plan stop on its side with chance ``power``."""
        from scipy.optimize import brentq

        if not 0 < power < 1:
            raise InputError("power must lie between 0 and 1, got {power}", power=power)
        return float(brentq(lambda d: self.power(d) - power, 0.0, 40.0, xtol=1e-10))

    def power(self, drift: float) -> float:
        """Return the chance of stopping on the side of ``drift``."""
        return sum(crossing(self.information, self.bounds, drift=abs(drift)).upper)


def customers_needed(
    baseline: Baseline,
    difference: float,
    *,
    power: float = 0.8,
    plan: Plan | None = None,
    control_share: float = 0.5,
) -> int:
    """Return customers of both arms together for ``power`` to find ``difference``, whole in each arm.

    Raises InputError for no difference, or a power no higher than alpha.
    """
    plan = plan or Plan.fixed()
    _check_share(control_share)
    if difference == 0:
        raise InputError("no size is large enough to find a difference of 0")
    null, real = baseline.spread(difference, control_share)
    c, drift = _equivalent(plan, power)
    total = ((c * null + (drift - c) * real) / difference) ** 2
    return ceil(total * control_share - 1e-9) + ceil(total * (1 - control_share) - 1e-9)


def power_of(
    baseline: Baseline,
    difference: float,
    customers: int,
    *,
    plan: Plan | None = None,
    control_share: float = 0.5,
) -> float:
    """Return the chance that ``customers`` in both arms find ``difference``, on its side."""
    plan = plan or Plan.fixed()
    _check_share(control_share)
    null, real = baseline.spread(difference, control_share)
    return plan.power((abs(difference) * sqrt(customers) + plan.bounds[-1] * (real - null)) / real)


def smallest_difference(
    baseline: Baseline,
    customers: int,
    *,
    power: float = 0.8,
    plan: Plan | None = None,
    control_share: float = 0.5,
) -> float:
    """Return the smallest rise that ``customers`` in both arms find with chance ``power``.

    Raises InputError when not even the largest possible rise of a share would be found.
    """
    from scipy.optimize import brentq

    plan = plan or Plan.fixed()
    _check_share(control_share)
    if customers < 2:
        raise InputError("a test needs customers in both arms, got {customers}", customers=customers)
    c, drift = _equivalent(plan, power)

    def short(difference: float) -> float:
        null, real = baseline.spread(difference, control_share)
        return c * null + (drift - c) * real - difference * sqrt(customers)

    if baseline.sd is not None:
        return short(0.0) / sqrt(customers)
    largest = (1 - baseline.mean) * (1 - 1e-9)
    if short(largest) > 0:
        raise InputError(
            "{customers} customers are too few to find any rise from {mean:g}",
            customers=customers,
            mean=baseline.mean,
        )
    return float(brentq(short, 0.0, largest, xtol=1e-12))


def customers_by_cohens_h(p1: float, p2: float, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """Return customers per arm by Cohen's h (1988, §6): the arcsine rule that many calculators print."""
    h = 2 * asin(sqrt(p2)) - 2 * asin(sqrt(p1))
    if h == 0:
        raise InputError("no size is large enough to find a difference of 0")
    return ceil(2 * (Plan.fixed(alpha).drift(power) / h) ** 2)


def _equivalent(plan: Plan, power: float) -> tuple[float, float]:
    """Return the bound and drift of a fixed test of the plan's alpha, stretched to need the plan's size."""
    drift = plan.drift(power)
    fixed = Plan.fixed(plan.alpha)
    stretch = drift / fixed.drift(power)
    return fixed.bounds[0] * stretch, drift


def _check_share(control_share: float) -> None:
    if not 0 < control_share < 1:
        raise InputError(
            "control_share must lie between 0 and 1, got {control_share}", control_share=control_share
        )
