"""BG/BB: Fader, Hardie and Shang (2010), Customer-base analysis in a discrete-time setting. Pure.

For habits with a fixed beat (a yearly gift, a weekly delivery): in each period a live customer buys with
p ~ Beta(α, β), and stops at the start of a period with θ ~ Beta(γ, δ). Here T counts whole periods (n in the
paper), t_x is the last period with a purchase and x the number of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, digamma

from koipond.frames.columns import Floats
from koipond.kernel import InputError
from koipond.profiles.clv.collapse import Counts, check_histories, collapse
from koipond.profiles.clv.maximum import EVALUATIONS_MAX, maximise
from koipond.profiles.clv.model import Fit

_PERIODS_MAX = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BgBb:
    """Buys with p ~ Beta(``alpha``, ``beta``) a period, stops with θ ~ Beta(``gamma``, ``delta``)."""

    alpha: float
    beta: float
    gamma: float
    delta: float

    key: ClassVar[str] = "bgbb"
    names: ClassVar[tuple[str, ...]] = ("alpha", "beta", "gamma", "delta")
    alive_before_repeat: ClassVar[bool] = True

    @property
    def params(self) -> dict[str, float]:
        """Return alpha, beta, gamma, delta."""
        return {"alpha": self.alpha, "beta": self.beta, "gamma": self.gamma, "delta": self.delta}

    def p_alive(self, rows: Counts) -> Floats:
        """Return P(alive in the period after T) (eq. 11)."""
        return self._alive_at_end(rows) * self._stays(rows, np.ones(1))[:, 0]

    def expected_purchases(self, horizon: float, rows: Counts) -> Floats:
        """Return E[Y in the next ``horizon`` periods | x, t_x, T] (eq. 13), summed period by period."""
        stays = self._stays(rows, np.arange(1, _periods(horizon) + 1)).sum(axis=1)
        rate = (self.alpha + rows.x) / (self.alpha + self.beta + rows.T)
        return np.asarray(self._alive_at_end(rows) * rate * stays)

    def expected_new(self, age: Floats) -> Floats:
        """Return E[X(n)] of a new customer after each of ``age`` whole periods (eq. 8)."""
        periods = np.floor(age).astype(np.int64)
        steps = np.arange(1, max(_periods(float(periods.max(initial=0))), 1) + 1)
        stays = np.exp(betaln(self.gamma, self.delta + steps) - betaln(self.gamma, self.delta))
        total = np.concatenate([[0.0], np.cumsum(stays)])
        return np.asarray(self.alpha / (self.alpha + self.beta) * total[periods])

    def tail(self, horizon: float, rows: Counts) -> Iterator[Floats]:
        """Yield P(at least k purchases in the next ``horizon`` periods), k = 1, 2, …

        Summed over the period in which the k-th purchase falls: k−1 of the periods before it bought, it buys,
        and the customer is still there.
        """
        steps = np.arange(1, _periods(horizon) + 1)
        here = self._alive_at_end(rows)[:, None] * self._stays(rows, steps)
        a, b = (self.alpha + rows.x)[:, None], (self.beta + rows.T - rows.x)[:, None]
        k = 1
        while True:
            spare = np.maximum(steps - k, 0)  # periods up to this one without a purchase
            log_ways = -np.log(np.maximum(steps, k)) - betaln(k, spare + 1)  # ln C(step−1, k−1)
            log_buy = betaln(a + k, b + spare) - betaln(a, b)
            yield np.asarray(np.sum(np.where(steps >= k, here * np.exp(log_ways + log_buy), 0.0), axis=1))
            k += 1

    def _alive_at_end(self, rows: Counts) -> Floats:
        alive, gone = _log_terms(rows, self.alpha, self.beta, self.gamma, self.delta)
        return np.asarray(1 / (1 + np.exp(gone - alive[:, None]).sum(axis=1)))

    def _stays(self, rows: Counts, steps: npt.NDArray[Any]) -> Floats:
        """Return P(alive ``steps`` periods after T | alive at T), rows × steps."""
        before = betaln(self.gamma, self.delta + rows.T)[:, None]
        return np.asarray(np.exp(betaln(self.gamma, (self.delta + rows.T)[:, None] + steps) - before))


class BgBbLikelihood:
    """The log-likelihood of ``rows`` and its gradient; call it with log (α, β, γ, δ)."""

    def __init__(self, rows: Counts) -> None:
        self._rows = rows

    def __call__(self, log_params: Floats) -> tuple[float, Floats]:
        a, b, c, d = (float(value) for value in np.exp(log_params))
        rows = self._rows
        alive, gone = _log_terms(rows, a, b, c, d)
        terms = np.column_stack([alive, gone])
        top = terms.max(axis=1, keepdims=True)
        share = np.exp(terms - top)
        total = share.sum(axis=1, keepdims=True)
        share = share / total * rows.weight[:, None]
        log_prior = betaln(a, b) + betaln(c, d)
        value = float(np.sum(rows.weight * (np.log(total[:, 0]) + top[:, 0] - log_prior)))
        customers = rows.weight.sum()
        steps = np.column_stack([rows.T, _end_steps(rows)])  # periods lived in each way the history can end
        stop = np.ones(steps.shape[1])
        stop[0] = 0.0
        x = rows.x[:, None]
        both = digamma(a + b) - digamma(a + b + steps)
        life = digamma(c + d) - digamma(c + d + steps + stop)
        gradient = np.array(
            [
                np.sum(share * (digamma(a + x) + both)) - customers * digamma(a),
                np.sum(share * (digamma(b + np.maximum(steps - x, 0)) + both)) - customers * digamma(b),
                np.sum(share * (digamma(c + stop) + life)) - customers * digamma(c),
                np.sum(share * (digamma(d + steps) + life)) - customers * digamma(d),
            ]
        )
        return value, gradient * (a, b, c, d)


def fit_bgbb(
    x: npt.ArrayLike, t_x: npt.ArrayLike, n: npt.ArrayLike, *, evaluations_max: int = EVALUATIONS_MAX
) -> Fit:
    """Fit BG/BB to ``x`` periods with a purchase, the last of them ``t_x``, out of ``n`` whole periods each.

    Raises InputError for histories that cannot be.
    """
    return fit_bgbb_counts(collapse(*check_histories(x, t_x, n)), evaluations_max=evaluations_max)


def fit_bgbb_counts(rows: Counts, *, evaluations_max: int = EVALUATIONS_MAX) -> Fit:
    """Fit BG/BB to collapsed histories (likelihood: eq. 5)."""
    whole = (rows.t_x == np.floor(rows.t_x)) & (np.floor(rows.T) == rows.T) & (rows.x <= rows.t_x)
    if not whole.all():
        raise InputError("BG/BB needs whole periods with x ≤ t_x ≤ n, at most one purchase counted in each")
    _periods(float(rows.T.max()))
    objective = BgBbLikelihood(rows)
    customers = float(rows.weight.sum())
    start = np.log(np.array([1.0, 1.0, 0.8, 2.0]))
    found = maximise(objective, start, customers=customers, evaluations_max=evaluations_max)
    alpha, beta, gamma, delta = (float(value) for value in np.exp(found.log_params))
    return Fit(
        model=BgBb(alpha=alpha, beta=beta, gamma=gamma, delta=delta),
        log_likelihood=found.log_likelihood,
        customers=round(customers),
        evaluations=found.evaluations,
        converged=found.converged,
        objective=objective,
    )


def _log_terms(rows: Counts, a: float, b: float, c: float, d: float) -> tuple[Floats, Floats]:
    """Return ln of the ways a history can end, without the prior's constants: alive at T (a column), and
    stopped after each period from t_x to T−1 (rows × periods, −inf where there is none)."""
    alive = betaln(a + rows.x, b + rows.T - rows.x) + betaln(c, d + rows.T)
    steps, x = _end_steps(rows), rows.x[:, None]
    gone = betaln(a + x, b + np.maximum(steps - x, 0)) + betaln(c + 1, d + steps)
    return alive, np.where(steps < rows.T[:, None], gone, -np.inf)


def _end_steps(rows: Counts) -> Floats:
    width = int((rows.T - rows.t_x).max())
    return np.asarray(rows.t_x[:, None] + np.arange(width))


def _periods(horizon: float) -> int:
    if horizon < 0 or horizon != np.floor(horizon) or horizon > _PERIODS_MAX:
        raise InputError(
            "BG/BB counts whole periods from 0 to {periods_max}, not {horizon}",
            periods_max=_PERIODS_MAX,
            horizon=horizon,
        )
    return int(horizon)
