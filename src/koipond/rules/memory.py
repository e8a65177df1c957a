"""Read a rule in memory, for one customer: previews, journeys, `why`. Agrees with the Ibis reading."""

import json
import operator
import re
from collections.abc import Callable, Mapping
from collections.abc import Sequence as Rows
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from koipond.kernel import epoch_day, hash_bucket
from koipond.kernel.zone_steps import local_hour
from koipond.rules.catalog import Catalog, FactSpec, FieldSpec
from koipond.rules.day_tests import day_in, is_day
from koipond.rules.operand_types import resolve
from koipond.rules.sources import dated, quotient, tie_breakers, unfold
from koipond.rules.tree import (
    SAMPLE_SCOPE,
    And,
    Comparison,
    Condition,
    Everyone,
    FactKind,
    Facts,
    Field,
    Filter,
    HashSample,
    Holds,
    In,
    InDays,
    InList,
    InSegment,
    Known,
    Measure,
    Not,
    Op,
    Operand,
    Or,
    Property,
    Rule,
    Sequence,
    Tag,
    Top,
    Trait,
    Value,
)
from koipond.rules.windows import Window, bounds

_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A value as text and, when it reads as one, as number; a day is its ISO text."""

    text: str | None = None
    number: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What a rule may ask of one customer. ``profile`` and the rows of ``facts`` hold stored columns.

    Facts are those that count (paid orders, lines of paid orders), of this customer and everyone merged into
    them; each row has ``at_s`` and ``day``, orders and items their ``order_no``. ``traits``: newest value.
    ``tags``: (group, value) that hold. ``cuts``: least value of each top share (`ranking.cut_of`), which no
    single customer can tell.
    """

    customer_uid: str
    profile: Row = field(default_factory=dict)
    traits: Mapping[str, Cell] = field(default_factory=dict)
    tags: Rows[tuple[str, Cell]] = ()
    facts: Mapping[FactKind, Rows[Row]] = field(default_factory=dict)
    segments: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    cuts: Mapping[Top, float] = field(default_factory=dict)


_COMPARE: dict[Op, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def holds(rule: Rule, person: Person, as_of_day: int, catalog: Catalog) -> bool:
    """Say whether ``rule`` holds for ``person`` on local day ``as_of_day`` (whole days since 1970)."""
    if isinstance(rule, And):
        return all(holds(part, person, as_of_day, catalog) for part in rule.parts)
    if isinstance(rule, Or):
        return any(holds(part, person, as_of_day, catalog) for part in rule.parts)
    if isinstance(rule, Not):
        return not holds(rule.part, person, as_of_day, catalog)
    if isinstance(rule, Everyone):
        return True
    if isinstance(rule, InSegment):
        return rule.key in person.segments
    if isinstance(rule, InList):
        return rule.key in person.lists
    if isinstance(rule, HashSample):
        return rule.first <= hash_bucket(rule.salt, SAMPLE_SCOPE, person.customer_uid) < rule.end
    if isinstance(rule, Sequence):
        return _sequence(rule, person, as_of_day, catalog)
    if isinstance(rule, Top):
        cut, number = person.cuts.get(rule), number_of(rule.operand, person, as_of_day, catalog)
        return cut is not None and number is not None and number >= cut
    return any(_test(rule, cell, as_of_day) for cell in _cells(rule, person, as_of_day, catalog))


def number_of(operand: Operand, person: Person, as_of_day: int, catalog: Catalog) -> float | None:
    """Return the number that people are ranked by, None when there is none."""
    cell = value_of(operand, person, as_of_day, catalog)
    number = cell.number if isinstance(cell, Cell) else cell
    return None if number is None else float(number)


def _cells(rule: Condition, person: Person, as_of_day: int, catalog: Catalog) -> list[Any]:
    """Return the values that the condition may hold for; several only for tags."""
    operand = rule.operand
    if isinstance(operand, Tag):
        return [cell for group, cell in person.tags if group == operand.group]
    return [value_of(dated(operand), person, as_of_day, catalog)]


def value_of(operand: Operand, person: Person, as_of_day: int, catalog: Catalog) -> Any:
    """Return the value of ``operand``, None when it is missing; of a trait a `Cell`."""
    operand = unfold(operand, catalog)
    found = quotient(operand, catalog)
    if found is not None:
        top, bottom = (measure(part, person, as_of_day, catalog) for part in (found.top, found.bottom))
        return float(top or 0) * 10.0**found.power / float(bottom) if bottom else None
    if isinstance(operand, Trait):
        return person.traits.get(operand.name, Cell())
    if isinstance(operand, Measure):
        return measure(operand, person, as_of_day, catalog)
    assert isinstance(operand, Field)
    return stored(catalog.fields[operand.name], person.profile, as_of_day, catalog)


def stored(spec: FieldSpec, row: Row, as_of_day: int, catalog: Catalog) -> Any:
    """Return the value of the field ``spec`` in ``row``, None when it is missing."""
    raw = row.get(spec.column)
    if raw is None or spec.derived == "stored":
        return raw
    if spec.derived == "weekday":
        return (raw + 3) % 7 + 1
    if spec.derived == "hour":
        return local_hour(raw, catalog.zone)
    return as_of_day - raw if spec.derived == "days_since" else raw - as_of_day


def _test(node: Condition, cell: Any, as_of_day: int) -> bool:
    """Test one value; missing is false."""
    if isinstance(node, InDays):
        return day_in(node, cell.text if isinstance(cell, Cell) else cell, as_of_day)
    if isinstance(node, Known):
        return (
            cell.text is not None or cell.number is not None if isinstance(cell, Cell) else cell is not None
        )
    if isinstance(node, In):
        return any(_compare("=", cell, value) for value in node.values)
    if isinstance(node, Comparison):
        return _compare(node.op, cell, node.value)
    text = cell.text if isinstance(cell, Cell) else cell
    return text is not None and _MATCH[node.how](text, node.text)


_MATCH: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "starts with": str.startswith,
    "ends with": str.endswith,
}


