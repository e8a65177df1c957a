"""CSV and TSV, gzipped or not, as batches of text. Arrow reads; when it stumbles, `csv_faults` explains."""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.csv as pacsv

from koipond.kernel import InputError, Message
from koipond.sources.batches import text_batch
from koipond.sources.bounds import LINE_CHARS_MAX, NAME_CHARS_MAX, Meter, require_columns
from koipond.sources.chunks import SAMPLE_BYTES
from koipond.sources.csv_faults import explain
from koipond.sources.csv_quotes import require_closed_quotes
from koipond.sources.header import SNIFF_ROWS, column_names, header_place
from koipond.sources.text import TextFile, Utf8Stream

BLOCK_BYTES = 1 << 22
_DELIMITERS = (",", "\t", ";", "|")


class CsvRows:
    """A delimited text file (port `RowSource`)."""

    def __init__(self, source: TextFile, delimiter: str | None = None) -> None:
        self.source = source
        self.file = source.name
        self.total_bytes = source.total_bytes
        head = _head(source)
        self.delimiter = _given(delimiter) if delimiter else _delimiter(head)
        self._rows_above, cells, titled = _header(self.file, head, self.delimiter)
        self.columns = column_names(self.file, cells)
        require_columns(self.file, len(cells))
        require_closed_quotes(source, self.delimiter, len(cells))
        options = f"{source.encoding}|{self.delimiter}"
        self.fingerprint = hashlib.sha256(f"{source.fingerprint}|{options}".encode()).hexdigest()
        self.details: Mapping[str, str] = {
            "format": "csv",
            "encoding": source.encoding,
            "delimiter": self.delimiter,
            **(
                {"header": Message("row {rows_above}, below a title", rows_above=self._rows_above + 1)}
                if titled
                else {}
            ),
        }
        self._stream: Utf8Stream | None = None

    def is_exact(self, column: str) -> bool:  # noqa: ARG002  text is text
        return False

    def done_bytes(self) -> int:
        if self._stream is None:
            return 0
        return self._stream.done_bytes

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        row = self._rows_above + 2
        empty, meter = True, Meter(self.file, self.total_bytes)
        try:
            for batch in self._open(columns):
                empty = empty and not batch.num_rows
                meter.count(row, batch)
                yield text_batch(row, list(zip(columns, batch.columns, strict=True)))
                row += batch.num_rows
        except pa.ArrowInvalid as error:
            raise explain(self.source, self.delimiter, self.columns, error) from error
        finally:
            if self._stream is not None:
                self._stream.close()
        if empty:
            raise InputError("{file}: has a header row but no data; export it again", file=self.file)

    def _open(self, columns: Sequence[str]) -> pacsv.CSVStreamingReader:
        places = {name: f"c{place}" for place, name in enumerate(self.columns)}
        wanted = [places[name] for name in columns]
        self._stream = Utf8Stream(self.source)
        return pacsv.open_csv(
            pa.PythonFile(self._stream, mode="r"),
            read_options=pacsv.ReadOptions(
                column_names=list(places.values()),
                skip_rows=self._rows_above,
                skip_rows_after_names=1,
                block_size=BLOCK_BYTES,
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=self.delimiter,
                newlines_in_values=self.source.quote_count > 0,
                ignore_empty_lines=len(self.columns) == 1,
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pa.string()),
                include_columns=wanted,
                strings_can_be_null=False,
            ),
        )


def _given(delimiter: str) -> str:
    mark = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
    if len(mark) != 1 or not mark.isascii() or mark in '"\r\n' or mark.isalnum():
        raise InputError(
            "--delimiter {delimiter!r}: one mark such as ',' ';' '|' or 'tab'", delimiter=delimiter
        )
    return mark


def _head(source: TextFile) -> str:
    """The first characters, cut after a whole line where there is one."""
    with source.lines() as lines:
        text = lines.read(SAMPLE_BYTES)
        return text if len(text) < SAMPLE_BYTES else text + lines.readline(LINE_CHARS_MAX)


def _header(file: str, head: str, delimiter: str) -> tuple[int, list[str], bool]:
    """Return how many lines stand above the header, its cells, and whether there is a title among them."""
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    above = [0]
    try:
        for cells in reader:
            rows.append(cells)
            above.append(reader.line_num)
            if sum(any(cell.strip() for cell in row) for row in rows) == SNIFF_ROWS:
                break
    except csv.Error as error:
        place = header_place(rows)
        if place is not None:
            return above[place], rows[place], _titled(rows[:place])
        raise InputError(
            "{file}: row 1: a column name of more than {field_size_limit:,} characters; at "
            "most {name_chars_max:,} are read: is that row a header, and the delimiter "
            "'{delimiter}'?",
            file=file,
            field_size_limit=csv.field_size_limit(),
            name_chars_max=NAME_CHARS_MAX,
            delimiter=delimiter,
        ) from error
    place = header_place(rows)
    if place is None:
        raise InputError(
            "{file}: holds only blank rows; export it again with a header row and data", file=file
        )
    return above[place], rows[place], _titled(rows[:place])


def _titled(rows: Sequence[Sequence[str]]) -> bool:
    return any(cell.strip() for row in rows for cell in row)


def _delimiter(head: str) -> str:
    """The mark that splits the header and most rows into the same number of cells, at least two."""
    best, most = ",", 1
    for mark in _DELIMITERS:
        reader = csv.reader(io.StringIO(head, newline=""), delimiter=mark)
        try:
            rows = [row for row, _ in zip(reader, range(SNIFF_ROWS), strict=False) if any(row)]
        except csv.Error:
            continue
        width = len(rows[header_place(rows) or 0]) if rows else 0
        agree = sum(len(row) == width for row in rows)
        if width > most and agree * 2 > len(rows):
            best, most = mark, width
    return best
