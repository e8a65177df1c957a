"""Code lists as shops export them (券码文件): one code a line, or a table whose header names the code (B08).

A table also says until when a code is good and whether it is still free; what says neither is not used.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from koipond.ingest.mapping import plain_name
from koipond.ingest.privacy import shown_name
from koipond.kernel import InputError, Message, all_of, joined
from koipond.sources.code_cells import MARKS, Row, clean, lines_of, split
from koipond.sources.code_words import (
    CODE,
    LAST_DAY,
    NUMBER,
    STATE,
    USED,
    USED_WHEN,
    are_counted,
    day_orders,
    is_endless,
    is_gone,
    is_used_when,
    last_day,
)
from koipond.sources.text import list_lines

_SHOWN = 10  # columns and words named one by one


@dataclass(frozen=True, slots=True)
class ListedCode:
    """One code that is free. ``last_day``: the last whole day on which it is good, as its row says."""

    line: int
    code: str
    last_day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeList:
    """The codes of a file that are free. ``gone``: how many others it marks as used or not to be given.

    ``unused``: columns that were not read; ``unnamed``: rows with cells behind a header of one column;
    ``shortened``: codes that a time of day ends on the day before.
    """

    codes: tuple[ListedCode, ...]
    gone: int = 0
    unused: tuple[str, ...] = ()
    unnamed: int = 0
    shortened: int = 0


@dataclass(frozen=True, slots=True)
class _Columns:
    names: Sequence[str]
    code: int
    days: Sequence[int]
    states: Sequence[int]


def read_codes(path: Path, most: int, column: str | None = None) -> CodeList:
    """Return the codes of a UTF-8 file of at most ``most`` lines. ``column``: the one of the codes.

    Raises InputError for a file that is none, or when nothing says which column is the code, a row has more
    cells than the header, or a last day or state cannot be read. Which codes are alike, the store says.
    """
    file = shown_name(path)
    lines = list(list_lines(path, most, "code", whole=True))
    mark = max(MARKS, key=lambda one: len(split(lines[0][1], one)))
    names = split(lines[0][1], mark)
    if column is None and len(names) == 1:
        found = _one_column(file, lines)
    else:
        rows = [(line, split(text, mark)) for line, text in lines[1:]]
        found = _table(file, _columns(file, names, rows, column), rows)
    if not found.codes and not found.gone:
        raise InputError("{path}: holds a header and no code; write one code a line", path=file)
    return found


def _one_column(file: str, lines: Sequence[tuple[int, str]]) -> CodeList:
    """Return the first cell of each line; further ones are read over when a header names the code alone."""
    rows = [(line, split(text, MARKS)) for line, text in lines]
    headed = plain_name(rows[0][1][0]) in CODE
    rows = [row for row in rows[headed:] if any(row[1])]
    wide = [row for row in rows if any(row[1][1:])]
    if len(wide) > 1 and headed and are_counted(cells[0] for _, cells in wide):
        raise InputError(
            "{file}: line {line}: the first column counts the rows (1, 2, 3 …), it is not the code; name "
            "every column in the first line, such as: no,code",
            file=file,
            line=wide[0][0],
        )
    if not headed:
        _require_one_column(file, wide)
    found = clean(file, rows, 0)
    if not headed:
        _require_alike(file, found.rows)
    behind = {line for line, cells in wide if any(is_gone(cell, flag=False) for cell in cells[1:] if cell)}
    free, gone = _by_state(file, _Columns((), 0, (), ()), found.rows, found.used | behind)
    return CodeList(
        codes=tuple(ListedCode(line, cells[0]) for line, cells in free), gone=gone, unnamed=len(wide)
    )


def _require_one_column(file: str, wide: Sequence[Row]) -> None:
    if wide:
        raise InputError(
            "{file}: line {line} has several columns and no header says which is the code; make the first "
            "line a header, such as: code",
            file=file,
            line=wide[0][0],
        )


def _require_alike(file: str, rows: Sequence[Row]) -> None:
    """Raise InputError when the first of lines without a header seems to be one."""
    plain = [cells[0].isascii() for _, cells in rows]
    if len(plain) > 1 and not plain[0] and all(plain[1:]):
        raise InputError(
            "{file}: the first line is written unlike all others; if it is a header, name it with --column; "
            "if it is a code, write a line above it: code",
            file=file,
        )


def _columns(file: str, names: Sequence[str], rows: Sequence[Row], column: str | None) -> _Columns:
    """Return where the code, its last days and its states stand."""
    plain = [plain_name(name) for name in names]
    if column is not None:
        places = [place for place, name in enumerate(names) if name == column.strip()] or [
            place for place, name in enumerate(plain) if name and name == plain_name(column)
        ]
    else:
        places = [place for place, name in enumerate(plain) if name in CODE]
    if len(places) != 1:
        raise InputError(
            "{file}: {fault}; {fix}",
            file=file,
            fault=_fault(names, rows, places, column),
            fix=Message(
                "name the column of the codes with --column NAME, as the first line writes it, or make the "
                "first line a header in which it is called: code"
            ),
        )
    others = [place for place in range(len(names)) if place != places[0]]
    days = [place for place in others if plain[place] in LAST_DAY]
    states = [place for place in others if plain[place] in STATE | USED | USED_WHEN]
    return _Columns(names, places[0], days, states)


def _fault(names: Sequence[str], rows: Sequence[Row], places: Sequence[int], column: str | None) -> Message:
    """Return why the column of the codes is not known; a code itself is worth money and is not repeated."""
    if len(places) > 1:
        several = all_of([f"'{names[place]}'" for place in places])
        return Message("several columns can be the code: {several}", several=several)
    known = LAST_DAY | STATE | USED | USED_WHEN | NUMBER
    is_header = any(plain_name(name) in known for name in names) or not re.search("[0-9]", "".join(names))
    if not is_header:
        return Message(
            "the first line is no header, and nothing says which of its {count} columns is the code",
            count=len(names),
        )
    shown = joined(", ", (f"'{name}'" for name in names[:_SHOWN]))
    if column is not None:
        return Message("--column {column}: no such column; there are {shown}", column=column, shown=shown)
    if are_counted(cells[0] for _, cells in rows if any(cells)):
        return Message(
            "no column says that it is the code, and the first one counts the rows; there are {shown}",
            shown=shown,
        )
    return Message("no column says that it is the code; there are {shown}", shown=shown)


def _table(file: str, columns: _Columns, rows: Sequence[Row]) -> CodeList:
    rows = [row for row in rows if any(row[1])]
    width = len(columns.names)
    wide = [line for line, cells in rows if any(cells[width:])]
    if wide:
        raise InputError(
            "{file}: more cells than the header has columns in {lines}; quote a cell that holds a comma, "
            "semicolon, tab or bar",
            file=file,
            lines=lines_of(wide),
        )
    rows = [(line, [*cells, *[""] * (width - len(cells))]) for line, cells in rows]
    other = [line for line, cells in rows if set(cells[columns.code]) & set(MARKS)]
    if other:
        raise InputError(
            "{file}: a comma, semicolon, tab or bar stands in the code in {lines}; separate the columns as "
            "the first line does",
            file=file,
            lines=lines_of(other),
        )
    found = clean(file, rows, columns.code)
    free, gone = _by_state(file, columns, found.rows, found.used)
    days, shortened = _last_days(file, columns, free)
    read = {columns.code, *columns.days, *columns.states}
    return CodeList(
        codes=tuple(
            ListedCode(line, cells[columns.code], day) for (line, cells), day in zip(free, days, strict=True)
        ),
        gone=gone,
        unused=tuple(name for place, name in enumerate(columns.names) if place not in read and name),
        shortened=shortened,
    )


def _mark(name: str, cell: str) -> bool | None:
    """Say whether ``cell`` of the column ``name`` means that a code is gone; None when that is not known."""
    plain = plain_name(name)
    return is_used_when(cell) if plain in USED_WHEN else is_gone(cell, flag=plain in USED)


def _by_state(
    file: str, columns: _Columns, rows: Sequence[Row], used: Collection[int]
) -> tuple[list[Row], int]:
    """Return the rows whose code is free, and how many others there are. ``used``: lines said to be gone."""
    free, gone = [], {}
    unknown: dict[tuple[str, str], int] = {}
    for line, cells in rows:
        marks: list[bool | None] = [line in used]
        for place in columns.states:
            name = columns.names[place]
            mark = _mark(name, cells[place])
            if mark is None:
                unknown.setdefault((name, cells[place]), line)
            marks.append(mark)
        if any(marks):
            gone[cells[columns.code].casefold()] = line
        else:
            free.append((line, cells))
    if unknown:
        words = [
            Message("line {line}, {name}: '{word}'", line=line, name=name, word=word)
            for (name, word), line in list(unknown.items())[:_SHOWN]
        ]
        raise InputError(
            "{file}: these do not say whether a code is still free: {words}; write used or unused, or remove "
            "these lines or the column",
            file=file,
            words=joined("; ", words),
        )
    both = [line for line, cells in free if cells[columns.code].casefold() in gone]
    if both:
        raise InputError(
            "{file}: codes are marked as free here and as used in another line: {lines}; remove one of each",
            file=file,
            lines=lines_of(both),
        )
    return free, len(rows) - len(free)


def _last_days(file: str, columns: _Columns, rows: Sequence[Row]) -> tuple[list[date | None], int]:
    """Return the earliest last day that each row names, and how many a time of day has cost a day."""
    found: list[date | None] = [None] * len(rows)
    short: set[int] = set()
    for place in columns.days:
        orders = day_orders(cells[place] for _, cells in rows)
        for index, (line, cells) in enumerate(rows):
            if is_endless(cells[place]):
                continue
            read = last_day(cells[place], orders)
            if read is None:
                raise InputError(
                    "{file}: line {line}, {name}: '{cell}' is no date that is read in one way only; write it "
                    "as YYYY-MM-DD, or remove the column and pass --expires-on",
                    file=file,
                    line=line,
                    name=columns.names[place],
                    cell=cells[place],
                )
            day, early = read
            if early:
                short.add(index)
            known = found[index]
            found[index] = day if known is None else min(known, day)
    return found, len(short)
