"""Variables a template may use (模板变量), and the profile column behind each. Pure.

What is said about a customer is frozen when the plan is made; ``offer.code`` is known only when the gate
issues it, links are added by the channel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

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
