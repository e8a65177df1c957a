"""What each operand is (操作数类型): its type, which comparisons it allows, which values it takes."""

from dataclasses import replace
from datetime import date

from koipond.kernel import Message
from koipond.rules.catalog import Catalog, FactSpec, FieldSpec, ValueType
from koipond.rules.sources import SHARE_DIGITS, is_money, ratio_digits
from koipond.rules.tree import Anniversary, Field, Measure, Operand, Property, Ratio, Tag, Trait, Value
from koipond.rules.written import choices, columns, keyword, measure_word, measure_words, name_of

INT64_MAX = 2**63 - 1
FLOAT_MAX = 1e308
HELD = {"number": Message("a number"), "date": Message("a day such as 2026-01-31")}
"""Declared types of traits that decide what they can be compared with at all."""
RATIO_HOWS = ("count", "sum", "days")
IN_DAYS = "in days"
"""How a condition on windows of days is called where an operator is expected."""
_DAYS = FieldSpec(name="days", type="number", column="")
_SHARE = FieldSpec(name="share", type="number", column="", digits=SHARE_DIGITS, percent=True)


def resolve(operand: Operand, catalog: Catalog, facts: FactSpec | None = None) -> FieldSpec | str:
    """Return what ``operand`` is, or the message why it is nothing. ``facts`` is set inside a fact filter."""
    if isinstance(operand, Measure):
        return _resolve_measure(operand, catalog)
    if isinstance(operand, Ratio):
        return _resolve_ratio(operand, catalog)
    if isinstance(operand, Anniversary):
        found = resolve(operand.of, catalog, facts)
        return (
            found
            if isinstance(found, str) or may_be_day(found)
            else Message("'{name}' is no day", name=found.name)
        )
    if isinstance(operand, Field):
        return _resolve_field(operand.name, catalog, facts)
    if isinstance(operand, Property):
        kind = facts.kind if facts else None
        text = Message("a property belongs inside events(…)")
        return _any(operand.name) if kind == "events" else text
    if isinstance(operand, Trait):
        found = _known_name("trait", operand.name, catalog.traits)
        declared = catalog.trait_types.get(operand.name, "")
        return found if isinstance(found, str) or declared not in HELD else replace(found, holds=declared)
    return _known_name("tag group", operand.group, catalog.tags)


def allows(spec: FieldSpec, operand: Operand, op: str) -> str | None:
    """Return why ``op`` does not fit ``operand``, or None when it does."""
    if op == IN_DAYS:
        return (
            None
            if may_be_day(spec) and not isinstance(operand, Tag)
            else Message("'{name}' is no day", name=name_of(spec))
        )
    if isinstance(operand, Anniversary):
        return Message("the day of a year is asked by a window: in this month, in next 7 days")
    if isinstance(operand, Tag) and op == "!=":
        return Message("a customer has several tags: write not (tag = …)")
    if spec.type == "choice" and op in ("<", "<=", ">", ">="):
        return Message("'{name}' has no order: use =, != or in", name=name_of(spec))
    if spec.type == "flag" and op not in ("=", "known"):
        return Message("'{name}' is a yes or no: write {name} or not {name}", name=name_of(spec))
    if op in ("contains", "starts with", "ends with") and (spec.holds or spec.type not in ("text", "any")):
        return Message("'{name}' is no text", name=name_of(spec))
    return None


def may_be_day(spec: FieldSpec) -> bool:
    return spec.type == "day" or (spec.type == "any" and spec.holds in ("", "date"))


def value_fits(spec: FieldSpec, value: Value) -> bool:
    """Say whether ``value``, in stored units, is of the type of ``spec``."""
    if spec.type == "flag":
        return isinstance(value, bool)
    if spec.type in ("number", "money"):
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= INT64_MAX
    if spec.type == "day":
        return isinstance(value, date)
    if spec.type == "choice":
        return isinstance(value, str) and value in spec.choices
    if spec.type == "text":
        return is_text(value)
    if spec.holds == "date":
        return isinstance(value, date)
    if spec.holds == "number":
        return _plain(value) and isinstance(value, int | float)
    return _plain(value)


def wanted(spec: FieldSpec) -> str:
    """Return what a value of ``spec`` is, in words."""
    if spec.holds:
        return Message("{held}: anything else matches nobody", held=HELD[spec.holds])
    return {
        "number": Message("a number"),
        "money": Message("an amount such as 19.90"),
        "day": Message("a day such as 2026-01-31"),
        "flag": Message("true or false"),
        "text": Message("a text"),
        "choice": Message("one of {choices}", choices=choices(spec)),
        "any": Message("a value"),
    }[spec.type]


def _resolve_field(name: str, catalog: Catalog, facts: FactSpec | None) -> FieldSpec | str:
    if facts is None:
        return catalog.fields.get(name) or Message("unknown field '{name}'", name=name)
    return facts.columns.get(name) or Message(
        "{facts} have no column '{name}'", facts=keyword(facts.kind), name=name
    )


def _resolve_measure(measure: Measure, catalog: Catalog) -> FieldSpec | str:
    spec = catalog.facts.get(measure.facts.kind)
    if spec is None:
        return Message("no facts called '{facts}'", facts=measure.facts.kind)
    if measure.how == "share":
        return _SHARE
    if measure.column is None:
        return _DAYS
    names = tuple(spec.columns) if measure.how == "latest" else spec.sums
    if measure.column in names:
        return spec.columns[measure.column]
    told = {"facts": keyword(spec.kind), "name": measure.column}
    told["known"] = columns(spec, names) if names else "-"
    if measure.how == "latest":
        return Message("{facts} have no column '{name}' (they have: {known})", **told)
    return Message("{facts} have no amount '{name}' (they have: {known})", **told)


def _resolve_ratio(ratio: Ratio, catalog: Catalog) -> FieldSpec | str:
    for part in (ratio.top, ratio.bottom):
        found = _resolve_measure(part, catalog)
        if isinstance(found, str):
            return found
        if part.how not in RATIO_HOWS:
            return Message(
                "{how}(…) cannot be divided (use {known})",
                how=measure_word(part.how),
                known=measure_words(RATIO_HOWS),
            )
    kind: ValueType = "money" if is_money(ratio, catalog) else "number"
    return FieldSpec(name="ratio", type=kind, column="", digits=ratio_digits(ratio, catalog))


def _known_name(what: str, name: str, known: frozenset[str]) -> FieldSpec | str:
    if not known or name in known:
        return _any(name)
    if what == "trait":
        return Message("no trait '{name}'", name=name)
    return Message("no tag group '{name}'", name=name)


def _any(name: str) -> FieldSpec:
    return FieldSpec(name=name, type="any", column="")


def _plain(value: Value) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return abs(value) <= INT64_MAX
    return is_text(value) or isinstance(value, date) or (isinstance(value, float) and abs(value) <= FLOAT_MAX)


def is_text(value: Value) -> bool:
    """Say whether ``value`` is a text that every engine can hold: no NUL, no half of a surrogate pair."""
    return isinstance(value, str) and "\0" not in value and _encodes(value)


def _encodes(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)
