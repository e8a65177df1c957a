"""Read what a condition compares: fields, measures over facts, windows, values."""

from decimal import Decimal
from typing import cast

from koipond.kernel import InputError
from koipond.rules.catalog import FactSpec, FieldSpec, choice_code, closest
from koipond.rules.check import INT64_MAX, allows, did_you_mean, resolve, wanted
from koipond.rules.cursor import Cursor, SkipError
from koipond.rules.lexer import Token
from koipond.rules.tree import (
    HOWS,
    MATCHES,
    OPS,
    And,
    Between,
    Comparison,
    Condition,
    DaysAgo,
    FactKind,
    Facts,
    Field,
    How,
    In,
    Known,
    LastDays,
    Match,
    MatchHow,
    Measure,
    Not,
    Op,
    Operand,
    Property,
    Rule,
    Tag,
    Trait,
    Value,
    Window,
)

WINDOW_WORDS = ("last", "from", "between", "since", "until", "ever")
_TRUE, _FALSE = ("true", "是", "ya"), ("false", "否", "tidak")


def window(cursor: Cursor) -> Window:
    """Read a window of local days."""
    start = cursor.word.at
    word = cursor.expect(*WINDOW_WORDS)
    try:
        return _window(cursor, word)
    except InputError as error:
        raise cursor.failed(str(error), at=start) from error


def _window(cursor: Cursor, word: str) -> Window:
    if word == "ever":
        return None
    if word == "last":
        days = cursor.whole_number("a number of days")
        cursor.expect("days", "day")
        return LastDays(days=days)
    if word == "from":
        first = cursor.whole_number("a number of days")
        cursor.expect("to")
        last = cursor.whole_number("a number of days")
        cursor.expect("days")
        cursor.expect("ago")
        return DaysAgo(first=first, last=last)
    day = cursor.day("a day such as 2026-01-31")
    if word == "between":
        cursor.expect("and")
        return Between(first=day, last=cursor.day("a day such as 2026-01-31"))
    return Between(first=day, last=None) if word == "since" else Between(first=None, last=day)


def facts(cursor: Cursor) -> Facts:
    """Read ``orders`` or ``orders(channel = "web")``."""
    kind = cursor.take().text
    where: list[Condition] = []
    if cursor.accepts("("):
        where, _ = fact_arguments(cursor, cursor.catalog.facts[kind], windowed=False)
    return Facts(kind=cast(FactKind, kind), where=tuple(where))


def fact_arguments(cursor: Cursor, spec: FactSpec, *, windowed: bool) -> tuple[list[Condition], Window]:
    """Read filters up to the closing bracket; a bare first text filters the positional column."""
    where: list[Condition] = []
    span: Window = None
    if spec.positional and cursor.word.kind == "string":
        where.append(Comparison(operand=Field(name=spec.positional), op="=", value=cursor.take().text))
        if not cursor.sees(")"):
            cursor.expect(",")
    while not cursor.sees(")"):
        if windowed and cursor.sees(*WINDOW_WORDS) and cursor.following().text not in OPS:
            span = window(cursor)
        else:
            where += _flat(comparison(cursor, fact_column(cursor, spec), spec), cursor)
        if not cursor.sees(")"):
            cursor.expect(",")
    cursor.expect(")")
    return where, span


def _flat(rule: Rule, cursor: Cursor) -> list[Condition]:
    if isinstance(rule, And):
        return [condition for part in rule.parts for condition in _flat(part, cursor)]
    if isinstance(rule, Not):
        raise cursor.failed("'is missing' inside a filter of facts", "filter on columns that have a value")
    assert isinstance(rule, Comparison | In | Known | Match)
    return [rule]


def fact_column(cursor: Cursor, spec: FactSpec) -> Operand:
    """Read the column of a fact that a filter names."""
    token = cursor.expect_kind("name", f"a column of {spec.kind}")
    if token.text == "property" and spec.kind == "events":
        cursor.expect(".")
        return Property(name=cursor.name_or_text("the name of a property"))
    if token.text not in spec.columns:
        near = closest(token.text, tuple(spec.columns))
        fix = did_you_mean(near, f"use {', '.join(spec.columns)}")
        cursor.problem(f"{spec.kind} have no column '{token.text}'", fix, token.at)
    return Field(name=token.text)


