"""Merged cells of a sheet (合并单元格): which rows of a column have the value of the first of them.

Readers of rows show a merged range as one filled cell and blank ones. The ranges stand behind the rows in
the sheet's XML; they are found as text, piece by piece, so that nothing of the XML is ever expanded.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

from koipond.ingest.privacy import masked
from koipond.kernel import InputError

_CHUNK_BYTES = 1 << 20
_RANGES_MAX = 1_000_000
_CELL = rb"\$?([A-Z]{1,3})\$?(\d{1,7})"
_RANGE = re.compile(rb"<(?:\w+:)?mergeCell\s[^<>]{0,200}?\bref=[\"']" + _CELL + b":" + _CELL + rb"[\"']")
_TAIL_BYTES = 400  # no longer can one such element be


class Range(NamedTuple):
    """Cells that are one over several rows: first and last row, last column (from 0), name in the sheet."""

    first: int
    last: int
    last_place: int
    name: str


Ranges = Mapping[int, list[Range]]
"""First column (from 0) → its ranges of several rows, in order."""


def merged_rows(path: Path, part: str, file: str) -> Ranges:
    """Return the ranges of several rows in the sheet ``part`` of a workbook, by their first column.

    Raises InputError for more ranges than a sheet of facts has.
    """
    found: defaultdict[int, list[Range]] = defaultdict(list)
    count, rest = 0, b""
    with ZipFile(path) as packed, packed.open(part) as sheet:
        while chunk := sheet.read(_CHUNK_BYTES):
            text, done = rest + chunk, 0
            for match in _RANGE.finditer(text):
                done = match.end()
                first, last = int(match[2]), int(match[4])
                count += 1
                if last > first:
                    name = b"%s%d:%s%d" % (match[1], first, match[3], last)
                    found[_place(match[1])].append(Range(first, last, _place(match[3]), name.decode()))
            rest = text[max(done, len(text) - _TAIL_BYTES) :]
            if count > _RANGES_MAX:
                raise InputError(
                    "{file}: more than {ranges_max:,} merged cells; save the sheet as CSV",
                    file=file,
                    ranges_max=_RANGES_MAX,
                )
    return {place: sorted(ranges) for place, ranges in found.items()}


def _place(letters: bytes) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + letter - ord("A") + 1
    return place - 1


class Filler:
    """Gives the cells of merged ranges the value of the first, row by row from above.

    A row without any value of its own stays blank: it is the height of the row above, no second row.
    ``used``: places of the columns that are read.
    """

    def __init__(
        self, ranges: Ranges, first_row: int, file: str, columns: Sequence[str], used: Collection[int]
    ) -> None:
        self._file, self._columns, self._used = file, columns, frozenset(used)
        self._left = {
            place: [one for one in reversed(some) if one.first >= first_row]
            for place, some in ranges.items()
            if place < len(columns)
        }
        self._under: dict[int, tuple[Range, object]] = {}

    def filled(self, number: int, cells: tuple[object, ...]) -> tuple[object, ...]:
        """Return ``cells`` of row ``number``, rows being asked for in order.

        Raises InputError when one value stands over several columns that are read, in a row with others.
        """
        if not self._left:
            return cells
        self._enter(number, cells)
        if all(cell is None for cell in cells):
            return cells
        changed: list[object] | None = None
        for place, (found, value) in self._under.items():
            self._require_one_column(place, found, cells)
            if place >= len(cells) or cells[place] is None:
                changed = changed or [*cells, *[None] * (len(self._columns) - len(cells))]
                changed[place] = value
        return cells if changed is None else tuple(changed)

    def _enter(self, number: int, cells: tuple[object, ...]) -> None:
        """Take up the ranges that begin in this row, and leave those that ended above it."""
        for place in [place for place, (found, _) in self._under.items() if found.last < number]:
            del self._under[place]
        for place, some in self._left.items():
            while some and some[-1].first <= number:
                found = some.pop()
                if found.first == number:
                    self._under[place] = found, cells[place] if place < len(cells) else None

    def _require_one_column(self, place: int, found: Range, cells: tuple[object, ...]) -> None:
        covered = range(place, min(found.last_place + 1, len(self._columns)))
        if self._used.isdisjoint(covered[1:]):
            return
        if any(cell is not None for at, cell in enumerate(cells) if at not in covered):
            raise InputError(
                "{file}: the cells {range} are one over the columns {columns} and several rows; whose value"
                " it is is not known: unmerge them, and write each value into its own cell",
                file=self._file,
                range=found.name,
                columns=", ".join(f"'{masked(self._columns[at])}'" for at in covered),
            )
