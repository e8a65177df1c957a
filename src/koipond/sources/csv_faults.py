"""Say what is wrong with a CSV file, slowly and exactly: every ragged row, the open quote, the cut end."""

import csv
from collections.abc import Iterator, Sequence

from koipond.kernel import InputError
from koipond.sources.text import TextFile

FAULTS_MAX = 20


def explain(source: TextFile, delimiter: str, columns: Sequence[str], error: Exception) -> InputError:
    """Return the InputError that names the rows of ``source`` which do not fit its header."""
    found = _ragged(source, delimiter, columns)
    if not found:
        return InputError(f"{source.name}: cannot be read as CSV ({error}); export it again as UTF-8 CSV")
    more = f"\nand more: the first {FAULTS_MAX} are shown" if len(found) > FAULTS_MAX else ""
    return InputError(
        "\n".join(found[:FAULTS_MAX])
        + more
        + "\nquote values that hold the delimiter, or pass --delimiter when it is another one"
    )


def require_closed_quotes(source: TextFile, delimiter: str) -> None:
    """Raise InputError naming the row whose quoted value never ends."""
    if source.quote_count % 2 == 0 or source.encoding == "utf-16":
        return
    opened, inside = (1, 1), 0
    with source.lines() as lines:
        for row, line in enumerate(lines, start=1):
            if '"' in line:
                before, (inside, fresh) = inside, _open_column(line, delimiter, inside)
                opened = (row, inside) if inside and (fresh or not before) else opened
    if inside:
        raise InputError(
            f"{source.name}: row {opened[0]}, column {opened[1]}: a quoted value is never closed; the file "
            "is cut off, or a quotation mark stands alone in that row"
        )


def _open_column(line: str, delimiter: str, column: int) -> tuple[int, bool]:
    """Return the column whose quoted value is still open after ``line``, 0 for none, and if it began there.

    ``column``: the one open before ``line``. Quotes inside plain values are literal.
    """
    inside, fresh = column > 0, False
    at_start = not inside
    column = column or 1
    place, end = 0, len(line)
    while place < end:
        mark = line[place]
        if inside:
            if mark == '"':
                if line[place + 1 : place + 2] == '"':
                    place += 1
                else:
                    inside = False
        elif mark == '"' and at_start:
            inside = fresh = True
        elif mark == delimiter:
            column += 1
        at_start = not inside and mark == delimiter
        place += 1
    return (column if inside else 0), fresh


def _ragged(source: TextFile, delimiter: str, columns: Sequence[str]) -> list[str]:
    found: list[str] = []
    wide = len(columns)
    row, cut = 0, 0
    with source.lines() as lines:
        for row, cells in enumerate(_records(source, lines, delimiter), start=1):
            if len(cells) in (0, wide):
                continue
            cut = row if len(cells) < wide else 0
            if len(found) <= FAULTS_MAX:
                found.append(_fault(source.name, row, cells, columns))
    if found and cut == row and len(found) <= FAULTS_MAX:
        found[-1] += ": the file seems cut off in its last row"
    return found


def _fault(file: str, row: int, cells: Sequence[str], columns: Sequence[str]) -> str:
    wide = len(columns)
    if len(cells) < wide:
        return f"{file}: row {row}: {len(cells)} of {wide} columns, none from '{columns[len(cells)]}' on"
    return f"{file}: row {row}: {len(cells)} values for {wide} columns, too many from column {wide + 1} on"


def _records(source: TextFile, lines: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        yield from reader
    except csv.Error as error:
        raise InputError(
            f"{source.name}: row {reader.line_num}: {error}; a quotation mark may be open"
        ) from error
