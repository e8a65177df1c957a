"""The Lagrangian dual of the allocation: a price for every limit, and a true upper bound. Pure.

With prices on the money and heads of the groups an option belongs to, customer i takes the offer with the
highest net value - price × cost - price per head, or none. Those surpluses plus Σ price × limit bound the
value of every feasible assignment, whatever the prices (weak duality). The best prices are found by cutting
planes in a trust box (Kelley 1960; Marsten, Hogan & Blankenship 1975) with one cut a cell; the linear program
is solved in its Dantzig-Wolfe form, whose rows are limits and cells: it does not grow with the customers.
"""

from dataclasses import dataclass

import numpy as np

from koipond.strategy.allocation.problem import COUNT, MONEY, FloatArray, IntArray, Problem, can_bind

_CHUNK = 1 << 15
_SAMPLE_ABOVE = 40_000
_SAMPLE_SIZE = 12_000
_STEPS_MAX = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What customers do at given prices, added up by cell."""

    prices: FloatArray  # (2, groups)
    bound: float  # the dual's value at these prices
    value: FloatArray  # (cells,) value of the chosen options, limits ignored
    usage: FloatArray  # (2, cells, offers) money and heads


@dataclass(frozen=True, slots=True, kw_only=True)
class Dual:
    """Prices, the bound they prove, and answers of cells which, mixed by weight, use the limits just up."""

    prices: FloatArray  # (2, groups)
    bound: float
    mixture: tuple[tuple[int, float, FloatArray], ...]  # cell, weight, the prices its customers answer


def respond(problem: Problem, prices: FloatArray) -> Response:
    """Return how all customers answer ``prices`` (2, groups); ties go to none, then to the first offer."""
    offers, cells = problem.offer_count, problem.segment_count * problem.pieces
    unit, head = (np.repeat(problem.spread(prices[row]), problem.pieces, axis=0) for row in (MONEY, COUNT))
    usage = np.zeros((2, cells * offers))
    value = np.zeros(cells)
    surplus = 0.0
    for start in range(0, problem.customer_count, _CHUNK):
        rows = slice(start, start + _CHUNK)
        cell = problem.cells(rows)
        best, chosen_cost, chosen_value = np.zeros((3, len(cell)))
        choice = np.full(len(cell), -1, dtype=np.intp)
        for offer in range(offers):
            cost, worth = problem.cost[offer, rows], problem.value[offer, rows]
            if problem.segment_count == 1:
                net = worth - (unit[0, offer] * cost + head[0, offer])
            else:
                net = worth - (unit[cell, offer] * cost + head[cell, offer])
            better = net > best
            np.copyto(best, net, where=better)
            np.copyto(choice, offer, where=better)
            np.copyto(chosen_cost, cost, where=better)
            np.copyto(chosen_value, worth, where=better)
        taken = choice >= 0
        pair = (cell * offers + choice)[taken]
        usage[MONEY] += np.bincount(pair, weights=chosen_cost[taken], minlength=cells * offers)
        usage[COUNT] += np.bincount(pair, minlength=cells * offers)
        value += np.bincount(cell, weights=chosen_value, minlength=cells)
        surplus += float(best.sum())
    priced = prices > 0
    bound = surplus + float(prices[priced] @ problem.limits[priced])
    return Response(prices=prices, bound=bound, value=value, usage=usage.reshape(2, cells, offers))


def best_prices(problem: Problem, *, tolerance: float = 1e-5) -> Dual:
    """Return the prices with the lowest bound found, and the mixture of answers that proves them good.

    ``tolerance``: stop when the bound cannot fall by more than this share of itself. A large problem is first
    solved on every n-th customer with limits scaled down; those prices only start the search, they prove
    nothing.
    """
    free = respond(problem, np.zeros_like(problem.limits))
    master = _Master(problem, free.bound)
    master.add(free)
    if master.fits(free):
        return master.dual(free)
    if problem.customer_count <= _SAMPLE_ABOVE:
        return _descend(problem, master, free, radius=1.0, tolerance=tolerance)
    rows = np.arange(0, problem.customer_count, problem.customer_count // _SAMPLE_SIZE)
    limits = problem.limits * (len(rows) / problem.customer_count)
    small = best_prices(problem.take(rows, limits=limits), tolerance=tolerance)
    start = respond(problem, small.prices)
    master.add(start)
    return _descend(problem, master, start, radius=0.002, tolerance=tolerance)


def _descend(
    problem: Problem, master: "_Master", centre: Response, *, radius: float, tolerance: float
) -> Dual:
    """Lower the bound from ``centre``; ``radius`` is the box's half width as a share of the ceiling."""
    for _ in range(_STEPS_MAX):
        step = master.solve(centre.prices, radius)
        if step is None:
            break
        prices, floor, at_edge = step
        promised = centre.bound - floor
        if promised <= tolerance * abs(centre.bound):
            if not at_edge:
                break
            radius *= 8
            continue
        tried = respond(problem, prices)
        master.add(tried)
        gained = centre.bound - tried.bound
        if gained > 0:
            centre = tried
        if gained < 0:
            radius = max(radius / 3, 1e-9)
        elif at_edge and gained > promised / 2:
            radius *= 2
    master.solve(centre.prices, 1.0)
    return master.dual(centre)


