"""Single tests as Ibis expressions: one value against one condition, missing is false."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from typing import Any

import ibis

from koipond.kernel import epoch_day
from koipond.rules.catalog import Catalog, FieldSpec
from koipond.rules.hours import hour_of
from koipond.rules.ibis_days import day_in_ibis, day_or_null
from koipond.rules.operand_types import resolve
from koipond.rules.sources import dated
from koipond.rules.tree import (
    BUCKETS,
    SAMPLE_SCOPE,
    Comparison,
    Condition,
    FactKind,
    Facts,
    Filter,
    HashSample,
    Holds,
    In,
    InDays,
    Known,
    Op,
    Property,
    Value,
)
from koipond.rules.windows import Window, bounds

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


def test(node: Condition, cell: Expr | Pair, as_of_day: int) -> Expr:
    """Return a Boolean that is never null: does ``cell`` satisfy ``node``."""
    if isinstance(node, InDays):
        return day_in_ibis(node, cell.text if isinstance(cell, Pair) else cell, as_of_day)
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
    if isinstance(cell, Pair) and isinstance(value, date):
        left = day_or_null(left)  # a text that is no day lies on no side of one
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


def stored(spec: FieldSpec, table: IbisTable, as_of_day: int, catalog: Catalog) -> Expr:
    """Return the value of the field ``spec``."""
    column = table[spec.column]
    if spec.derived == "hour":
        return hour_of(column, catalog.zone, as_of_day)
    if spec.derived == "weekday":
        return ((column + 3) % 7 + 7) % 7 + 1  # twice: engines differ on the sign of a remainder
    if spec.derived == "days_since":
        return ibis.literal(as_of_day, type="int32") - column
    return column - as_of_day if spec.derived == "days_until" else column


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What decides whether a row of facts counts. ``held``: the column that answers a question on lines."""

    as_of_day: int
    catalog: Catalog
    held: Mapping[Holds, str] = field(default_factory=dict)

    def test(self, facts: Facts, window: Window, table: IbisTable) -> Expr:
        """Return a Boolean that is never null: is this row one of ``facts`` inside ``window``."""
        first, last = bounds(window, self.as_of_day)
        tests = [table.day <= last] + ([] if first is None else [table.day >= first])
        return reduce(lambda a, b: a & b, tests + [self.fits(one, facts.kind, table) for one in facts.where])

    def fits(self, condition: Filter, kind: FactKind, table: IbisTable) -> Expr:
        """Return whether a row satisfies one filter."""
        if isinstance(condition, Holds):
            return table[self.held[condition]]
        return test(condition, self._cell(condition, kind, table), self.as_of_day)

    def line(self, node: Holds, lines: IbisTable) -> Expr:
        """Return whether a line of an order satisfies ``node``."""
        tests = [lines.day <= self.as_of_day, *(self.fits(one, "items", lines) for one in node.where)]
        return reduce(lambda a, b: a & b, tests)

    def _cell(self, condition: Condition, kind: FactKind, table: IbisTable) -> Expr | Pair:
        if isinstance(condition.operand, Property):
            value = table.properties.cast("json")[condition.operand.name]
            text = value.unwrap_as("string")
            written = ibis.ifelse(text.re_search(_NUMBER), text.try_cast("float64"), ibis.null("float64"))
            return Pair(text, value.unwrap_as("float64").coalesce(written))
        found = resolve(dated(condition.operand), self.catalog, self.catalog.facts[kind])
        assert isinstance(found, FieldSpec)
        return stored(found, table, self.as_of_day, self.catalog)


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
