"""Partial pooling of noisy estimates (部分合并): each leans on the others as far as they agree. Pure.

Normal-normal model: estimate_l ~ N(effect_l, se_l²), effect_l ~ N(mu, tau²), mu flat, tau half-Cauchy with
three times the typical se as scale (with less, intervals cover 92 % where layers truly differ). Tau is
integrated out on a grid, so its uncertainty is in the intervals (Gelman, Carlin, Stern, Dunson, Vehtari and
Rubin, Bayesian Data Analysis, 3rd ed., §5.4, eq. 5.17-5.21; Gelman 2006 for the prior).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from koipond.kernel import InputError

Vector = npt.NDArray[np.float64]
_GRID = 400
_TAU_SCALE = 3.0  # of the half-Cauchy, in typical standard errors


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pooled:
    """Posterior of the layers' effects, of their mean ``mu``, and of how much they differ ``tau``."""

    estimate: Vector
    low: Vector
    high: Vector
    mu: float
    mu_low: float
    mu_high: float
    new_low: float  # a layer never seen
    new_high: float
    tau: float  # posterior median


def pool(estimates: Vector, ses: Vector, *, alpha: float = 0.05, flat_tau: bool = False) -> Pooled:
    """Return the pooled effects of two or more layers; an infinite ``se`` is a layer without data of its own.

    ``flat_tau`` takes BDA's uniform prior instead, which needs four layers. Raises InputError for fewer
    than two layers with data, or an se that is not above 0.
    """
    known = np.isfinite(ses)
    if known.sum() < 2 or not np.all(ses > 0) or not np.all(np.isfinite(estimates[known])):
        raise InputError("pooling needs two or more layers with an estimate and a standard error above 0")
    y, s = estimates[known], ses[known]
    typical = float(np.sqrt(len(s) / np.sum(1 / s**2)))
    taus, weights = _tau_posterior(y, s, typical, flat=flat_tau)
    precision = 1 / (s[None, :] ** 2 + taus[:, None] ** 2)
    mu_variance = 1 / precision.sum(axis=1)
    mu = (precision * y).sum(axis=1) * mu_variance
    means, variances = _layers(np.where(known, estimates, 0.0), ses, taus, mu, mu_variance)
    ends = [_interval(weights, m, v, alpha) for m, v in zip(means.T, variances.T, strict=True)]
    mu_low, mu_high = _interval(weights, mu, mu_variance, alpha)
    new_low, new_high = _interval(weights, mu, mu_variance + taus**2, alpha)
    return Pooled(
        estimate=weights @ means,
        low=np.array([low for low, _ in ends]),
        high=np.array([high for _, high in ends]),
        mu=float(weights @ mu),
        mu_low=mu_low,
        mu_high=mu_high,
        new_low=new_low,
        new_high=new_high,
        tau=float(np.interp(0.5, np.cumsum(weights), taus)),
    )


def _tau_posterior(y: Vector, s: Vector, typical: float, *, flat: bool) -> tuple[Vector, Vector]:
    """Return grid points of tau and their posterior weights (BDA eq. 5.21)."""
    widest = max(typical, float(np.ptp(y))) * 20
    taus = widest * np.linspace(0, 1, _GRID + 1)[1:] ** 3  # finer near zero
    steps = np.gradient(taus)
    spread = s[None, :] ** 2 + taus[:, None] ** 2
    mu_variance = 1 / (1 / spread).sum(axis=1)
    mu = (y / spread).sum(axis=1) * mu_variance
    log_density = 0.5 * np.log(mu_variance) - 0.5 * np.log(spread).sum(axis=1)
    log_density -= 0.5 * ((y - mu[:, None]) ** 2 / spread).sum(axis=1)
    if not flat:
        log_density -= np.log1p((taus / (_TAU_SCALE * typical)) ** 2)
    weights = np.exp(log_density - log_density.max()) * steps
    return taus, weights / weights.sum()


def _layers(y: Vector, s: Vector, taus: Vector, mu: Vector, mu_variance: Vector) -> tuple[Vector, Vector]:
    """Return mean and variance of each layer's effect at each tau (BDA eq. 5.17, mu integrated out)."""
    own, common = 1 / s[None, :] ** 2, 1 / taus[:, None] ** 2
    lean = common / (own + common)  # how far the layer leans on mu
    means = (1 - lean) * y + lean * mu[:, None]
    return means, 1 / (own + common) + lean**2 * mu_variance[:, None]


def _interval(weights: Vector, means: Vector, variances: Vector, alpha: float) -> tuple[float, float]:
    """Return the central interval of a mixture of normals, by bisection."""
    sds = np.sqrt(variances)
    reach = float(-ndtri(alpha / 4)) + 2.0

    def quantile(level: float) -> float:
        low, high = float((means - reach * sds).min()), float((means + reach * sds).max())
        for _ in range(80):
            middle = (low + high) / 2
            if float(weights @ ndtr((middle - means) / sds)) < level:
                low = middle
            else:
                high = middle
        return (low + high) / 2

    return quantile(alpha / 2), quantile(1 - alpha / 2)
