"""Single tests as Ibis expressions: one value against one condition, missing is false."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Any

import ibis

from koipond.kernel import epoch_day
from koipond.rules.catalog import Catalog, FactSpec, FieldSpec
from koipond.rules.check import resolve
from koipond.rules.tree import (
    BUCKETS,
    SAMPLE_SCOPE,
    Comparison,
    Condition,
    Facts,
    HashSample,
    In,
    Known,
    Op,
    Property,
    Value,
    Window,
)
from koipond.rules.windows import bounds

IbisTable = Any
_NUMBER = r"^-?[0-9]{1,15}(\.[0-9]{1,15})?\z"  # a text that reads as a number: imports keep texts
Expr = Any

_HEX = "0123456789abcdef"
_COMPARE: dict[Op, Callable[[Expr, Any], Expr]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_MATCH: dict[str, Callable[[Expr, str], Expr]] = {
    "contains": lambda text, part: text.contains(part),
    "starts with": lambda text, part: text.startswith(part),
    "ends with": lambda text, part: text.endswith(part),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A value of unknown type: its text and, when it reads as one, its number."""

    text: Expr
    number: Expr


def test(node: Condition, cell: Expr | Pair) -> Expr:
    """Return a Boolean that is never null: does ``cell`` satisfy ``node``."""
    if isinstance(node, Known):
        return cell.text.notnull() | cell.number.notnull() if isinstance(cell, Pair) else cell.notnull()
    if isinstance(node, Comparison):
        return _compare(node.op, cell, node.value)
    if isinstance(node, In):
        return _is_in(cell, node.values)
    text = cell.text if isinstance(cell, Pair) else cell
    return _MATCH[node.how](text, node.text).fill_null(False)


def _compare(op: Op, cell: Expr | Pair, value: Value) -> Expr:
    left, right = _sides(cell, value)
    return _COMPARE[op](left, right).fill_null(False)


def _is_in(cell: Expr | Pair, values: tuple[Value, ...]) -> Expr:
    sides = [_sides(cell, value) for value in values]
    columns = [cell.text, cell.number] if isinstance(cell, Pair) else [cell]
    tests = [
        column.isin(chosen).fill_null(False)
        for column in columns
        if (chosen := [right for left, right in sides if left is column])
    ]
    return any_of(tests)


def _sides(cell: Expr | Pair, value: Value) -> tuple[Expr, Any]:
    """Return the column that ``value`` is compared with, and the value as that column stores it."""
    if not isinstance(cell, Pair):
        return cell, epoch_day(value) if isinstance(value, date) else value
    if isinstance(value, int | float):
        return cell.number, ibis.literal(float(value), type="float64")
    return cell.text, str(value)


def stored(spec: FieldSpec, table: IbisTable, as_of_day: int) -> Expr:
    """Return the value of the field ``spec``."""
    column = table[spec.column]
    if spec.derived == "weekday":
        return ((column + 3) % 7 + 7) % 7 + 1  # twice: engines differ on the sign of a remainder
    if spec.derived == "days_since":
        return ibis.literal(as_of_day, type="int32") - column
    return column - as_of_day if spec.derived == "days_until" else column


def counted(facts: Facts, window: Window, table: IbisTable, as_of_day: int, catalog: Catalog) -> Expr:
    """Return a Boolean that is never null: is this row one of ``facts`` inside ``window``."""
    first, last = bounds(window, as_of_day)
    spec = catalog.facts[facts.kind]
    tests = [table.day <= last] + ([] if first is None else [table.day >= first])
    tests += [test(condition, _fact_cell(condition, table, spec, catalog)) for condition in facts.where]
    return reduce(lambda a, b: a & b, tests)


def _fact_cell(condition: Condition, table: IbisTable, spec: FactSpec, catalog: Catalog) -> Expr | Pair:
    if isinstance(condition.operand, Property):
        value = table.properties.cast("json")[condition.operand.name]
        text = value.unwrap_as("string")
        written = ibis.ifelse(text.re_search(_NUMBER), text.try_cast("float64"), ibis.null("float64"))
        return Pair(text, value.unwrap_as("float64").coalesce(written))
    found = resolve(condition.operand, catalog, spec)
    assert isinstance(found, FieldSpec)
    return stored(found, table, 0)


def sampled(node: HashSample, customer_uid: Expr) -> Expr:
    """Return whether `koipond.kernel.hash_bucket` of the customer lies in the sample.

    The eight hex digits are read by their place in a literal: every engine has that, few agree on casts.
    """
    digest = ibis.literal(f"{node.salt}|{SAMPLE_SCOPE}|").concat(customer_uid).hexdigest("md5")
    digits = [ibis.literal(_HEX).find(digest.substr(place, 1)) for place in range(8)]
    high, low = (reduce(lambda left, digit: left * 16 + digit, part) for part in (digits[:4], digits[4:]))
    bucket = (high * (16**4 % BUCKETS) + low) % BUCKETS  # within 32 bits: Spark's LOCATE is no wider
    return ((bucket >= node.first) & (bucket < node.end)).fill_null(False)


def any_of(tests: list[Expr]) -> Expr:
    """Return whether any of ``tests`` holds."""
    return reduce(lambda a, b: a | b, tests)
