"""Pareto/NBD: Schmittlein, Morrison and Colombo (1987); Fader and Hardie (2005), "A note on deriving the
Pareto/NBD model". Pure.

The likelihood's A₀ is a difference of two 2F1 that is slow and cancels near argument 1. It is the integral
∫ (α+τ)^−(r+x) (β+τ)^−(s+1) dτ over the times τ in (t_x, T) at which the customer may have stopped; we take
that by Gauss-Legendre points in ln(min(α, β)+τ), where the integrand is smooth, and differentiate under it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, digamma, gammaln

from koipond.frames.columns import Floats
from koipond.profiles.clv.collapse import Counts, check_histories, collapse
from koipond.profiles.clv.maximum import EVALUATIONS_MAX, maximise
from koipond.profiles.clv.model import Fit

_NODES, _WEIGHTS = (part / 2 for part in np.polynomial.legendre.leggauss(24))
_TAIL_NODES, _TAIL_WEIGHTS = (part / 2 for part in np.polynomial.legendre.leggauss(48))
_BLOCK = 4096
_NEGLIGIBLE = 45.0
"""Past this many powers of e below its start the integrand adds nothing to 15 digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoNbd:
    """Purchase rate λ ~ Gamma(``r``, ``alpha``) until a stop at rate μ ~ Gamma(``s``, ``beta``)."""

    r: float
    alpha: float
    s: float
    beta: float

    key: ClassVar[str] = "pareto_nbd"
    names: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")
    alive_before_repeat: ClassVar[bool] = True

    @property
    def params(self) -> dict[str, float]:
        """Return r, alpha, s, beta."""
        return {"r": self.r, "alpha": self.alpha, "s": self.s, "beta": self.beta}

    def p_alive(self, rows: Counts) -> Floats:
        """Return P(alive) at T (Fader and Hardie 2005, eq. 33)."""
        out = np.empty(len(rows))
        for block in _blocks(len(rows)):
            parts = _Parts(rows.take(block), self.r, self.alpha, self.s, self.beta)
            out[block] = parts.alive / parts.total
        return out

    def expected_purchases(self, horizon: float, rows: Counts) -> Floats:
        """Return E[Y(t) | x, t_x, T] (eq. 41)."""
        rate = (self.r + rows.x) / (self.alpha + rows.T)
        return rate * _time_alive(horizon, self.beta + rows.T, self.s) * self.p_alive(rows)

    def expected_new(self, age: Floats) -> Floats:
        """Return E[X(t)] of a new customer (eq. 17)."""
        return self.r / self.alpha * _time_alive(age, np.full_like(age, self.beta), self.s)

    def tail(self, horizon: float, rows: Counts) -> Iterator[Floats]:
        """Yield P(Y(t) ≥ k | x, t_x, T), k = 1, 2, …

        The k-th arrival falls at u with density u^(k−1) (α+T)^(r+x) / (B(k, r+x) (α+T+u)^(r+x+k)), and the
        customer is still there with ((β+T)/(β+T+u))^s: one integral over (0, t) for each k.
        """
        alive = self.p_alive(rows)
        shape, scale = (self.r + rows.x)[:, None], (self.alpha + rows.T)[:, None]
        u = horizon * (_TAIL_NODES + 0.5)
        log_stay = self.s * -np.log1p(u / (self.beta + rows.T)[:, None])
        log_part = np.log(u / (scale + u))
        weight = horizon * _TAIL_WEIGHTS / u
        k = 1
        while True:
            log_density = k * log_part - shape * np.log1p(u / scale) - betaln(k, shape)
            yield alive * np.sum(weight * np.exp(log_density + log_stay), axis=1)
            k += 1


class ParetoLikelihood:
    """The log-likelihood of ``rows`` and its gradient; call it with log (r, α, s, β)."""

    def __init__(self, rows: Counts) -> None:
        self._blocks = [rows.take(block) for block in _blocks(len(rows))]
        self._x, at_x = np.unique(rows.x, return_inverse=True)
        self._weight_by_x = np.bincount(at_x, rows.weight)
        self._customers = float(rows.weight.sum())
        self._repeats = float(np.sum(rows.weight * rows.x))

    def __call__(self, log_params: Floats) -> tuple[float, Floats]:
        r, alpha, s, beta = (float(value) for value in np.exp(log_params))
        x, weight, n = self._x, self._weight_by_x, self._customers
        value = float(np.sum(weight * (gammaln(r + x) - gammaln(r))))
        value += n * (r * np.log(alpha) + s * np.log(beta))
        gradient = np.array(
            [
                np.sum(weight * (digamma(r + x) - digamma(r))) + n * np.log(alpha),
                n * r / alpha,
                n * np.log(beta),
                n * s / beta,
            ]
        )
        for rows in self._blocks:
            parts = _Parts(rows, r, alpha, s, beta)
            value += float(np.sum(rows.weight * (np.log(parts.total) + parts.log_base)))
            gradient += parts.gradient(rows.weight)
        return value, gradient * (r, alpha, s, beta)


