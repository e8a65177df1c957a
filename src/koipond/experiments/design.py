"""``koipond.design``: before launch, how many customers, which looks, what can be found (实验设计). Pure.

Default: O'Brien-Fleming spending for a campaign with an end, which costs a point of power and lets it stop
early; ``always_valid`` (mSPRT) for guard metrics that are watched without a plan (science B4).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import ceil
from typing import Any, Literal

from koipond.experiments.always_valid import (
    TUNED_CUSTOMERS,
    AlwaysValidBound,
    best_mixture,
    mixture_multiplier,
)
from koipond.experiments.bounds import Bound, FixedBound, check_alpha
from koipond.experiments.group_sequential import GroupSequentialBound
from koipond.experiments.power import Baseline, Plan, customers_needed, power_of, smallest_difference
from koipond.experiments.sequential import LOOKS_MAX, check_information, crossing, spending_bounds
from koipond.experiments.spending import Sides, Spending
from koipond.frames import PlotSpec, chart, line_layer, plain, point_layer, text_table
from koipond.kernel import InputError

Kind = Literal["fixed", "group_sequential", "always_valid"]
CHECKS = 50  # looks at which the power of an always-valid test is reckoned

_SHOWN = ["kind", "alpha", "spending", "sides", "customers", "customers_per_arm"]
_SHOWN += ["difference", "lift", "power", "expected_customers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One planned look: stop when |Z| reaches ``z``."""

    information: float
    customers: int | None  # of both arms together
    z: float
    alpha_spent: float
    power: float | None  # chance of having stopped on the right side by now


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """A test before launch. Pass it to `koipond.compare` as ``design`` (it needs ``customers`` for looks)."""

    kind: Kind
    alpha: float
    spending: Spending | None
    sides: Sides | None
    customers: int | None  # of both arms together
    control_share: float
    baseline: Baseline | None
    difference: float | None  # the effect that is found with ``power``, in the metric's unit
    power: float | None
    looks: tuple[Look, ...]
    tuned_customers: int

    @property
    def lift(self) -> float | None:
        """The effect as a fraction of the baseline."""
        if self.difference is None or self.baseline is None or self.baseline.mean == 0:
            return None
        return self.difference / self.baseline.mean

    @property
    def customers_per_arm(self) -> tuple[int, int] | None:
        """Customers in the control and in the other arm."""
        if self.customers is None:
            return None
        control = round(self.customers * self.control_share)
        return control, self.customers - control

    @property
    def expected_customers(self) -> float | None:
        """Customers of both arms when it stops, on average, if the effect is as planned."""
        if self.customers is None or self.looks[-1].power is None:
            return None
        running = [1.0, *(1 - (look.power or 0.0) for look in self.looks)]
        times = [0.0, *(look.information for look in self.looks)]
        return self.customers * sum(s * (b - a) for s, (a, b) in zip(running, pairwise(times), strict=False))

    def bound(self) -> Bound:
        """Return what decides at a look; raise InputError for looks without planned customers."""
        if self.kind == "fixed":
            return FixedBound(alpha=self.alpha)
        if self.kind == "always_valid":
            return AlwaysValidBound(alpha=self.alpha, tuned_customers=self.tuned_customers)
        if self.customers is None:
            raise InputError(
                "a group-sequential design needs customers (planned, both arms) before it can judge a look"
            )
        assert self.spending is not None
        assert self.sides is not None
        return GroupSequentialBound(
            alpha=self.alpha,
            planned_customers=self.customers,
            information=tuple(look.information for look in self.looks),
            spending=self.spending,
            sides=self.sides,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the design as plain values."""
        looks = [
            {"information": k.information, "customers": k.customers, "z": k.z}
            | {"alpha_spent": k.alpha_spent, "power": k.power}
            for k in self.looks
        ]
        values = {name: getattr(self, name) for name in _SHOWN}
        result: dict[str, Any] = plain(values | {"looks": looks})
        return result

    def __str__(self) -> str:
        rows = [[k.information, k.customers, k.z, k.alpha_spent, k.power] for k in self.looks]
        head = [f"{self.kind} {self.spending or ''}".strip(), f"alpha {self.alpha:g}"]
        head += [f"customers {self.customers}"] if self.customers else []
        head += [f"finds {self.difference:.6g} with power {self.power:.3g}"] if self.power else []
        table = text_table(["information", "customers", "stop at |Z|", "alpha spent", "power so far"], rows)
        return f"{', '.join(head)}\n{table}"

    def plot(self) -> PlotSpec:
        """Return the bounds over the share of the plan."""
        rows = [
            {"information": k.information, "bound": side * k.z, "side": name}
            for k in self.looks
            for side, name in ((1, "upper"), (-1, "lower"))
        ]
        layers = [
            line_layer(x="information", y="bound", color="side"),
            point_layer(x="information", y="bound", color="side"),
        ]
        return chart(rows, layers, title=f"Stop at |Z| ({self.kind})")


def design(
    kind: Kind = "group_sequential",
    *,
    baseline: float | None = None,
    sd: float | None = None,
    difference: float | None = None,
    lift: float | None = None,
    customers: int | None = None,
    power: float = 0.8,
    alpha: float = 0.05,
    looks: int | Sequence[float] = 5,
    spending: Spending = "obrien_fleming",
    sides: Sides = "each",
    control_share: float = 0.5,
    explained: float = 0.0,
) -> Design:
    """Plan a test of one arm against the control.

    ``baseline``: the control's share, or its mean with ``sd``. With ``difference`` (metric's unit) or
    ``lift`` (fraction of the baseline) the answer is ``customers`` of both arms; with ``customers`` it is
    the smallest difference; with both, the power. With neither, only the bounds. ``looks``: how many, or
    their shares of the plan. ``explained``: share of variance that covariates take away. Raises InputError
    for values out of range.
    """
    if difference is not None and lift is not None:
        raise InputError("give difference or lift, not both")
    if baseline is None and any(value is not None for value in (sd, difference, lift)):
        raise InputError("a difference, lift or sd needs the baseline of the control")
    metric = None if baseline is None else Baseline(mean=baseline, sd=sd, explained=explained)
    if metric is not None and lift is not None:
        difference = lift * metric.mean
    if metric is not None and difference is None and customers is None:
        raise InputError("give difference, lift or customers: the rest follows from them")
    plan = _plan(kind, looks, alpha=alpha, spending=spending, sides=sides)
    reached: float | None = None
    if metric is not None:
        if customers is None:
            customers = customers_needed(
                metric, difference or 0.0, power=power, plan=plan, control_share=control_share
            )
        if difference is None:
            difference = smallest_difference(
                metric, customers, power=power, plan=plan, control_share=control_share
            )
        reached = power_of(metric, difference, customers, plan=plan, control_share=control_share)
    grouped = kind == "group_sequential"
    return Design(
        kind=kind,
        alpha=alpha,
        spending=spending if grouped else None,
        sides=sides if grouped else None,
        customers=customers,
        control_share=control_share,
        baseline=metric,
        difference=difference,
        power=reached,
        looks=_looks(plan, customers, reached),
        tuned_customers=customers or TUNED_CUSTOMERS,
    )


def _plan(
    kind: Kind, looks: int | Sequence[float], *, alpha: float, spending: Spending, sides: Sides
) -> Plan:
    if kind == "fixed":
        return Plan.fixed(alpha)
    if kind == "always_valid":
        times = [(k + 1) / CHECKS for k in range(CHECKS)]
        best = best_mixture(alpha)
        return Plan(
            information=tuple(times),
            bounds=tuple(mixture_multiplier(best * time, alpha=alpha) for time in times),
        )
    if kind != "group_sequential":
        raise InputError(
            "kind must be 'fixed', 'group_sequential' or 'always_valid', got {kind!r}", kind=kind
        )
    if isinstance(looks, int):
        if not 1 <= looks <= LOOKS_MAX:
            raise InputError("looks must be 1 to {looks_max}, got {looks}", looks_max=LOOKS_MAX, looks=looks)
        looks = [(k + 1) / looks for k in range(looks)]
    times = check_information(looks)
    if times[-1] != 1:
        raise InputError("the last planned look must be at 1, the whole plan, got {times}", times=times[-1])
    bounds = spending_bounds(times, alpha=check_alpha(alpha), spending=spending, sides=sides)
    return Plan(information=tuple(times), bounds=bounds)


def _looks(plan: Plan, customers: int | None, reached: float | None) -> tuple[Look, ...]:
    """Return the plan's looks with what each spends and finds; 10 of them for an always-valid test."""
    drift = plan.drift(reached) if reached is not None and 0 < reached < 1 - 1e-12 else None
    spent = crossing(plan.information, plan.bounds)
    alphas = list(accumulate(a + b for a, b in zip(spent.upper, spent.lower, strict=True)))
    found: list[float] = []
    if drift is not None:
        found = list(accumulate(crossing(plan.information, plan.bounds, drift=drift).upper))
    every = CHECKS // 10 if len(plan.information) == CHECKS else 1
    return tuple(
        Look(
            information=time,
            customers=None if customers is None else ceil(time * customers),
            z=plan.bounds[k],
            alpha_spent=alphas[k],
            power=found[k] if found else None,
        )
        for k, time in enumerate(plan.information)
        if (k + 1) % every == 0
    )
