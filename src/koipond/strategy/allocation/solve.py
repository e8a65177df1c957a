"""Give each customer one offer or none, under budgets and counts (预算分配; S31, leap 1)."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from koipond.strategy.allocation.dual import best_prices
from koipond.strategy.allocation.model import Allocation, LimitUse
from koipond.strategy.allocation.problem import bar_hopeless
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
    incremental margin and its cost in any one unit each; integer costs are added exactly. An option of value
    <= 0 is never chosen; column 0 is an offer like any other, choosing none is always open. ``budget``: money
    for everybody, None = no limit.
    ``max_per_offer``, ``offer_budget``: customers and money of an offer, one number for all or one for each.
    ``segment``: a label for each customer; ``segment_budget``, ``segment_max``: money and customers by label.
    ``max_customers``: customers with an offer. ``eligible``: true where a customer may get an offer.
    ``lower``: lower confidence bounds of ``value``; when given, their sum is maximised (the robust variant),
    so that an offer that is only promising does not crowd out one that is proven. Raises InputError that
    names all mistakes.

    Method: Lagrangian dual by cutting planes, then rounding; deterministic. ``gap`` is proven by the dual
    bound, exact arithmetic apart: money adds up to no more than the limit in correctly rounded sums.
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
    paid = float(problem.cost[choice[rows], rows].sum())
    usage = problem.usage(choice)
    return Allocation(
        choice=choice,
        value=float(request.value[rows, choice[rows]].sum()),
        cost=round(paid) if request.whole_cost else paid,
        objective=objective,
        bound=max(dual.bound, objective),
        price=float(dual.prices[0, 0]),
        limits=_limit_uses(request, usage, dual.prices),
        offers=request.offers,
        prices=dual.prices,
        _problem=problem,
        _value=request.value,
    )


def _limit_uses(request: Request, usage: Any, prices: Any) -> tuple[LimitUse, ...]:
    limits = request.problem.limits
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
