"""The catalogue (字段目录): the fields and facts a rule may name, their types and columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from types import MappingProxyType
from typing import Literal

from koipond.kernel import minor_digits
from koipond.rules.labels import (
    CHOICE_ALIASES,
    CHOICES,
    FACT_COLUMN_LABELS,
    FIELD_ALIASES,
    FIELD_LABELS,
    FLAG_PHRASES,
    Label,
    Lang,
)
from koipond.rules.titles import Titles, title
from koipond.rules.tree import FactKind

ValueType = Literal["text", "choice", "number", "money", "flag", "day", "any"]
Derived = Literal["stored", "days_since", "days_until", "weekday"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """One field. ``number`` and ``money`` are integers of 10^-``digits``; ``any`` takes text, number or day.

    ``derived`` says how the value follows from ``column`` and the observation day D: as stored, D − column,
    column − D, or the ISO weekday of a day column. ``choices``: code → labels.
    """

    name: str
    type: ValueType
    column: str
    digits: int = 0
    derived: Derived = "stored"
    labels: Label = ("", "", "")
    choices: Mapping[str, Label] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    holds: str = ""  # of type any: what alone it can hold, "number" or "date"

    @property
    def kind(self) -> str:
        """``profile`` when the column holds the value, ``virtual`` when it depends on the day."""
        return "profile" if self.derived == "stored" else "virtual"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactSpec:
    """Facts of one kind; ``positional`` is the column that a bare first text filters."""

    kind: FactKind
    columns: Mapping[str, FieldSpec]
    positional: str | None = None

    @property
    def sums(self) -> tuple[str, ...]:
        """Columns that can be summed."""
        return tuple(
            name
            for name, spec in self.columns.items()
            if spec.type in ("number", "money") and name != "weekday"
        )


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Fields, facts and, when they are known, the traits, tag groups, segments and lists that exist.

    An empty ``tags`` (and so on) means "not known here": nothing is refused, nothing suggested.
    """

    currency: str
    fields: Mapping[str, FieldSpec]
    facts: Mapping[str, FactSpec]
    traits: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    titles: Titles = field(default_factory=dict)
    trait_types: Mapping[str, str] = field(default_factory=dict)  # declared: text, number, date or flag

    def title(self, kind: str, key: str, lang: Lang) -> str:
        """Return what the brand calls the ``kind`` of that key, the key itself when it has no name."""
        return title(self.titles.get((kind, key), {}), key)[lang]

    @cached_property
    def _by_alias(self) -> Mapping[str, FieldSpec]:
        names = {alias: spec for spec in self.fields.values() for alias in spec.aliases}
        return {**names, **self.fields}

    def find(self, name: str) -> FieldSpec | None:
        """Return the field called ``name`` or having that alias."""
        return self._by_alias.get(name)

    def knows(
        self,
        *,
        traits: frozenset[str] = frozenset(),
        tags: frozenset[str] = frozenset(),
        segments: frozenset[str] = frozenset(),
        lists: frozenset[str] = frozenset(),
    ) -> "Catalog":
        """Return this catalogue with what the workspace defines."""
        return replace(self, traits=traits, tags=tags, segments=segments, lists=lists)

    def suggest(self, name: str) -> str | None:
        """Return the field that ``name`` probably means."""
        return closest(name, self._by_alias)


def closest(name: str, known: Mapping[str, object] | frozenset[str] | tuple[str, ...]) -> str | None:
    """Return the entry of ``known`` that reads most like ``name``, or None."""
    found = get_close_matches(name, list(known), n=1, cutoff=0.6)
    if not found:
        folded = {entry.casefold().replace("_", ""): entry for entry in known}
        found = [folded[near] for near in get_close_matches(name.casefold().replace("_", ""), folded, n=1)]
    return found[0] if found else None


