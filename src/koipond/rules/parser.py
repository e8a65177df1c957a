"""Read the one-line form. Grammar: docs/reference/rules.md. Recursive descent; reads on after a mistake."""

from collections.abc import Callable
from decimal import Decimal

from koipond.kernel import InputError
from koipond.rules.catalog import Catalog, closest
from koipond.rules.check import check, did_you_mean
from koipond.rules.cursor import Cursor, SkipError
from koipond.rules.lexer import tokens
from koipond.rules.operands import comparison, fact_arguments, facts, operand, window
from koipond.rules.problems import RuleError
from koipond.rules.tree import (
    BUCKETS,
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


def parse(text: str, catalog: Catalog) -> Rule:
    """Return the tree that ``text`` describes; raise RuleError with every mistake and its column."""
    words, problems = tokens(text)
    cursor = Cursor(words=words, catalog=catalog, problems=problems)
    rule = read_rule(cursor)
    if problems:
        raise RuleError(sorted(problems, key=lambda problem: problem.at or 0), text)
    if late := check(rule, catalog):
        raise RuleError(late, text)
    return rule


def read_rule(cursor: Cursor) -> Rule:
    """Read every word; what is wrong stands in ``cursor.problems`` (the tree is then of no use)."""
    rule = _or(cursor, 0)
    while not cursor.ended():
        fix = "join conditions by and, or"
        cursor.problem(f"{cursor.shown()} after the end of a condition", fix, cursor.word.at)
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
        cursor.problem("too deeply nested", f"nest at most {DEPTH_MAX} deep", cursor.word.at)
        cursor.at = len(cursor.words) - 1
        return Everyone()
    if cursor.accepts("not"):
        return Not(part=_unary(cursor, depth + 1))
    try:
        if cursor.accepts("("):
            inner = _or(cursor, depth + 1)
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
    for head, read in _HEADS.items():
        if cursor.sees(head):
            return read(cursor)
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
    key = cursor.name_or_text(f"the key of a {what}")
    if known and key not in known:
        cursor.problem(f"no {what} '{key}'", did_you_mean(closest(key, known)), at)
    return key


def _sample(cursor: Cursor) -> Rule:
    start = cursor.take().at
    cursor.expect("(")
    ends = [_percent(cursor)]
    if cursor.accepts("to"):
        ends.append(_percent(cursor))
    cursor.expect(",")
    salt = cursor.name_or_text("a salt")
    cursor.expect(")")
    first, end = ends if len(ends) == 2 else (0, ends[0])
    try:
        return HashSample(first=first, end=end, salt=salt)
    except InputError as error:
        raise cursor.failed(str(error), 'write sample(10%, "salt")', start) from error


def _percent(cursor: Cursor) -> int:
    token = cursor.expect_kind("number", "a share such as 10%")
    cursor.expect("%")
    buckets = Decimal(token.text) * BUCKETS / 100
    if buckets != buckets.to_integral_value() or not 0 <= buckets <= BUCKETS:
        raise cursor.failed(f"{token.text}% is no share", "use 0% to 100% with at most 2 decimals", token.at)
    return int(buckets)


def _bought(cursor: Cursor) -> Rule:
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
    days = cursor.whole_number("a number of days")
    cursor.expect("days", "day")
    span = window(cursor) if cursor.accepts(",") else None
    cursor.expect(")")
    try:
        return Sequence(first=first, then=then, within_days=days, missing=missing, window=span)
    except InputError as error:
        raise cursor.failed(str(error), at=start) from error


def _step(cursor: Cursor) -> Facts:
    if not cursor.sees(*cursor.catalog.facts):
        cursor.expect(*cursor.catalog.facts)
    return facts(cursor)


_HEADS: dict[str, Callable[[Cursor], Rule]] = {
    "everyone": _everyone,
    "segment": _segment,
    "list": _list,
    "sample": _sample,
    "bought": _bought,
    "sequence": _sequence,
}
