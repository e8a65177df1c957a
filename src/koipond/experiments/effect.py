"""An effect (增量): the difference of one arm to the control, with an interval, a p and the lift. Pure.

The relative lift beside it has an interval, and a name, of its own: `koipond.experiments.relative`.
"""

from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any

from koipond.experiments.bounds import FIXED, Bound, FixedBound, t_of_z, z_of_t
from koipond.experiments.relative import ArmEstimate, Relative, RelativeMethod, relative_lift, welch_df
from koipond.frames import plain
from koipond.kernel import InputError, joined


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
    relative: RelativeMethod = "log-ratio",
    covariance: float = 0.0,
) -> Effect:
    """Return treated - control with the interval that ``bound`` allows (default: fixed horizon, 95 %).

    ``covariance`` is that of the two estimates: 0 for separate customers. Raises InputError when neither arm
    varies: nothing can be tested then.
    """
    variance = control.variance + treated.variance - 2 * covariance
    if variance <= 0:
        raise InputError(
            "{method}: no customer differs from another in either arm, so nothing can be tested",
            method=method,
        )
    customers = control.n + treated.n
    se, df = sqrt(variance), welch_df(control, treated)
    difference = treated.value - control.value
    z = bound.multiplier(customers)
    half = t_of_z(z, df) * se
    if not isfinite(difference + half):
        raise InputError(
            "{method}: {customers} customers are too few for this design, the interval is infinite",
            method=method,
            customers=customers,
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
    return method if isinstance(bound, FixedBound) else joined(", ", (method, bound.name))