_NUMBERS = {
    "customer_no": ("customer_no", 0),
    "purchase_days": ("purchase_days", 0),
    "orders_365d": ("orders_365d", 0),
    "repurchase_cycle_days": ("cycle_microdays", 6),
    "r_score": ("r_score", 0),
    "f_score": ("f_score", 0),
    "m_score": ("m_score", 0),
}
_MONEY = {"money_365d": "money_365d_fen", "value_365d": "value_365d_fen"}
_DAYS = {
    "first_purchase_on": "first_purchase_day",
    "last_purchase_on": "last_purchase_day",
    "due_from_on": "due_from_day",
    "due_to_on": "due_to_day",
}
_VIRTUAL: Mapping[str, tuple[str, Derived]] = {
    "days_since_first_purchase": ("first_purchase_day", "days_since"),
    "days_since_last_purchase": ("last_purchase_day", "days_since"),
    "days_until_due": ("due_from_day", "days_until"),
}
_FACT_TEXTS: Mapping[FactKind, tuple[str, ...]] = {
    "orders": ("channel", "store", "staff", "coupon", "source"),
    "items": ("sku", "category"),
    "events": ("name", "source", "sku"),
    "touches": ("strategy", "play", "variant", "channel", "purpose", "state"),
    "responses": ("kind",),
}
_FACT_MONEY: Mapping[FactKind, tuple[str, ...]] = {
    "orders": ("net", "gross", "discount"),
    "items": ("amount", "discount"),
    "events": ("amount",),
    "touches": ("cost",),
    "responses": (),
}
_POSITIONAL: Mapping[FactKind, str] = {"events": "name", "responses": "kind"}


def default_catalog(currency: str = "CNY") -> Catalog:
    """Return the catalogue of a workspace in ``currency``: the profile's columns and the facts."""
    digits = minor_digits(currency)
    specs = [
        _spec("customer_uid", "text", "customer_uid"),
        *(_spec(name, "number", column, digits=d) for name, (column, d) in _NUMBERS.items()),
        *(_spec(name, "money", column, digits=digits) for name, column in _MONEY.items()),
        *(_spec(name, "day", column) for name, column in _DAYS.items()),
        *(_spec(name, "number", column, derived=how) for name, (column, how) in _VIRTUAL.items()),
        *(_spec(name, "choice", name, choices=values) for name, values in CHOICES.items()),
        *(_spec(name, "flag", name) for name in FLAG_PHRASES),
    ]
    return Catalog(
        currency=currency,
        fields=MappingProxyType({spec.name: spec for spec in specs}),
        facts=MappingProxyType({kind: _facts(kind, digits) for kind in _FACT_TEXTS}),
    )


def _spec(
    name: str,
    type_: ValueType,
    column: str,
    *,
    digits: int = 0,
    derived: Derived = "stored",
    choices: Mapping[str, Label] = MappingProxyType({}),
) -> FieldSpec:
    labels = FLAG_PHRASES[name][0] if type_ == "flag" else FIELD_LABELS[name]
    aliases = (*FIELD_ALIASES.get(name, ()), *((labels[0],) if " " not in labels[0] else ()))
    return FieldSpec(
        name=name,
        type=type_,
        column=column,
        digits=digits,
        derived=derived,
        labels=labels,
        choices=choices,
        aliases=tuple(dict.fromkeys(aliases)),
    )


def _facts(kind: FactKind, digits: int) -> FactSpec:
    columns = [FieldSpec(name=name, type="text", column=name) for name in _FACT_TEXTS[kind]]
    columns += [
        FieldSpec(name=name, type="money", column=f"{name}_fen", digits=digits) for name in _FACT_MONEY[kind]
    ]
    if kind == "items":
        columns.append(FieldSpec(name="quantity", type="number", column="quantity_milli", digits=3))
    columns.append(FieldSpec(name="weekday", type="number", column="day", derived="weekday"))
    named = {spec.name: replace(spec, labels=FACT_COLUMN_LABELS[spec.name]) for spec in columns}
    return FactSpec(kind=kind, columns=MappingProxyType(named), positional=_POSITIONAL.get(kind))


def choice_code(spec: FieldSpec, text: str) -> str | None:
    """Return the code of ``spec`` that ``text`` (a code, a label or an alias) stands for."""
    if text in spec.choices:
        return text
    by_label = {shown: code for code, labels in spec.choices.items() for shown in labels}
    return by_label.get(text) or CHOICE_ALIASES.get(spec.name, MappingProxyType({})).get(text)
