"""What the caller hands in, checked and turned into a `Problem`. All mistakes are reported at once."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koipond.kernel import InputError, Message, joined
from koipond.strategy.allocation.problem import FloatArray, IntArray, Problem

PerOffer = float | Sequence[float | None] | None
PerSegment = float | Mapping[Any, float] | None
_EXACT_MAX = 2**53
_DECIMALS_MAX = 9
_PEEKED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Request:
    """A checked request. ``problem.value`` is what is maximised; ``value`` is what is expected."""

    problem: Problem
    value: FloatArray  # (customers, offers)
    offers: tuple[str, ...]
    segments: tuple[str, ...]
    whole_cost: bool  # costs were handed in as integers
    money_unit: int | None  # units of ``problem``'s money in one of the caller's; None: costs are no decimals
    limits: FloatArray  # (2, groups) as the caller wrote them

    @property
    def group_names(self) -> tuple[str, ...]:
        return ("total", *(f"offer {name}" for name in self.offers), *(f"segment {s}" for s in self.segments))


class _Check:
    """Collects mistakes; each reader returns something of the right shape so that checking can go on."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def table(self, name: str, given: Any, shape: tuple[int, int] | None) -> FloatArray:
        """Return ``given`` as a finite (customers, offers) array."""
        try:
            if np.asarray(given).dtype.kind in "US":
                raise TypeError("text")
            table = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError):
            self.mistakes.append(
                Message("{name}: not numbers; pass an array of customers × offers", name=name)
            )
            return np.zeros(shape or (0, 1))
        if shape is not None and table.shape == (shape[1],):
            table = np.broadcast_to(table, shape)
        if table.ndim != 2 or table.shape[1] == 0 or (shape is not None and table.shape != shape):
            wanted = (
                Message("{shape} customers × {other_shape} offers", shape=shape[0], other_shape=shape[1])
                if shape
                else Message("customers × offers")
            )
            self.mistakes.append(
                Message(
                    "{name}: has the shape {shape}; pass {wanted}",
                    name=name,
                    shape=table.shape,
                    wanted=wanted,
                )
            )
            return np.zeros(shape or (0, 1))
        self.no_bad_cell(
            name, ~np.isfinite(table), Message("not a finite number; bar an option with eligible=")
        )
        return table

    def no_bad_cell(self, name: str, bad: NDArray[np.bool_], why: str) -> None:
        if bad.any():
            row, column = (int(at[0]) for at in np.nonzero(bad))
            more = Message(" ({bad} cells)", bad=int(bad.sum())) if bad.sum() > 1 else ""
            self.mistakes.append(
                Message(
                    "{name}: customer {row}, offer {column} is {why}{more}",
                    name=name,
                    row=row,
                    column=column,
                    why=why,
                    more=more,
                )
            )

    def limit(self, name: str, given: float | None) -> float:
        """Return one limit, inf for none."""
        if given is None:
            return float("inf")
        try:
            limit = float("nan") if isinstance(given, str) else float(given)
        except (TypeError, ValueError):
            limit = float("nan")
        if np.isnan(limit) or limit < 0:
            self.mistakes.append(
                Message(
                    "{name}: {given!r} is not a limit; pass a number >= 0, or None for no limit",
                    name=name,
                    given=given,
                )
            )
            return 0.0
        return limit

    def per_offer(self, name: str, given: PerOffer, offers: int) -> list[float]:
        """Return one limit for each offer."""
        if given is None or isinstance(given, str) or not isinstance(given, Sequence | np.ndarray):
            return [self.limit(name, given)] * offers
        limits = list(given)
        if len(limits) != offers:
            self.mistakes.append(
                Message(
                    "{name}: has {count} entries for {offers} offers",
                    name=name,
                    count=len(limits),
                    offers=offers,
                )
            )
            return [0.0] * offers
        return [self.limit(f"{name}[{at}]", limit) for at, limit in enumerate(limits)]

    def per_segment(self, name: str, given: PerSegment, labels: Sequence[Any], named: bool) -> list[float]:
        """Return one limit for each segment of ``labels``."""
        if given is None:
            return [float("inf")] * len(labels)
        if not named:
            self.mistakes.append(Message("{name}: needs segment=, the segment of each customer", name=name))
            return [0.0] * len(labels)
        if not isinstance(given, Mapping):
            return [self.limit(name, given)] * len(labels)
        unknown = [key for key in given if key not in labels]
        if unknown:
            self.mistakes.append(
                Message(
                    "{name}: no customer is in segment {unknown}",
                    name=name,
                    unknown=", ".join(map(str, unknown)),
                )
            )
        return [self.limit(f"{name}[{label}]", given.get(label)) for label in labels]