class _Master:
    """The linear program over the prices that can matter: the lowest point of the cuts in a box."""

    def __init__(self, problem: Problem, free_value: float) -> None:
        self._active = can_bind(problem)
        self._limits = problem.limits[self._active]
        self._ceiling = _ceiling(problem, free_value)[self._active]
        self._problem = problem
        self._columns: list[FloatArray] = []
        self._values: list[float] = []
        self._cells: list[int] = []
        self._prices: list[FloatArray] = []
        self._seen: set[bytes] = set()
        self._weights: FloatArray | None = None

    def fits(self, response: Response) -> bool:
        """Return whether the whole of ``response`` keeps every limit."""
        usage = self._usage(response).sum(axis=0)
        return bool(np.all(usage <= self._limits))

    def add(self, response: Response) -> None:
        """Add each cell's answer: its surplus is >= value - prices × usage at any prices."""
        for cell, usage in enumerate(self._usage(response)):
            value = float(response.value[cell])
            key = usage.tobytes() + np.array([cell, value]).tobytes()
            if key not in self._seen:
                self._seen.add(key)
                self._columns.append(usage)
                self._values.append(value)
                self._cells.append(cell)
                self._prices.append(response.prices)

    def dual(self, centre: Response) -> Dual:
        """Return the outcome with the mixture of the last solution; before any, of ``centre`` alone."""
        cells = self._problem.segment_count * self._problem.pieces
        mixture = tuple((cell, 1.0, centre.prices) for cell in range(cells))
        if self._weights is not None:
            used = np.flatnonzero(self._weights > 1e-9)
            mixture = tuple((self._cells[k], float(self._weights[k]), self._prices[k]) for k in used)
        return Dual(prices=centre.prices, bound=centre.bound, mixture=mixture)

    def solve(self, centre: FloatArray, radius: float) -> tuple[FloatArray, float, bool] | None:
        """Return the prices (2, groups), the model's bound there, and whether they touch the box.

        None when the linear program fails numerically: any prices found so far still prove their bound.
        """
        from scipy.optimize import linprog
        from scipy.sparse import csr_array, hstack, identity

        scale, middle = self._ceiling, centre[self._active] / self._ceiling
        low, high = np.maximum(0.0, middle - radius), np.minimum(1.0, middle + radius)
        value = np.array(self._values)
        size = float(value.max()) or 1.0
        unit = scale / size
        usage = csr_array(np.array(self._columns).T * unit[:, None])
        cells = np.array(self._cells)
        one_each = csr_array((np.ones(len(cells)), (cells, np.arange(len(cells)))))
        eye = identity(len(unit), format="csr")
        answer = linprog(
            np.concatenate([-value / size, high, -low]),
            A_ub=hstack([usage, -eye, eye]),
            b_ub=self._limits * unit,
            A_eq=hstack([one_each, csr_array((one_each.shape[0], 2 * len(unit)))]),
            b_eq=np.ones(one_each.shape[0]),
            method="highs-ds",
        )
        if answer.status != 0:
            return None
        self._weights = answer.x[: len(cells)]
        share = np.clip(-answer.ineqlin.marginals, low, high)
        edge = ((share <= low) & (low > 0)) | ((share >= high) & (high < 1))
        prices = np.zeros_like(centre)
        prices[self._active] = share * scale
        return prices, -float(answer.fun) * size, bool(edge.any())

    def _usage(self, response: Response) -> FloatArray:
        """Return (cells, active limits): what each cell uses."""
        problem = self._problem
        segments, pieces, offers = problem.segment_count, problem.pieces, problem.offer_count
        table = np.zeros((2, segments, pieces, segments, offers))
        for segment in range(segments):
            table[:, segment, :, segment] = response.usage.reshape(2, segments, pieces, offers)[:, segment]
        by_group = problem.gather(table.reshape(2, segments * pieces, segments, offers))
        return by_group.transpose(1, 0, 2)[:, self._active]


def _ceiling(problem: Problem, free_value: float) -> FloatArray:
    """Return (2, groups): the best prices lie at or below.

    Above the dearest option's value ÷ cost nobody buys; and price × limit alone is at most the dual's value,
    which at the best prices is no more than at none. The second keeps one option of nearly no cost from
    setting the scale.
    """
    option = np.isfinite(problem.value)
    paid = option & (problem.cost > 0)
    ratio = np.divide(problem.value, problem.cost, out=np.zeros_like(problem.value), where=paid)
    ceiling = np.empty_like(problem.limits)
    ceiling[MONEY] = float(ratio.max(initial=0.0))
    ceiling[COUNT] = float(problem.value.max(where=option, initial=0.0))
    by_limit = np.divide(
        free_value, problem.limits, out=np.full_like(ceiling, np.inf), where=problem.limits > 0
    )
    return np.minimum(ceiling, by_limit)


def net_surplus(problem: Problem, prices: FloatArray, rows: IntArray) -> FloatArray:
    """Return (offers, len(rows)): what each option leaves after its prices."""
    segment = problem.segment[rows]
    unit, head = problem.spread(prices[MONEY])[segment].T, problem.spread(prices[COUNT])[segment].T
    return problem.value[:, rows] - (unit * problem.cost[:, rows] + head)
