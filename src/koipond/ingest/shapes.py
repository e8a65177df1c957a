"""The shapes of a text column: every digit as 9, so that a million values become a handful of patterns.

How numbers and dates are written is decided on shapes of the whole column, never on a sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis

from koipond.ingest.ports import IbisTable, Reader
from koipond.kernel import InputError

SHAPES_MAX = 20_000


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
    value = table[field].translate("012345678", "999999999")
    zero = table[field].re_search("^[^0-9]*0")
    grouped = (
        table.filter(table[field].notnull())
        .group_by(shape=value, zero=zero)
        .agg(
            count=lambda t: t.count(),
            row=lambda t: t["row"].min(),
            example=lambda t: t[field].argmin(t["row"]),
        )
        .order_by(ibis.desc("count"), "row")
        .limit(SHAPES_MAX + 1)
    )
    found = reader.frame(grouped).to_pylist()
    if len(found) > SHAPES_MAX:
        raise InputError(
            f"the column for {field} holds no {what} (such as '{found[0]['example']}'); "
            f"choose another with --map {field}=COLUMN"
        )
    return [
        Shape(text=f["shape"], leading_zero=f["zero"], count=f["count"], row=f["row"], example=f["example"])
        for f in found
    ]


def first(shapes: Sequence[Shape]) -> Shape:
    """Return the shape that appears first in the file."""
    return min(shapes, key=lambda shape: shape.row)
