"""Read the one-line form. Grammar: docs/reference/rules.md. Recursive descent; reads on after a mistake."""

from collections.abc import Callable
from dataclasses import replace

from koipond.kernel import InputError, Message
from koipond.rules.catalog import Catalog, closest
from koipond.rules.check import check, did_you_mean
from koipond.rules.colloquial import advice, with_brackets
from koipond.rules.conditions import comparison
from koipond.rules.cursor import Cursor, SkipError
from koipond.rules.lexer import tokens
from koipond.rules.operands import fact_arguments, facts, operand
from koipond.rules.problems import Problem, RuleError
from koipond.rules.tree import (
    DEPTH_MAX,
    And,
    Comparison,
    Everyone,
    Facts,
    HashSample,
    InList,
    InSegment,
    Measure,
    Not,
    Or,
    Rule,
    Sequence,
)
from koipond.rules.values import percent
from koipond.rules.window_words import sees_window, window
from koipond.rules.written import keyword


def parse(text: str, catalog: Catalog) -> Rule:
    """Return the tree that ``text`` describes; raise RuleError with every mistake and its column."""
    rule, problems = _read(text, catalog)
    if problems:
        meant = with_brackets(text)
        if meant is not None and not _read(meant[0], catalog)[1]:
            problems = [advice(*meant)]
        raise RuleError(sorted(problems, key=lambda problem: problem.at or 0), text)
    if late := check(rule, catalog):
        raise RuleError(late, text)
    return rule


def _read(text: str, catalog: Catalog) -> tuple[Rule, list[Problem]]:
    words, problems = tokens(text)
    return read_rule(Cursor(words=words, catalog=catalog, problems=problems)), problems


def read_rule(cursor: Cursor) -> Rule:
    """Read every word; what is wrong stands in ``cursor.problems`` (the tree is then of no use)."""
    rule = _or(cursor, 0)
    while not cursor.ended():
        fix = Message("join conditions by and, or")
        cursor.problem(
            Message("{shown} after the end of a condition", shown=cursor.shown()), fix, cursor.word.at
        )
        cursor.take()
        if not cursor.ended():
            _or(cursor, 0)
    return rule


def _or(cursor: Cursor, depth: int) -> Rule:
    parts = [_and(cursor, depth)]
    while cursor.accepts("or"):
        parts.append(_and(cursor, depth))
    return parts[0] if len(parts) == 1 else Or(parts=tuple(parts))


def _and(cursor: Cursor, depth: int) -> Rule:
    parts = [_unary(cursor, depth)]
    while cursor.accepts("and"):
        parts.append(_unary(cursor, depth))
    return parts[0] if len(parts) == 1 else And(parts=tuple(parts))


def _unary(cursor: Cursor, depth: int) -> Rule:
    if depth > DEPTH_MAX:
        cursor.problem(
            Message("too deeply nested"),
            Message("nest at most {depth_max} deep", depth_max=DEPTH_MAX),
            cursor.word.at,
        )
        cursor.at, cursor.gave_up = len(cursor.words) - 1, True
        return Everyone()
    if cursor.accepts("not"):
        return Not(part=_unary(cursor, depth + 1))
    try:
        if cursor.accepts("("):
            inner = _or(cursor, depth + 1)
            if not cursor.gave_up:
                cursor.expect(")")
            return inner
        return _leaf(cursor)
    except SkipError:
        _skip(cursor)
        return Everyone()


def _skip(cursor: Cursor) -> None:
    """Go on to what may follow a condition: and, or, an unopened closing bracket, the end."""
    opened = 0
    while not cursor.ended():
        if opened == 0 and cursor.sees("and", "or", ")"):
            return
        opened += cursor.sees("(") - cursor.sees(")")
        cursor.take()


def _leaf(cursor: Cursor) -> Rule:
    for head, (read, following) in _HEADS.items():
        if cursor.sees(head) and (following is None or cursor.follows(following)):
            return read(cursor)
    if sees_window(cursor) and cursor.catalog.find(cursor.word.text) is None:
        return _windowed(cursor)
    return comparison(cursor, operand(cursor))


def _everyone(cursor: Cursor) -> Rule:
    cursor.take()
    return Everyone()


def _segment(cursor: Cursor) -> Rule:
    cursor.take()
    return InSegment(key=_key(cursor, "segment", cursor.catalog.segments))


def _list(cursor: Cursor) -> Rule:
    cursor.take()
    return InList(key=_key(cursor, "list", cursor.catalog.lists))


def _key(cursor: Cursor, what: str, known: frozenset[str]) -> str:
    at = cursor.word.at
    key = cursor.name_or_text(Message("the key of a {what}", what=keyword(what)))
    if known and key not in known:
        cursor.problem(
            Message("no {what} '{key}'", what=keyword(what), key=key), did_you_mean(closest(key, known)), at
        )
    return key


def _sample(cursor: Cursor) -> Rule:
    start = cursor.take().at
    cursor.expect("(")
    ends = [percent(cursor)]
    if cursor.accepts("to"):
        ends.append(percent(cursor))
    cursor.expect(",")
    salt = cursor.name_or_text(Message("a text of your own"))
    cursor.expect(")")
    first, end = ends if len(ends) == 2 else (0, ends[0])
    try:
        return HashSample(first=first, end=end, salt=salt)
    except InputError as error:
        raise cursor.failed(error.message, Message('write sample(10%, "salt")'), start) from error


def _not_bought(cursor: Cursor) -> Rule:
    return Not(part=_bought(cursor))


def _windowed(cursor: Cursor) -> Rule:
    """Read ``近90天买过(…)``: the window first, as Chinese says it."""
    start = cursor.word.at
    span = window(cursor)
    if not cursor.sees("bought", "not_bought"):
        raise cursor.failed(
            Message("a window without what happened in it"), Message("write bought(…, last 90 days)"), start
        )
    is_negated = cursor.sees("not_bought")
    bought = _bought(cursor)
    assert isinstance(bought.operand, Measure)
    within = replace(bought, operand=replace(bought.operand, window=span))
    return Not(part=within) if is_negated else within


def _bought(cursor: Cursor) -> Comparison:
    cursor.take()
    cursor.expect("(")
    where, span = fact_arguments(cursor, cursor.catalog.facts["items"], windowed=True)
    measure = Measure(facts=Facts(kind="items", where=tuple(where)), how="count", window=span)
    return Comparison(operand=measure, op=">=", value=1)


def _sequence(cursor: Cursor) -> Rule:
    start = cursor.take().at
    cursor.expect("(")
    first = _step(cursor)
    cursor.expect("then")
    missing = cursor.accepts("no")
    then = _step(cursor)
    cursor.expect("within")
    days = cursor.whole_number(Message("a number of days"))
    cursor.expect("days", "day")
    span = window(cursor) if cursor.accepts(",") else None
    cursor.expect(")")
    try:
        return Sequence(first=first, then=then, within_days=days, missing=missing, window=span)
    except InputError as error:
        raise cursor.failed(error.message, at=start) from error


def _step(cursor: Cursor) -> Facts:
    if not cursor.sees(*cursor.catalog.facts):
        cursor.expect(*cursor.catalog.facts)
    return facts(cursor)


_HEADS: dict[str, tuple[Callable[[Cursor], Rule], str | None]] = {
    "everyone": (_everyone, None),
    "segment": (_segment, None),
    "list": (_list, None),
    "sample": (_sample, "("),
    "bought": (_bought, "("),
    "not_bought": (_not_bought, "("),
    "sequence": (_sequence, "("),
}
"""Words that open a condition, and the sign that must follow for them to do so."""
