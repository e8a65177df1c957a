"""The answer of `koipond.clv` (客户终身价值): a fitted customer base, asked for any horizon."""

from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from koipond.frames import PlotSpec, bar_layer, chart, plain, text_table
from koipond.frames.columns import Floats, Ints
from koipond.kernel import InputError, RefusedError
from koipond.profiles.clv.advice import doubt_text
from koipond.profiles.clv.collapse import Counts, collapse_indexed
from koipond.profiles.clv.gamma_gamma import ValueFit
from koipond.profiles.clv.interval import (
    Interval,
    count_bounds,
    count_moments,
    log_gradient,
    money_bounds,
    normal_quantile,
    parameter_bounds,
)
from koipond.profiles.clv.model import Fit, PurchaseModel
from koipond.profiles.clv.summary import PurchaseSummary

_CLASSES = 8
BOTH = "normal; parameter uncertainty (delta method) and individual chance; not model error"

_NO_MONEY_INTERVAL = (
    "Gamma-Gamma did not converge, so nothing is known of how sure values are: they vary too little or too "
    "few customers repeat; use expected_value, or count purchases only"
)


@dataclass(frozen=True, kw_only=True)
class LifetimeValue:
    """Purchases, survival and value of each customer, aligned to ``customers``; times in ``summary.unit``.

    ``notes`` say every substitution and every doubt; read them before the numbers.
    """

    summary: PurchaseSummary
    fit: Fit
    value_fit: ValueFit | None = None
    notes: tuple[str, ...] = ()
    log_likelihoods: dict[str, float] = field(default_factory=dict)

    @property
    def customers(self) -> npt.NDArray[Any]:
        """Return the customers, sorted."""
        return self.summary.customers

    @property
    def model(self) -> str:
        """Return the key of the purchase model that was used (see ``notes`` when it is not the one asked)."""
        return self.fit.model.key

    @property
    def params(self) -> dict[str, float]:
        """Return the parameters in the papers' names; with an amount also Gamma-Gamma's p, q, v."""
        return self.fit.params | (self.value_fit.model.params if self.value_fit else {})

    @property
    def log_likelihood(self) -> float:
        """Return the log-likelihood of the purchase model."""
        return self.fit.log_likelihood

    @property
    def standard_errors(self) -> dict[str, float]:
        """Return the standard errors of the purchase model's parameters; infinite when flat."""
        return self.fit.standard_errors

    def p_alive(self) -> Floats:
        """Return P(alive) of each customer at the end of calibration. BG/NBD: 1 for every one-time buyer."""
        return self.fit.model.p_alive(self._rows)[self._index]

    def active_customers(self) -> float:
        """Return the expected number of customers still alive.

        Raises RefusedError for BG/NBD, which cannot know (science B1).
        """
        if not self.fit.model.alive_before_repeat:
            raise RefusedError(
                "BG/NBD calls every one-time buyer alive, so it cannot count active customers; "
                "fit model='mbgnbd' or model='pareto_nbd' for that",
                code="model_cannot_say",
            )
        return float(np.sum(self._rows.weight * self.fit.model.p_alive(self._rows)))

    def expected_purchases(self, horizon: float) -> Floats:
        """Return the purchases expected of each customer in the ``horizon`` after calibration.

        ``horizon`` is one number ≥ 0 in the unit of the fit; InputError for anything else, here and below.
        """
        return self.fit.model.expected_purchases(_positive(horizon), self._rows)[self._index]

    def purchase_bounds(
        self, horizon: float, *, level: float = 0.9, kind: str = "individual"
    ) -> tuple[Floats, Floats]:
        """Return lower and upper bounds for each customer.

        ``individual``: exact quantiles of the number of purchases, parameters taken as known. ``parameter``:
        bounds of the expectation, from the doubt about the parameters alone. Raises RefusedError when the
        data do not say how sure the parameters are.
        """
        model, rows = self.fit.model, self._rows
        if kind == "individual":
            low, high = count_bounds(model, _positive(horizon), rows, level)
        elif kind == "parameter":
            low, high = parameter_bounds(
                model, self._known(self.fit.log_covariance), _positive(horizon), rows, level
            )
        else:
            raise InputError("kind must be 'individual' or 'parameter', not '{kind}'", kind=kind)
        self._known(np.array([low, high]))
        return low[self._index], high[self._index]

    def expected_mean_value(self) -> Floats:
        """Return the expected mean value of a purchase of each customer (Gamma-Gamma). Needs an amount."""
        return self._values().model.expected_value(self._spent, self._mean_value)

    def expected_value(self, horizon: float) -> Floats:
        """Return the money expected of each customer in the horizon, undiscounted. Needs an amount."""
        return self.expected_purchases(horizon) * self.expected_mean_value()

    def value_bounds(self, horizon: float, *, level: float = 0.9) -> tuple[Floats, Floats]:
        """Return individual bounds of each customer's money in the horizon, parameters taken as known.

        Raises RefusedError when Gamma-Gamma did not converge.
        """
        value = self._sure_values().model
        rows, index = collapse_indexed_by(self._rows, self._index, self._spent)
        spent = self._spent[_first_of(index, len(rows))]
        low, high = money_bounds(self.fit.model, value, _positive(horizon), rows, spent, level)
        scale = value.scale(self._spent, self._mean_value)
        return low[index] * scale, high[index] * scale

    def _known(self, doubt: Floats) -> Floats:
        """Return ``doubt``; raise RefusedError when any of it is infinite or not a number."""
        if not np.all(np.isfinite(doubt)):
            raise RefusedError(doubt_text(self._rows, self.model), code="model_cannot_say")
        return doubt

    def total_purchases(self, horizon: float, *, level: float = 0.9) -> Interval:
        """Return the purchases expected of all customers together, with an interval.

        Raises RefusedError when the data do not say how sure the parameters are.
        """
        rows, model = self._rows, self.fit.model
        mean, square = count_moments(model, _positive(horizon), rows)
        chance = float(np.sum(rows.weight * (square - mean**2)))

        def total(one: PurchaseModel) -> float:
            return float(np.sum(rows.weight * one.expected_purchases(horizon, rows)))

        doubt = _quadratic(log_gradient(model, total), self._known(self.fit.log_covariance))
        return _interval(total(model), chance + doubt, level)

    def total_value(self, horizon: float, *, level: float = 0.9) -> Interval:
        """Return the money expected of all customers together, with an interval. Needs an amount.

        Raises RefusedError when Gamma-Gamma did not converge or the data do not say how sure parameters are.
        """
        values, model = self._sure_values(), self.fit.model
        mean, square = (part[self._index] for part in count_moments(model, _positive(horizon), self._rows))
        expected = self.expected_purchases(horizon)
        one = self.expected_mean_value()
        p, q = values.model.p, values.model.q
        shape, scale = p * self._spent + q, values.model.scale(self._spent, self._mean_value)
        second = (p * mean + p * p * square) * scale**2 / ((shape - 1) * np.maximum(shape - 2, 1e-9))
        chance = float(np.sum(second - (mean * one) ** 2))

        def by_purchases(other: PurchaseModel) -> float:
            return float(np.sum(other.expected_purchases(horizon, self._rows)[self._index] * one))

        def by_value(other: Any) -> float:
            return float(np.sum(expected * other.expected_value(self._spent, self._mean_value)))

        doubt = _quadratic(log_gradient(model, by_purchases), self._known(self.fit.log_covariance))
        if not np.all(np.isfinite(values.log_covariance)):
            raise RefusedError(_NO_MONEY_INTERVAL, code="model_cannot_say")
        doubt += _quadratic(log_gradient(values.model, by_value), values.log_covariance)
        return _interval(float(np.sum(expected * one)), chance + doubt, level)

    def table(self, horizon: float, *, level: float = 0.9) -> pa.Table:
        """Return one row a customer: history, P(alive), expected purchases and value, individual bounds.

        ``value_low`` and ``value_high`` are null where `value_bounds` refuses.
        """
        low, high = self.purchase_bounds(horizon, level=level)
        columns: dict[str, Any] = {
            "customer": self.customers,
            "repeat_count": self.summary.x.astype(np.int64),
            "last_purchase_age": self.summary.t_x,
            "age": self.summary.T,
            "p_alive": self.p_alive(),
            "expected_purchases": self.expected_purchases(horizon),
            "purchases_low": low.astype(np.int64),
            "purchases_high": high.astype(np.int64),
        }
        if self.value_fit:
            sure = self.value_fit.converged
            none = pa.nulls(len(self.summary), pa.float64())
            value_low, value_high = self.value_bounds(horizon, level=level) if sure else (none, none)
            columns |= {
                "expected_value": self.expected_value(horizon),
                "value_low": value_low,
                "value_high": value_high,
            }
        return pa.table(columns)

    def to_dict(self) -> dict[str, Any]:
        """Return the fit as plain values, without the single customers (see `table` for those)."""
        value = self.value_fit
        found: dict[str, Any] = plain(
            {
                "model": self.model,
                "unit": self.summary.unit,
                "calibration_end": self.summary.calibration_end.isoformat(),
                "customers": len(self.summary),
                "repeat_buyers": int(np.sum(self.summary.x > 0)),
                "params": self.params,
                "standard_errors": self.standard_errors,
                "log_likelihood": self.log_likelihood,
                "log_likelihoods": self.log_likelihoods,
                "value_log_likelihood": value.log_likelihood if value else None,
                "count_value_correlation": value.correlation if value else None,
                "notes": self.notes,
            }
        )
        return found

    def __str__(self) -> str:
        errors = self.standard_errors
        rows = [[name, value, errors.get(name)] for name, value in self.params.items()]
        head = (
            f"{self.model}, {len(self.summary)} customers, calibration_end {self.summary.calibration_end}, "
            f"log-likelihood {self.log_likelihood:.3f}"
        )
        return "\n".join([head, text_table(["parameter", "estimate", "standard error"], rows), *self.notes])

    def plot(self, horizon: float = 52.0) -> PlotSpec:
        """Return bars of the mean expected purchases in ``horizon``, by repeat purchases so far."""
        expected, group = self.expected_purchases(horizon), np.minimum(self.summary.x, _CLASSES - 1)
        rows = [
            {
                "repeat_count": f"{k}+" if k == _CLASSES - 1 else str(k),
                "expected_purchases": float(expected[group == k].mean()),
                "customers": int(np.sum(group == k)),
            }
            for k in range(_CLASSES)
            if np.any(group == k)
        ]
        title = f"Expected purchases in the next {horizon:g} {self.summary.unit}s ({self.model})"
        return chart(rows, [bar_layer(x="repeat_count", y="expected_purchases")], title=title)

    @cached_property
    def _collapsed(self) -> tuple[Counts, Ints]:
        return collapse_indexed(self.summary.x, self.summary.t_x, self.summary.T)

    @property
    def _rows(self) -> Counts:
        return self._collapsed[0]

    @property
    def _index(self) -> Ints:
        return self._collapsed[1]

    @property
    def _mean_value(self) -> Floats:
        assert self.summary.mean_value is not None
        return np.maximum(self.summary.mean_value, 0.0)

    @property
    def _spent(self) -> Floats:
        """Return the repeat purchases behind each mean value: none when that is not above 0."""
        return np.where(self._mean_value > 0, self.summary.x, 0.0)

    def _values(self) -> ValueFit:
        if self.value_fit is None:
            raise InputError("no money was fitted; pass amount=… to koipond.clv")
        return self.value_fit

    def _sure_values(self) -> ValueFit:
        fit = self._values()
        if not fit.converged:
            raise RefusedError(
                _NO_MONEY_INTERVAL,
                code="model_cannot_say",
            )
        return fit


