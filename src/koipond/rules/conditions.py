"""Read what stands after an operand (比较): comparisons, lists, windows of days, top shares."""

from collections.abc import Callable
from typing import TypeVar, cast

from koipond.kernel import InputError, Message
from koipond.rules.catalog import FactSpec, FieldSpec
from koipond.rules.cursor import Cursor, SkipError
from koipond.rules.lexer import Token
from koipond.rules.operand_types import IN_DAYS, allows, resolve
from koipond.rules.tree import (
    MATCHES,
    OPS,
    And,
    Comparison,
    In,
    InDays,
    Known,
    Match,
    MatchHow,
    Not,
    Op,
    Operand,
    Rule,
    Top,
)
from koipond.rules.values import percent, value
from koipond.rules.vocabulary import meanings
from koipond.rules.window_words import sees_window, span
from koipond.rules.windows import Between, MonthDay, Span, Yearly, read_month_day

T = TypeVar("T")


def comparison(cursor: Cursor, chosen: Operand, within: FactSpec | None = None) -> Rule:
    """Read what stands after an operand; a flag may stand alone."""
    found = resolve(chosen, cursor.catalog, within)
    spec = found if isinstance(found, FieldSpec) else None  # an unknown name was reported where it stands
    token = cursor.word
    if cursor.sees(*OPS):
        op = cast(Op, cursor.take().text)
        _fits(cursor, spec, chosen, op, token)
        return Comparison(operand=chosen, op=op, value=value(cursor, spec))
    if cursor.sees("top") and cursor.following().kind == "number":
        return _top(cursor, chosen)
    if cursor.accepts("in"):
        return _in(cursor, chosen, spec, token)
    if cursor.accepts("between"):
        _fits(cursor, spec, chosen, ">=", token)
        low = Comparison(operand=chosen, op=">=", value=value(cursor, spec))
        cursor.expect("and")
        return And(parts=(low, Comparison(operand=chosen, op="<=", value=value(cursor, spec))))
    if cursor.accepts("is") or cursor.sees("known", "missing"):
        is_known = cursor.expect("known", "missing") == "known"
        _fits(cursor, spec, chosen, "known", token)
        return Known(operand=chosen) if is_known else Not(part=Known(operand=chosen))
    if cursor.sees("contains", "starts", "ends"):
        return _match(cursor, spec, chosen)
    return _bare(cursor, spec, chosen, token)


def _in(cursor: Cursor, chosen: Operand, spec: FieldSpec | None, token: Token) -> Rule:
    if cursor.sees("top"):
        return _top(cursor, chosen)
    if not cursor.sees("("):
        _fits(cursor, spec, chosen, IN_DAYS, token)
        return InDays(operand=chosen, spans=(span(cursor),))
    if _lists_spans(cursor):
        _fits(cursor, spec, chosen, IN_DAYS, token)
        return InDays(operand=chosen, spans=_listed(cursor, lambda: _element(cursor)))
    _fits(cursor, spec, chosen, "=", token)
    return In(operand=chosen, values=_listed(cursor, lambda: value(cursor, spec)))


def _top(cursor: Cursor, chosen: Operand) -> Top:
    start = cursor.take().at
    buckets, segment = percent(cursor), None
    if cursor.sees("of") and cursor.follows("segment"):
        cursor.take()
        cursor.take()
        segment = cursor.name_or_text(Message("the key of a segment"))
    try:
        return Top(operand=chosen, buckets=buckets, segment=segment)
    except InputError as error:
        raise cursor.failed(error.message, Message("write in top 10%"), start) from error


def _lists_spans(cursor: Cursor) -> bool:
    """Say whether the list that opens here holds windows of days: a range, a day of the year, a window."""
    here = cursor.at
    cursor.take()
    is_window = sees_window(cursor) and (
        cursor.sees_calendar() or cursor.following().kind in ("number", "day")
    )
    is_window = is_window or (cursor.word.kind == "number" and sees_window(cursor))
    while not is_window and not cursor.ended() and not cursor.sees(")"):
        token = cursor.take()
        to_follows = cursor.word.kind == "name" and "to" in meanings(cursor.word.text)
        is_window = token.kind == "year_day" or (token.kind == "day" and to_follows)
    cursor.at = here
    return is_window


def _element(cursor: Cursor) -> Span:
    start = cursor.word.at
    try:
        if cursor.word.kind == "year_day":
            first = _year_day(cursor)
            return Yearly(first=first, last=_year_day(cursor) if cursor.accepts("to") else first)
        if cursor.word.kind == "day":
            day = cursor.day(Message("a day"))
            return Between(first=day, last=cursor.day(Message("a day")) if cursor.accepts("to") else day)
    except InputError as error:
        raise cursor.failed(error.message, at=start) from error
    return span(cursor)


def _year_day(cursor: Cursor) -> MonthDay:
    return read_month_day(cursor.expect_kind("year_day", Message("a day of the year such as 11-11")).text)


def _match(cursor: Cursor, spec: FieldSpec | None, chosen: Operand) -> Match:
    token = cursor.word
    word = cursor.expect("contains", "starts", "ends")
    if word != "contains":
        cursor.accepts("with")
    how: MatchHow = next(match for match in MATCHES if match.startswith(word))
    _fits(cursor, spec, chosen, how, token)
    return Match(operand=chosen, how=how, text=cursor.expect_kind("string", "a quoted text").text)


def _bare(cursor: Cursor, spec: FieldSpec | None, chosen: Operand, token: Token) -> Rule:
    if spec is not None and spec.type == "flag":
        return Comparison(operand=chosen, op="=", value=True)
    if spec is None:  # the unknown name is reason enough
        raise SkipError
    fix = (
        Message("write 'not (… in (…))'")
        if token.text == "not"
        else Message("use =, !=, <, <=, >, >=, in, between or 'is known'")
    )
    raise cursor.failed(Message("{shown} where a comparison was expected", shown=cursor.shown()), fix)


def _fits(cursor: Cursor, spec: FieldSpec | None, chosen: Operand, op: str, token: Token) -> None:
    why = allows(spec, chosen, op) if spec else None
    if why is not None:
        cursor.problem(Message("'{op}' does not fit here", op=op), why, token.at)


def _listed(cursor: Cursor, read: Callable[[], T]) -> tuple[T, ...]:
    """Read a list in brackets, each item by ``read``."""
    cursor.expect("(")
    found = [read()]
    while cursor.accepts(","):
        found.append(read())
    cursor.expect(")")
    return tuple(found)
