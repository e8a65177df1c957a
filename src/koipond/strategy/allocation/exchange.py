"""Trade places: pairs of customers change offers together while that raises value. Pure and deterministic.

Rounding loses about one customer for each limit that binds. In a brand of millions that is nothing; among a
thousand customers under thirty limits it is a percent, and most of it comes back by exchanges among the least
decided.
"""

import numpy as np

from koipond.strategy.allocation.problem import BoolArray, FloatArray, IntArray, Problem, can_bind

_WORK_MAX = 30_000_000
_MOVES_MAX = 1_500
_SWEEPS_MAX = 4
_LEAST_GAIN = 1e-9


def exchange(problem: Problem, lead: FloatArray, choice: IntArray) -> IntArray:
    """Return ``choice`` after all single moves and pairs of moves that fit and raise value, within a few
    sweeps.

    ``lead`` (customers,): how far each customer is from a change of mind; only the nearest take part.
    """
    binding = can_bind(problem).ravel()
    moves = min(_MOVES_MAX, int((_WORK_MAX / max(1, binding.sum())) ** 0.5))
    options = problem.offer_count + 1
    rows = np.sort(np.argsort(lead, kind="stable")[: max(2, moves // options)])
    table = _Moves(problem, rows, choice.copy(), binding)
    for _ in range(_SWEEPS_MAX):
        if not table.sweep():
            break
    return table.choice


class _Moves:
    """Every option of some customers as a change against what they have now."""

    def __init__(self, problem: Problem, rows: IntArray, choice: IntArray, binding: BoolArray) -> None:
        options, count = problem.offer_count + 1, len(rows)
        self.choice = choice
        self._customer = np.repeat(np.arange(count), options)
        self._row = np.repeat(rows, options)
        self._offer = np.tile(np.arange(options) - 1, count)
        held = self._offer >= 0
        offer = np.maximum(self._offer, 0)
        self._worth = np.where(held, problem.value[offer, self._row], 0.0)
        self._use = np.zeros((len(offer), 2, problem.limits.shape[1]))
        every = np.arange(len(offer))
        for row, use in enumerate((problem.cost[offer, self._row], np.ones(len(offer)))):
            for group in (0, 1 + offer, 1 + problem.offer_count + problem.segment[self._row]):
                self._use[every, row, group] = np.where(held, use, 0.0)
        self._use = self._use.reshape(len(offer), -1)[:, binding]
        self._slack = (problem.limits - problem.usage(choice)).ravel()[binding]
        now = np.arange(count) * options + 1 + choice[rows]
        self._gain = self._worth - self._worth[now][self._customer]
        self._need = self._use - self._use[now][self._customer]

    def sweep(self) -> bool:
        """Try every move that raises value, alone or with one other; return whether any was made."""
        improved = False
        for move in np.argsort(-self._gain, kind="stable"):
            if self._gain[move] <= _LEAST_GAIN:
                continue
            room = self._slack - self._need[move]
            if bool((room >= 0).all()):
                self._make(int(move))
                improved = True
                continue
            partner = self._gain + self._gain[move] > _LEAST_GAIN
            partner &= self._customer != self._customer[move]
            others = np.flatnonzero(partner)
            others = others[(self._need[others] <= room).all(axis=1)]
            if len(others):
                self._make(int(move))
                self._make(int(others[self._gain[others].argmax()]))
                improved = True
        return improved

    def _make(self, move: int) -> None:
        """Give the customer of ``move`` its offer, and see that customer's options from there."""
        self._slack = self._slack - self._need[move]
        self.choice[self._row[move]] = self._offer[move]
        own = slice(*np.searchsorted(self._customer, [self._customer[move], self._customer[move] + 1]))
        self._gain[own] = self._worth[own] - self._worth[move]
        self._need[own] = self._use[own] - self._use[move]