def _compare(op: Op, cell: Any, value: Value) -> bool:
    left, right = cell, value
    if isinstance(cell, Cell):
        is_number = isinstance(value, int | float)
        left = cell.number if is_number else cell.text
        right = float(value) if isinstance(value, int | float) else str(value)
        if isinstance(value, date) and isinstance(left, str) and not is_day(left):
            return False  # a text that is no day lies on no side of one
    elif isinstance(value, date):
        right = epoch_day(value)
    return left is not None and _COMPARE[op](left, right)


def measure(asked: Measure, person: Person, as_of_day: int, catalog: Catalog) -> Any:
    """Return what ``asked`` is for ``person``; None when there is no last or first fact."""
    rows = _rows(asked.facts, person, asked.window, as_of_day, catalog)
    if asked.how == "latest":
        return _latest(asked, rows, as_of_day, catalog)
    if asked.how == "count":
        return len(rows)
    days = [int(row["day"]) for row in rows]
    if asked.how == "days":
        return len(set(days))
    if asked.how == "sum":
        column = catalog.facts[asked.facts.kind].columns[asked.column or ""].column
        return sum(int(row[column]) for row in rows if row.get(column) is not None)
    if not days:
        return None
    return as_of_day - (max(days) if asked.how == "days_since_last" else min(days))


def _latest(asked: Measure, rows: list[Row], as_of_day: int, catalog: Catalog) -> Any:
    columns = catalog.facts[asked.facts.kind].columns
    ties = tie_breakers(columns)

    def order(row: Row) -> tuple[Any, ...]:
        cells = [row.get(column) for column in ties]
        return (row["at_s"], *((False,) if cell is None else (True, cell) for cell in cells))

    if not rows:
        return None
    return stored(columns[asked.column or ""], max(rows, key=order), as_of_day, catalog)


def _rows(facts: Facts, person: Person, window: Window, as_of_day: int, catalog: Catalog) -> list[Row]:
    first, last = bounds(window, as_of_day)
    spec = catalog.facts[facts.kind]
    return [
        row
        for row in person.facts.get(facts.kind, ())
        if (first is None or row["day"] >= first)
        and row["day"] <= last
        and all(_fits(condition, row, spec, person, as_of_day, catalog) for condition in facts.where)
    ]


def _fits(
    condition: Filter, row: Row, spec: FactSpec, person: Person, as_of_day: int, catalog: Catalog
) -> bool:
    if isinstance(condition, Holds):
        lines = _rows(Facts(kind="items", where=condition.where), person, None, as_of_day, catalog)
        return any(line["order_no"] == row["order_no"] for line in lines)
    return _test(condition, _fact_cell(condition, row, spec, as_of_day, catalog), as_of_day)


def _fact_cell(condition: Condition, row: Row, spec: FactSpec, as_of_day: int, catalog: Catalog) -> Any:
    if isinstance(condition.operand, Property):
        return property_cell(row.get("properties"), condition.operand.name)
    found = resolve(dated(condition.operand), catalog, spec)
    assert isinstance(found, FieldSpec)
    return stored(found, row, as_of_day, catalog)


def property_cell(properties: str | None, name: str) -> Cell:
    """Return property ``name`` of the JSON object ``properties``; only texts and numbers are values.

    A text that reads as a number is both: imports keep every property as text.
    """
    value = json.loads(properties).get(name) if properties else None
    if isinstance(value, str):
        return Cell(text=value, number=float(value) if _NUMBER.fullmatch(value) else None)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Cell(number=float(value))
    return Cell()


def _sequence(rule: Sequence, person: Person, as_of_day: int, catalog: Catalog) -> bool:
    later = _rows(rule.then, person, None, as_of_day, catalog)

    def followed(row: Row) -> bool:
        next_days = [other["day"] for other in later if other["at_s"] > row["at_s"]]
        return bool(next_days) and min(next_days) - row["day"] <= rule.within_days

    starts = _rows(rule.first, person, rule.window, as_of_day, catalog)
    if rule.missing:
        return any(row["day"] + rule.within_days <= as_of_day and not followed(row) for row in starts)
    return any(followed(row) for row in starts)
