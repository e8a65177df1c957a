"""From prices to a whole assignment that keeps every limit. Pure and deterministic.

Customers propose their best offer at the prices and are admitted in order of what a refusal would cost them.
A proposal counts against its limits even when another of its limits refuses it, so a round errs only on the
safe side. Refused customers propose again among what still fits; then leftover room is spent on moves that
raise value.
"""

import math
from dataclasses import dataclass

import numpy as np

from koipond.strategy.allocation.dual import Dual, net_surplus
from koipond.strategy.allocation.exchange import exchange
from koipond.strategy.allocation.problem import COUNT, MONEY, BoolArray, FloatArray, IntArray, Problem

_ROUNDS_MAX = 60
_CONTESTED_MAX = 20_000
_GOLDEN = 0.6180339887498949
_GOOD_GAP = 1e-4
_TRADED_MAX = 3
_PRICE_FACTORS = (0.95, 1.05, 0.85, 1.2, 2.0, 0.5, 0.0)
"""A small problem is rounded at several price levels: there one customer more or less is a large share."""


def round_to_whole(problem: Problem, dual: Dual) -> IntArray:
    """Return (customers,) the offer of each customer, -1 = none."""
    found = [_settle(problem, _round(problem, dual.prices, _mixed_answers(problem, dual)))]
    if problem.worth(found[0]) * (1 + _GOOD_GAP) >= dual.bound:
        return found[0]
    if problem.customer_count <= _CONTESTED_MAX:
        for factor in _PRICE_FACTORS:
            prices = dual.prices * factor
            found.append(_settle(problem, _round(problem, prices, standing(problem, prices)[0])))
    found.sort(key=problem.worth, reverse=True)
    lead = standing(problem, dual.prices)[1]
    found += [_settle(problem, exchange(problem, lead, choice)) for choice in found[:_TRADED_MAX]]
    return max(found, key=problem.worth)