def check_request(
    value: Any,
    cost: Any,
    budget: float | None,
    *,
    max_per_offer: PerOffer,
    max_customers: float | None,
    offer_budget: PerOffer,
    segment: Any,
    segment_budget: PerSegment,
    segment_max: PerSegment,
    eligible: Any,
    lower: Any,
    offers: Sequence[str] | None,
) -> Request:
    """Return the request as a `Problem`; raise InputError that names every mistake."""
    check = _Check()
    expected = check.table("value", value, None)
    shape = (int(expected.shape[0]), int(expected.shape[1]))
    paid = check.table("cost", cost, shape)
    check.no_bad_cell("cost", paid < 0, "negative")
    aim = expected if lower is None else check.table("lower", lower, shape)
    check.no_bad_cell("lower", aim > expected, Message("above value; a lower bound cannot be"))
    codes, labels = _segments(check, segment, shape[0])
    money = [
        check.limit("budget", budget),
        *check.per_offer("offer_budget", offer_budget, shape[1]),
        *check.per_segment("segment_budget", segment_budget, labels, segment is not None),
    ]
    heads = [
        check.limit("max_customers", max_customers),
        *check.per_offer("max_per_offer", max_per_offer, shape[1]),
        *check.per_segment("segment_max", segment_max, labels, segment is not None),
    ]
    whole = _is_whole(cost)
    if whole and float(paid.max(axis=1, initial=0.0).sum()) >= _EXACT_MAX:
        check.mistakes.append(
            Message("cost: the sum passes 2^53 and cannot be added exactly; use a larger unit")
        )
    names = tuple(map(str, offers if offers is not None else range(shape[1])))
    if len(names) != shape[1] or len(set(names)) != len(names):
        check.mistakes.append(Message("offers: pass {shape} different names", shape=shape[1]))
    open_option = _eligible(check, eligible, shape)
    if check.mistakes:
        raise InputError(joined("; ", check.mistakes), mistakes=tuple(check.mistakes))
    unit = 1 if whole else _money_unit(paid)
    scaled = paid if unit in (1, None) else np.rint(paid * unit)
    room = money if unit is None else [_whole_below(limit, unit) for limit in money]
    problem = Problem(
        value=np.ascontiguousarray(np.where(open_option, aim, -np.inf).T),
        cost=np.ascontiguousarray(scaled.T),
        segment=codes,
        limits=np.array([room, np.floor(heads)]),
    )
    segments = tuple(map(str, labels)) if segment is not None else ()
    return Request(
        problem=problem,
        value=expected,
        offers=names,
        segments=segments,
        whole_cost=whole,
        money_unit=unit,
        limits=np.array([money, np.floor(heads)]),
    )


def _segments(check: _Check, segment: Any, customers: int) -> tuple[IntArray, list[Any]]:
    """Return the segment number of each customer and the labels; one unnamed segment when there are none."""
    if segment is None:
        return np.zeros(customers, dtype=np.intp), [None]
    given = np.asarray(segment)
    if given.shape != (customers,):
        check.mistakes.append(
            Message(
                "segment: has the shape {shape}; pass one label for each of {customers} customers",
                shape=given.shape,
                customers=customers,
            )
        )
        return np.zeros(customers, dtype=np.intp), [None]
    if given.dtype == object:
        given = given.astype(str)
    labels, codes = np.unique(given, return_inverse=True)
    return codes.astype(np.intp), (labels.tolist() or [None])


def _eligible(check: _Check, eligible: Any, shape: tuple[int, int]) -> NDArray[np.bool_]:
    if eligible is None:
        return np.ones(shape, dtype=bool)
    given = np.asarray(eligible)
    if given.dtype != np.bool_ or given.shape != shape:
        check.mistakes.append(
            Message(
                "eligible: pass true and false for {shape} customers × {other_shape} offers",
                shape=shape[0],
                other_shape=shape[1],
            )
        )
        return np.ones(shape, dtype=bool)
    return given


def _is_whole(cost: Any) -> bool:
    return bool(np.issubdtype(np.asarray(cost).dtype, np.integer))


def _money_unit(paid: FloatArray) -> int | None:
    """Return the power of ten that makes every cost whole, read as the decimal it prints as.

    None when there is none. A float prints as a decimal exactly when it is the float nearest to it, and a
    whole number divided by a power of ten is that float.
    """
    dearest = float(paid.max(axis=1, initial=0.0).sum())
    for places in range(_DECIMALS_MAX + 1):
        unit: int = 10**places
        if dearest * unit >= _EXACT_MAX:
            return None
        if all(bool(np.all(np.rint(part * unit) / unit == part)) for part in (paid[:_PEEKED], paid)):
            return unit
    return None


def _whole_below(limit: float, unit: int) -> float:
    """Return how many whole units fit under ``limit``, read as the decimal it prints as."""
    return float(math.floor(Fraction(repr(limit)) * unit)) if math.isfinite(limit) else limit
