"""Scenarios (剧本): what is rehearsed, what effect is planted, and which number of the report must find it.

A scenario's definitions are files of this package, read like those of any brand (`scenarios/<key>/`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Literal

from koipond.kernel import InputError, Message, joined
from koipond.rehearsal.brand import BrandParameters

CUSTOMERS_MAX = 200_000
DAYS_MAX = 730


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """``days`` from the first plan to the report; a plan every ``plan_every_days``."""

    customers: int = 20_000
    days: int = 90
    plan_every_days: int = 1

    def __post_init__(self) -> None:
        wrong = []
        if not 10 <= self.customers <= CUSTOMERS_MAX:
            wrong.append(
                Message(
                    "customers must be 10 to {customers_max:,}, got {customers}",
                    customers_max=CUSTOMERS_MAX,
                    customers=self.customers,
                )
            )
        if not 1 <= self.days <= DAYS_MAX:
            wrong.append(
                Message("days must be 1 to {days_max}, got {days}", days_max=DAYS_MAX, days=self.days)
            )
        if not 1 <= self.plan_every_days <= 31:
            wrong.append(
                Message(
                    "plan_every_days must be 1 to 31, got {plan_every_days}",
                    plan_every_days=self.plan_every_days,
                )
            )
        if wrong:
            raise InputError("rehearsal: {wrong}", wrong=joined("; ", wrong))


WHOLE = Horizon()
REDUCED = Horizon(customers=2_000, days=60, plan_every_days=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Which share of the customers a channel reaches: ``share`` has its address and agreed to marketing."""

    channel: str
    address_kind: str | None
    share: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One strategy to rehearse. ``effects``: variant → planted relative effect of a touch on buying within
    the metric's window; ``files``: the definitions, path below the workspace → text.

    ``against``: ``holdout`` reads the effect of the touch arm, ``variant`` that of the variant ``treated``
    against the other. ``truth``: what that number would be with endless customers if everybody drawn for the
    touch gets it; None when some may be lost on the way: it then follows from who was reached.
    """

    key: str | None
    strategy: str
    effects: Mapping[str, float]
    truth: float | None
    files: Mapping[str, str]
    against: Literal["holdout", "variant"] = "holdout"
    treated: str = "touch"
    parameters: BrandParameters = field(default_factory=BrandParameters)
    reach: tuple[Reach, ...] = ()
    first_day: date = date(2026, 1, 5)


_TASTING, _REMINDER, _BEATS = "tasting", "reminder", 0.20
_REMINDER_EFFECT = 0.10
_COUPON_EFFECT = 0.25


def scenario(key: str) -> Scenario:
    """Return the shipped scenario ``key``; raise InputError when there is none."""
    if key == "C1":  # the tasting beats the reminder by 20 %
        tasting = (1 + _REMINDER_EFFECT) * (1 + _BEATS) - 1
        return Scenario(
            key=key,
            strategy="expiry_opening",
            effects=MappingProxyType({_REMINDER: _REMINDER_EFFECT, _TASTING: tasting}),
            truth=_BEATS,
            files=scenario_files(key),
            against="variant",
            treated=_TASTING,
        )
    if key == "C4":  # the coupon with its reminder wins 25 % more buyers than silence
        return Scenario(
            key=key,
            strategy="cycle_coupon",
            effects=MappingProxyType({"": _COUPON_EFFECT}),
            truth=_COUPON_EFFECT,
            files=scenario_files(key),
        )
    raise InputError(
        "there is no scenario '{key}'; shipped are {shipped}", key=key, shipped=", ".join(SHIPPED)
    )


SHIPPED = ("C1", "C4")


def scenario_files(key: str) -> dict[str, str]:
    """Return the files of a shipped scenario: path below the workspace → text."""
    root = files("koipond.rehearsal") / "scenarios" / key
    return {path: file.read_text(encoding="utf-8") for path, file in _walk(root)}


def _walk(room: Traversable, above: str = "") -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for entry in sorted(room.iterdir(), key=lambda one: one.name):
        path = f"{above}{entry.name}"
        found += _walk(entry, f"{path}/") if entry.is_dir() else [(path, entry)]
    return found
