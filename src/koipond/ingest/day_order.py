"""Is 03/04/2025 in March or in April (日月顺序)? Decided on every date of the column, never on a sample."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from koipond.facts.ports import IbisTable, Reader
from koipond.ingest.shapes import Shape, first
from koipond.kernel import InputError, Message, all_of, any_of

_ORDERS = {"dmy": "%d{s}%m{s}%{y}", "mdy": "%m{s}%d{s}%{y}", "ymd": "%y{s}%m{s}%d"}


def day_order(
    reader: Reader,
    table: IbisTable,
    field: str,
    family: str,
    told: str | None,
    shapes: Sequence[Shape],
    file: str,
) -> str:
    """Return the strptime pattern of ``family`` (``?`` mark, year) as told, else as all its dates allow.

    Raises InputError, naming rows and what to pass, when both orders fit and differ, or none does.
    """
    mark, year = family[1], family[2]
    names = ("dmy", "mdy") if year == "Y" else ("dmy", "mdy", "ymd")
    if told is not None:
        if told not in names:
            shape = first(shapes)
            raise InputError(
                "{file}: row {row}, {field}: '{example}' is not written in the order {told}; "
                "pass --date-format {names}, or leave it out",
                file=file,
                row=shape.row,
                field=field,
                example=shape.example,
                told=told,
                names=any_of([names[0], *(f"--date-format {name}" for name in names[1:])]),
            )
        return _ORDERS[told].format(s=mark, y=year)
    readings = _readings(reader, table, field, mark, names)
    possible = [r for r in readings if any(r.dates.values())]
    fitting = [name for name in names if all(r.dates[name] for r in possible)]
    if fitting and all(len({r.dates[name] for name in fitting}) == 1 for r in possible):
        return _ORDERS[fitting[0]].format(s=mark, y=year)
    if fitting:
        example = min(possible, key=lambda r: r.row)
        raise InputError(
            "{file}: {field} can be read as {fitting} (row {row} '{text}'), and no row tells "
            "which; pass --date-format {options}",
            file=file,
            field=field,
            fitting=any_of(fitting),
            row=example.row,
            text=example.text,
            options=any_of([fitting[0], *(f"--date-format {name}" for name in fitting[1:])]),
        )
    firsts = [min((r for r in possible if not r.dates[name]), key=lambda r: r.row) for name in names]
    raise InputError(
        "{file}: {field} mixes day and month in different orders: {rows}; write them all alike, or pass"
        " --date-format {names} (rows written otherwise are then put aside)",
        file=file,
        field=field,
        rows=all_of(
            [
                Message("row {row} '{text}'", row=one.row, text=one.text)
                for one in sorted(set(firsts), key=lambda one: one.row)
            ]
        ),
        names=any_of(names),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    row: int
    text: str
    dates: Mapping[str, tuple[int, int, int] | None]


def _readings(
    reader: Reader, table: IbisTable, field: str, mark: str, names: Sequence[str]
) -> list[_Reading]:
    """Every different date of the column with the dates it can mean under each order."""
    pattern = rf"^([0-9]{{1,2}})[{re.escape(mark)}]([0-9]{{1,2}})[{re.escape(mark)}]([0-9]{{2,4}})"
    dated = table.filter(table[field].re_search(pattern))
    texts = dated.group_by(text=dated[field].re_extract(pattern, 0)).agg(row=lambda t: t["row"].min())
    found = []
    for item in reader.frame(texts).to_pylist():
        a, b, c = (int(part) for part in item["text"].split(mark))
        dates = {name: _date(name, a, b, c) for name in names}
        found.append(_Reading(item["row"], item["text"], dates))
    return found


def _date(order: str, a: int, b: int, c: int) -> tuple[int, int, int] | None:
    parts = dict(zip(order, (a, b, c), strict=True))
    year, month, day = parts["y"], parts["m"], parts["d"]
    full = year if year > 99 else 2000 + year if year < 69 else 1900 + year
    try:
        datetime(full, month, day)  # noqa: DTZ001  only to see whether there is such a day
    except ValueError:
        return None
    return full, month, day
