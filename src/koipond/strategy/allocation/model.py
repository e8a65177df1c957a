"""Results of an allocation (分配结果): who gets what, what each limit's last unit was worth, and why."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from koipond.frames import PlotSpec, bar_layer, chart, plain, text_table
from koipond.kernel import InputError
from koipond.strategy.allocation.dual import net_surplus
from koipond.strategy.allocation.problem import FloatArray, IntArray, Problem

_SHOWN_MAX = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """One limit, how much of it is used, and its shadow price: the value one more unit would bring."""

    name: str  # "total", "offer …" or "segment …"
    unit: str  # "money" or "customers"
    limit: float
    used: float
    price: float  # value per unit of money, or per customer; 0 when the limit does not bind


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why one customer got an offer or none; ``surplus`` and ``margin`` are net of the shadow prices."""

    customer: int  # row
    offer: str | None
    value: float
    cost: float
    surplus: float  # of the offer given; 0 for none
    runner_up: str | None  # the best other choice, None = no offer
    margin: float  # surplus minus the runner-up's; < 0: a limit or leftover room decided; inf: none open
    why: str

    def __str__(self) -> str:
        given, other = self.offer or "no offer", self.runner_up or "no offer"
        return f"customer {self.customer}: {given}, ahead of {other} by {self.margin:.6g} ({self.why})"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Allocation:
    """One offer or none for each customer, within every limit.

    ``gap`` is a proof: no assignment within the limits is worth more than ``objective × (1 + gap)``.
    """

    choice: IntArray  # (customers,) column of the offer, -1 = none
    value: float  # Σ expected value
    cost: float  # Σ cost; an int when costs are integers
    objective: float  # Σ of what was maximised: value, or its lower bounds
    bound: float  # no assignment has a higher objective
    price: float  # shadow price of the total budget: value of one more unit of money
    limits: tuple[LimitUse, ...]
    offers: tuple[str, ...]
    prices: FloatArray = field(repr=False)  # (2, groups); of money in the caller's unit
    _problem: Problem = field(repr=False)
    _value: FloatArray = field(repr=False)
    _money_unit: int = field(repr=False)  # units of ``_problem``'s money in one of the caller's

    def __post_init__(self) -> None:
        self.choice.setflags(write=False)
        self.prices.setflags(write=False)

    @property
    def gap(self) -> float:
        """Upper bound ÷ objective - 1: the best possible is at most this share higher than ``objective``."""
        return self.bound / self.objective - 1.0 if self.objective > 0 else 0.0

    def by_offer(self) -> list[dict[str, Any]]:
        """Return customers, value and cost of each offer, and of none."""
        rows = []
        for number, name in enumerate((*self.offers, None)):
            at = np.flatnonzero(self.choice == (number if name is not None else -1))
            value = float(self._value[at, number].sum()) if name is not None else 0.0
            cost = self._paid(self._problem.cost[number, at]) if name is not None else 0.0
            rows.append({"offer": name, "customers": len(at), "value": value, "cost": cost})
        return rows

    def _paid(self, cost: FloatArray) -> float:
        """Return the sum of ``cost`` in the caller's unit, rounded once."""
        return math.fsum(cost.tolist()) / self._money_unit

    def explain(self, customers: int | Sequence[int]) -> tuple[Reason, ...]:
        """Return for each row of ``customers`` what it got, the runner-up and the margin between them."""
        rows = np.atleast_1d(np.asarray(customers, dtype=np.intp))
        if len(rows) and not (rows.min() >= 0 and rows.max() < len(self.choice)):
            raise InputError("customers: rows run from 0 to {count}", count=len(self.choice) - 1)
        prices = self.prices / [[self._money_unit], [1]]
        net = np.vstack([net_surplus(self._problem, prices, rows), np.zeros(len(rows))])
        return tuple(self._reason(int(row), net[:, at]) for at, row in enumerate(rows))

    def _reason(self, row: int, net: FloatArray) -> Reason:
        given = int(self.choice[row])
        others = net.copy()
        others[given] = -np.inf
        other = int(others.argmax()) if np.isfinite(others).any() else len(self.offers)
        held = given >= 0
        return Reason(
            customer=row,
            offer=self.offers[given] if held else None,
            value=float(self._value[row, given]) if held else 0.0,
            cost=float(self._problem.cost[given, row]) / self._money_unit if held else 0.0,
            surplus=float(net[given]),
            runner_up=self.offers[other] if other < len(self.offers) else None,
            margin=float(net[given] - others[other]),
            why=_why(held, float(net[given]), float(others[other])),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the totals, limits and offers as plain values; the rows are in ``choice``."""
        limits = [
            {"name": u.name, "unit": u.unit, "limit": u.limit, "used": u.used, "price": u.price}
            for u in self.limits
        ]
        totals: Mapping[str, Any] = {
            "customers": len(self.choice),
            "value": self.value,
            "cost": self.cost,
            "objective": self.objective,
            "bound": self.bound,
            "gap": self.gap,
            "price": self.price,
        }
        return dict(plain({**totals, "offers": self.by_offer(), "limits": limits}))

    def __str__(self) -> str:
        offers = [
            [row["offer"] or "(none)", row["customers"], row["value"], row["cost"]] for row in self.by_offer()
        ]
        limits = [[use.name, use.unit, use.limit, use.used, use.price] for use in self.limits[:_SHOWN_MAX]]
        hidden = len(self.limits) - len(limits)
        head = f"value {self.value:.6g} for cost {self.cost:.6g}; "
        head += f"the best possible is at most {100 * self.gap:.4g} % higher"
        tables = [
            text_table(["offer", "customers", "value", "cost"], offers),
            text_table(["limit", "unit", "at most", "used", "shadow price"], limits),
        ]
        return "\n\n".join([head, *tables, *([f"… and {hidden} more limits"] if hidden else [])])

    def plot(self) -> PlotSpec:
        """Return customers by offer as bars."""
        rows = [{**row, "offer": row["offer"] or "(none)"} for row in self.by_offer()]
        return chart(rows, [bar_layer(x="offer", y="customers")], title="Customers by offer")


def _why(held: bool, own: float, other: float) -> str:
    """Return the reason in words, from the surplus of what was given and of the runner-up."""
    if own >= other:
        if held:
            return "worth more than its prices, and more than any other choice"
        return "no offer is worth its prices" if np.isfinite(other) else "no offer is open and of value"
    return "leftover room decided" if held and own < 0 else "a limit ran out"