def standing(problem: Problem, prices: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return (customers,) twice: the best option at the prices, -1 = none, and its lead over the next one."""
    first = np.zeros(problem.customer_count)
    second = np.full(problem.customer_count, -np.inf)
    choice = np.full(problem.customer_count, -1, dtype=np.intp)
    unit, head = problem.spread(prices[MONEY]), problem.spread(prices[COUNT])
    for offer in range(problem.offer_count):
        price = unit[problem.segment, offer] * problem.cost[offer] + head[problem.segment, offer]
        net = problem.value[offer] - price
        better = net > first
        second = np.where(better, first, np.maximum(second, net))
        np.copyto(first, net, where=better)
        np.copyto(choice, offer, where=better)
    return choice, first - second


def _mixed_answers(problem: Problem, dual: Dual) -> IntArray:
    """Return (customers,) one answer each, drawn evenly from the mixture of its cell."""
    cell = problem.cells(slice(0, problem.customer_count))
    order = np.argsort(cell, kind="stable")
    ends = np.searchsorted(cell[order], np.arange(problem.segment_count * problem.pieces + 1))
    passed = np.zeros(len(ends))
    wanted = np.full(problem.customer_count, -1, dtype=np.intp)
    for number, weight, prices in dual.mixture:
        rows = order[ends[number] : ends[number + 1]]
        spot = (np.arange(len(rows)) + 1) * _GOLDEN % 1.0
        drawn = rows[(spot >= passed[number]) & (spot < passed[number] + weight)]
        passed[number] += weight
        if len(drawn):
            wanted[drawn] = standing(problem.take(drawn, limits=problem.limits), prices)[0]
    return wanted


def _round(problem: Problem, prices: FloatArray, wanted: IntArray) -> IntArray:
    """Return a whole assignment near ``wanted``; of many customers only the least decided may move."""
    if problem.customer_count <= _CONTESTED_MAX:
        return _admit_and_fill(problem, prices, wanted)
    _, lead = standing(problem, prices)
    edge = float(np.partition(lead, _CONTESTED_MAX)[_CONTESTED_MAX])
    nearer, tied = np.flatnonzero(lead < edge), np.flatnonzero(lead == edge)
    rows = np.sort(np.concatenate([nearer, tied[: _CONTESTED_MAX - len(nearer)]]))
    choice = wanted.copy()
    choice[rows] = -1
    room = problem.limits - problem.usage(choice)
    if bool(np.any(room < 0)):
        return _admit_and_fill(problem, prices, wanted)
    choice[rows] = _admit_and_fill(problem.take(rows, limits=room), prices, wanted[rows])
    return choice


def _admit_and_fill(problem: Problem, prices: FloatArray, wanted: IntArray) -> IntArray:
    choice = np.full(problem.customer_count, -1, dtype=np.intp)
    rows = np.flatnonzero(np.isfinite(problem.value).any(axis=0))
    _admit(problem, choice, _moves_to(problem, prices, wanted))
    for least_gain in (0.0, -np.inf):
        open_rows = rows
        for _ in range(_ROUNDS_MAX):
            moves = _best_moves(problem, prices, choice, open_rows)
            moves = moves.only((moves.gain >= least_gain) & np.isfinite(moves.gain))
            if not _admit(problem, choice, moves):
                break
            if len(moves.rows) > _CONTESTED_MAX:
                moves = moves.only(np.sort(np.argsort(-moves.urgency, kind="stable")[:_CONTESTED_MAX]))
            open_rows = moves.rows
    return choice


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moves:
    """One move for each of some customers."""

    rows: IntArray
    offer: IntArray  # where to
    gain: FloatArray  # net of prices, against staying; -inf where no move is open
    urgency: FloatArray  # what a refusal would cost, against the next best

    def only(self, which: BoolArray | IntArray) -> "_Moves":
        return _Moves(
            rows=self.rows[which], offer=self.offer[which], gain=self.gain[which], urgency=self.urgency[which]
        )


def _moves_to(problem: Problem, prices: FloatArray, wanted: IntArray) -> _Moves:
    """Return the moves from nothing to ``wanted``."""
    rows = np.flatnonzero(wanted >= 0)
    net = net_surplus(problem, prices, rows)
    gain = net[wanted[rows], np.arange(len(rows))]
    net[wanted[rows], np.arange(len(rows))] = 0.0
    return _Moves(rows=rows, offer=wanted[rows], gain=gain, urgency=gain - net.max(axis=0))


def _best_moves(problem: Problem, prices: FloatArray, choice: IntArray, rows: IntArray) -> _Moves:
    """Return for each of ``rows`` its best move at the prices that raises value and fits by itself."""
    slack = problem.limits - problem.usage(choice)
    value, cost = problem.value[:, rows], problem.cost[:, rows]
    net = net_surplus(problem, prices, rows)
    held, now, at = choice[rows] >= 0, np.maximum(choice[rows], 0), np.arange(len(rows))
    kept_net, kept_value, freed = (np.where(held, table[now, at], 0.0) for table in (net, value, cost))
    segment, offers = 1 + problem.offer_count + problem.segment[rows], slice(1, 1 + problem.offer_count)
    room = np.minimum(slack[MONEY, 0], slack[MONEY, segment]) + freed
    places = np.minimum(slack[COUNT, 0], slack[COUNT, segment]) + held
    fits = (cost <= np.minimum(room, slack[MONEY, offers, None])) & (places >= 1)
    fits &= (slack[COUNT, offers] >= 1)[:, None] & (value > kept_value)
    net = np.where(fits, net, -np.inf)
    offer = net.argmax(axis=0)
    gain = net[offer, at] - kept_net
    net[offer, at] = -np.inf
    instead = np.maximum(net.max(axis=0) - kept_net, 0.0)
    return _Moves(rows=rows, offer=offer, gain=gain, urgency=np.where(gain >= 0, gain - instead, gain))


def _admit(problem: Problem, choice: IntArray, moves: _Moves) -> int:
    """Write into ``choice`` the moves that fit, the most urgent first; return how many."""
    if not len(moves.rows):
        return 0
    slack = problem.limits - problem.usage(choice)
    moves = moves.only(np.argsort(-moves.urgency, kind="stable"))
    rows, offer = moves.rows, moves.offer
    held = choice[rows] >= 0
    freed = np.where(held, problem.cost[np.maximum(choice[rows], 0), rows], 0.0)
    cost = problem.cost[offer, rows]
    more = np.stack([np.maximum(cost - freed, 0.0), ~held])
    whole = np.stack([cost, np.ones(len(rows))])
    segment = 1 + problem.offer_count + problem.segment[rows]
    fits = np.ones(len(rows), dtype=bool)
    for group, use in ((np.zeros_like(rows), more), (1 + offer, whole), (segment, more)):
        for row in (MONEY, COUNT):
            fits &= _running_sum(group, use[row], slack[row]) <= slack[row][group]
    choice[rows[fits]] = offer[fits]
    return int(fits.sum())


def _running_sum(group: IntArray, use: FloatArray, slack: FloatArray) -> FloatArray:
    """Return the running sum of ``use`` within each group in the given order; zeros when none can run out."""
    if bool(np.all(np.bincount(group, weights=use, minlength=len(slack)) <= slack)):
        return np.zeros(len(use))
    order = np.argsort(group, kind="stable")
    running = np.cumsum(use[order])
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    before = np.repeat(running[first] - use[order][first], np.diff(np.append(first, len(use))))
    result = np.empty(len(use))
    result[order] = running - before
    return result


def _settle(problem: Problem, choice: IntArray) -> IntArray:
    """Return ``choice`` without what float rounding let through: correctly rounded sums keep their limits."""
    limit, used = problem.limits[MONEY], problem.usage(choice)[MONEY]
    for group in np.flatnonzero(used > limit * (1 - 1e-9)):
        members = np.flatnonzero(problem.members(choice, int(group)))
        paid = problem.cost[choice[members], members]
        while math.fsum(paid.tolist()) > limit[group]:
            worth = np.where(paid > 0, problem.value[choice[members], members], np.inf)
            drop = int(np.argmin(worth))
            choice[members[drop]] = -1
            members, paid = np.delete(members, drop), np.delete(paid, drop)
    return choice
