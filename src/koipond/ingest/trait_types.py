"""Traits typed at import (属性类型): by what the workspace declares, else by what every value shows.

A date becomes its ISO day, so that texts in order are days in order; a number becomes one whatever its marks.
A declared trait that cannot be read that way stops the import or is left out and counted; an undeclared one
stays the text it is. Case U06.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Writer
from koipond.ingest.functions import day_text
from koipond.ingest.instants import choose_instants
from koipond.ingest.model import ImportRequest
from koipond.ingest.numbers import Marks, choose_marks, number_reading, read_number
from koipond.ingest.readings import Readings
from koipond.ingest.shapes import column_shapes
from koipond.ingest.timing import Setting, instant_columns
from koipond.kernel import InputError

ISO_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_NUMBER = r"^-?[0-9]{1,15}(\.[0-9]{1,15})?([eE][+\-]?[0-9]{1,2})?$"
_DATE = (
    r"^([0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日"
    r"|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4}|[0-9]{1,2}[ -]\pL{3,9}[ -][0-9]{4})"
    r"([T ]+[0-9]{1,2}:[0-9]{2}.*)?$"
)
_MARKED = (
    r"^[^0-9A-Za-z.,-]{0,3} ?-?[0-9]{1,3}([,. '][0-9]{3})+([.,][0-9]{1,2})?(e[0-9])? ?[元€]?$"
    r"|^[¥￥$€£]? ?-?[0-9]+([.,][0-9]+)?(e[0-9])? ?[元€]?$"
)
_ODD = r"[0-9０-９].*[^ -~]|[^ -~].*[0-9]|[0-9] ?(?i:rb|ribu|jt|juta)$"
_WIDE, _PLAIN = "０１２３４５６７８９．，－–−\u00a0\u202f\u2009\u3000", "0123456789.,---    "
_POWERS = {"千": 3, "万|萬": 4, "亿|億": 8, "(?i:rb|ribu)": 3, "(?i:jt|juta)": 6}


@dataclass(frozen=True, slots=True)
class _Column:
    """One trait of the file: what it is to be, and whether the workspace says so."""

    name: str
    type: str  # date | number
    declared: bool


def typed(
    writer: Writer, traits: IbisTable, request: ImportRequest, setting: Setting, file: str
) -> tuple[IbisTable, dict[str, int]]:
    """Return ``traits`` (name, row, text_value …) with dates as ISO days and the column ``number_value``.

    Also returns how many values of a declared trait could not be read, by ``trait_NAME_no_date`` or so: they
    are left out.
    Raises InputError, naming file and row, for a declared date or number that no or two readings fit.
    """
    written = _plainly(traits.text_value)
    number = ibis.ifelse(written.re_search(_NUMBER), written.try_cast("float64"), ibis.null("float64"))
    done = traits.mutate(number_value=number)
    unread: dict[str, int] = {}
    for column in _columns(writer, traits, request.trait_types):
        rows = traits.filter(traits.name == column.name).select("row", **{column.name: traits.text_value})
        try:
            read = _read(writer, rows, column, request, setting, file)
        except InputError:
            if column.declared:
                raise
            continue
        done = _with(done, read, column)
        missing = int(writer.scalar(read.filter(read.value.isnull()).count()))
        if missing and (column.declared or column.type == "date"):
            unread[f"trait_{column.name}_no_{column.type}"] = missing
    return done.filter(done.text_value.notnull()), unread


def _plainly(text: Any) -> Any:
    """Return the column ``text`` with marks of ASCII in its numbers, 万 and the like as powers of ten."""
    plain = text.translate(_WIDE, _PLAIN)
    for words, power in _POWERS.items():
        plain = plain.re_replace(rf"^([^0-9]{{0,4}}[0-9.,]+) ?(?:{words})(元?)$", rf"\1e{power}\2")
    return ibis.ifelse(text.re_search(_ODD), plain, text)


def _columns(writer: Writer, traits: IbisTable, declared: Mapping[str, str]) -> list[_Column]:
    text = traits.text_value
    written = _plainly(text)
    counts = traits.group_by("name").agg(
        rows=traits.count(),
        iso=text.re_search(ISO_DAY).sum(),
        date=text.re_search(_DATE).sum(),
        plain=written.re_search(_NUMBER).sum(),
        marked=(written.re_search(_MARKED) | written.re_search(_NUMBER)).sum(),
    )
    found = []
    for row in writer.frame(counts.order_by("name")).to_pylist():
        told = declared.get(row["name"])
        if told == "date" or (told is None and row["date"] == row["rows"]):
            if row["iso"] < row["rows"]:
                found.append(_Column(row["name"], "date", told is not None))
        elif (told == "number" or (told is None and row["marked"] == row["rows"])) and row["plain"] < row[
            "rows"
        ]:
            found.append(_Column(row["name"], "number", told is not None))
    return found


def _read(
    writer: Writer, rows: IbisTable, column: _Column, request: ImportRequest, setting: Setting, file: str
) -> Any:
    """Return row and what stands there: ``value``, null where it cannot be read."""
    if column.type == "number":
        rows = rows.mutate(**{column.name: _plainly(rows[column.name])})
    shapes = column_shapes(writer, rows, column.name, what=f"{column.type}s")
    if column.type == "date":
        told = request.date_format if column.declared else None
        reading = choose_instants(writer, rows, column.name, shapes, told, file)
        # as birthdays: nobody knows whether 1970-01-01 is a day of somebody or none
        readings = Readings(marks=Marks(), numbers={}, instants={"birthday": reading}, tables={})
        dated = rows.rename({"birthday": column.name})
        days, _ = instant_columns(writer, dated, readings, setting)
        return dated.select("row", value=day_text(days["birthday_day"]))
    marks = choose_marks({column.name: shapes}, request.decimal, request.thousands, file)
    number = read_number(rows[column.name], number_reading(shapes, marks))
    return rows.select("row", value=number.cast("float64"))


def _with(traits: IbisTable, read: IbisTable, column: _Column) -> IbisTable:
    read = read.select(read_row="row", value="value")
    joined = traits.left_join(read, (traits.row == read.read_row) & (traits.name == column.name))
    mine = joined.name == column.name
    if column.type == "date":
        changed = {"text_value": ibis.ifelse(mine, joined.value, joined.text_value)}
    elif column.declared:
        kept = ibis.ifelse(mine & joined.value.isnull(), ibis.null("string"), joined.text_value)
        changed = {"number_value": ibis.ifelse(mine, joined.value, joined.number_value), "text_value": kept}
    else:
        changed = {"number_value": ibis.ifelse(mine, joined.value, joined.number_value)}
    return joined.mutate(**changed).drop("read_row", "value")