def collapse_indexed_by(rows: Counts, index: Ints, by: Floats) -> tuple[Counts, Ints]:
    """Return ``rows`` split where customers of one row differ in ``by``, and each customer's new row."""
    key = index * (int(by.max(initial=0)) + 1) + by.astype(np.int64)
    distinct, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    split = rows.take(index[first])
    weight = np.bincount(inverse, minlength=len(distinct)).astype(np.float64)
    return Counts(x=split.x, t_x=split.t_x, T=split.T, weight=weight), inverse


def _first_of(index: Ints, rows: int) -> Ints:
    first = np.empty(rows, dtype=np.int64)
    first[index[::-1]] = np.arange(len(index))[::-1]
    return first


def _positive(horizon: float) -> float:
    if isinstance(horizon, bool) or not isinstance(horizon, Real) or not 0 <= horizon < np.inf:
        raise InputError(
            "horizon must be one number, finite and not negative, not {horizon!r}", horizon=horizon
        )
    return float(horizon)


def _quadratic(slopes: list[float], covariance: Floats) -> float:
    slope = np.asarray(slopes)
    return float(slope @ covariance @ slope)


def _interval(estimate: float, variance: float, level: float) -> Interval:
    reach = normal_quantile(level) * float(np.sqrt(variance))
    return Interval(
        estimate=estimate, low=max(estimate - reach, 0.0), high=estimate + reach, level=level, method=BOTH
    )