class _Parts:
    """The two ways a history can end, each divided by exp(log_base) so that nothing underflows.

    ``alive`` = (α+T)^−(r+x) (β+T)^−s, ``gone`` = s ∫ (α+τ)^−(r+x) (β+τ)^−(s+1) dτ over (t_x, T).
    """

    def __init__(self, rows: Counts, r: float, alpha: float, s: float, beta: float) -> None:
        self._rows, self._r, self._alpha, self._s, self._beta = rows, r, alpha, s, beta
        power = r + rows.x
        self.log_base = -power * np.log(alpha + rows.t_x) - s * np.log(beta + rows.t_x)
        self.alive = np.exp(
            -power * np.log1p((rows.T - rows.t_x) / (alpha + rows.t_x))
            - s * np.log1p((rows.T - rows.t_x) / (beta + rows.t_x))
        )
        near = min(alpha, beta) + rows.t_x
        reach = (alpha + rows.t_x) * np.expm1(_NEGLIGIBLE / power)
        width = np.log1p(np.minimum(rows.T - rows.t_x, reach) / near)
        passed = near[:, None] * np.expm1(width[:, None] * (_NODES + 0.5))  # time since t_x at each node
        self._log_alpha = np.log1p(passed / (alpha + rows.t_x)[:, None])
        self._log_beta = np.log1p(passed / (beta + rows.t_x)[:, None])
        self._at_alpha = (alpha + rows.t_x)[:, None] + passed
        self._at_beta = (beta + rows.t_x)[:, None] + passed
        fall = np.exp(-power[:, None] * self._log_alpha - s * self._log_beta)
        step = (near[:, None] + passed) * (width[:, None] * _WEIGHTS)
        self._density = s * fall * step / self._at_beta
        self.gone = np.sum(self._density, axis=1)
        self.total = self.alive + self.gone

    def gradient(self, weight: Floats) -> Floats:
        """Return the weighted gradient of ln(alive + gone) with respect to (r, α, s, β)."""
        rows, alpha, beta = self._rows, self._alpha, self._beta
        share, power = weight / self.total, self._r + rows.x
        log_t_alpha, log_t_beta = np.log(alpha + rows.t_x), np.log(beta + rows.t_x)
        by_r = -self.alive * np.log(alpha + rows.T) - self.gone * log_t_alpha
        by_r -= np.sum(self._density * self._log_alpha, axis=1)
        by_alpha = self.alive / (alpha + rows.T) + np.sum(self._density / self._at_alpha, axis=1)
        by_s = -self.alive * np.log(beta + rows.T) - self.gone * (log_t_beta - 1 / self._s)
        by_s -= np.sum(self._density * self._log_beta, axis=1)
        by_beta = self._s * self.alive / (beta + rows.T)
        by_beta += (self._s + 1) * np.sum(self._density / self._at_beta, axis=1)
        return np.array(
            [
                np.sum(share * by_r),
                -np.sum(share * power * by_alpha),
                np.sum(share * by_s),
                -np.sum(share * by_beta),
            ]
        )


def fit_pareto_nbd(
    x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike, *, evaluations_max: int = EVALUATIONS_MAX
) -> Fit:
    """Fit Pareto/NBD to repeat counts ``x``, ages ``t_x`` at the last purchase and ages ``T`` (one unit).

    Raises InputError for histories that cannot be. Look at ``.flat``: (s, β) is often not determined.
    """
    return fit_pareto_nbd_counts(collapse(*check_histories(x, t_x, T)), evaluations_max=evaluations_max)


def fit_pareto_nbd_counts(rows: Counts, *, evaluations_max: int = EVALUATIONS_MAX) -> Fit:
    """Fit Pareto/NBD to collapsed histories."""
    objective = ParetoLikelihood(rows)
    customers = float(rows.weight.sum())
    exposure = float(np.sum(rows.weight * rows.T))
    rate = max(float(np.sum(rows.weight * rows.x)), 0.5) / max(exposure, 1e-9)
    start = np.log(np.array([0.5, 0.25 / rate, 0.6, 0.6 * exposure / customers]))
    found = maximise(objective, start, customers=customers, evaluations_max=evaluations_max)
    r, alpha, s, beta = (float(value) for value in np.exp(found.log_params))
    return Fit(
        model=ParetoNbd(r=r, alpha=alpha, s=s, beta=beta),
        log_likelihood=found.log_likelihood,
        customers=round(customers),
        evaluations=found.evaluations,
        converged=found.converged,
        objective=objective,
    )


def _time_alive(horizon: float | Floats, beta: Floats, s: float) -> Floats:
    """Return the expected time until stop or horizon: β/(s−1) (1 − (β/(β+t))^(s−1)), a log at s = 1."""
    log_growth = np.log1p(horizon / beta)
    if abs(s - 1) < 1e-9:
        return np.asarray(beta * log_growth)
    return np.asarray(-beta * np.expm1(-(s - 1) * log_growth) / (s - 1))


def _blocks(rows: int) -> list[slice]:
    return [slice(start, start + _BLOCK) for start in range(0, rows, _BLOCK)]
