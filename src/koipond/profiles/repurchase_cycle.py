"""The repurchase cycle (复购周期): when each customer is due again, and how sure that is. Pure.

A customer's own median gap is a worse guess than everybody's when there are few gaps (science B7), so the own
gaps are shrunk toward the population's (D3): c = exp((3 ln g0 + Σ ln gap) / (3 + number of gaps)).
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from koipond.frames import PlotSpec, TableLike, bar_layer, chart, plain, text_table
from koipond.frames.columns import Floats, Ints, freeze_arrays, to_day, values_of
from koipond.kernel import InputError, from_epoch_day
from koipond.profiles.gaps import Gaps
from koipond.profiles.purchase_days import PurchaseDays, main_category, purchase_days
from koipond.profiles.regularity import NO_RHYTHM_BELOW, regularity

PRIOR_GAPS = 3
"""How many own gaps the population's median weighs as much as (D3)."""
CATEGORY_GAPS_MIN = 200
"""Gaps a category needs before its own median is the prior (D3)."""
STATES = ("early", "due", "late", "at_risk", "dormant", "churned")
_STATE_EDGES = (0.8, 1.2, 2.0, 3.0, 5.0)
_HISTORY_EDGES = (1, 2, 3, 5, 10)
_RESIDUALS_MIN = 50


