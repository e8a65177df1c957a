"""An Arrow table in memory as batches of text: what the library face hands to the reading of files."""

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from koipond.kernel import InputError
from koipond.sources.batches import text_batch
from koipond.sources.header import column_names

BATCH_ROWS = 1 << 17


class ArrowRows:
    """A table (port `RowSource`) called ``name`` in messages; its rows count from 1."""

    def __init__(self, table: pa.Table, name: str) -> None:
        self.file = name
        self.fingerprint = ""
        self.columns = column_names(name, table.column_names)
        self.total_bytes = table.nbytes
        self.details: Mapping[str, str] = {"format": "table"}
        if not table.num_rows:
            raise InputError("{name} has no row", name=name)
        self._table = table

    def is_exact(self, column: str) -> bool:
        kind = self._table.schema.field(self.columns.index(column)).type
        return not (pa.types.is_string(kind) or pa.types.is_large_string(kind))

    def done_bytes(self) -> int:
        return int(self.total_bytes)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        chosen = self._table.select([self.columns.index(column) for column in columns])
        done = 0
        for batch in chosen.to_batches(BATCH_ROWS):
            yield text_batch(done + 1, list(zip(columns, batch.columns, strict=True)))
            done += batch.num_rows
