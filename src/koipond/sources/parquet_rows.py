"""Parquet as batches of text, row group by row group."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from koipond.ingest.privacy import masked, shown_name
from koipond.kernel import InputError
from koipond.sources.batches import as_text, text_batch
from koipond.sources.bounds import BATCH_CELLS, ROWS_MAX, Meter, batch_rows
from koipond.sources.header import column_names

BATCH_ROWS = 1 << 17
_CELLS_A_BYTE_MAX = 50
_BATCH_BYTES_MAX = 500_000_000


class ParquetRows:
    """A Parquet file (port `RowSource`)."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        self.file = shown_name(path)
        self.fingerprint = fingerprint
        self.total_bytes = path.stat().st_size
        try:
            self._parquet = pq.ParquetFile(path, read_dictionary=_text_columns(path))
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(
                "{file}: not a whole Parquet file ({short}); it is cut off or damaged, write it again",
                file=self.file,
                short=_short(error),
            ) from error
        self._schema = self._parquet.schema_arrow
        self.columns = column_names(self.file, self._schema.names)
        self.details: Mapping[str, str] = {"format": "parquet"}
        if not self._parquet.metadata.num_rows:
            raise InputError("{file}: has columns but no row; write it again", file=self.file)
        self._require_size()
        self._done_rows = 0

    def _require_size(self) -> None:
        """Equal rows cost nothing in Parquet: what counts is how many values come out of how many bytes."""
        rows, columns = int(self._parquet.metadata.num_rows), len(self.columns)
        if rows > ROWS_MAX:
            raise InputError(
                "{file}: {rows:,} rows; at most {rows_max:,} are read: split the file",
                file=self.file,
                rows=rows,
                rows_max=ROWS_MAX,
            )
        if rows > BATCH_CELLS and rows * columns > self.total_bytes * _CELLS_A_BYTE_MAX:
            raise InputError(
                "{file}: {rows:,} rows of {columns} columns in {total_bytes:,} bytes; more "
                "than {cells_a_byte_max} values a byte are no facts: see what wrote that "
                "many equal rows",
                file=self.file,
                rows=rows,
                columns=columns,
                total_bytes=self.total_bytes,
                cells_a_byte_max=_CELLS_A_BYTE_MAX,
            )

    def is_exact(self, column: str) -> bool:
        kind = self._schema.field(self.columns.index(column)).type
        return not (pa.types.is_string(kind) or pa.types.is_large_string(kind))

    def done_bytes(self) -> int:
        return self.total_bytes * self._done_rows // int(self._parquet.metadata.num_rows)

    def _require_room(self, columns: Sequence[str], arrays: Sequence[pa.Array]) -> None:
        for name, values in zip(columns, arrays, strict=True):
            if not pa.types.is_dictionary(values.type) or not len(values.dictionary):
                continue
            lengths = pc.binary_length(values.dictionary).cast(pa.int64())
            content = pc.sum(lengths.take(values.indices)).as_py() or 0
            if content > _BATCH_BYTES_MAX:
                raise InputError(
                    "{file}: row {done_rows}: from there on '{name}' has {content:,} bytes "
                    "in {count:,} rows; leave that column out or shorten its values",
                    file=self.file,
                    done_rows=self._done_rows + 2,
                    name=masked(name),
                    content=content,
                    count=len(values),
                )

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        names = [self._schema.names[self.columns.index(column)] for column in columns]
        self._done_rows = 0
        meter = Meter(self.file, self.total_bytes)
        try:
            for batch in self._parquet.iter_batches(batch_rows(len(names), BATCH_ROWS), columns=names):
                arrays = [batch.column(batch.schema.get_field_index(name)) for name in names]
                self._require_room(columns, arrays)
                arrays = [as_text(values) for values in arrays]
                meter.count(self._done_rows + 2, pa.RecordBatch.from_arrays(arrays, list(columns)))
                yield text_batch(self._done_rows + 2, list(zip(columns, arrays, strict=True)))
                self._done_rows += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise InputError(
                "{file}: row {done_rows}: the data from there on cannot be read ({short}); "
                "write the file again",
                file=self.file,
                done_rows=self._done_rows + 2,
                short=_short(error),
            ) from error


def _text_columns(path: Path) -> list[str]:
    """The columns of texts: read as codes, so that one long text in every row is seen before it is spread."""
    schema = pq.read_schema(path)
    return [one.name for one in schema if pa.types.is_string(one.type) or pa.types.is_large_string(one.type)]


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
