"""One sheet of an Excel workbook as batches of text, read row by row."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import pyarrow as pa

from koipond.ingest.privacy import shown_name
from koipond.kernel import InputError, Message, joined
from koipond.sources.batches import text_batch
from koipond.sources.bounds import Meter, batch_rows, require_content
from koipond.sources.header import SNIFF_ROWS, column_names, header_place
from koipond.sources.merged_cells import Filler, merged_rows

BATCH_ROWS = 1 << 14
ROWS_MAX = 1_048_576  # of a sheet, by ECMA-376 and Excel
MEMBERS_MAX = 10_000


class ExcelRows:
    """One sheet of a workbook (port `RowSource`); formulas count as the value last computed.

    ``merged``: the columns with cells that are one over several rows; each of these has its value.
    """

    def __init__(self, path: Path, fingerprint: str, sheet: str | None = None) -> None:
        self.file = shown_name(path)
        self._path = path
        self._wanted = sheet
        self.total_bytes = path.stat().st_size
        require_workbook(path)
        with self._open() as opened:
            title, part = str(opened.title), str(opened._worksheet_path)
            self._max_rows = min(int(opened.max_row or 0), ROWS_MAX)
            opened.reset_dimensions()  # what the file says of its size may be wrong
            first = list(opened.iter_rows(max_row=SNIFF_ROWS, values_only=True))
        place = header_place(first)
        if place is None:
            raise InputError(
                "{file}: sheet '{title}' is empty; pass --sheet for another", file=self.file, title=title
            )
        self._above = place
        titled = any(cell is not None for row in first[:place] for cell in row)
        cells = [None if cell is None else str(cell) for cell in first[place]]
        while cells and cells[-1] is None:
            cells.pop()
        self.columns = column_names(self.file, cells)
        self.fingerprint = f"{fingerprint}:{title}"
        header = {"header": Message("row {place}, below a title", place=place + 1)} if titled else {}
        self.details: Mapping[str, str] = {"format": "excel", "sheet": title, **header}
        self._merged = merged_rows(path, part, self.file)
        self.merged = frozenset(
            name
            for at, name in enumerate(self.columns)
            if any(one.first > place + 1 for one in self._merged.get(at, ()))
        )
        self._texts: set[str] = set()
        self._done_rows = 0

    def is_exact(self, column: str) -> bool:
        return column not in self._texts

    def done_bytes(self) -> int:
        rows = max(self._max_rows, self._done_rows, 1)
        return self.total_bytes * self._done_rows // rows

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        places = [self.columns.index(column) for column in columns]
        rows: list[tuple[Any, ...]] = []
        first = self._above + 2
        self._done_rows = 0
        most, meter = batch_rows(len(columns), BATCH_ROWS), Meter(self.file, self.total_bytes)
        filler = Filler(self._merged, first, self.file, self.columns, places)
        with self._open() as sheet:
            sheet.reset_dimensions()
            below = enumerate(sheet.iter_rows(min_row=first, values_only=True), start=first)
            for number, cells in below:
                self._require_height(number)
                self._require_width(number, cells)
                rows.append(filler.filled(number, cells))
                self._done_rows = number
                if len(rows) == most:
                    yield self._batch(first, columns, places, rows, meter)
                    first, rows = number + 1, []
        if rows:
            yield self._batch(first, columns, places, rows, meter)
        if not self._done_rows:
            raise InputError(
                "{file}: sheet '{sheet}' has a header row but no data",
                file=self.file,
                sheet=self.details["sheet"],
            )

    @contextmanager
    def _open(self) -> Iterator[Any]:
        from openpyxl import load_workbook

        with self._path.open("rb") as file:
            try:
                book = load_workbook(file, read_only=True, data_only=True)
                names = book.sheetnames
                if self._wanted is not None and self._wanted not in names:
                    raise InputError(
                        "{file}: has no sheet '{wanted}'; it has {names}",
                        file=self.file,
                        wanted=self._wanted,
                        names=joined(", ", names),
                    )
                yield book[self._wanted or names[0]]
            except (InputError, GeneratorExit):
                raise
            except Exception as error:  # a damaged workbook raises whatever zip, XML and openpyxl stumble on
                raise InputError(
                    "{file}: not a whole Excel workbook ({name}: {error}); it is cut off or "
                    "damaged, save it again",
                    file=self.file,
                    name=type(error).__name__,
                    error=error,
                ) from error

    def _require_height(self, number: int) -> None:
        if number > ROWS_MAX:
            raise InputError(
                "{file}: a row beyond {rows_max:,}, the last one a sheet can have; the "
                "workbook is damaged: save it anew in Excel, or as CSV",
                file=self.file,
                rows_max=ROWS_MAX,
            )

    def _require_width(self, number: int, cells: Sequence[Any]) -> None:
        extra = next((i for i, c in enumerate(cells) if i >= len(self.columns) and c is not None), None)
        if extra is not None:
            raise InputError(
                "{file}: row {number}, column {extra}: a value beyond the {count} named "
                "columns; name that column in row 1 or clear it",
                file=self.file,
                number=number,
                extra=extra + 1,
                count=len(self.columns),
            )

    def _batch(
        self,
        first: int,
        columns: Sequence[str],
        places: Sequence[int],
        rows: Sequence[tuple[Any, ...]],
        meter: Meter,
    ) -> pa.RecordBatch:
        arrays = []
        for name, place in zip(columns, places, strict=True):
            values = [row[place] if place < len(row) else None for row in rows]
            if any(isinstance(value, str) and value.strip() for value in values):
                self._texts.add(name)
            arrays.append(pa.array([_text(value) for value in values], pa.string()))
        meter.count(first, pa.RecordBatch.from_arrays(arrays, list(columns)))
        return text_batch(first, list(zip(columns, arrays, strict=True)))


def require_workbook(path: Path) -> None:
    """Raise InputError when the zip of a workbook is damaged or unpacks to far more than it is large."""
    try:
        with ZipFile(path) as packed:
            members = packed.infolist()
    except (BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise InputError(
            "{path}: not a whole Excel workbook ({error}); it is cut off or damaged, save it again",
            path=shown_name(path),
            error=error,
        ) from error
    if len(members) > MEMBERS_MAX:
        raise InputError(
            "{path}: {count:,} parts; a workbook has at most {members_max:,}",
            path=shown_name(path),
            count=len(members),
            members_max=MEMBERS_MAX,
        )
    require_content(shown_name(path), sum(member.file_size for member in members), path.stat().st_size)


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
