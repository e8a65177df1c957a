"""The relative lift (相对提升): treated / control - 1, its interval never below -100 %. Pure.

Three intervals, each with its name, because they differ and none has the p of the difference (science B2):

- ``log-ratio`` (default): symmetric on the logarithm of the ratio (Deng, Knoblich and Lu 2018, §3). In
  simulated shares with 60 to 1,000 customers in the smaller arm it holds the truth 94.9 to 95.8 times in 100,
  missed above about as often as below (docs/performance.md, "The relative interval").
- ``fieller``: the ratios r at which treated - r · control would not be found different from zero (Fieller
  1954); also printed where the arm has nothing, which has no logarithm. It has no end where the control
  itself may be zero.
- ``delta``: symmetric about the lift. A low estimate comes with a short interval, so that nearly all of its
  misses lie below the truth.

A share or an amount of money cannot fall by more than it was: what would lie below -100 % is cut there.
"""

from dataclasses import dataclass
from math import exp, isfinite, sqrt
from typing import Any, Literal

from koipond.experiments.bounds import t_of_z
from koipond.kernel import InputError, Message

_TINY = 1e-100
_WIDEST = 300.0  # half width of a log-ratio interval beyond which it says nothing and overflows
_LEAST = -1.0  # nothing is less than none
RelativeMethod = Literal["fieller", "delta", "log-ratio"]
METHODS = ("fieller", "delta", "log-ratio")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmEstimate:
    """What one arm says: a value, the variance of that value, and how many customers are behind it."""

    n: int
    value: float
    variance: float
    df: float | None = None  # None: normal


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """Lift as a fraction of the control (0.1 = 10 %); None with the reason in ``method`` when not defined."""

    estimate: float | None
    low: float | None
    high: float | None
    method: str

    def to_dict(self) -> dict[str, Any]:
        return {"estimate": self.estimate, "low": self.low, "high": self.high, "method": self.method}


def welch_df(control: ArmEstimate, treated: ArmEstimate, *, scale: float = 1.0) -> float | None:
    """Return Welch-Satterthwaite degrees of freedom; the control's variance is multiplied by ``scale``."""
    if control.df is None or treated.df is None:
        return None
    share = control.variance * scale / (control.variance * scale + treated.variance)
    return 1 / (share**2 / control.df + (1 - share) ** 2 / treated.df)


def relative_lift(
    control: ArmEstimate, treated: ArmEstimate, *, z: float, method: RelativeMethod = "log-ratio"
) -> Relative:
    """Return treated / control - 1 with an interval of ``z`` standard errors.

    Not defined (None, with the reason) when the control is not positive, or the treated arm is negative, or
    when no customer differs from another in either arm; without an interval for too few customers.
    """
    if method not in METHODS:
        raise InputError(
            "relative must be one of {methods}, got {method!r}", methods=", ".join(METHODS), method=method
        )
    nothing = _undefined(control, treated)
    if nothing is not None:
        return nothing
    ratio = treated.value / control.value
    if method == "delta":
        return _delta(control, treated, z, ratio)
    if method == "fieller" or ratio == 0:
        return _fieller(control, treated, z)
    return _by_logarithm(control, treated, z, ratio)


def _undefined(control: ArmEstimate, treated: ArmEstimate) -> Relative | None:
    """Return the lift without an interval, and why, or None when it can have one."""

    def without(reason: str, estimate: float | None = None) -> Relative:
        return Relative(
            estimate=estimate, low=None, high=None, method=Message("not defined: {reason}", reason=reason)
        )

    if control.value <= 0:
        return without(Message("the control is not positive"))
    if treated.value < 0:
        return without(Message("the arm is below zero"))
    if treated.value == 0 and treated.variance == 0:
        return without(Message("the arm is zero throughout"), _LEAST)
    if control.variance == 0 and treated.variance == 0:
        return without(Message("nobody differs"))
    if not _TINY < treated.value / control.value < 1 / _TINY and treated.value != 0:
        return without(Message("an arm is too near to zero"))
    return None


def _half(control: ArmEstimate, treated: ArmEstimate, z: float, ratio: float) -> float:
    """Return the half width of the ratio's interval by the delta method."""
    # variance of the ratio: (var_t + ratio² var_c) / control²; of its logarithm: that / ratio²
    se = sqrt(treated.variance + ratio**2 * control.variance) / control.value
    return t_of_z(z, welch_df(control, treated, scale=ratio**2)) * se


def _too_few(ratio: float) -> Relative:
    return Relative(estimate=ratio - 1, low=None, high=None, method=Message("not defined: too few customers"))


def _fieller(control: ArmEstimate, treated: ArmEstimate, z: float) -> Relative:
    ratio = treated.value / control.value
    t = t_of_z(z, welch_df(control, treated))
    # in units of the control: (x - r)² <= t² (b + a r²)
    a, b = (t * t * arm.variance / control.value**2 for arm in (control, treated))
    if not (a < 1 and isfinite(b)):
        reason = Message("not defined: the control may be zero, too few customers")
        return Relative(estimate=ratio - 1, low=None, high=None, method=reason)
    middle, half = ratio / (1 - a), sqrt(max(0.0, b * (1 - a) + a * ratio * ratio)) / (1 - a)
    low, high = middle - half - 1, middle + half - 1
    if not isfinite(high):
        return _too_few(ratio)
    return Relative(estimate=ratio - 1, low=max(_LEAST, low), high=high, method=Message("Fieller"))


def _by_logarithm(control: ArmEstimate, treated: ArmEstimate, z: float, ratio: float) -> Relative:
    half = _half(control, treated, z, ratio)
    if not isfinite(ratio + half) or half / ratio > _WIDEST:
        return _too_few(ratio)
    factor = exp(half / ratio)
    return Relative(
        estimate=ratio - 1, low=ratio / factor - 1, high=ratio * factor - 1, method=Message("log-ratio")
    )


def _delta(control: ArmEstimate, treated: ArmEstimate, z: float, ratio: float) -> Relative:
    half = _half(control, treated, z, ratio)
    if not isfinite(ratio + half):
        return _too_few(ratio)
    low = max(_LEAST, ratio - 1 - half)
    return Relative(estimate=ratio - 1, low=low, high=ratio - 1 + half, method=Message("delta"))
