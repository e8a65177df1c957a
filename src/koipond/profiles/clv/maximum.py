"""Maximum likelihood on log parameters (极大似然). Pure; every search has a limit."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from koipond.frames.columns import Floats

Objective = Callable[[Floats], tuple[float, Floats]]
"""Log parameters → log-likelihood and its gradient with respect to them."""

EVALUATIONS_MAX = 200
_BOUND = 14.0
_STEP = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Maximum:
    """Where the search ended. ``evaluations`` are calls of the objective."""

    log_params: Floats
    log_likelihood: float
    evaluations: int
    converged: bool


def maximise(
    objective: Objective, start: Floats, *, customers: float, evaluations_max: int = EVALUATIONS_MAX
) -> Maximum:
    """Return the highest point found from ``start`` (log parameters) by L-BFGS-B with the given gradient.

    The likelihood is scaled to one customer, so the tolerances mean the same for a thousand and a million.
    The search runs over each pair's first parameter and the ratio of second to first (α/r is the mean time
    between purchases), which is closer to independent and takes a third fewer steps.
    ``converged`` is False when the limit was reached or a parameter ran into the bounds exp(±14).
    """

    mix = _pairs(len(start))

    def negative(point: Floats) -> tuple[float, Floats]:
        value, gradient = objective(mix @ point)
        return -value / customers, -(gradient @ mix) / customers

    found = minimize(
        negative,
        np.linalg.solve(mix, start),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-_BOUND, _BOUND)] * len(start),
        options={"maxfun": evaluations_max, "maxiter": evaluations_max, "ftol": 1e-13, "gtol": 1e-8},
    )
    inside = bool(np.all(np.abs(found.x) < _BOUND - 1e-6))
    stopped = bool(found.success) or float(np.max(np.abs(found.jac))) < 1e-5
    return Maximum(
        log_params=np.asarray(mix @ found.x, dtype=np.float64),
        log_likelihood=float(-found.fun * customers),
        evaluations=int(found.nfev),
        converged=inside and stopped,
    )


def _pairs(size: int) -> Floats:
    """Return the matrix from (ln p, ln q/p) to (ln p, ln q) for each pair of parameters."""
    mix = np.eye(size)
    mix[np.arange(1, size, 2), np.arange(0, size - 1, 2)] = 1.0
    return mix


def log_covariance(objective: Objective, log_params: Floats) -> Floats:
    """Return the covariance of the log parameters: the inverse observed information at ``log_params``.

    The information is the negative second derivative of the log-likelihood, by central differences of the
    gradient. All entries are infinite when it is not surely positive definite: the likelihood is flat there.
    How far the differences are from symmetry says how far rounding reaches: a curvature below that may be
    none, and which sign it gets depends on the processor.
    """
    size = len(log_params)
    hessian = np.empty((size, size))
    for i in range(size):
        step = np.zeros(size)
        step[i] = _STEP
        ahead, behind = objective(log_params + step)[1], objective(log_params - step)[1]
        hessian[i] = (ahead - behind) / (2 * _STEP)
    information = -(hessian + hessian.T) / 2
    rounding = float(np.abs(hessian - hessian.T).max())
    if not np.isfinite(information).all() or np.linalg.eigvalsh(information)[0] <= rounding:
        return np.full((size, size), np.inf)
    return np.asarray(np.linalg.inv(information), dtype=np.float64)
