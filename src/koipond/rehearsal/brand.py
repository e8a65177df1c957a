"""A simulated brand (模拟品牌): customers whose true purchase behaviour is known, in continuous time.

A customer buys in a gamma renewal rhythm around a personal cycle, and at each purchase may lapse into a slow
random rate. The chance p that somebody buys within a window is therefore known exactly, and so is a planted
relative effect r: who would not have bought in the window does so with the chance k = r·Σp / Σ(1-p), which
lifts the expected buyers of a batch from Σp to (1+r)·Σp (`odds`). Days are float days since 1970 in the
brand's zone. Deterministic by seed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_MAX_HISTORY_STEPS = 10_000
_SURE = 1.0 - 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandParameters:
    """What the brand is like. Rates are fractions, spreads are sigmas of logs."""

    customers: int = 20_000
    history_days: int = 365
    cycle_days_median: float = 30.0
    cycle_spread: float = 0.4
    rhythm: float = 2.0  # gamma shape of the gaps; 1 = no rhythm (Wheat-Morrison)
    lapse_rate: float = 0.06  # chance that a purchase is the last regular one
    lapsed_cycle_days: float = 120.0  # mean gap once lapsed
    basket_fen_median: int = 8_000
    basket_spread: float = 0.6
    opt_out_rate: float = 0.002  # chance that a marketing touch is answered by an opt-out
    click_rate: float = 0.08


def odds(chance: Floats) -> float:
    """Return buyers to non-buyers to be expected of customers with these chances, Σp / Σ(1-p)."""
    return float(chance.sum() / (1.0 - chance).sum())


class SimulatedBrand:
    """Mutable state of the brand's customers. Index i is a customer; numbers are given by the caller."""

    def __init__(self, parameters: BrandParameters, *, start: float, seed: int) -> None:
        """``start`` is the float day on which the rehearsal begins; history lies before it."""
        self.parameters = parameters
        self.random = np.random.Generator(np.random.PCG64(seed))
        n = parameters.customers
        spread = parameters.cycle_spread
        self.cycle: Floats = parameters.cycle_days_median * np.exp(self.random.normal(0.0, spread, n))
        self.lapsed: Bools = np.zeros(n, dtype=bool)
        self.last: Floats = start - parameters.history_days * self.random.random(n)
        self.joined: Floats = self.last.copy()
        self.next: Floats = np.empty(n)
        self._due = [(self.last.copy(), np.arange(n))]
        self._schedule(np.arange(n))
        self._extra: list[tuple[Floats, Ints]] = []

    def purchases_until(self, moment: float) -> tuple[Floats, Ints, Ints]:
        """Advance to ``moment``; return the new purchases: times, customers, amounts in minor units."""
        times, who = self._first_purchases()
        for _ in range(_MAX_HISTORY_STEPS):
            due = np.flatnonzero(self.next < moment)
            if due.size == 0:
                break
            times.append(self.next[due].copy())
            who.append(due)
            self.last[due] = self.next[due]
            self._schedule(due)
        else:
            raise RuntimeError("the brand's history does not end: cycles are too short")
        self._take_extra(moment, times, who)
        all_times = np.concatenate(times) if times else np.empty(0)
        all_who = np.concatenate(who) if who else np.empty(0, dtype=np.int64)
        order = np.lexsort((all_who, all_times))
        return all_times[order], all_who[order], self._amounts(order.size)

    def chance_to_buy(self, who: Ints, moment: float, window_days: float) -> Floats:
        """Return the true chance that each of ``who`` buys by himself in the window after ``moment``, < 1."""
        from scipy.special import gammaincc

        k = self.parameters.rhythm
        rate = k / self.cycle[who]
        elapsed = moment - self.last[who]
        now = gammaincc(k, rate * elapsed)
        then = gammaincc(k, rate * (elapsed + window_days))
        regular = 1.0 - np.divide(then, now, out=np.zeros_like(then), where=now > 0)
        slow = 1.0 - np.exp(-window_days / self.parameters.lapsed_cycle_days)
        chance = np.where(self.lapsed[who], slow, regular)
        return np.asarray(np.minimum(chance, _SURE), dtype=np.float64)

    def touch(self, who: Ints, moment: float, window_days: float, chance: Floats) -> Bools:
        """Let touches at ``moment`` work: whoever of ``who`` would not buy in the window does so with his
        ``chance``, at any time of it. Return who buys because of them.
        """
        moved = (self.next[who] >= moment + window_days) & (self.random.random(who.size) < chance)
        at = moment + window_days * self.random.random(who.size)
        self._extra.append((at[moved], who[moved]))
        return np.asarray(moved)

    def _first_purchases(self) -> tuple[list[Floats], list[Ints]]:
        times, who = [t for t, _ in self._due], [w for _, w in self._due]
        self._due = []
        return times, who

    def _take_extra(self, moment: float, times: list[Floats], who: list[Ints]) -> None:
        later: list[tuple[Floats, Ints]] = []
        for at, customers in self._extra:
            now = at < moment
            times.append(at[now])
            who.append(customers[now])
            if not now.all():
                later.append((at[~now], customers[~now]))
        self._extra = later

    def _schedule(self, who: Ints) -> None:
        """Draw who lapses at the purchase just made, and when each of ``who`` buys next."""
        p = self.parameters
        self.lapsed[who] |= self.random.random(who.size) < p.lapse_rate
        regular = self.random.gamma(p.rhythm, self.cycle[who] / p.rhythm)
        slow = self.random.exponential(p.lapsed_cycle_days, who.size)
        self.next[who] = self.last[who] + np.where(self.lapsed[who], slow, regular)

    def _amounts(self, count: int) -> Ints:
        p = self.parameters
        drawn = p.basket_fen_median * np.exp(self.random.normal(0.0, p.basket_spread, count))
        return np.asarray(np.maximum(1, np.rint(drawn)), dtype=np.int64)

    def opts_out(self, count: int) -> Any:
        """Draw which of ``count`` touches are answered by an opt-out."""
        return self.random.random(count) < self.parameters.opt_out_rate

    def clicks(self, count: int) -> Any:
        """Draw which of ``count`` touches are clicked."""
        return self.random.random(count) < self.parameters.click_rate
