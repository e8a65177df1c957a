"""Bring the rows of a file into the writer's private engine as text, one column a field."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import pyarrow as pa

from koipond.facts.ports import IbisTable, Reader
from koipond.ingest.door import OTHERS, Door, kinds_of
from koipond.ingest.mapping import ColumnMap, own_name
from koipond.ingest.model import Progress
from koipond.ingest.ports import RowSource
from koipond.ingest.privacy import masked
from koipond.ingest.spellings import plain_ids
from koipond.kernel import CancelledError, Clock, InputError, listed

RAW = "import_raw"
BATCH_S_MAX = 600
_JOIN = "|"
_IDS = frozenset(
    (
        *("customer_id", "phone", "order_id", "line_id", "refund_of", "event_id", "touch_id"),
        *("sku", "store", "staff", "coupon"),
    )
)
"""Fields whose texts name something, so that every spelling of one must be the same text."""
_WHOSE = ("customer_id", "order_id")
"""Fields without which a row is about nothing."""


@dataclass(frozen=True, slots=True)
class Staged:
    """``table``: row, one text column a field, and `OTHERS` when the kind keeps further columns.

    ``door``: how it was cleaned, None when it was not; ``own_names``: the further columns by their own names.
    """

    table: IbisTable
    own_names: tuple[str, ...]
    person_in: frozenset[str]  # ids joined from columns of which one says who the customer is
    count: int
    door: Door | None
    heads: IbisTable | None = None  # of orders in two files, the heads alone; ``table`` then has both
    tables: tuple[str, ...] = (RAW,)  # what of it the engine keeps
    heads_alone: int = 0  # heads that no line belongs to
    orders_carried: int = 0  # rows whose order number stands above them

    @property
    def masked(self) -> Mapping[str, int]:
        """How many values of which fields were covered or blinded since they identify people."""
        return self.door.masked_in if self.door is not None else {}


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
    door: Door | None = None,
    clock: Clock | None = None,
    *,
    name: str = RAW,
) -> Staged:
    """Stage the columns that ``mapping`` uses as ``name``; raise InputError when the file holds no row.

    They pass ``door``. Without a door every text is staged as it is, and there are no further columns. By
    ``clock`` a file that takes longer than `BATCH_S_MAX` from one batch to the next is given up.
    """
    places = _places(mapping)
    more = [(OTHERS, pa.string())] if mapping.others and door is not None else []
    schema = pa.schema([("row", pa.int64()), *((name, pa.string()) for name in places.values()), *more])
    timed = rows.batches(mapping.used) if clock is None else _timed(rows, mapping.used, clock)
    feed = Feed(_batches(rows, timed, places, mapping, door, schema, progress, cancelled), schema)
    table = feed.into(writer, name)
    if not feed.rows:
        raise InputError(
            "{file}: no row holds a value in {used}",
            file=rows.file,
            used=listed(map(masked, mapping.used)),
        )
    fields = {
        field: _field(table, field, columns, places, mapping) for field, columns in mapping.columns.items()
    }
    joined = frozenset(
        field
        for field, columns in mapping.columns.items()
        if len(columns) > 1 and mapping.identifying & set(columns)
    )
    kept = table.select("row", *(column for column, _ in more), **fields)
    return Staged(
        table=kept,
        own_names=tuple(dict.fromkeys(own_name(column) for column in mapping.others)) if more else (),
        person_in=joined,
        count=feed.rows,
        door=door,
        tables=(name,),
    )


def _places(mapping: ColumnMap) -> dict[tuple[str, str], str]:
    """(field, column) → name in the engine: a column is staged once for each field it serves."""
    pairs = [(field, column) for field, columns in mapping.columns.items() for column in columns]
    return {pair: f"c{place}" for place, pair in enumerate(pairs)}


def _timed(rows: RowSource, columns: Sequence[str], clock: Clock) -> Iterator[pa.RecordBatch]:
    """Yield the batches of ``rows``; raise InputError when one took too long, read and taken."""
    began, done = clock.now(), 0
    for batch in rows.batches(columns):
        yield batch
        done += batch.num_rows
        now = clock.now()
        if (took := (now - began).total_seconds()) > BATCH_S_MAX:
            raise InputError(
                "{file}: {num_rows:,} rows up to row {done:,} took {took:,.0f} s; at most "
                "{batch_s_max} s are given: copy the file to this machine, split it, or "
                "leave out long texts",
                file=rows.file,
                num_rows=batch.num_rows,
                done=done + 1,
                took=took,
                batch_s_max=BATCH_S_MAX,
            )
        began = now


def _batches(
    rows: RowSource,
    batches: Iterator[pa.RecordBatch],
    places: Mapping[tuple[str, str], str],
    mapping: ColumnMap,
    door: Door | None,
    schema: pa.Schema,
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> Iterator[pa.RecordBatch]:
    done, kinds = 0, kinds_of(mapping)
    for batch in batches:
        if cancelled is not None and cancelled():
            raise CancelledError("the import of {file} was stopped; nothing was written", file=rows.file)
        done += batch.num_rows
        if progress is not None:
            progress(done, rows.done_bytes(), rows.total_bytes)
        texts = dict(zip(batch.schema.names[1:], batch.columns[1:], strict=True))
        columns = [
            plain_ids(texts[column], whose=field in _WHOSE) if field in _IDS else texts[column]
            for field, column in places
        ]
        if door is not None:
            columns = [
                door.texts(values, field, kinds[field])
                for (field, _), values in zip(places, columns, strict=True)
            ]
            if mapping.others:
                columns.append(door.others([(column, texts[column]) for column in mapping.others]))
        yield pa.RecordBatch.from_arrays([batch.columns[0], *columns], schema=schema)


def _field(
    table: IbisTable,
    field: str,
    columns: Sequence[str],
    places: Mapping[tuple[str, str], str],
    mapping: ColumnMap,
) -> Any:
    if len(columns) == 1:
        return table[places[field, columns[0]]]
    parts = [table[places[field, column]] for column in columns if column not in mapping.identifying]
    if not parts:
        return ibis.literal("")
    whole = ibis.and_(*(part.notnull() for part in parts))
    return ibis.ifelse(whole, ibis.literal(_JOIN).join(parts), ibis.null("string"))
