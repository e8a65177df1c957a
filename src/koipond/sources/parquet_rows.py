"""Parquet as batches of text, row group by row group."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from koipond.kernel import InputError
from koipond.sources.batches import text_batch
from koipond.sources.header import column_names

BATCH_ROWS = 1 << 17


class ParquetRows:
    """A Parquet file (port `RowSource`)."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        self.file = path.name
        self.fingerprint = fingerprint
        self.total_bytes = path.stat().st_size
        try:
            self._parquet = pq.ParquetFile(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(
                f"{self.file}: not a whole Parquet file ({_short(error)}); it is cut off or damaged, "
                "write it again"
            ) from error
        self._schema = self._parquet.schema_arrow
        self.columns = column_names(self.file, self._schema.names)
        self.details: Mapping[str, str] = {"format": "parquet"}
        if not self._parquet.metadata.num_rows:
            raise InputError(f"{self.file}: has columns but no row; write it again")
        self._done_rows = 0

    def is_exact(self, column: str) -> bool:
        kind = self._schema.field(self.columns.index(column)).type
        return not (pa.types.is_string(kind) or pa.types.is_large_string(kind))

    def done_bytes(self) -> int:
        return self.total_bytes * self._done_rows // int(self._parquet.metadata.num_rows)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        names = [self._schema.names[self.columns.index(column)] for column in columns]
        self._done_rows = 0
        try:
            for batch in self._parquet.iter_batches(BATCH_ROWS, columns=names):
                arrays = [batch.column(batch.schema.get_field_index(name)) for name in names]
                yield text_batch(self._done_rows + 2, list(zip(columns, arrays, strict=True)))
                self._done_rows += batch.num_rows
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(
                f"{self.file}: row {self._done_rows + 2}: the data from there on cannot be read "
                f"({_short(error)}); write the file again"
            ) from error


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
