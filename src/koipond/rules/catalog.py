"""The catalogue (字段目录): the fields and facts a rule may name, their types and columns."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo

from koipond.kernel import minor_digits, zone
from koipond.rules.catalog_columns import (
    COMPUTED,
    DAYS,
    FACT_MONEY,
    FACT_TEXTS,
    MONEY,
    NUMBERS,
    POSITIONAL,
    VIRTUAL,
    Derived,
)
from koipond.rules.labels import (
    CHOICE_ALIASES,
    CHOICES,
    CODE_STATES,
    FACT_COLUMN_ALIASES,
    FACT_COLUMN_LABELS,
    FIELD_ALIASES,
    FIELD_LABELS,
    FLAG_NAMES,
    FLAG_PHRASES,
    LANGS,
    Label,
    Lang,
    label,
    one_word,
)
from koipond.rules.lexer import is_name
from koipond.rules.titles import Titles, title
from koipond.rules.tree import FactKind, Measure, Operand

ValueType = Literal["text", "choice", "number", "money", "flag", "day", "any"]

_IS_WORD = re.compile(r"[^\W\d]\w*")


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
    computed: Operand | None = None  # what a computed field stands for
    percent: bool = False  # a share, written 80%

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

    def find(self, name: str) -> FieldSpec | None:
        """Return the column called ``name``, in any language."""
        if name in self.columns:
            return self.columns[name]
        return next((spec for spec in self.columns.values() if name in spec.aliases), None)

    @property
    def sums(self) -> tuple[str, ...]:
        """Columns that can be summed."""
        return tuple(
            name
            for name, spec in self.columns.items()
            if spec.type in ("number", "money") and spec.derived == "stored"
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
    zone: ZoneInfo = field(default_factory=lambda: zone("UTC"))  # of hours; days are local already

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

    def trait_named(self, name: str) -> str | None:
        """Return the declared trait called ``name``, or so titled: it needs no ``trait.`` before it."""
        if name in self.trait_types or ("trait", name) in self.titles:
            return name
        shown = ((key, names) for (kind, key), names in self.titles.items() if kind == "trait")
        return next((key for key, names in shown if name in names.values()), None)

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


def default_catalog(currency: str = "CNY", place: ZoneInfo | None = None) -> Catalog:
    """Return the catalogue of a workspace in ``currency``: the profile's columns and the facts.

    ``place``: the workspace's zone, in which hours are read; default UTC.
    """
    digits = minor_digits(currency)
    specs = [
        _spec("customer_uid", "text", "customer_uid"),
        *(_spec(name, "number", column, digits=d) for name, (column, d) in NUMBERS.items()),
        *(_spec(name, "money", column, digits=digits) for name, column in MONEY.items()),
        *(_spec(name, "day", column) for name, column in DAYS.items()),
        *(_spec(name, "number", column, derived=how) for name, (column, how) in VIRTUAL.items()),
        *(_spec(name, "choice", name, choices=values) for name, values in CHOICES.items()),
        *(_spec(name, "flag", name) for name in FLAG_PHRASES),
    ]
    facts: dict[str, FactSpec] = {kind: _facts(kind, digits) for kind in FACT_TEXTS}
    specs += [_computed(name, measure, facts[measure.facts.kind]) for name, measure in COMPUTED.items()]
    return Catalog(
        currency=currency,
        fields=MappingProxyType({spec.name: spec for spec in specs}),
        facts=MappingProxyType(facts),
        zone=place or zone("UTC"),
    )


def _computed(name: str, measure: Measure, facts: FactSpec) -> FieldSpec:
    share = measure.how == "share"
    column = None if measure.column is None else facts.columns[measure.column]
    spec = _spec(name, "number" if column is None else column.type, measure.facts.kind, derived="computed")
    digits = 4 if share else 0 if column is None else column.digits
    return replace(spec, computed=measure, digits=digits, percent=share)


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
    spoken = FLAG_NAMES[name] if type_ == "flag" else (one_word(labels[0], "zh"), one_word(labels[2], "id"))
    aliases = (
        *FIELD_ALIASES.get(name, ()),
        *(word for word in (*spoken, labels[0]) if _IS_WORD.fullmatch(word)),
    )
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
    columns = [FieldSpec(name=name, type="text", column=name) for name in FACT_TEXTS[kind]]
    columns += [
        FieldSpec(name=name, type="money", column=f"{name}_fen", digits=digits) for name in FACT_MONEY[kind]
    ]
    if kind == "codes":
        columns.append(FieldSpec(name="state", type="choice", column="state", choices=CODE_STATES))
    if kind == "items":
        columns.append(FieldSpec(name="quantity", type="number", column="quantity_milli", digits=3))
    columns += [
        FieldSpec(name="day", type="day", column="day"),
        FieldSpec(name="weekday", type="number", column="day", derived="weekday"),
        FieldSpec(name="hour", type="number", column="at_s", derived="hour"),
    ]
    named = {spec.name: _named_column(spec) for spec in columns}
    return FactSpec(kind=kind, columns=MappingProxyType(named), positional=POSITIONAL.get(kind))


def _named_column(spec: FieldSpec) -> FieldSpec:
    labels = FACT_COLUMN_LABELS[spec.name]
    words = (
        *FACT_COLUMN_ALIASES.get(spec.name, ()),
        *(one_word(labels[place], lang) for place, lang in ((0, LANGS[0]), (2, LANGS[2]))),
    )
    aliases = dict.fromkeys(word for word in words if _IS_WORD.fullmatch(word) and word != spec.name)
    return replace(spec, labels=labels, aliases=tuple(aliases))


def spoken(spec: FieldSpec, lang: Lang, find: Callable[[str], FieldSpec | None]) -> str:
    """Return the name of ``spec`` in the one-line form in ``lang``: one that ``find`` reads back as it."""
    if lang == "en":
        return spec.name
    wide = lang == "zh"
    label_ = one_word(label(spec.labels, lang), lang)
    if spec.type == "flag":
        label_ = FLAG_NAMES[spec.name][0 if wide else 1]
    candidates = (label_, *(alias for alias in spec.aliases if (not alias.isascii()) == wide))
    return next((name for name in candidates if is_name(name) and find(name) is spec), spec.name)


def choice_names(spec: FieldSpec) -> tuple[str, ...]:
    """Return whatever stands for a value of ``spec``, in any language."""
    shown = (name for labels in spec.choices.values() for name in labels)
    return tuple(dict.fromkeys((*spec.choices, *shown, *CHOICE_ALIASES.get(spec.name, ()))))


def choice_code(spec: FieldSpec, text: str) -> str | None:
    """Return the code of ``spec`` that ``text`` (a code, a label or an alias) stands for."""
    if text in spec.choices:
        return text
    by_label = {shown: code for code, labels in spec.choices.items() for shown in labels}
    return by_label.get(text) or CHOICE_ALIASES.get(spec.name, MappingProxyType({})).get(text)
