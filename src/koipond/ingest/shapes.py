"""The shapes of a text column: every digit as 9, so that a million values become a handful of patterns.

How numbers and dates are written is decided on shapes of the whole column, never on a sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis

from koipond.facts.ports import IbisTable, Reader
from koipond.kernel import InputError

SHAPES_MAX = 20_000
_EXAMPLES = 100
_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(?: [0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)?$"
_PLAIN = r"^-?[0-9]+(?:\.[0-9]+)?$"
_ISO_SHAPE = "9999-99-99 99:99:99.999999999"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One way of writing: ``text`` with 9 for every digit. ``example`` stands in ``row``."""

    text: str
    leading_zero: bool
    count: int
    row: int
    example: str


def column_shapes(reader: Reader, table: IbisTable, field: str, *, what: str) -> list[Shape]:
    """Return the shapes of column ``field``, the most frequent first; missing values have none.

    Raises InputError when there are more than 20,000: such a column holds no ``what``.
    """
    text = table[field]
    # the usual ways of writing are told by lengths alone: translating every digit costs ten times as much
    iso, plain = text.re_search(_ISO), text.re_search(_PLAIN)
    shape = ibis.cases(
        (iso, ibis.literal(_ISO_SHAPE).substr(0, text.length())),
        (plain, ibis.literal("")),
        else_=text.translate("012345678", "999999999"),
    )
    grouped = (
        table.filter(text.notnull())
        .group_by(
            shape=shape,
            zero=text.startswith("0") | text.startswith("-0"),
            length=ibis.ifelse(plain, text.length(), 0),
            point=ibis.ifelse(plain, text.find("."), 0),
            minus=ibis.ifelse(plain, text.startswith("-"), False),
        )
        .agg(count=lambda t: t.count(), row=lambda t: t["row"].min())
        .order_by(ibis.desc("count"), "row")
        .limit(SHAPES_MAX + 1)
    )
    found = reader.frame(grouped).to_pylist()
    examples = _examples(reader, table, field, [item["row"] for item in found])
    if len(found) > SHAPES_MAX:
        raise InputError(
            "the column for {field} holds no {what} (such as '{examples}'); choose another "
            "with --map {field}=COLUMN",
            field=field,
            what=what,
            examples=examples[found[0]["row"]],
        )
    return [
        Shape(
            text=item["shape"] or _plain_shape(item["length"], item["point"], item["minus"]),
            leading_zero=item["zero"],
            count=item["count"],
            row=item["row"],
            example=examples.get(item["row"], item["shape"]),
        )
        for item in found
    ]


def _plain_shape(length: int, point: int, minus: bool) -> str:
    digits = "9" * (length - minus)
    if point >= 0:
        digits = digits[: point - minus] + "." + digits[point - minus + 1 :]
    return "-" * minus + digits


def _examples(reader: Reader, table: IbisTable, field: str, rows: list[int]) -> dict[int, str]:
    """The texts in ``rows``: of the most frequent shapes and of those that appear first."""
    shown = {*rows[:_EXAMPLES], *sorted(rows)[:_EXAMPLES]}
    if not shown:
        return {}
    found = reader.frame(table.filter(table["row"].isin(sorted(shown))).select("row", text=table[field]))
    return {item["row"]: item["text"] for item in found.to_pylist()}


def first(shapes: Sequence[Shape]) -> Shape:
    """Return the shape that appears first in the file."""
    return min(shapes, key=lambda shape: shape.row)
