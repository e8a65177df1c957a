"""Forecast, wait, compare (留出期检验): the only test of a customer-base model that counts. Pure."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from koipond.frames import PlotSpec, TableLike, chart, line_layer, plain, text_table
from koipond.frames.columns import Floats, freeze_arrays, to_day, values_of
from koipond.kernel import InputError, epoch_day, from_epoch_day
from koipond.profiles.clv.face import clv
from koipond.profiles.clv.result import LifetimeValue
from koipond.profiles.clv.summary import days_in
from koipond.profiles.purchase_days import purchase_days

_CLASSES = 8


@dataclass(frozen=True, kw_only=True)
class HoldoutCheck:
    """A forecast beside what happened between ``fitted.summary.calibration_end`` and ``holdout_end``.

    ``actual`` and ``expected`` are purchases of each customer, ``rate`` the naive forecast x/T · horizon;
    money arrays are None without an amount. ``cumulative`` is all repeat purchases up to the end, of which
    ``cumulative_expected`` is what the fitted parameters say of new customers of those ages.
    """

    fitted: LifetimeValue
    holdout_end: date
    horizon: float
    actual: Floats
    expected: Floats
    rate: Floats
    cumulative: float
    cumulative_expected: float
    actual_value: Floats | None = None
    expected_value: Floats | None = None

    def __post_init__(self) -> None:
        freeze_arrays(self)

    @property
    def mean_absolute_error(self) -> float:
        """Return the mean absolute error of a customer's purchases."""
        return float(np.mean(np.abs(self.expected - self.actual)))

    @property
    def root_mean_square_error(self) -> float:
        """Return the root mean square error of a customer's purchases."""
        return float(np.sqrt(np.mean((self.expected - self.actual) ** 2)))

    def capture(self, share: float = 0.1) -> float:
        """Return the share of actual purchases by the ``share`` of customers the forecast ranks first."""
        top = np.argsort(-self.expected, kind="stable")[: int(len(self.expected) * share)]
        return float(self.actual[top].sum() / self.actual.sum())

    def by_repeat_count(self) -> list[dict[str, Any]]:
        """Return mean actual and expected purchases of customers with 0, 1, … 7 and more repeats before."""
        group = np.minimum(self.fitted.summary.x, _CLASSES - 1)
        return [
            {
                "repeat_count": k,
                "customers": int(np.sum(group == k)),
                "actual": float(self.actual[group == k].mean()),
                "expected": float(self.expected[group == k].mean()),
            }
            for k in range(_CLASSES)
            if np.any(group == k)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain values."""
        money = self.actual_value is not None and self.expected_value is not None
        found: dict[str, Any] = plain(
            {
                "model": self.fitted.model,
                "holdout_end": self.holdout_end.isoformat(),
                "horizon": self.horizon,
                "actual": self.actual.sum(),
                "expected": self.expected.sum(),
                "rate_expected": self.rate.sum(),
                "mean_absolute_error": self.mean_absolute_error,
                "root_mean_square_error": self.root_mean_square_error,
                "capture_top_tenth": self.capture(),
                "cumulative": self.cumulative,
                "cumulative_expected": self.cumulative_expected,
                "actual_value": self.actual_value.sum() if money and self.actual_value is not None else None,
                "expected_value": self.expected_value.sum()
                if money and self.expected_value is not None
                else None,
                "by_repeat_count": self.by_repeat_count(),
                "notes": self.fitted.notes,
            }
        )
        return found

    def __str__(self) -> str:
        total, forecast = float(self.actual.sum()), float(self.expected.sum())
        head = (
            f"{self.fitted.model} to {self.holdout_end}: {forecast:.0f} purchases expected, {total:.0f} came "
            f"({forecast / total - 1:+.1%}); error a customer {self.mean_absolute_error:.3f} mean, "
            f"{self.root_mean_square_error:.3f} root mean square; top tenth captures {self.capture():.1%}"
        )
        rows = [list(row.values()) for row in self.by_repeat_count()]
        return "\n".join([head, text_table(["repeat_count", "customers", "actual", "expected"], rows)])

    def plot(self) -> PlotSpec:
        """Return two lines, actual and expected mean purchases by earlier repeat purchases."""
        rows = [
            {"repeat_count": row["repeat_count"], "series": series, "purchases": row[series]}
            for row in self.by_repeat_count()
            for series in ("actual", "expected")
        ]
        line = line_layer(x="repeat_count", y="purchases", color="series")
        return chart(rows, [line], title=f"Hold-out purchases by earlier repeats ({self.fitted.model})")


def check_holdout(
    table: TableLike,
    *,
    calibration_end: str | date,
    customer: str = "customer_id",
    at: str = "date",
    amount: str | None = None,
    unit: str = "week",
    holdout_end: str | date | None = None,
    model: str = "bgnbd",
) -> HoldoutCheck:
    """Fit on purchases to ``calibration_end``, forecast to ``holdout_end`` (default: the last day), compare.

    Only customers known at ``calibration_end`` are counted. Raises InputError as `clv` does, for bgbb (which
    counts periods, not purchases), and when the hold-out is empty.
    """
    if model == "bgbb":
        raise InputError("check_holdout compares purchases; bgbb counts periods: use a continuous-time model")
    fitted = clv(
        table,
        customer=customer,
        at=at,
        amount=amount,
        unit=unit,
        calibration_end=calibration_end,
        model=model,
    )
    purchases = purchase_days(table, customer=customer, at=at, amount=amount)
    split = epoch_day(fitted.summary.calibration_end)
    end = purchases.last_day if holdout_end is None else to_day(holdout_end, "holdout_end")
    later = purchases.between(split, end)
    place = _places(values_of(purchases.customers), fitted)[later.code]
    known, size = place >= 0, len(fitted.customers)
    actual = np.bincount(place[known], minlength=size).astype(np.float64)
    horizon = (end - split) / days_in(unit)
    summary = fitted.summary
    money = later.value is not None
    return HoldoutCheck(
        fitted=fitted,
        holdout_end=from_epoch_day(end),
        horizon=horizon,
        actual=actual,
        expected=fitted.expected_purchases(horizon),
        rate=np.divide(summary.x, summary.T, out=np.zeros(size), where=summary.T > 0) * horizon,
        cumulative=float(summary.x.sum() + actual.sum()),
        cumulative_expected=float(fitted.fit.model.expected_new(summary.T + horizon).sum()),
        actual_value=_sums(place[known], later.value[known], size) if later.value is not None else None,
        expected_value=fitted.expected_value(horizon) if money else None,
    )


def _sums(place: Any, value: Floats, size: int) -> Floats:
    return np.bincount(place, value, size).astype(np.float64)


def _places(customers: Any, fitted: LifetimeValue) -> Any:
    """Return the position in ``fitted`` of each of ``customers`` (both sorted), −1 for the unknown."""
    at = np.searchsorted(fitted.customers, customers)
    found = fitted.customers[np.minimum(at, len(fitted.customers) - 1)] == customers
    return np.where(found, at, -1)
