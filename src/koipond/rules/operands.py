"""Read operands (操作数): fields, traits, measures over facts, ratios, anniversaries."""

from dataclasses import replace
from typing import cast

from koipond.kernel import Message, joined
from koipond.rules.catalog import FactSpec, closest
from koipond.rules.check import did_you_mean
from koipond.rules.conditions import comparison
from koipond.rules.cursor import Cursor
from koipond.rules.tree import (
    FACT_KINDS,
    HOWS,
    OPS,
    WITH_COLUMN,
    And,
    Anniversary,
    Comparison,
    Condition,
    FactKind,
    Facts,
    Field,
    Filter,
    Holds,
    How,
    Measure,
    Not,
    Operand,
    Property,
    Ratio,
    Rule,
    Tag,
    Trait,
)
from koipond.rules.values import name_text
from koipond.rules.vocabulary import SPOKEN
from koipond.rules.window_words import sees_window, window
from koipond.rules.windows import Window
from koipond.rules.written import columns, keyword

BIRTHDAY = Anniversary(of=Trait(name="birthday"))
"""What the word ``birthday`` (生日) stands for."""


def facts(cursor: Cursor) -> Facts:
    """Read ``orders`` or ``orders(channel = "web")``."""
    kind = cast(FactKind, cursor.expect(*cursor.catalog.facts))
    where: list[Filter] = []
    if cursor.accepts("("):
        where, _ = fact_arguments(cursor, cursor.catalog.facts[kind], windowed=False)
    return Facts(kind=kind, where=tuple(where))


def fact_arguments(cursor: Cursor, spec: FactSpec, *, windowed: bool) -> tuple[list[Filter], Window]:
    """Read filters up to the closing bracket; a bare first text filters the positional column."""
    where: list[Filter] = []
    span: Window = None
    if spec.positional and cursor.word.kind == "string":
        where.append(Comparison(operand=Field(name=spec.positional), op="=", value=cursor.take().text))
        if not cursor.sees(")"):
            cursor.expect(",")
    while not cursor.sees(")"):
        if windowed and sees_window(cursor) and not cursor.follows(*OPS):
            span = window(cursor)
        elif cursor.sees("with") and cursor.follows("items"):
            where.append(_holds(cursor))
        else:
            where += _flat(comparison(cursor, fact_column(cursor, spec), spec), cursor)
        if not cursor.sees(")"):
            cursor.expect(",")
    cursor.expect(")")
    return where, span


def _holds(cursor: Cursor) -> Holds:
    start = cursor.take().at
    lines = facts(cursor)
    conditions = tuple(one for one in lines.where if not isinstance(one, Holds))
    if not conditions:
        raise cursor.failed(
            Message("'with items' without a condition"), Message('write with items(sku = "A")'), start
        )
    return Holds(where=conditions)


def _flat(rule: Rule, cursor: Cursor) -> list[Condition]:
    if isinstance(rule, And):
        return [condition for part in rule.parts for condition in _flat(part, cursor)]
    if isinstance(rule, Not):
        raise cursor.failed(
            Message("'is missing' inside a filter of facts"), Message("filter on columns that have a value")
        )
    return [cast(Condition, rule)]


def fact_column(cursor: Cursor, spec: FactSpec) -> Operand:
    """Read the column of a fact that a filter names."""
    if cursor.sees("anniversary") and cursor.follows("("):
        return _anniversary(cursor, spec)
    token = cursor.expect_kind("name", Message("a column of {kind}", kind=keyword(spec.kind)))
    if (
        spec.kind == "events"
        and token.text in ("property", "事件属性", "属性", "properti")
        and cursor.accepts(".")
    ):
        return Property(name=cursor.name_or_text(Message("the name of a property")))
    found = spec.find(token.text)
    if found is None:
        fix = did_you_mean(
            closest(token.text, _names(spec, tuple(spec.columns))),
            Message("use {known}", known=columns(spec, spec.columns)),
        )
        cursor.problem(
            Message("{kind} have no column '{text}'", kind=keyword(spec.kind), text=token.text), fix, token.at
        )
    return Field(name=found.name if found else token.text)