def operand(cursor: Cursor) -> Operand:
    """Read a field, a trait, a tag group or a measure."""
    if cursor.sees(*cursor.catalog.facts) and cursor.following().text in ("(", "."):
        return _measure(cursor)
    if cursor.sees("trait", "tag") and cursor.following().text == ".":
        is_trait = cursor.expect("trait", "tag") == "trait"
        cursor.expect(".")
        at = cursor.word.at
        name = cursor.name_or_text("a name")
        known = cursor.catalog.traits if is_trait else cursor.catalog.tags
        if known and name not in known:
            what = "trait" if is_trait else "tag group"
            cursor.problem(f"no {what} '{name}'", did_you_mean(closest(name, known)), at)
        return Trait(name=name) if is_trait else Tag(group=name)
    if cursor.sees("and", "or", "in", "is", "then", "no"):
        raise cursor.failed(f"{cursor.shown()} where a condition was expected")
    token = cursor.expect_kind("name", "a condition")
    spec = cursor.catalog.find(token.text)
    if spec is None:
        near = did_you_mean(cursor.catalog.suggest(token.text), "see the list of fields, or write trait.NAME")
        cursor.problem(f"unknown field '{token.text}'", near, token.at)
    return Field(name=spec.name if spec else token.text)


def _measure(cursor: Cursor) -> Measure:
    chosen = facts(cursor)
    cursor.expect(".")
    how = cast(How, cursor.expect(*HOWS))
    cursor.expect("(")
    column = None
    if how == "sum":
        column = _sum_column(cursor, cursor.catalog.facts[chosen.kind])
        if not cursor.sees(")"):
            cursor.expect(",")
    span = None if cursor.sees(")") else window(cursor)
    cursor.expect(")")
    return Measure(facts=chosen, how=how, column=column, window=span)


def _sum_column(cursor: Cursor, spec: FactSpec) -> str:
    token = cursor.expect_kind("name", "the amount to sum")
    if token.text not in spec.sums:
        near = did_you_mean(closest(token.text, spec.sums), f"use {', '.join(spec.sums) or 'count()'}")
        cursor.problem(f"{spec.kind} have no amount '{token.text}'", near, token.at)
    return token.text


def comparison(cursor: Cursor, chosen: Operand, within: FactSpec | None = None) -> Rule:
    """Read what stands after an operand; a flag may stand alone."""
    found = resolve(chosen, cursor.catalog, within)
    spec = found if isinstance(found, FieldSpec) else None  # an unknown name was reported where it stands
    token = cursor.word
    if cursor.sees(*OPS):
        op = cast(Op, cursor.take().text)
        _fits(cursor, spec, chosen, op, token)
        return Comparison(operand=chosen, op=op, value=value(cursor, spec))
    if cursor.accepts("in"):
        _fits(cursor, spec, chosen, "=", token)
        return In(operand=chosen, values=_values(cursor, spec))
    if cursor.accepts("between"):
        _fits(cursor, spec, chosen, ">=", token)
        low = Comparison(operand=chosen, op=">=", value=value(cursor, spec))
        cursor.expect("and")
        return And(parts=(low, Comparison(operand=chosen, op="<=", value=value(cursor, spec))))
    if cursor.accepts("is"):
        known = Known(operand=chosen)
        return known if cursor.expect("known", "missing") == "known" else Not(part=known)
    if cursor.sees("contains", "starts", "ends"):
        return _match(cursor, spec, chosen)
    return _bare(cursor, spec, chosen, token)


def _match(cursor: Cursor, spec: FieldSpec | None, chosen: Operand) -> Match:
    token = cursor.take()
    if token.text != "contains":
        cursor.expect("with")
    how: MatchHow = next(match for match in MATCHES if match.startswith(token.text))
    _fits(cursor, spec, chosen, how, token)
    return Match(operand=chosen, how=how, text=cursor.expect_kind("string", "a quoted text").text)


