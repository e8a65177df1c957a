"""Say what is wrong with a CSV file, slowly and exactly: every ragged row, the cut end."""

import csv
from collections.abc import Iterator, Sequence

from koipond.kernel import InputError, Message, joined
from koipond.sources.text import TextFile, bounded_lines

FAULTS_MAX = 20


def explain(source: TextFile, delimiter: str, columns: Sequence[str], error: Exception) -> InputError:
    """Return the InputError that names the rows of ``source`` which do not fit its header."""
    found = _ragged(source, delimiter, columns)
    if not found:
        return InputError(
            "{name}: cannot be read as CSV ({error}); export it again as UTF-8 CSV",
            name=source.name,
            error=error,
        )
    more = (
        Message("\nand more: the first {faults_max} are shown", faults_max=FAULTS_MAX)
        if len(found) > FAULTS_MAX
        else ""
    )
    return InputError(
        "{faults}\nquote values that hold the delimiter, or pass --delimiter when it is another one",
        faults=joined("\n", found[:FAULTS_MAX]) + more,
    )


def _ragged(source: TextFile, delimiter: str, columns: Sequence[str]) -> list[str]:
    found: list[str] = []
    wide = len(columns)
    row, cut = 0, 0
    with source.lines() as opened:
        lines = bounded_lines(opened, source.name)
        for row, cells in enumerate(_records(source, lines, delimiter), start=1):
            if len(cells) in (0, wide):
                continue
            cut = row if len(cells) < wide else 0
            if len(found) <= FAULTS_MAX:
                found.append(_fault(source.name, row, cells, columns))
    if found and cut == row and len(found) <= FAULTS_MAX:
        found[-1] += Message(": the file seems cut off in its last row")
    return found


def _fault(file: str, row: int, cells: Sequence[str], columns: Sequence[str]) -> str:
    wide = len(columns)
    if len(cells) < wide:
        return Message(
            "{file}: row {row}: {count} of {wide} columns, none from '{columns}' on",
            file=file,
            row=row,
            count=len(cells),
            wide=wide,
            columns=columns[len(cells)],
        )
    return Message(
        "{file}: row {row}: {count} values for {wide} columns, too many from column {other_wide} on",
        file=file,
        row=row,
        count=len(cells),
        wide=wide,
        other_wide=wide + 1,
    )


def _records(source: TextFile, lines: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        yield from reader
    except csv.Error as error:
        raise InputError(
            "{name}: row {line_num}: {error}; a quotation mark may be open",
            name=source.name,
            line_num=reader.line_num,
            error=error,
        ) from error
