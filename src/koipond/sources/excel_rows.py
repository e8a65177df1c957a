"""The first sheet of an Excel workbook as batches of text, read row by row."""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa

from koipond.kernel import InputError
from koipond.sources.batches import text_batch
from koipond.sources.header import column_names

BATCH_ROWS = 1 << 14


class ExcelRows:
    """One sheet of a workbook (port `RowSource`); formulas count as the value last computed."""

    def __init__(self, path: Path, fingerprint: str, sheet: str | None = None) -> None:
        self.file = path.name
        self._path = path
        self.total_bytes = path.stat().st_size
        self._book = self._open()
        names = self._book.sheetnames
        if sheet is not None and sheet not in names:
            raise InputError(f"{self.file}: has no sheet '{sheet}'; it has {', '.join(names)}")
        self._sheet = self._book[sheet or names[0]]
        self.fingerprint = f"{fingerprint}:{sheet or names[0]}"
        header = next(self._sheet.iter_rows(values_only=True), None)
        if header is None:
            raise InputError(f"{self.file}: sheet '{self._sheet.title}' is empty; pass --sheet for another")
        cells = [None if cell is None else str(cell) for cell in header]
        while cells and cells[-1] is None:
            cells.pop()
        self.columns = column_names(self.file, cells)
        self.details: Mapping[str, str] = {"format": "excel", "sheet": str(self._sheet.title)}
        self._texts: set[str] = set()
        self._done_rows = 0

    def _open(self) -> Any:
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException

        try:
            return load_workbook(self._path, read_only=True, data_only=True)
        except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
            raise InputError(
                f"{self.file}: not a whole Excel workbook ({error}); it is cut off or damaged, save it again"
            ) from error

    def is_exact(self, column: str) -> bool:
        return column not in self._texts

    def done_bytes(self) -> int:
        rows = self._sheet.max_row or self._done_rows or 1
        return min(self.total_bytes, self.total_bytes * self._done_rows // rows)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        places = [self.columns.index(column) for column in columns]
        rows: list[tuple[Any, ...]] = []
        first = 2
        for number, cells in enumerate(self._sheet.iter_rows(min_row=2, values_only=True), start=2):
            self._require_width(number, cells)
            rows.append(cells)
            if len(rows) == BATCH_ROWS:
                yield self._batch(first, columns, places, rows)
                first, rows = number + 1, []
            self._done_rows = number
        if rows:
            yield self._batch(first, columns, places, rows)
        if self._done_rows < 2:
            raise InputError(f"{self.file}: sheet '{self._sheet.title}' has a header row but no data")

    def _require_width(self, number: int, cells: Sequence[Any]) -> None:
        extra = next((i for i, c in enumerate(cells) if i >= len(self.columns) and c is not None), None)
        if extra is not None:
            raise InputError(
                f"{self.file}: row {number}, column {extra + 1}: a value beyond the {len(self.columns)} "
                "named columns; name that column in row 1 or clear it"
            )

    def _batch(
        self, first: int, columns: Sequence[str], places: Sequence[int], rows: Sequence[tuple[Any, ...]]
    ) -> pa.RecordBatch:
        arrays = []
        for name, place in zip(columns, places, strict=True):
            values = [row[place] if place < len(row) else None for row in rows]
            if any(isinstance(value, str) and value.strip() for value in values):
                self._texts.add(name)
            arrays.append(pa.array([_text(value) for value in values], pa.string()))
        return text_batch(first, list(zip(columns, arrays, strict=True)))


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.replace(microsecond=0).isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
