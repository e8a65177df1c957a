"""Merged cells of a sheet (合并单元格): which rows of a column have the value of the first of them.

Readers of rows show a merged range as one filled cell and blank ones. The ranges stand behind the rows in
the sheet's XML; they are found as text, piece by piece, so that nothing of the XML is ever expanded.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

from koipond.kernel import InputError

_CHUNK_BYTES = 1 << 20
_RANGES_MAX = 1_000_000
_RANGE = re.compile(
    rb"<(?:\w+:)?mergeCell\s[^<>]{0,200}?\bref=[\"']\$?([A-Z]{1,3})\$?(\d{1,7}):\$?[A-Z]{1,3}\$?(\d{1,7})[\"']"
)
_TAIL_BYTES = 400  # no longer can one such element be

Ranges = Mapping[int, list[tuple[int, int]]]
"""Column (from 0) → first and last row of each range of several rows, in order."""


def merged_rows(path: Path, part: str, file: str) -> Ranges:
    """Return the ranges of several rows in the sheet ``part`` of a workbook, by their first column.

    Raises InputError for more ranges than a sheet of facts has.
    """
    found: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    count, rest = 0, b""
    with ZipFile(path) as packed, packed.open(part) as sheet:
        while chunk := sheet.read(_CHUNK_BYTES):
            text, done = rest + chunk, 0
            for match in _RANGE.finditer(text):
                done = match.end()
                first, last = int(match[2]), int(match[3])
                count += 1
                if last > first:
                    found[_place(match[1])].append((first, last))
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
    """Gives the cells of merged ranges the value of the first, row by row from above."""

    def __init__(self, ranges: Ranges, first_row: int) -> None:
        self._left = {
            place: [one for one in reversed(some) if one[0] >= first_row] for place, some in ranges.items()
        }
        self._under: dict[int, tuple[int, object]] = {}

    def filled(self, number: int, cells: tuple[object, ...]) -> tuple[object, ...]:
        """Return ``cells`` of row ``number``, rows being asked for in order."""
        changed: list[object] | None = None
        for place, some in self._left.items():
            while some and some[-1][0] <= number:
                first, last = some.pop()
                if first == number:
                    self._under[place] = last, cells[place] if place < len(cells) else None
            last, value = self._under.get(place, (0, None))
            if number <= last and place < len(cells) and cells[place] is None:
                changed = changed or list(cells)
                changed[place] = value
        return cells if changed is None else tuple(changed)
