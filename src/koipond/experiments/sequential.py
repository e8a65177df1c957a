"""Group-sequential boundaries (分阶段检验) by recursive integration, for looks at any information. Pure.

The score S_k = Z_k √I_k is a Brownian motion with drift. Its density over "not stopped yet" is carried
from look to look by convolution with the normal of variance I_k - I_(k-1) (Armitage, McPherson and Rowe
1969; Jennison and Turnbull 2000, ch. 19), on Gauss-Legendre points fine enough for the narrower of the two
kernels beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf, sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from koipond.experiments.spending import Sides, Spending, spent
from koipond.kernel import InputError

Vector = npt.NDArray[np.float64]
LOOKS_MAX = 1000
_NEAREST = 1e-4  # looks closer than this share of the last one are one look
_FAR = 9.0  # standard deviations beyond which the density is nothing
_PANEL_SD = 2.5  # standard deviations of the narrower kernel per panel of 12 points
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_SQRT_2PI = sqrt(2 * np.pi)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """Chance of stopping at each look: above the upper bound, and below the lower one."""

    upper: tuple[float, ...]
    lower: tuple[float, ...]

    @property
    def total(self) -> float:
        """Chance of stopping at any look, on either side."""
        return sum(self.upper) + sum(self.lower)


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """The score's density among those not stopped, on points with weights."""

    points: Vector
    mass: Vector  # density × weight
    information: float


def crossing(information: Sequence[float], bounds: Sequence[float], *, drift: float = 0.0) -> Crossing:
    """Return the chance that |Z| first reaches its bound at each look.

    ``information`` rises from look to look; ``bounds`` are on |Z_k|; ``drift`` is the mean of Z at
    information 1. Raises InputError for looks out of order or too many.
    """
    times = check_information(information)
    if len(bounds) != len(times) or any(not bound > 0 for bound in bounds):
        raise InputError(
            "{count} looks need {count} bounds above 0, got {bounds}", count=len(times), bounds=list(bounds)
        )
    upper, lower, state = [], [], None
    for k, (time, bound) in enumerate(zip(times, bounds, strict=True)):
        upper.append(_tail(state, time, bound, drift))
        lower.append(_tail(state, time, bound, drift, below=True))
        if k + 1 < len(times):
            state = _carry(state, time, bound, drift, times[k + 1] - time)
    return Crossing(upper=tuple(upper), lower=tuple(lower))


def spending_bounds(
    information: Sequence[float],
    *,
    alpha: float = 0.05,
    spending: Spending = "obrien_fleming",
    sides: Sides = "each",
    final: bool = False,
) -> tuple[float, ...]:
    """Return the Lan-DeMets bound on |Z| at each look, two-sided ``alpha`` in all.

    ``information``: share of the plan at each look, rising; 1 or more spends the rest. ``final`` spends
    the rest at the last look even if the plan was not reached. Raises InputError for looks out of order.
    """
    times = check_information(information)
    bounds: list[float] = []
    state, used = None, 0.0
    for k, time in enumerate(times):
        last = k + 1 == len(times)
        allowed = alpha if final and last else spent(spending, time, alpha=alpha, sides=sides)
        bound = _bound_for(state, time, max(allowed - used, 0.0) / 2)
        bounds.append(bound)
        used = max(used, allowed)
        if not last:
            state = _carry(state, time, bound, 0.0, times[k + 1] - time)
    return tuple(bounds)


def constant(looks: int, *, alpha: float = 0.05, shape: float = 0.5) -> float:
    """Return C of the bounds C (k/looks)^(shape - 1/2) at equal looks: 1/2 is Pocock, 0 O'Brien-Fleming.

    Source: Wang and Tsiatis 1987; the tables of Pocock 1977 and O'Brien and Fleming 1979.
    """
    from scipy.optimize import brentq

    if not 1 <= looks <= LOOKS_MAX:
        raise InputError("looks must be 1 to {looks_max}, got {looks}", looks_max=LOOKS_MAX, looks=looks)
    times = [(k + 1) / looks for k in range(looks)]

    def excess(c: float) -> float:
        return crossing(times, [c * time ** (shape - 0.5) for time in times]).total - alpha

    return float(brentq(excess, 0.01, 20.0, xtol=1e-10))


def check_information(information: Sequence[float]) -> list[float]:
    """Return the looks' information; raise InputError unless it rises from above 0 in up to 1,000 looks."""
    times = [float(time) for time in information]
    if not 1 <= len(times) <= LOOKS_MAX:
        raise InputError(
            "a design has 1 to {looks_max} looks, got {count}", looks_max=LOOKS_MAX, count=len(times)
        )
    steps = [b - a for a, b in zip([0.0, *times], times, strict=False)]
    if not all(step > _NEAREST * times[-1] for step in steps):
        raise InputError("the information of the looks must rise from above 0, got {times}", times=times)
    return times


def _bound_for(state: _State | None, time: float, side: float) -> float:
    """Return the bound that is crossed upwards with chance ``side`` by those not stopped yet."""
    from scipy.optimize import brentq

    if side <= 0:
        return inf
    if state is None:
        return float(-ndtri(side))
    highest = float(-ndtri(side))  # with everyone still in: the bound cannot be higher
    if _tail(state, time, 1e-9, 0.0) <= side:
        return 1e-9  # pragma: no cover - alpha near 1
    return float(brentq(lambda z: _tail(state, time, z, 0.0) - side, 1e-9, highest + 1e-6, xtol=1e-12))


def _tail(state: _State | None, time: float, bound: float, drift: float, *, below: bool = False) -> float:
    """Return the chance of not having stopped and now lying at or beyond ``bound`` standard deviations."""
    sign = -1.0 if below else 1.0
    if bound == inf:
        return 0.0
    if state is None:
        return float(ndtr(sign * drift * sqrt(time) - bound))
    step = time - state.information
    away = sign * (state.points + drift * step) - bound * sqrt(time)
    return float(state.mass @ ndtr(away / sqrt(step)))


def _carry(state: _State | None, time: float, bound: float, drift: float, following: float) -> _State:
    """Return the density of those still not stopped after the look at ``time``."""
    spread, mean = sqrt(time), drift * time
    low = max(-bound * spread, mean - _FAR * spread)
    high = min(bound * spread, mean + _FAR * spread)
    if high <= low:  # everyone has stopped
        return _State(points=np.zeros(1), mass=np.zeros(1), information=time)
    step = time if state is None else time - state.information
    narrow = sqrt(min(step, following))
    panels = 2 + ceil((high - low) / (_PANEL_SD * narrow))
    half = (high - low) / panels / 2
    middles = low + half * (2 * np.arange(panels) + 1)
    points, weights = (middles[:, None] + half * _NODES).ravel(), half * np.tile(_WEIGHTS, panels)
    if state is None:
        density = _normal((points - mean) / spread) / spread
    else:
        gaps = (points[:, None] - state.points[None, :] - drift * step) / sqrt(step)
        density = _normal(gaps) @ state.mass / sqrt(step)
    return _State(points=points, mass=density * weights, information=time)


def _normal(z: Vector) -> Vector:
    return np.asarray(np.exp(-0.5 * z * z) / _SQRT_2PI)
