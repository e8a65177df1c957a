"""Say what is wrong with a CSV file, slowly and exactly: every ragged row, the cut end."""

import csv
from collections.abc import Iterator, Sequence

from koipond.kernel import InputError
from koipond.sources.text import TextFile, bounded_lines

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
