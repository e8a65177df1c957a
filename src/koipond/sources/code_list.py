"""Code lists as shops export them (券码文件): one code a line, or a table whose header names the code (B08).

A table also says until when a code is good and whether it is still free; what says neither is not used.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from koipond.ingest.mapping import plain_name
from koipond.ingest.privacy import shown_name
from koipond.ingest.spellings import unguarded
from koipond.kernel import InputError, Message, all_of, joined, shortened
from koipond.sources.code_words import (
    CODE,
    LAST_DAY,
    NUMBER,
    STATE,
    USED,
    are_counted,
    day_orders,
    is_endless,
    is_gone,
    last_day,
)
from koipond.sources.text import list_lines

_MARKS = "\t,;|，；"
_SHOWN = 10  # columns, lines and words named one by one


def _cell(marks: str) -> re.Pattern[str]:
    """Return what reads one cell: guarded, quoted, or up to the next of ``marks``."""
    end = rf" *(?=[{marks}]|$)"
    return re.compile(rf' *(?:="([^"]*)"{end}|"((?:[^"]|"")*)"{end}|([^{marks}]*))')


_CELLS = {marks: _cell(marks) for marks in (_MARKS, *_MARKS)}


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


_Row = tuple[int, list[str]]


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
    mark = max(_MARKS, key=lambda one: len(_split(lines[0][1], one)))
    names = _split(lines[0][1], mark)
    if column is None and len(names) == 1:
        found = _one_column(file, lines)
    else:
        rows = [(line, _split(text, mark)) for line, text in lines[1:]]
        found = _table(file, _columns(file, names, rows, column), rows)
    if not found.codes and not found.gone:
        raise InputError("{path}: holds a header and no code; write one code a line", path=file)
    return found


def _split(text: str, marks: str) -> list[str]:
    cells, place = [], 0
    while True:
        match = _CELLS[marks].match(text, place)
        assert match is not None  # it matches the empty text
        guarded, quoted, plain = match.groups()
        cell = guarded if guarded is not None else plain if quoted is None else quoted.replace('""', '"')
        cells.append(unguarded(cell.strip()))
        place = match.end() + 1
        if place > len(text):
            return cells


def _one_column(file: str, lines: Sequence[tuple[int, str]]) -> CodeList:
    """Return the first cell of each line; further ones are read over when a header names the code alone."""
    rows = [(line, _split(text, _MARKS)) for line, text in lines]
    headed = plain_name(rows[0][1][0]) in CODE
    rows = [row for row in rows[headed:] if any(row[1])]
    wide = [row for row in rows if any(row[1][1:])]
    if not headed:
        _require_codes_alone(file, rows, wide)
    if len(wide) > 1 and are_counted(cells[0] for _, cells in wide):
        raise InputError(
            "{file}: line {line}: the first column counts the rows (1, 2, 3 …), it is not the code; name "
            "every column in the first line, such as: no,code",
            file=file,
            line=wide[0][0],
        )
    return CodeList(codes=tuple(ListedCode(line, cells[0]) for line, cells in rows), unnamed=len(wide))


def _require_codes_alone(file: str, rows: Sequence[_Row], wide: Sequence[_Row]) -> None:
    """Raise InputError when lines without a header are more than one code each, or the first seems none."""
    if wide:
        raise InputError(
            "{file}: line {line} has several columns and no header says which is the code; make the first "
            "line a header, such as: code",
            file=file,
            line=wide[0][0],
        )
    plain = [cells[0].isascii() for _, cells in rows]
    if len(plain) > 1 and not plain[0] and all(plain[1:]):
        raise InputError(
            "{file}: the first line is written unlike all others; if it is a header, name it with --column; "
            "if it is a code, write a line above it: code",
            file=file,
        )


def _columns(file: str, names: Sequence[str], rows: Sequence[_Row], column: str | None) -> _Columns:
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
    states = [place for place in others if plain[place] in STATE | USED]
    return _Columns(names, places[0], days, states)


def _fault(names: Sequence[str], rows: Sequence[_Row], places: Sequence[int], column: str | None) -> Message:
    """Return why the column of the codes is not known; a code itself is worth money and is not repeated."""
    if len(places) > 1:
        several = all_of([f"'{names[place]}'" for place in places])
        return Message("several columns can be the code: {several}", several=several)
    known = LAST_DAY | STATE | USED | NUMBER
    is_header = any(plain_name(name) in known for name in names) or not re.search("[0-9]", "".join(names))
    if not is_header:
        return Message(
            "the first line is no header, and nothing says which of its {count} columns is the code",
            count=len(names),
        )
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN])
    if column is not None:
        return Message("--column {column}: no such column; there are {shown}", column=column, shown=shown)
    if are_counted(cells[0] for _, cells in rows if any(cells)):
        return Message(
            "no column says that it is the code, and the first one counts the rows; there are {shown}",
            shown=shown,
        )
    return Message("no column says that it is the code; there are {shown}", shown=shown)


def _table(file: str, columns: _Columns, rows: Sequence[_Row]) -> CodeList:
    rows = [row for row in rows if any(row[1])]
    width = len(columns.names)
    wide = [line for line, cells in rows if any(cells[width:])]
    if wide:
        raise InputError(
            "{file}: more cells than the header has columns in {lines}; quote a cell that holds a comma, "
            "semicolon, tab or bar",
            file=file,
            lines=_lines(wide),
        )
    rows = [(line, [*cells, *[""] * (width - len(cells))]) for line, cells in rows]
    other = [line for line, cells in rows if set(cells[columns.code]) & set(_MARKS)]
    if other:
        raise InputError(
            "{file}: a comma, semicolon, tab or bar stands in the code in {lines}; separate the columns as "
            "the first line does",
            file=file,
            lines=_lines(other),
        )
    free, gone = _by_state(file, columns, rows)
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


def _by_state(file: str, columns: _Columns, rows: Sequence[_Row]) -> tuple[list[_Row], int]:
    """Return the rows whose code is free, and how many others there are."""
    free, gone = [], {}
    unknown: dict[tuple[str, str], int] = {}
    for line, cells in rows:
        marks = []
        for place in columns.states:
            name = columns.names[place]
            mark = is_gone(cells[place], flag=plain_name(name) in USED)
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
            lines=_lines(both),
        )
    return free, len(rows) - len(free)


def _last_days(file: str, columns: _Columns, rows: Sequence[_Row]) -> tuple[list[date | None], int]:
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


def _lines(lines: Sequence[int]) -> Message:
    return shortened(", ", [Message("line {line}", line=line) for line in lines], _SHOWN)
