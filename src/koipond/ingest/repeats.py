"""Rows that stand in an orders file twice to the letter (整行重复): kept once, counted and said (U12).

Candidates agree in what was read of them; they are repeats when every column of the file agrees. Rows
without an order number stay: two returns of one till second are two.
"""

from collections.abc import Iterator

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from koipond.ingest.functions import bit_count
from koipond.ingest.ports import IbisTable, RowSource, Writer

_NOT_CONTENT = ("row", "rule", "field", "is_refund", "is_line", "negative", "torn", "totals")


def repeated_rows(
    writer: Writer, rows: IbisTable, ends: IbisTable, source: RowSource, identifying: frozenset[str]
) -> IbisTable | None:
    """Return ``row`` of the rows that repeat an earlier one, None when there are none.

    ``rows``: the typed rows, ``ends``: `order_rows.look_at_orders`. The texts of the candidates are read
    again from ``source``, but for the ``identifying`` columns: who it is was looked up already.
    """
    doubtful = ends.filter(bit_count(ends["marks"]) < ends["n"]).select("order_id")
    doubtful = writer.cache("import_doubtful", doubtful)
    if not int(writer.scalar(doubtful.count())):
        return None
    named = rows.filter(rows["order_id"].notnull() & rows["rule"].isnull())
    named = named.semi_join(doubtful, "order_id")
    content = ibis.struct({name: named[name] for name in named.columns if name not in _NOT_CONTENT}).hash()
    prints = writer.cache("import_prints", named.select("row", content=content))
    twice = prints.group_by("content").having(prints.count() > 1).agg(n=prints.count())
    twice = writer.cache("import_same_content", twice.select("content"))
    if not int(writer.scalar(twice.count())):
        return None
    found = writer.frame(prints.semi_join(twice, "content").order_by("row"))
    numbers = found["row"].combine_chunks()
    others = _others(source, [c for c in source.columns if c not in identifying], numbers)
    seen: set[tuple[object, ...]] = set()
    again = []
    for number, own in zip(numbers.to_pylist(), found["content"].to_pylist(), strict=True):
        key = (own, others.get(number))
        if key in seen:
            again.append(number)
        seen.add(key)
    if not again:
        return None
    return writer.stage("import_repeats", pa.table({"row": pa.array(again, pa.int64())}))


def _others(source: RowSource, columns: list[str], numbers: pa.Array) -> dict[int, tuple[object, ...]]:
    """Return row → its texts in ``columns`` of ``source``, for the rows ``numbers``."""
    return dict(_texts(source, columns, numbers)) if columns else {}


def _texts(
    source: RowSource, columns: list[str], numbers: pa.Array
) -> Iterator[tuple[int, tuple[object, ...]]]:
    for batch in source.batches(columns):
        few = batch.filter(pc.is_in(batch.columns[0], value_set=numbers))
        values = [column.to_pylist() for column in few.columns]
        for number, *rest in zip(*values, strict=True):
            yield int(number), tuple(rest)
