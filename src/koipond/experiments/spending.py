"""Error spending (错误率分配): how much of alpha may be used up by a given share of the information. Pure.

Source: Lan and DeMets 1983. One side spends its own alpha, so a two-sided 0.05 test spends 0.025 a side: the
usual tables (science B4). With ``sides="both"`` one function spends the whole 0.05 and the bounds differ.
"""

from collections.abc import Callable
from math import e, log, sqrt
from typing import Literal

from scipy.special import ndtr, ndtri

from koipond.kernel import InputError

Spending = Literal["obrien_fleming", "pocock"]
Sides = Literal["each", "both"]


def spent(spending: Spending, information: float, *, alpha: float, sides: Sides = "each") -> float:
    """Return the two-sided alpha that may be spent once ``information`` (0 to 1) of the plan is in.

    Raises InputError for an unknown function.
    """
    if spending not in _FUNCTIONS:
        raise InputError(
            "spending must be one of {functions}, got {spending!r}",
            functions=", ".join(_FUNCTIONS),
            spending=spending,
        )
    share = min(1.0, information)
    if sides == "each":
        return 2 * _FUNCTIONS[spending](share, alpha / 2)
    return _FUNCTIONS[spending](share, alpha)


def _obrien_fleming(share: float, alpha: float) -> float:
    return float(2 * ndtr(ndtri(alpha / 2) / sqrt(share)))


def _pocock(share: float, alpha: float) -> float:
    return alpha * log(1 + (e - 1) * share)


_FUNCTIONS: dict[str, Callable[[float, float], float]] = {
    "obrien_fleming": _obrien_fleming,
    "pocock": _pocock,
}