def shrunk_cycle_days(gap_count: npt.ArrayLike, log_gap_sum: npt.ArrayLike, g0: npt.ArrayLike) -> Floats:
    """Return exp((3 ln g0 + Σ ln gap) / (3 + count)) in days (D3); g0 where there is no gap yet."""
    count = np.asarray(gap_count, dtype=np.float64)
    total = PRIOR_GAPS * np.log(np.asarray(g0, dtype=np.float64)) + np.asarray(log_gap_sum, dtype=np.float64)
    return np.asarray(np.exp(total / (PRIOR_GAPS + count)), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class RepurchaseCycle:
    """Cycle and due date of each customer, aligned to ``customers``, as of the end of day ``as_of``.

    ``due_low_day`` … ``due_high_day`` hold the next purchase with probability ``level`` **if it comes**: what
    the gaps of customers with as much history did around their cycle. ``regularity`` is Wheat and Morrison's
    k on everybody's last two gaps, None with fewer than two customers who have two. Days count from
    1970-01-01.
    """

    customers: npt.NDArray[Any]
    purchase_day_count: Ints
    last_day: Ints
    cycle_days: Floats
    due_low_day: Floats
    due_high_day: Floats
    prior_days: Floats
    as_of: date
    level: float
    gap_quantiles: dict[str, float]
    regularity: float | None
    repeat_rates: tuple[float, ...]
    category_priors: dict[str, float]
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        freeze_arrays(self)

    @property
    def due_day(self) -> Floats:
        """Return last purchase day plus cycle."""
        return self.last_day + self.cycle_days

    @property
    def since_last_cycles(self) -> Floats:
        """Return ρ: days since the last purchase over the cycle (D3)."""
        since = to_day(self.as_of, "as_of") - self.last_day
        return since / self.cycle_days

    @property
    def states(self) -> npt.NDArray[np.str_]:
        """Return early (ρ < 0.8), due (to 1.2), late (to 2), at_risk (to 3), dormant (to 5) or churned."""
        ratio = np.round(self.since_last_cycles, 9)  # exp(ln 10) is not 10: keep exact edges on their side
        late = np.digitize(ratio, _STATE_EDGES[1:], right=True) + 1
        return np.array(STATES)[np.where(ratio < _STATE_EDGES[0], 0, late)]

    def table(self) -> pa.Table:
        """Return one row a customer; due dates as dates, rounded to the nearest day."""
        dates = {
            "last_purchase_on": self.last_day,
            "due_on": self.due_day,
            "due_low_on": self.due_low_day,
            "due_high_on": self.due_high_day,
        }
        days = {name: pa.array(np.rint(day).astype(np.int32), pa.date32()) for name, day in dates.items()}
        return pa.table(
            {
                "customer": self.customers,
                "purchase_day_count": self.purchase_day_count,
                "cycle_days": self.cycle_days,
                **days,
                "since_last_cycles": self.since_last_cycles,
                "state": self.states,
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the population's figures as plain values, without the single customers (see `table`)."""
        states = self.states
        found: dict[str, Any] = plain(
            {
                "as_of": self.as_of.isoformat(),
                "customers": len(self.customers),
                "gap_quantiles_days": self.gap_quantiles,
                "regularity": self.regularity,
                "repeat_rates": self.repeat_rates,
                "category_priors_days": self.category_priors,
                "states": {state: int(np.sum(states == state)) for state in STATES},
                "notes": self.notes,
            }
        )
        return found

    def __str__(self) -> str:
        told = self.to_dict()
        gaps = ", ".join(f"{name} {days:g}" for name, days in self.gap_quantiles.items())
        k = "unknown" if self.regularity is None else f"{self.regularity:.2f}"
        head = f"{len(self.customers)} customers as of {self.as_of}; gaps in days {gaps}; regularity {k}"
        rows = list(told["states"].items())
        return "\n".join([head, text_table(["state", "customers"], rows), *self.notes])

    def plot(self) -> PlotSpec:
        """Return bars of customers by state."""
        rows = [{"state": state, "customers": count} for state, count in self.to_dict()["states"].items()]
        title = f"Repurchase states, {self.as_of}"
        return chart(rows, [bar_layer(x="state", y="customers")], title=title)


def repurchase_cycle(
    table: TableLike,
    customer: str = "customer_id",
    at: str = "date",
    *,
    category: str | None = None,
    as_of: str | date | None = None,
    level: float = 0.8,
) -> RepurchaseCycle:
    """Return the repurchase cycle of every customer with a purchase on or before ``as_of``.

    One row a purchase; rows of a day are one purchase; the day of an instant with a zone is the calendar
    day there. ``as_of`` (date, datetime or ISO text) defaults to the last day of the table. With
    ``category`` the prior of a customer is the median gap of those who mostly buy the same category, when
    they have at least 200 gaps. Raises InputError for bad input or when nobody has bought on two days.
    """
    if not 0 < level < 1:
        raise InputError("level must lie between 0 and 1, not {level}", level=level)
    purchases = purchase_days(table, customer=customer, at=at)
    end = purchases.last_day if as_of is None else to_day(as_of, "as_of")
    kept = purchases.until(end)
    gaps = Gaps.of(kept)
    if not len(gaps.days):
        raise InputError(
            "nobody has bought on two days up to {from_epoch_day}; there is no gap to learn from",
            from_epoch_day=from_epoch_day(end),
        )
    general = float(np.median(gaps.days))
    prior = np.full(gaps.customers, general)
    categories: dict[str, float] = {}
    if category is not None:
        prior, categories = _category_priors(table, customer, at, category, end, kept, gaps, general)
    cycle = shrunk_cycle_days(gaps.count, gaps.log_sum, prior)
    low, high = _residual_factors(gaps, prior, level)
    last = kept.day[kept.ends]
    k = _regularity(gaps)
    return RepurchaseCycle(
        customers=values_of(purchases.customers)[kept.code[kept.starts]],
        purchase_day_count=gaps.count + 1,
        last_day=last,
        cycle_days=cycle,
        due_low_day=last + cycle * low,
        due_high_day=last + cycle * high,
        prior_days=prior,
        as_of=from_epoch_day(end),
        level=level,
        gap_quantiles=_quantiles(gaps.days),
        regularity=k,
        repeat_rates=_repeat_rates(gaps.count + 1),
        category_priors=categories,
        notes=_notes(k, purchases.rows_without_customer),
    )


def _residual_factors(gaps: Gaps, prior: Floats, level: float) -> tuple[Floats, Floats]:
    """Return the factors of the cycle between which a share ``level`` of next gaps fell, per customer.

    Each gap is compared with the cycle that its customer's earlier gaps gave, and customers are judged by the
    gaps that had as much history behind them; a class with fewer than 50 gaps borrows everybody's.
    """
    predicted = shrunk_cycle_days(gaps.before, gaps.log_before, prior[gaps.owner])
    factor = gaps.days / predicted
    history, now = np.digitize(gaps.before, _HISTORY_EDGES), np.digitize(gaps.count, _HISTORY_EDGES)
    ends = [(1 - level) / 2, (1 + level) / 2]
    bounds = np.tile(np.quantile(factor, ends), (len(_HISTORY_EDGES) + 1, 1))
    for group in range(len(bounds)):
        here = factor[history == group]
        if len(here) >= _RESIDUALS_MIN:
            bounds[group] = np.quantile(here, ends)
    return bounds[now, 0], bounds[now, 1]


def _category_priors(
    table: TableLike, customer: str, at: str, category: str, end: int, kept: PurchaseDays, gaps: Gaps,
    general: float,
) -> tuple[Floats, dict[str, float]]:  # fmt: skip
    names, main = main_category(table, customer=customer, at=at, category=category, until=end)
    of_customer = main[kept.code[kept.starts]]
    prior = np.full(gaps.customers, general)
    medians: dict[str, float] = {}
    of_gap = of_customer[gaps.owner]
    for code in np.unique(of_gap[of_gap >= 0]):
        days = gaps.days[of_gap == code]
        if len(days) >= CATEGORY_GAPS_MIN:
            medians[str(names[int(code)])] = float(np.median(days))
            prior[of_customer == code] = np.median(days)
    return prior, medians


def _regularity(gaps: Gaps) -> float | None:
    last = np.flatnonzero(gaps.before == gaps.count[gaps.owner] - 1)
    last = last[gaps.before[last] >= 1]
    return regularity(gaps.days[last - 1], gaps.days[last]) if len(last) >= 2 else None


def _quantiles(days: Floats) -> dict[str, float]:
    median, q80, q90 = (float(value) for value in np.quantile(days, [0.5, 0.8, 0.9]))
    return {"median": median, "q80": q80, "q90": q90}


def _repeat_rates(purchase_day_count: Ints) -> tuple[float, ...]:
    reached = [float(np.sum(purchase_day_count >= n)) for n in range(1, 6)]
    return tuple(reached[n] / reached[n - 1] for n in range(1, 5) if reached[n - 1])


def _notes(k: float | None, without_customer: int) -> tuple[str, ...]:
    notes = []
    if k is not None and k < NO_RHYTHM_BELOW:
        notes.append(
            f"regularity {k:.2f} is below {NO_RHYTHM_BELOW}: purchases come about at random, so a due date "
            "is a typical wait, not an appointment"
        )
    if without_customer:
        notes.append(f"{without_customer} rows without a customer were left out")
    return tuple(notes)
