"""Bounds of a file (输入上限): what is larger is refused at once, with the limit and the fix.

A small file may unpack to far more than the machine holds (a row number of two billion, equal rows by the
million, one long text shared by all cells): what comes out is counted, against what lies on disk.
"""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from koipond.kernel import InputError, Message

ROWS_MAX = 200_000_000
COLUMNS_MAX = 10_000
NAME_CHARS_MAX = 1_000
CELL_BYTES_MAX = 1_000_000
LINE_CHARS_MAX = 16_000_000
LIST_LINE_CHARS_MAX = 10_000  # of a list of codes or people
CONTENT_BYTES_MAX = 200_000_000_000
RATIO_MAX = 200  # times what lies on disk: real exports pack 5 to 30 times
RATIO_FREE_BYTES = 64_000_000  # so much may come out of any file
BATCH_CELLS = 2_000_000  # a batch of few columns has many rows, one of many columns few
DIGITS_MAX = 400
DEPTH_MAX = 64

_SPLIT = Message("split it into several files")


def require_columns(file: str, count: int) -> None:
    """Raise InputError for more columns than one import takes."""
    if count > COLUMNS_MAX:
        raise InputError(
            "{file}: {count:,} columns; at most {columns_max:,} are read: leave out what is not needed",
            file=file,
            count=count,
            columns_max=COLUMNS_MAX,
        )


def require_content(file: str, content_bytes: int, disk_bytes: int, row: int | None = None) -> None:
    """Raise InputError when far more comes out of ``file`` than it is large, or too much at all."""
    where = f"{file}: " if row is None else Message("{file}: row {row:,}: ", file=file, row=row)
    if content_bytes > CONTENT_BYTES_MAX:
        raise InputError(
            "{where}more than {content_bytes_max:,} bytes of content; {split}",
            where=where,
            content_bytes_max=CONTENT_BYTES_MAX,
            split=_SPLIT,
        )
    if content_bytes > RATIO_FREE_BYTES and content_bytes > disk_bytes * RATIO_MAX:
        raise InputError(
            "{where}unpacks to more than {ratio_max} times its {disk_bytes:,} bytes; that is "
            "no export of facts: save it as plain CSV and look at what it holds",
            where=where,
            ratio_max=RATIO_MAX,
            disk_bytes=disk_bytes,
        )


def batch_rows(columns: int, most: int) -> int:
    """Return how many rows a batch of ``columns`` columns has, at most ``most``."""
    return max(1, min(most, BATCH_CELLS // max(1, columns)))


@dataclass(slots=True)
class Meter:
    """Counts what comes out of one file, batch by batch."""

    file: str
    disk_bytes: int
    rows: int = 0
    content_bytes: int = 0

    def count(self, first_row: int, batch: pa.RecordBatch) -> None:
        """Add a batch of texts (row first); raise InputError naming the row of a cell that is too long."""
        self.rows += batch.num_rows
        if self.rows > ROWS_MAX:
            raise InputError(
                "{file}: more than {rows_max:,} rows; {split}",
                file=self.file,
                rows_max=ROWS_MAX,
                split=_SPLIT,
            )
        for name, values in zip(batch.schema.names, batch.columns, strict=True):
            if not pa.types.is_string(values.type):
                continue
            lengths = pc.binary_length(values)
            longest = pc.max(lengths).as_py() or 0
            if longest > CELL_BYTES_MAX:
                row = first_row + pc.index(lengths, longest).as_py()
                raise InputError(
                    "{file}: row {row:,}: the value of '{name}' has {longest:,} bytes; at "
                    "most {cell_bytes_max:,} are read: shorten it or leave the column out",
                    file=self.file,
                    row=row,
                    name=name[:100],
                    longest=longest,
                    cell_bytes_max=CELL_BYTES_MAX,
                )
            self.content_bytes += pc.sum(lengths).as_py() or 0
        self.content_bytes += batch.num_rows  # rows of nothing take time as well
        require_content(self.file, self.content_bytes, self.disk_bytes, first_row)
