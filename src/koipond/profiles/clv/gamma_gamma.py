"""Gamma-Gamma: Fader and Hardie (2013), "The Gamma-Gamma model of monetary value". Pure.

What a purchase is worth: Gamma(p, ν) with ν ~ Gamma(q, v) across customers, independent of how often they
buy. That independence is checked before the model is used (science B1).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, gammaln

from koipond.frames.columns import Floats
from koipond.kernel import InputError, RefusedError, joined
from koipond.profiles.clv.maximum import Objective, log_covariance, maximise

CORRELATION_NOTED = 0.2
"""Above this |correlation| of purchase count and mean value a result says so."""
CORRELATION_REFUSED = 0.4
"""Above this the model's independence is plainly wrong and value is refused."""
_VARIES = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaGamma:
    """Purchase value ~ Gamma(``p``, ν), ν ~ Gamma(``q``, ``v``); ``v`` is in the money of the data."""

    p: float
    q: float
    v: float

    names: ClassVar[tuple[str, ...]] = ("p", "q", "v")

    @property
    def params(self) -> dict[str, float]:
        """Return p, q, v."""
        return {"p": self.p, "q": self.q, "v": self.v}

    @property
    def population_mean(self) -> float:
        """Return the mean purchase value across customers, p·v/(q−1); infinite when q ≤ 1."""
        return self.p * self.v / (self.q - 1) if self.q > 1 else float("inf")

    def expected_value(self, x: Floats, mean_value: Floats) -> Floats:
        """Return E[mean value of a purchase | x repeat purchases of ``mean_value`` on average] (eq. 5)."""
        return self.p * self.scale(x, mean_value) / (self.p * x + self.q - 1)

    def scale(self, x: Floats, mean_value: Floats) -> Floats:
        """Return v + x·mean: the customer's posterior scale of money."""
        return self.v + x * mean_value


@dataclass(frozen=True, kw_only=True)
class ValueFit:
    """Gamma-Gamma at its maximum likelihood. ``correlation`` is that of purchase count and mean value."""

    model: GammaGamma
    log_likelihood: float
    customers: int
    correlation: float
    converged: bool
    objective: Objective

    @property
    def log_covariance(self) -> Floats:
        """Return the covariance of (ln p, ln q, ln v), the inverse observed information."""
        return log_covariance(self.objective, np.log([self.model.p, self.model.q, self.model.v]))


class GammaGammaLikelihood:
    """The log-likelihood and its gradient (eq. 1a); call it with log (p, q, v)."""

    def __init__(self, x: Floats, mean_value: Floats) -> None:
        self._x, self._at_x = np.unique(x, return_inverse=True)
        self._weight = np.bincount(self._at_x).astype(np.float64)
        self._total = x * mean_value
        self._row_x = x
        log_mean = np.log(mean_value)
        self._log_mean = float(log_mean.sum())
        self._log_total = float(np.sum(x * np.log(self._total)))

    def __call__(self, log_params: Floats) -> tuple[float, Floats]:
        p, q, v = (float(value) for value in np.exp(log_params))
        x, weight, n = self._x, self._weight, float(self._weight.sum())
        scale = v + self._total
        log_scale = np.log(scale)
        by_x = np.sum(self._row_x * log_scale)
        value = np.sum(weight * (gammaln(p * x + q) - gammaln(p * x))) - n * gammaln(q) + n * q * np.log(v)
        value += p * self._log_total - self._log_mean - p * by_x - q * log_scale.sum()
        inverse = 1 / scale
        both = digamma(p * x + q)
        gradient = np.array(
            [
                np.sum(weight * x * (both - digamma(p * x))) + self._log_total - by_x,
                np.sum(weight * both) - n * digamma(q) + n * np.log(v) - log_scale.sum(),
                n * q / v - p * np.sum(self._row_x * inverse) - q * inverse.sum(),
            ]
        )
        return float(value), gradient * (p, q, v)


def fit_gamma_gamma(x: npt.ArrayLike, mean_value: npt.ArrayLike) -> ValueFit:
    """Fit Gamma-Gamma to customers with ``x`` ≥ 1 repeat purchases worth ``mean_value`` each on average.

    Raises InputError for fewer than two customers or a value ≤ 0; RefusedError when count and value are
    correlated beyond ``CORRELATION_REFUSED``.
    """
    count, mean = np.asarray(x, dtype=np.float64), np.asarray(mean_value, dtype=np.float64)
    _check(count, mean)
    correlation = count_value_correlation(count, mean)
    if abs(correlation) > CORRELATION_REFUSED:
        raise RefusedError(
            "purchase count and mean value are correlated ({correlation:.2f}, limit "
            "{limit}); Gamma-Gamma takes them as independent: split the "
            "customers or forecast money another way",
            correlation=correlation,
            limit=CORRELATION_REFUSED,
            code="value_depends_on_count",
        )
    objective = GammaGammaLikelihood(count, mean)
    start = np.log([4.0, 4.0, 0.75 * float(mean.mean())])
    found = maximise(objective, start, customers=len(count))
    p, q, v = (float(value) for value in np.exp(found.log_params))
    return ValueFit(
        model=GammaGamma(p=p, q=q, v=v),
        log_likelihood=found.log_likelihood,
        customers=len(count),
        correlation=correlation,
        converged=found.converged and bool(np.ptp(mean) > _VARIES * mean.max()),
        objective=objective,
    )


def count_value_correlation(x: Floats, mean_value: Floats) -> float:
    """Return Pearson's correlation of purchase count and mean value; 0 when either does not vary."""
    if np.ptp(x) == 0 or np.ptp(mean_value) == 0:
        return 0.0
    return float(np.corrcoef(x, mean_value)[0, 1])


def _check(x: Floats, mean: Floats) -> None:
    problems = []
    if x.shape != mean.shape or x.ndim != 1:
        raise InputError(
            "x and mean_value must be one-dimensional and of one length: {shape}, {other_shape}",
            shape=x.shape,
            other_shape=mean.shape,
        )
    if len(x) < 2:
        problems.append(f"Gamma-Gamma needs at least 2 repeat buyers, there are {len(x)}")
    if not np.all(x >= 1):
        problems.append("x must be at least 1: pass repeat buyers only")
    if not np.all(np.isfinite(mean) & (mean > 0)):
        problems.append("mean_value must be finite and above 0")
    if problems:
        raise InputError(joined("; ", problems))
