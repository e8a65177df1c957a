"""How far from zero an effect must lie (判定界限): one number per design, in standard errors. Pure.

Every test of this package ends in a z value (a t value is first turned into the z of equal tail), so a design
is a multiplier for the interval and a p for that z. Fixed horizon here; the sequential ones have their files.
"""

from dataclasses import dataclass
from typing import Protocol

from scipy.special import ndtr, ndtri, stdtr, stdtrit

from koipond.kernel import InputError, Message


class Bound(Protocol):
    """What a design says about one look at the data."""

    @property
    def alpha(self) -> float:
        """The two-sided chance of a false finding that it keeps."""
        ...

    @property
    def name(self) -> str:
        """The name printed beside every figure."""
        ...

    def multiplier(self, customers: int, /) -> float:
        """Return the half width of the interval in standard errors, with ``customers`` in both arms."""
        ...

    def p_value(self, z: float, customers: int, /) -> float:
        """Return the p of an effect ``z`` standard errors away from zero."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedBound:
    """One look, at the planned end. Looking earlier breaks it: 5 looks reject 14.2 % (science B4)."""

    alpha: float = 0.05

    def __post_init__(self) -> None:
        check_alpha(self.alpha)

    @property
    def name(self) -> str:
        return Message("fixed horizon")

    def multiplier(self, _customers: int, /) -> float:
        return float(-ndtri(self.alpha / 2))

    def p_value(self, z: float, _customers: int, /) -> float:
        return float(2 * ndtr(-abs(z)))


def check_alpha(alpha: float) -> float:
    """Return ``alpha``; raise InputError unless it lies strictly between 0 and 1."""
    number = isinstance(alpha, int | float) and not isinstance(alpha, bool)
    if not (number and 0 < alpha < 1):
        raise InputError(
            "alpha must lie between 0 and 1, got {alpha!r}; the usual value is 0.05", alpha=alpha
        )
    return alpha


FIXED = FixedBound()
"""One look at the end, two-sided 0.05."""


def z_of_t(t: float, df: float | None) -> float:
    """Return the normal deviate with the same tail as ``t`` on ``df`` degrees of freedom (None: normal)."""
    if df is None:
        return t
    tail = float(-ndtri(stdtr(df, -abs(t))))
    return tail if t >= 0 else -tail


def t_of_z(z: float, df: float | None) -> float:
    """Return the t on ``df`` degrees of freedom with the same tail as the normal deviate ``z``."""
    if df is None:
        return z
    tail = float(-stdtrit(df, ndtr(-abs(z))))
    return tail if z >= 0 else -tail