def operand(cursor: Cursor) -> Operand:
    """Read a field, a trait, a tag group, a measure, a ratio of two or an anniversary."""
    if cursor.sees(*cursor.catalog.facts) and cursor.follows("(", "."):
        return _measures(cursor)
    if cursor.sees("anniversary") and cursor.follows("("):
        return _anniversary(cursor, None)
    if cursor.sees("trait", "tag") and cursor.follows("."):
        return _trait_or_tag(cursor)
    spec = cursor.catalog.find(cursor.word.text) if cursor.word.kind == "name" else None
    if spec is None:
        if cursor.sees("birthday"):
            cursor.take()
            return BIRTHDAY
        if cursor.word.kind == "name" and (trait := cursor.catalog.trait_named(cursor.word.text)) is not None:
            cursor.take()
            return Trait(name=trait)
        if cursor.sees("and", "or", "in", "is", "then", "no"):
            raise cursor.failed(Message("{shown} where a condition was expected", shown=cursor.shown()))
    token = cursor.expect_kind("name", Message("a condition"))
    if spec is None:
        measured = cursor.sees(".") or cursor.sees("(")
        near = closest(token.text, _FACT_WORDS) if measured else None
        near = near or cursor.catalog.suggest(token.text)
        fix = did_you_mean(near, Message("see the list of fields, or write trait.NAME"))
        if near is not None and near in token.text:  # 会员等级 is no misspelt 会员
            fix = Message(
                "did you mean '{near}'? a trait is written trait.{name}",
                near=near,
                name=name_text(token.text),
            )
        cursor.problem(Message("unknown field '{text}'", text=token.text), fix, token.at)
    return Field(name=spec.name if spec else token.text)


def _trait_or_tag(cursor: Cursor) -> Trait | Tag:
    is_trait = cursor.expect("trait", "tag") == "trait"
    cursor.expect(".")
    at = cursor.word.at
    name = cursor.name_or_text(Message("a name"))
    known = cursor.catalog.traits if is_trait else cursor.catalog.tags
    if known and name not in known:
        what = keyword("trait") if is_trait else Message("tag group")
        cursor.problem(
            Message("no {what} '{name}'", what=what, name=name), did_you_mean(closest(name, known)), at
        )
    return Trait(name=name) if is_trait else Tag(group=name)


def _anniversary(cursor: Cursor, within: FactSpec | None) -> Anniversary:
    start = cursor.take().at
    cursor.expect("(")
    of = operand(cursor) if within is None else fact_column(cursor, within)
    cursor.expect(")")
    if not isinstance(of, Trait | Field):
        raise cursor.failed(
            Message("an anniversary is that of a day"), Message("write anniversary(trait.NAME)"), start
        )
    return Anniversary(of=of)


def _measures(cursor: Cursor) -> Measure | Ratio:
    top = _measure(cursor)
    return Ratio(top=top, bottom=_measure(cursor)) if cursor.accepts("/") else top


def _measure(cursor: Cursor) -> Measure:
    chosen = facts(cursor)
    cursor.expect(".")
    how = cast(How, cursor.expect(*HOWS))
    cursor.expect("(")
    column = None
    if how in WITH_COLUMN:
        column = _column(cursor, cursor.catalog.facts[chosen.kind], how)
        if not cursor.sees(")"):
            cursor.expect(",")
    span = None if cursor.sees(")") else window(cursor)
    cursor.expect(")")
    return replace(Measure(facts=chosen, how="count", window=span), how=how, column=column)


_FACT_WORDS = tuple(word for kind in FACT_KINDS for said in SPOKEN[kind].values() for word in said)
"""What facts are called in any language."""


def _names(spec: FactSpec, columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return what ``columns`` are called in any language: who mistypes a name means one of his own."""
    return tuple(name for column in columns for name in (column, *spec.columns[column].aliases))


def _column(cursor: Cursor, spec: FactSpec, how: How) -> str:
    what = Message("the column to look at") if how == "latest" else Message("the amount to sum")
    token = cursor.expect_kind("name", what)
    found = spec.find(token.text)
    known = tuple(spec.columns) if how == "latest" else spec.sums
    if found is None or found.name not in known:
        near = did_you_mean(
            closest(token.text, _names(spec, known)),
            Message(
                "use {known}", known=columns(spec, known) if known else joined("", (keyword("count"), "()"))
            ),
        )
        kind = Message("column") if how == "latest" else Message("amount")
        cursor.problem(
            Message(
                "{kind} have no {other_kind} '{text}'",
                kind=keyword(spec.kind),
                other_kind=kind,
                text=token.text,
            ),
            near,
            token.at,
        )
        return token.text
    return found.name
