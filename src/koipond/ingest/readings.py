"""Decide, on the whole staged file, how its numbers, dates and words are to be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Reader
from koipond.ingest.fields import FIELDS
from koipond.ingest.instants import InstantReading, choose_instants
from koipond.ingest.mapping import ColumnMap
from koipond.ingest.model import ImportRequest
from koipond.ingest.numbers import Marks, NumberReading, choose_marks, number_reading, read_number
from koipond.ingest.ports import RowSource
from koipond.ingest.shapes import column_shapes
from koipond.ingest.words import meanings, word_table
from koipond.kernel import InputError, Message, joined

WORDS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """How each column is read. ``tables``: field → word in the file → meaning; others are unknown."""

    marks: Marks
    numbers: Mapping[str, NumberReading]
    instants: Mapping[str, InstantReading]
    tables: Mapping[str, Mapping[str, str]]
    negative_discounts: bool = False

    def shown(self) -> dict[str, str]:
        """Return the formats in words, as the import prints them."""
        shown = {"numbers": self.marks.shown()} if self.numbers else {}
        shown |= {field: reading.shown() for field, reading in self.instants.items()}
        for field, table in self.tables.items():
            if table:  # a column may stand in the file without a single word in it
                shown[field] = joined(", ", [f"{word} = {meaning}" for word, meaning in table.items()])
        if self.negative_discounts:
            shown["discount"] = Message("negative values are discounts")
        return shown


def decide(
    reader: Reader,
    table: IbisTable,
    mapping: ColumnMap,
    request: ImportRequest,
    rows: RowSource,
    *,
    minor_digits: int = 2,
    heads: IbisTable | None = None,
    pointed: bool = False,
) -> Readings:
    """Return how the columns of ``table`` are read; raise InputError when two ways fit, naming the option.

    ``heads``: those columns of it that stand in a file of their own, one row an order. ``pointed``: a
    point in money is the decimal one.
    """
    numeric, instants, tables = {}, {}, {}
    for field in FIELDS[request.kind]:
        if field.name not in mapping:
            continue
        where = said_in(table, heads, field.name)
        if field.type in ("number", "money"):
            numeric[field.name] = column_shapes(reader, where, field.name, what=Message("numbers"))
        elif field.type == "instant":
            shapes = column_shapes(reader, where, field.name, what=Message("dates"))
            instants[field.name] = choose_instants(
                reader, where, field.name, shapes, request.date_format, rows.file
            )
        elif field.type in ("status", "truth"):
            tables[field.name] = _words(reader, where, field.name, request, rows.file)
    text = {name: shapes for name, shapes in numeric.items() if not rows.is_exact(mapping.columns[name][0])}
    money = {field.name for field in FIELDS[request.kind] if field.type == "money"}
    whole = money if minor_digits == 0 else ()
    marks = choose_marks(
        text, request.decimal, request.thousands, rows.file, whole=whole, pointed=money if pointed else ()
    )
    numbers = {
        name: number_reading(shapes, marks if name in text else Marks(".", ""))
        for name, shapes in numeric.items()
    }
    return Readings(
        marks=marks,
        numbers=numbers,
        instants=instants,
        tables=tables,
        negative_discounts="discount" in numbers
        and _all_negative(reader, said_in(table, heads, "discount"), numbers["discount"]),
    )


def said_in(table: IbisTable, heads: IbisTable | None, field: str) -> IbisTable:
    """Return where the column of ``field`` stands as its file has it: in ``heads``, else in ``table``."""
    return table if heads is None or field not in heads.columns else heads


def read_word(text: Any, table: Mapping[str, str]) -> Any:
    """Return the meaning of ``text`` by ``table``, null for a word it does not hold."""
    if not table:
        return ibis.null("string")
    return ibis.cases(
        *((text == word, meaning) for word, meaning in table.items()), else_=ibis.null("string")
    )


def _words(
    reader: Reader, table: IbisTable, field: str, request: ImportRequest, file: str
) -> Mapping[str, str]:
    distinct = table.select(word=table[field]).filter(lambda t: t["word"].notnull()).distinct()
    found = sorted(reader.frame(distinct.limit(WORDS_MAX + 1)).column("word").to_pylist())
    if len(found) > WORDS_MAX:
        raise InputError(
            "{file}: the column for {field} holds more than {words_max} different values "
            "(such as '{found}'); choose another with --map {field}=COLUMN",
            file=file,
            field=field,
            words_max=WORDS_MAX,
            found=found[0],
        )
    if request.kind == "orders":
        return meanings(found, word_table("status"), request.statuses)
    known = word_table("consent" if request.kind == "consents" else "truth")
    return meanings(found, known, request.statuses)


def _all_negative(reader: Reader, table: IbisTable, reading: NumberReading) -> bool:
    value = read_number(table["discount"], reading)
    low, high = reader.frame(table.agg(low=value.min(), high=value.max())).to_pylist()[0].values()
    return low is not None and low < 0 and high <= 0
