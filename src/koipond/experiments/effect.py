"""An effect (增量): the difference of one arm to the control, with an interval, a p and the lift. Pure.

Relative lift treated/control - 1 by the delta method, or by the logarithm of the ratio (Deng, Knoblich and Lu
2018, §3). The two intervals differ and neither has the p of the difference, so each carries its name
(science B2).
"""

from dataclasses import dataclass
from math import exp, isfinite, sqrt
from typing import Any, Literal

from koipond.experiments.bounds import FIXED, Bound, FixedBound, t_of_z, z_of_t
from koipond.frames import plain
from koipond.kernel import InputError

_TINY = 1e-100
_WIDEST = 300.0  # half width of a log-ratio interval beyond which it says nothing and overflows
RelativeMethod = Literal["delta", "log-ratio"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One arm against the control in one metric, in the metric's own unit."""

    arm: str = ""
    metric: str = ""
    method: str
    control: float
    treated: float
    difference: float
    se: float
    low: float
    high: float
    p: float
    alpha: float
    customers: int
    relative: Relative
    p_adjusted: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the effect as plain values: the contract's keys, then what explains them."""
        contract = ("arm", "metric", "method", "difference", "low", "high", "p")
        detail = ("control", "treated", "se", "p_adjusted", "customers")
        values = {name: getattr(self, name) for name in contract}
        values["relative"] = self.relative.to_dict()
        result: dict[str, Any] = plain(values | {name: getattr(self, name) for name in detail})
        return result


def effect_of(
    control: ArmEstimate,
    treated: ArmEstimate,
    *,
    method: str,
    bound: Bound = FIXED,
    relative: RelativeMethod = "delta",
    covariance: float = 0.0,
) -> Effect:
    """Return treated - control with the interval that ``bound`` allows (default: fixed horizon, 95 %).

    ``covariance`` is that of the two estimates: 0 for separate customers. Raises InputError when neither arm
    varies: nothing can be tested then.
    """
    variance = control.variance + treated.variance - 2 * covariance
    if variance <= 0:
        raise InputError(
            f"{method}: no customer differs from another in either arm, so nothing can be tested"
        )
    customers = control.n + treated.n
    se, df = sqrt(variance), welch_df(control, treated)
    difference = treated.value - control.value
    z = bound.multiplier(customers)
    half = t_of_z(z, df) * se
    if not isfinite(difference + half):
        raise InputError(
            f"{method}: {customers} customers are too few for this design, the interval is infinite"
        )
    return Effect(
        method=label(method, bound),
        control=control.value,
        treated=treated.value,
        difference=difference,
        se=se,
        low=difference - half,
        high=difference + half,
        p=bound.p_value(z_of_t(difference / se, df), customers),
        alpha=bound.alpha,
        customers=customers,
        relative=relative_lift(control, treated, z=z, method=relative),
    )


def label(method: str, bound: Bound) -> str:
    """Return the printed name: the method, and the design unless it is the plain fixed horizon."""
    return method if isinstance(bound, FixedBound) else f"{method}, {bound.name}"


def welch_df(control: ArmEstimate, treated: ArmEstimate, *, scale: float = 1.0) -> float | None:
    """Return Welch-Satterthwaite degrees of freedom; the control's variance is multiplied by ``scale``."""
    if control.df is None or treated.df is None:
        return None
    share = control.variance * scale / (control.variance * scale + treated.variance)
    return 1 / (share**2 / control.df + (1 - share) ** 2 / treated.df)


def relative_lift(
    control: ArmEstimate, treated: ArmEstimate, *, z: float, method: RelativeMethod = "delta"
) -> Relative:
    """Return treated / control - 1 with an interval of ``z`` standard errors.

    Not defined (None, with the reason) when the control is not positive, or the treated arm for
    ``log-ratio``, or when no customer differs from another in either arm.
    """
    if method not in ("delta", "log-ratio"):
        raise InputError(f"relative must be 'delta' or 'log-ratio', got {method!r}")
    if control.value <= 0:
        return Relative(estimate=None, low=None, high=None, method="not defined: the control is not positive")
    ratio = treated.value / control.value
    if treated.value == 0 and treated.variance == 0:
        return Relative(estimate=-1.0, low=None, high=None, method="not defined: the arm is zero throughout")
    if control.variance == 0 and treated.variance == 0:
        return Relative(estimate=None, low=None, high=None, method="not defined: nobody differs")
    if not _TINY < abs(ratio) < 1 / _TINY and treated.value != 0:
        return Relative(estimate=None, low=None, high=None, method="not defined: an arm is too near to zero")
    if method == "log-ratio" and ratio <= 0:
        return Relative(estimate=ratio - 1, low=None, high=None, method="not defined: log of a ratio <= 0")
    # variance of the ratio: (var_t + ratio² var_c) / control²; of its logarithm: that / ratio²
    se = sqrt(treated.variance + ratio**2 * control.variance) / control.value
    half = t_of_z(z, welch_df(control, treated, scale=ratio**2)) * se
    wide = not isfinite(ratio + half) or (method == "log-ratio" and half / ratio > _WIDEST)
    if wide:
        return Relative(estimate=ratio - 1, low=None, high=None, method="not defined: too few customers")
    if method == "delta":
        return Relative(estimate=ratio - 1, low=ratio - 1 - half, high=ratio - 1 + half, method="delta")
    factor = exp(half / ratio)
    return Relative(estimate=ratio - 1, low=ratio / factor - 1, high=ratio * factor - 1, method="log-ratio")
