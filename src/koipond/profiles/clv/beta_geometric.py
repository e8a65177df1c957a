"""The likelihood that BG/NBD and MBG/NBD share. Pure.

Both say: purchases come at rate λ ~ Gamma(r, α), and a customer stops after a purchase with probability
p ~ Beta(a, b). In BG/NBD the first stop can follow the first repeat purchase; in MBG/NBD it can follow the
very first one. That is one more chance to stop: ``shift`` 0 or 1 added to every count of survived chances.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, digamma, gammaln, hyp2f1

from koipond.frames.columns import Floats, Ints
from koipond.profiles.clv.collapse import Counts
from koipond.profiles.clv.expectation import expected_purchases
from koipond.profiles.clv.maximum import maximise
from koipond.profiles.clv.model import Fit, PurchaseModel

# where 2F1 after Euler's transformation keeps seven digits and more; beyond, it loses them or is NaN
_NEAR_ONE = 1e-3
_A_MAX = 10.0
_TOP_MAX = 300.0
_SHAPE_MAX = 100.0
_Z_MAX = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """Counts with their distinct values pulled out, so that logarithms are taken of those only."""

    weight: Floats
    x: Floats
    distinct_x: Floats
    distinct_t_x: Floats
    distinct_T: Floats
    at_x: Ints
    at_t_x: Ints
    at_T: Ints
    weight_by_x: Floats
    weight_by_T: Floats
    repeats_by_T: Floats
    all_T: Floats
    all_x: Floats


class BetaGeometricLikelihood:
    """The log-likelihood of ``rows`` and its gradient; call it with log (r, α, a, b)."""

    def __init__(self, rows: Counts, *, shift: int) -> None:
        self._shift = shift
        self._rows = _prepare(rows, rows if shift else rows.take(rows.x > 0))

    def __call__(self, log_params: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = (float(value) for value in np.exp(log_params))
        p = self._rows
        survived = self._count_terms(r, a, b)
        log_age, log_last = np.log(alpha + p.distinct_T), np.log(alpha + p.distinct_t_x)
        gap = log_age[p.at_T] - log_last[p.at_t_x]
        odds = (np.log(a) - np.log(b + p.distinct_x + self._shift - 1))[p.at_x] + (r + p.x) * gap
        small = np.exp(-np.abs(odds))
        stopped = p.weight * np.where(odds > 0, 1.0, small) / (1 + small)  # customers expected to have gone
        log_all = np.log(alpha + p.all_T)
        value = survived[0] + float(
            np.sum(p.weight_by_x) * r * np.log(alpha)
            - np.sum(log_all * (r * p.weight_by_T + p.repeats_by_T))
            + np.sum(p.weight * (np.maximum(odds, 0) + np.log1p(small)))
        )
        gradient = survived[1]
        rate = stopped * (r + p.x)
        by_age = np.bincount(p.at_T, rate, len(p.distinct_T))
        by_last = np.bincount(p.at_t_x, rate, len(p.distinct_t_x))
        by_x = np.bincount(p.at_x, stopped, len(p.distinct_x))
        gone = float(stopped.sum())
        gradient[0] += np.sum(p.weight_by_x) * np.log(alpha) - np.sum(p.weight_by_T * log_all)
        gradient[0] += np.sum(stopped * gap)
        gradient[1] += np.sum(p.weight_by_x) * r / alpha
        gradient[1] -= np.sum((r * p.weight_by_T + p.repeats_by_T) / (alpha + p.all_T))
        gradient[1] += np.sum(by_age / (alpha + p.distinct_T)) - np.sum(by_last / (alpha + p.distinct_t_x))
        gradient[2] += gone / a
        gradient[3] -= np.sum(by_x / (b + p.distinct_x + self._shift - 1))
        return value, gradient * (r, alpha, a, b)

    def _count_terms(self, r: float, a: float, b: float) -> tuple[float, Floats]:
        """Return the part that depends on x alone: Γ(r+x)/Γ(r) · B(a, b+x+shift)/B(a, b)."""
        x, weight = self._rows.all_x, self._rows.weight_by_x
        tries = b + x + self._shift
        value = (
            gammaln(r + x) - gammaln(r) + gammaln(a + b) + gammaln(tries) - gammaln(b) - gammaln(a + tries)
        )
        either = digamma(a + b) - digamma(a + tries)
        parts = [digamma(r + x) - digamma(r), np.zeros_like(x), either, either + digamma(tries) - digamma(b)]
        return float(np.sum(weight * value)), np.array([np.sum(weight * part) for part in parts])


def _prepare(everyone: Counts, can_stop: Counts) -> _Prepared:
    all_x, at_all_x = np.unique(everyone.x, return_inverse=True)
    all_age, at_all_age = np.unique(everyone.T, return_inverse=True)
    distinct_x, at_x = np.unique(can_stop.x, return_inverse=True)
    distinct_last, at_last = np.unique(can_stop.t_x, return_inverse=True)
    distinct_age, at_age = np.unique(can_stop.T, return_inverse=True)
    return _Prepared(
        weight=can_stop.weight,
        x=can_stop.x,
        distinct_x=distinct_x,
        distinct_t_x=distinct_last,
        distinct_T=distinct_age,
        at_x=at_x,
        at_t_x=at_last,
        at_T=at_age,
        weight_by_x=np.bincount(at_all_x, everyone.weight).astype(np.float64),
        weight_by_T=np.bincount(at_all_age, everyone.weight).astype(np.float64),
        repeats_by_T=np.bincount(at_all_age, everyone.weight * everyone.x).astype(np.float64),
        all_T=all_age,
        all_x=all_x,
    )


def start_from_rate(rows: Counts) -> Floats:
    """Return a start (log r, α, a, b) at the mean purchase rate of the data, whatever the unit."""
    repeats, exposure = float(np.sum(rows.weight * rows.x)), float(np.sum(rows.weight * rows.T))
    rate = max(repeats, 0.5) / max(exposure, 1e-9)
    return np.asarray(np.log([0.5, 0.25 / rate, 0.8, 2.5]))


def stopped_odds(rows: Counts, *, r: float, alpha: float, a: float, b: float, shift: int) -> Floats:
    """Return the odds that a customer of each row has stopped: a/(b+x+shift−1) · ((α+T)/(α+t_x))^(r+x).

    Fader, Hardie and Lee (2005) eq. 10 for shift 0, where x = 0 cannot have stopped; Batislam et al. (2007)
    for shift 1.
    """
    chances = b + rows.x + shift - 1
    possible = rows.x + shift > 0
    growth = np.exp(np.minimum((r + rows.x) * np.log((alpha + rows.T) / (alpha + rows.t_x)), 700.0))
    return np.where(possible, a / np.where(possible, chances, 1.0) * growth, 0.0)


def purchases_while_alive(
    horizon: float | Floats, x: Floats, T: Floats, *, r: float, alpha: float, a: float, b: float
) -> Floats:
    """Return the purchases expected in ``horizon`` of a customer alive at ``T`` with ``x`` repeats.

    Given alive, λ ~ Gamma(r+x, α+T) and p ~ Beta(a, b+x) are independent, so this is E[(1 − e^(−pλt))/p]: the
    numerator of Fader, Hardie and Lee (2005) eq. 10. Where its 2F1 can be trusted it is used, else the
    expectation is added up (`koipond.profiles.clv.expectation`).
    """
    shape, odds, x, T = np.broadcast_arrays(r + x, horizon / (alpha + T), x, T)
    z = odds / (1 + odds)
    top = a + b + x - 1
    plain = (top < _TOP_MAX) & (z < _Z_MAX) & (shape < _SHAPE_MAX)
    plain &= (abs(a - 1) > _NEAR_ONE) & (a < _A_MAX)
    out = np.empty(z.shape)
    out[plain] = _by_series(z[plain], top[plain], r=r, a=a, b=b)
    out[~plain] = expected_purchases(odds[~plain], shape[~plain], a=a, b=b + x[~plain])
    return out


def _by_series(z: Floats, top: Floats, *, r: float, a: float, b: float) -> Floats:
    """Return eq. 10's numerator after Euler's transformation, which leaves 2F1(a−1, a+b−1−r; top; z).

    The untransformed 2F1 has large parameters and an argument near 1. At a = 1 this is 0/0.
    """
    series = hyp2f1(a - 1, a + b - 1 - r, top, z)
    return np.asarray(top / (a - 1) * (1 - (1 - z) ** (a - 1) * series), dtype=np.float64)


def tail_while_alive(
    horizon: float, rows: Counts, *, r: float, alpha: float, a: float, b: float
) -> Iterator[Floats]:
    """Yield P(at least k purchases in ``horizon`` | alive at T), k = 1, 2, …

    The k-th purchase needs k arrivals of a Poisson process and k−1 purchases survived, independent given
    alive: a negative-binomial tail (a regularised beta) times B(a, b+x+k−1)/B(a, b+x).
    """
    z = horizon / (alpha + rows.T + horizon)
    survived = np.ones(len(rows))
    k = 1
    while True:
        yield survived * betainc(k, r + rows.x, z)
        survived = survived * (b + rows.x + k - 1) / (a + b + rows.x + k - 1)
        k += 1


def fit_beta_geometric(
    model: Callable[..., PurchaseModel], rows: Counts, *, shift: int, evaluations_max: int
) -> Fit:
    """Fit ``model`` of r, alpha, a, b to collapsed histories; ``shift`` as in the likelihood."""
    objective = BetaGeometricLikelihood(rows, shift=shift)
    customers = float(rows.weight.sum())
    found = maximise(objective, start_from_rate(rows), customers=customers, evaluations_max=evaluations_max)
    r, alpha, a, b = (float(value) for value in np.exp(found.log_params))
    return Fit(
        model=model(r=r, alpha=alpha, a=a, b=b),
        log_likelihood=found.log_likelihood,
        customers=round(customers),
        evaluations=found.evaluations,
        converged=found.converged,
        objective=objective,
    )
