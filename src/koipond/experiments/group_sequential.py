"""A group-sequential plan (分阶段设计) as a bound: few looks, each with its share of alpha. Pure.

The information of a look is its customers over the planned ones (both arms). The interval is Jennison and
Turnbull's repeated confidence interval (2000, §9.2) and the p is the smallest alpha at which this look
would stop.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from koipond.experiments.bounds import check_alpha
from koipond.experiments.sequential import check_information, spending_bounds
from koipond.experiments.spending import Sides, Spending
from koipond.kernel import InputError, Message

_SMALLEST_P = 1e-15
_NEVER = 37.0  # standard errors: a look that may spend nothing cannot stop the test


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSequentialBound:
    """The plan: ``planned_customers`` in both arms at the end, looks at ``information`` (shares of them).

    ``taken`` holds the shares at which looks really happened; without it the looks are taken to have been
    those planned before the one nearest to now, which errs to the safe side when one was skipped.
    """

    alpha: float = 0.05
    planned_customers: int
    information: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8, 1.0)
    spending: Spending = "obrien_fleming"
    sides: Sides = "each"
    taken: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        check_alpha(self.alpha)
        check_information(self.information)
        if self.taken:
            check_information(self.taken)
        if self.information[-1] > 1:
            raise InputError(
                "the planned looks end at 1, got {information}", information=self.information[-1]
            )
        if self.planned_customers < 2:
            raise InputError(
                "a plan needs customers in both arms, got {planned_customers}",
                planned_customers=self.planned_customers,
            )

    @property
    def name(self) -> str:
        title = {"obrien_fleming": "O'Brien-Fleming", "pocock": "Pocock"}[self.spending]
        if self.sides == "each":
            return Message("{title} spending, {alpha:g} a side", title=title, alpha=self.alpha / 2)
        return Message("{title} spending, {alpha:g} on both sides", title=title, alpha=self.alpha)

    def with_looks(self, *customers: int) -> "GroupSequentialBound":
        """Return the plan with the looks that were taken so far, by customers in both arms at each."""
        return replace(self, taken=tuple(n / self.planned_customers for n in customers))

    def looks_until(self, customers: int) -> tuple[float, ...]:
        """Return the information of all looks up to the one with ``customers`` in both arms."""
        now = customers / self.planned_customers
        if self.taken is None:
            nearest = min(range(len(self.information)), key=lambda k: abs(self.information[k] - now))
            before = self.information[:nearest]
        else:
            before = self.taken
        if before and now <= before[-1]:
            raise InputError(
                "{customers} customers are no more than at the look before ({before:g} of "
                "the plan of {planned_customers}); leave this look out of the looks taken",
                customers=customers,
                before=before[-1],
                planned_customers=self.planned_customers,
            )
        return (*before, now)

    def multiplier(self, customers: int, /) -> float:
        bound = _last_bound(self.looks_until(customers), self.alpha, self.spending, self.sides)
        return min(bound, _NEVER)

    def p_value(self, z: float, customers: int, /) -> float:
        return _repeated_p(abs(z), self.looks_until(customers), self.spending, self.sides)


@lru_cache(maxsize=4096)
def _last_bound(looks: tuple[float, ...], alpha: float, spending: Spending, sides: Sides) -> float:
    return spending_bounds(looks, alpha=alpha, spending=spending, sides=sides)[-1]


@lru_cache(maxsize=4096)
def _repeated_p(z: float, looks: tuple[float, ...], spending: Spending, sides: Sides) -> float:
    from math import exp, log

    from scipy.optimize import brentq

    def short(log_alpha: float) -> float:
        return min(_last_bound(looks, exp(log_alpha), spending, sides), 1e3) - z

    low, high = log(_SMALLEST_P), log(0.999)
    if short(high) > 0:
        return 1.0
    if short(low) < 0:
        return _SMALLEST_P
    return float(exp(brentq(short, low, high, xtol=1e-9)))