def _bare(cursor: Cursor, spec: FieldSpec | None, chosen: Operand, token: Token) -> Rule:
    if spec is not None and spec.type == "flag":
        return Comparison(operand=chosen, op="=", value=True)
    if spec is None:  # the unknown name is reason enough
        raise SkipError
    fix = (
        "write 'not (… in (…))'"
        if token.text == "not"
        else "use =, !=, <, <=, >, >=, in, between or 'is known'"
    )
    raise cursor.failed(f"{cursor.shown()} where a comparison was expected", fix)


def _fits(cursor: Cursor, spec: FieldSpec | None, chosen: Operand, op: str, token: Token) -> None:
    why = allows(spec, chosen, op) if spec else None
    if why is not None:
        cursor.problem(f"'{op}' does not fit here", why, token.at)


def _values(cursor: Cursor, spec: FieldSpec | None) -> tuple[Value, ...]:
    cursor.expect("(")
    values = [value(cursor, spec)]
    while cursor.accepts(","):
        values.append(value(cursor, spec))
    cursor.expect(")")
    return tuple(values)


def value(cursor: Cursor, spec: FieldSpec | None) -> Value:
    """Read one value of the type of ``spec`` and return it in stored units."""
    token = cursor.word
    if token.kind in ("end", "sign"):
        raise cursor.failed(f"{cursor.shown()} where a value was expected")
    if spec is not None and spec.holds and token.kind != {"date": "day"}.get(spec.holds, spec.holds):
        return _wrong(cursor, spec, cursor.take())
    if token.kind == "day":
        day = cursor.day("a day")
        return day if spec is None or spec.type in ("day", "any") else _wrong(cursor, spec, token)
    cursor.take()
    if spec is None:
        return token.text
    if spec.type in ("number", "money"):
        return _number(cursor, spec, token)
    if spec.type == "choice":
        return _choice(cursor, spec, token)
    if spec.type == "flag":
        return token.text in _TRUE if token.text in (*_TRUE, *_FALSE) else _wrong(cursor, spec, token)
    if spec.type == "any" and token.kind == "number":
        return _plain_number(cursor, token)
    return token.text if spec.type in ("text", "any") else _wrong(cursor, spec, token)


def _number(cursor: Cursor, spec: FieldSpec, token: Token) -> Value:
    if token.kind != "number":
        return _wrong(cursor, spec, token)
    stored = Decimal(token.text).scaleb(spec.digits)
    if abs(stored) > INT64_MAX:
        cursor.problem(f"{token.text} is too large", "use a smaller number", token.at)
        return 0
    if stored != stored.to_integral_value():
        at_most = f"with at most {spec.digits} decimals" if spec.digits else "without decimals"
        cursor.problem(f"{token.text} is too exact", f"write '{spec.name}' {at_most}", token.at)
        return 0
    return int(stored)


def _plain_number(cursor: Cursor, token: Token) -> Value:
    exact = Decimal(token.text)
    if exact == exact.to_integral_value() and abs(exact) <= INT64_MAX:
        return int(exact)
    if abs(exact) > Decimal("1e308"):
        cursor.problem(f"{token.text} is too large", "use a smaller number", token.at)
        return 0
    return float(exact)


def _choice(cursor: Cursor, spec: FieldSpec, token: Token) -> Value:
    code = choice_code(spec, token.text)
    if code is None:
        near = did_you_mean(closest(token.text, spec.choices), f"use {', '.join(spec.choices)}")
        cursor.problem(f"'{spec.name}' is never '{token.text}'", near, token.at)
        return next(iter(spec.choices))
    return code


def _wrong(cursor: Cursor, spec: FieldSpec, token: Token) -> Value:
    cursor.problem(f"'{token.text}' is no value of '{spec.name}'", f"give {wanted(spec)}", token.at)
    return ""  # the problem is recorded: the tree is never used
