"""Give each customer one offer or none, under budgets and counts (预算分配; S31, leap 1)."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from koipond.strategy.allocation.dual import best_prices
from koipond.strategy.allocation.model import Allocation, LimitUse
from koipond.strategy.allocation.problem import MONEY, FloatArray, IntArray, bar_hopeless
from koipond.strategy.allocation.request import PerOffer, PerSegment, Request, check_request
from koipond.strategy.allocation.rounding import round_to_whole


def allocate(
    value: Any,
    cost: Any,
    budget: float | None,
    max_per_offer: PerOffer = None,
    *,
    max_customers: float | None = None,
    offer_budget: PerOffer = None,
    segment: Any = None,
    segment_budget: PerSegment = None,
    segment_max: PerSegment = None,
    eligible: Any = None,
    lower: Any = None,
    offers: Sequence[str] | None = None,
) -> Allocation:
    """Return the assignment of offers that brings the most value within every limit.

    ``value``, ``cost``: arrays of customers × offers (a row of one cost for each offer will do), expected
    incremental margin and its cost in any one unit each. Costs are decimals: up to 9 places are added
    exactly, as integers are (0.1 + 0.1 + 0.1 is 0.3); others in correctly rounded sums. An option of value
    <= 0 is never chosen; column 0 is an offer like any other, choosing none is always open. ``budget``: money
    for everybody, None = no limit.
    ``max_per_offer``, ``offer_budget``: customers and money of an offer, one number for all or one for each.
    ``segment``: a label for each customer; ``segment_budget``, ``segment_max``: money and customers by label.
    ``max_customers``: customers with an offer. ``eligible``: true where a customer may get an offer.
    ``lower``: lower confidence bounds of ``value``; when given, their sum is maximised (the robust variant),
    so that an offer that is only promising does not crowd out one that is proven. Raises InputError that
    names all mistakes.

    Method: Lagrangian dual by cutting planes, then rounding; deterministic. ``gap`` is proven by the dual
    bound, and ``cost`` and what each limit uses are never more than the limit.
    """
    request = check_request(
        value,
        cost,
        budget,
        max_per_offer=max_per_offer,
        max_customers=max_customers,
        offer_budget=offer_budget,
        segment=segment,
        segment_budget=segment_budget,
        segment_max=segment_max,
        eligible=eligible,
        lower=lower,
        offers=offers,
    )
    problem = bar_hopeless(request.problem)
    dual = best_prices(problem)
    choice = round_to_whole(problem, dual)
    rows = np.flatnonzero(choice >= 0)
    objective = problem.worth(choice)
    prices = dual.prices * [[request.money_unit or 1], [1]]
    usage = _usage(request, choice)
    paid = float(usage[MONEY, 0])
    return Allocation(
        choice=choice,
        value=float(request.value[rows, choice[rows]].sum()),
        cost=round(paid) if request.whole_cost else paid,
        objective=objective,
        bound=max(dual.bound, objective),
        price=float(prices[0, 0]),
        limits=_limit_uses(request, usage, prices),
        offers=request.offers,
        prices=prices,
        _problem=problem,
        _value=request.value,
        _money_unit=request.money_unit or 1,
    )


def _usage(request: Request, choice: IntArray) -> FloatArray:
    """Return (2, groups): heads, and money in the caller's unit, each sum rounded once."""
    problem = request.problem
    usage = problem.usage(choice)
    if request.money_unit is not None:
        usage[MONEY] /= request.money_unit
        return usage
    for group in range(usage.shape[1]):
        members = np.flatnonzero(problem.members(choice, group))
        usage[MONEY, group] = math.fsum(problem.cost[choice[members], members].tolist())
    return usage


def _limit_uses(request: Request, usage: FloatArray, prices: FloatArray) -> tuple[LimitUse, ...]:
    limits = request.limits
    return tuple(
        LimitUse(
            name=name,
            unit=unit,
            limit=float(limits[row, group]),
            used=float(usage[row, group]),
            price=float(prices[row, group]),
        )
        for row, unit in enumerate(("money", "customers"))
        for group, name in enumerate(request.group_names)
        if np.isfinite(limits[row, group])
    )
