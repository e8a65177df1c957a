"""Bring the rows of a file into the writer's private engine as text, one column a field."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import pyarrow as pa

from koipond.ingest.mapping import ColumnMap
from koipond.ingest.model import Progress
from koipond.ingest.ports import IbisTable, Reader, RowSource
from koipond.kernel import CancelledError, InputError

RAW = "import_raw"
_JOIN = "|"


@dataclass(frozen=True, slots=True)
class Staged:
    """``table``: row, then one text column a field; ``others``: further column → its name in ``table``."""

    table: IbisTable
    others: dict[str, str]
    person_in: frozenset[str]  # ids joined from columns of which one says who the customer is
    count: int


class Feed:
    """Batches on their way into the engine; keeps the error that the engine would hide."""

    def __init__(self, batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> None:
        self._batches = batches
        self.schema = schema
        self.error: BaseException | None = None
        self.rows = 0

    def reader(self) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(self.schema, self._guarded())

    def _guarded(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._batches:
                self.rows += batch.num_rows
                yield batch
        except BaseException as error:
            self.error = error
            raise

    def into(self, writer: Reader, name: str) -> IbisTable:
        """Stage every batch as ``name``; raise whatever stopped the feed."""
        try:
            return writer.stage(name, self.reader())
        except Exception:
            if self.error is not None:
                raise self.error from None
            raise


def stage_rows(
    writer: Reader,
    rows: RowSource,
    mapping: ColumnMap,
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> Staged:
    """Stage the columns that ``mapping`` uses; raise InputError when the file holds no row."""
    names = {column: f"c{place}" for place, column in enumerate(mapping.used)}
    schema = pa.schema([("row", pa.int64()), *((name, pa.string()) for name in names.values())])
    feed = Feed(_batches(rows, list(names), schema, progress, cancelled), schema)
    table = feed.into(writer, RAW)
    if not feed.rows:
        raise InputError(f"{rows.file}: no row holds a value in {', '.join(mapping.used)}")
    fields = {field: _field(table, columns, names, mapping) for field, columns in mapping.columns.items()}
    others = {column: names[column] for column in mapping.others}
    joined = frozenset(
        field
        for field, columns in mapping.columns.items()
        if len(columns) > 1 and mapping.identifying & set(columns)
    )
    kept = table.select("row", *others.values(), **fields)
    return Staged(kept, others, joined, feed.rows)


def _batches(
    rows: RowSource,
    columns: Sequence[str],
    schema: pa.Schema,
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> Iterator[pa.RecordBatch]:
    done = 0
    for batch in rows.batches(columns):
        if cancelled is not None and cancelled():
            raise CancelledError(f"the import of {rows.file} was stopped; nothing was written")
        done += batch.num_rows
        if progress is not None:
            progress(done, rows.done_bytes(), rows.total_bytes)
        yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)


def _field(table: IbisTable, columns: Sequence[str], names: dict[str, str], mapping: ColumnMap) -> Any:
    if len(columns) == 1:
        return table[names[columns[0]]]
    parts = [table[names[column]] for column in columns if column not in mapping.identifying]
    if not parts:
        return ibis.literal("")
    whole = ibis.and_(*(part.notnull() for part in parts))
    return ibis.ifelse(whole, ibis.literal(_JOIN).join(parts), ibis.null("string"))
