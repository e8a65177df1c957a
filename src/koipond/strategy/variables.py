"""Variables a template may use (模板变量), the profile column behind each, and how each is written. Pure.

What is said about a customer is frozen when the plan is made; ``offer.code`` is known only when the gate
issues it, links are added by the channel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, Literal

from koipond.kernel import Amount, Language, from_epoch_day, in_language
from koipond.rules.labels import CHOICES, LANGS
from koipond.strategy.model import CodeList

Form = Literal["text", "number", "day", "days_since", "money", "microdays"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable: the profile column that holds it and how it is written."""

    path: str
    column: str
    form: Form


_PROFILE = (
    ("customer.last_purchase_on", "last_purchase_day", "day"),
    ("customer.first_purchase_on", "first_purchase_day", "day"),
    ("customer.days_since_purchase", "last_purchase_day", "days_since"),
    ("customer.days_since_first_purchase", "first_purchase_day", "days_since"),
    ("customer.repurchase_cycle_days", "cycle_microdays", "microdays"),
    ("customer.purchase_days", "purchase_days", "number"),
    ("customer.orders_365d", "orders_365d", "number"),
    ("customer.spent_365d", "money_365d_fen", "money"),
    ("customer.lifecycle", "lifecycle", "text"),
    ("customer.grade", "grade", "text"),
    ("customer.rfm_level", "rfm_level", "text"),
)
PROFILE: Mapping[str, Variable] = MappingProxyType(
    {path: Variable(path=path, column=column, form=form) for path, column, form in _PROFILE}  # type: ignore[arg-type]
)

PLAN_WIDE = ("brand.name", "landing.url", "offer.name", "offer.value")
"""The same for everybody who gets the same arm of a play."""

UNSET_AT_PLAN = (*PLAN_WIDE, "offer.code", "offer.expires_on", "unsubscribe.url")
"""Never missing when a message is rendered, so they need neither a fallback nor a place in ``required``."""


def known_variables(traits: Sequence[str]) -> list[str]:
    """Return every variable a template may use; ``traits`` are those declared in `koipond.yaml`."""
    return [*PROFILE, *UNSET_AT_PLAN, *(f"trait.{name}" for name in traits)]


def is_known(path: str, traits: Sequence[str]) -> bool:
    """Say whether a template may use ``path``."""
    return path in known_variables(traits)


_MICRODAYS = 1_000_000


def spoken_values(
    personal: Mapping[str, Any], as_of: date, language: Language, currency: str
) -> dict[str, dict[str, Any]]:
    """Return nested template values from stored ones (column → value); what is null is left out."""
    values: dict[str, dict[str, Any]] = {}
    for variable in PROFILE.values():
        stored = personal.get(variable.column)
        if stored is not None:
            room, _, name = variable.path.partition(".")
            values.setdefault(room, {})[name] = spoken(variable, stored, as_of, language, currency)
    for column, stored in personal.items():
        if column.startswith("trait_") and stored is not None:
            values.setdefault("trait", {})[column.removeprefix("trait_")] = stored
    return values


def spoken(variable: Variable, stored: Any, as_of: date, language: Language, currency: str) -> Any:
    """Return one stored value as a text or number for people; days as 2026-03-10."""
    if variable.form == "day":
        return from_epoch_day(stored).isoformat()
    if variable.form == "days_since":
        return (as_of - from_epoch_day(stored)).days
    if variable.form == "microdays":
        return max(1, (stored + _MICRODAYS // 2) // _MICRODAYS)
    if variable.form == "money":
        return in_language(Amount(stored, currency), language)
    choices = CHOICES.get(variable.column)
    if choices is not None and stored in choices and language in LANGS:
        return choices[stored][LANGS.index(language)]
    return stored


def plan_wide_values(
    *, brand: str, url: str, offer: CodeList | None, on: date, language: Language, currency: str
) -> dict[str, dict[str, Any]]:
    """Return what is the same for everybody who gets one arm of a play on day ``on``."""
    values: dict[str, dict[str, Any]] = {"brand": {"name": brand}, "landing": {"url": url}}
    if offer is not None:
        last = offer.last_day(on)
        values["offer"] = {
            "name": offer.name.get(language, offer.key),
            "value": in_language(Amount(offer.value_fen, currency), language),
            **({"expires_on": last.isoformat()} if last else {}),
        }
    return values


def offer_until(values: Mapping[str, Any], code_day: date | None) -> dict[str, Any]:
    """Return what a text says of the offer in ``values``: never a later last day than ``code_day``, its
    code's own."""
    held = values.get("offer")
    offer = dict(held) if isinstance(held, Mapping) else {}
    if code_day is None:
        return offer
    last = code_day.isoformat()
    return {**offer, "expires_on": min(last, str(offer.get("expires_on", last)))}
