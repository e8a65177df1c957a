"""How sure a forecast is (区间). Pure, vectorised over histories, no random draws.

Two doubts, kept apart. **Parameter**: the fit could have come out a little differently (observed information
and the delta method). **Individual**: even with known parameters one customer's next purchases are a draw;
that distribution is exact for counts, and for money a mixture of beta primes. A model that is wrong adds a
third doubt that no interval here covers: compare with a hold-out (`check_holdout`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from numbers import Real
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import betainc

from koipond.frames.columns import Floats
from koipond.kernel import InputError
from koipond.profiles.clv.collapse import Counts
from koipond.profiles.clv.gamma_gamma import GammaGamma
from koipond.profiles.clv.model import PurchaseModel

_BLOCK = 2048
_PURCHASES_MAX = 20_000
_TAIL_MIN = 1e-10
_STEP = 1e-4
_BISECTIONS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with its bounds. ``method`` names what the bounds cover."""

    estimate: float
    low: float
    high: float
    level: float
    method: str


def normal_quantile(level: float) -> float:
    """Return z with P(|Z| ≤ z) = ``level``; raise InputError unless 0 < level < 1."""
    if not isinstance(level, Real) or not 0 < level < 1:
        raise InputError("level must lie between 0 and 1, not {level!r}", level=level)
    return NormalDist().inv_cdf((1 + level) / 2)


def log_gradient(model: Any, forecast: Callable[[Any], Any]) -> list[Any]:
    """Return d forecast / d ln(parameter) for each parameter of ``model``, by central differences."""
    out = []
    for name, value in model.params.items():
        ahead = forecast(replace(model, **{name: value * np.exp(_STEP)}))
        behind = forecast(replace(model, **{name: value * np.exp(-_STEP)}))
        out.append((ahead - behind) / (2 * _STEP))
    return out


def parameter_bounds(
    model: PurchaseModel, covariance: Floats, horizon: float, rows: Counts, level: float
) -> tuple[Floats, Floats]:
    """Return bounds of the expected purchases of each row, from the doubt about the parameters alone.

    Delta method on the logarithm, so that no bound is negative.
    """
    centre = model.expected_purchases(horizon, rows)
    slopes = np.array(log_gradient(model, lambda m: np.log(m.expected_purchases(horizon, rows))))
    spread = np.sqrt(np.einsum("in,ij,jn->n", slopes, covariance, slopes))
    reach = np.exp(normal_quantile(level) * spread)
    return centre / reach, centre * reach


def count_bounds(model: PurchaseModel, horizon: float, rows: Counts, level: float) -> tuple[Floats, Floats]:
    """Return the quantiles (1−level)/2 and (1+level)/2 of each row's purchases in the horizon."""
    normal_quantile(level)
    outside = (1 - level) / 2
    low, high = np.zeros(len(rows)), np.zeros(len(rows))
    for block, tails in _tails(model, horizon, rows):
        for tail in tails:
            low[block] += tail > 1 - outside  # P(Y ≥ k) > 1 − α/2: the lower quantile is at least k
            high[block] += tail > outside
    return low, high


def count_moments(model: PurchaseModel, horizon: float, rows: Counts) -> tuple[Floats, Floats]:
    """Return the mean and the mean square of each row's purchases in the horizon."""
    mean, square = np.zeros(len(rows)), np.zeros(len(rows))
    for block, tails in _tails(model, horizon, rows):
        for k, tail in enumerate(tails, start=1):
            mean[block] += tail
            square[block] += (2 * k - 1) * tail
    return mean, square


def money_bounds(
    model: PurchaseModel, value: GammaGamma, horizon: float, rows: Counts, spent: Floats, level: float
) -> tuple[Floats, Floats]:
    """Return quantiles of each row's spend in the horizon, **in units of v + x·mean** (individual).

    k purchases of a customer with ``spent`` = the x behind their mean value sum to a beta prime with p·k and
    q + p·x, whatever the money scale; so one calculation serves all customers of a row.
    """
    normal_quantile(level)
    low, high = np.zeros(len(rows)), np.zeros(len(rows))
    for block, tails in _tails(model, horizon, rows):
        chances = -np.diff(np.array([*tails, np.zeros(len(block))]), axis=0)
        shape = value.q + value.p * spent[block]
        for out, above in ((low, (1 + level) / 2), (high, (1 - level) / 2)):
            out[block] = _money_quantile(chances, value.p, shape, above)
    return low, high


def _money_quantile(chances: Floats, p: float, shape: Floats, above: float) -> Floats:
    """Return w with P(sum > w) = ``above``, 0 where buying at all is less likely than that; by bisection."""
    out = np.zeros(chances.shape[1])
    rows = np.flatnonzero(chances.sum(axis=0) > above)
    low, high = np.zeros(len(rows)), np.ones(len(rows))  # of w / (1 + w)
    k_of, row_of = np.nonzero(chances[:, rows] > _TAIL_MIN)
    weight = chances[k_of, rows[row_of]]
    for _ in range(_BISECTIONS if len(rows) else 0):
        middle = (low + high) / 2
        below = betainc(p * (k_of + 1), shape[rows[row_of]], middle[row_of])
        exceeds = np.bincount(row_of, weight * (1 - below), len(rows)) > above
        low, high = np.where(exceeds, middle, low), np.where(exceeds, high, middle)
    out[rows] = low / (1 - low)
    return out


def _tails(
    model: PurchaseModel, horizon: float, rows: Counts
) -> Iterator[tuple[npt.NDArray[np.intp], Iterator[Floats]]]:
    """Yield blocks of rows of like activity with their P(Y ≥ k), each until it no longer matters."""
    order = np.argsort(model.expected_purchases(horizon, rows), kind="stable")
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        yield block, _until_negligible(model.tail(horizon, rows.take(block)))


def _until_negligible(tails: Iterator[Floats]) -> Iterator[Floats]:
    for k, tail in enumerate(tails, start=1):
        if not len(tail) or tail.max() < _TAIL_MIN or k > _PURCHASES_MAX:
            return
        yield tail
