"""Rows that stand in an orders file twice to the letter (整行重复): kept once, counted and said (U12).

Candidates agree in what was read of them; they are repeats when every column of the file agrees and rows of
something else stand between them: an export that was made twice, or appended to itself. Equal lines side by
side in one order are two pieces scanned one by one, and count (design §5). Rows without an order number stay:
two returns of one till second are two.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from koipond.facts.ports import IbisTable, Writer
from koipond.ingest.functions import bit_count
from koipond.ingest.ports import RowSource

_NOT_CONTENT = ("row", "rule", "field", "is_refund", "is_line", "negative", "torn", "totals")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """``again``: ``row`` of the rows that stand elsewhere already, None when there are none; ``beside``: how
    many equal the row beside them in their order, and count."""

    again: IbisTable | None = None
    beside: int = 0


def repeated_rows(
    writer: Writer, rows: IbisTable, ends: IbisTable, source: RowSource, identifying: frozenset[str]
) -> Repeats:
    """Return which rows repeat others to the letter.

    ``rows``: the typed rows, ``ends``: `order_rows.look_at_orders`. The texts of the candidates are read
    again from ``source``, but for the ``identifying`` columns: who it is was looked up already.
    """
    doubtful = ends.filter(bit_count(ends["marks"]) < ends["n"]).select("order_id")
    doubtful = writer.cache("import_doubtful", doubtful)
    if not int(writer.scalar(doubtful.count())):
        return Repeats()
    named = rows.filter(rows["order_id"].notnull() & rows["rule"].isnull())
    named = named.semi_join(doubtful, "order_id")
    content = ibis.struct({name: named[name] for name in named.columns if name not in _NOT_CONTENT}).hash()
    place = ibis.row_number().over(ibis.window(group_by=named["order_id"], order_by=named["row"]))
    block = named["row"] - place  # equal for rows side by side
    if "line_id" in named.columns:  # one line's number is one line's, wherever it stands
        block = ibis.ifelse(named["line_id"].notnull(), named["row"], block)
    prints = named.select("row", content=content, block=block)
    prints = writer.cache("import_prints", prints)
    twice = prints.group_by("content").having(prints.count() > 1).agg(n=prints.count())
    twice = writer.cache("import_same_content", twice.select("content"))
    if not int(writer.scalar(twice.count())):
        return Repeats()
    found = writer.frame(prints.semi_join(twice, "content").order_by("row"))
    numbers = found["row"].combine_chunks()
    others = _others(source, [c for c in source.columns if c not in identifying], numbers)
    alike: defaultdict[tuple[object, ...], defaultdict[int, list[int]]] = defaultdict(
        lambda: defaultdict(list)
    )
    columns = (found[name].to_pylist() for name in ("row", "content", "block"))
    for number, own, block in zip(*columns, strict=True):
        alike[own, others.get(number)][block].append(number)
    again = sorted(row for blocks in alike.values() for row in _but_the_longest(blocks.values()))
    beside = sum(max(map(len, blocks.values())) - 1 for blocks in alike.values())
    if not again:
        return Repeats(beside=beside)
    table = pa.table({"row": pa.array(again, pa.int64())})
    return Repeats(again=writer.stage("import_repeats", table), beside=beside)


def _but_the_longest(blocks: Collection[list[int]]) -> Iterator[int]:
    """Yield the rows of all ``blocks`` but the first of the longest: that many pieces were really bought."""
    kept = max(blocks, key=len)
    for block in blocks:
        if block is not kept:
            yield from block


def _others(source: RowSource, columns: list[str], numbers: pa.Array) -> dict[int, tuple[object, ...]]:
    """Return row → its texts in ``columns`` of ``source``, for the rows ``numbers``."""
    return dict(texts_of(source, columns, numbers)) if columns else {}


def texts_of(
    source: RowSource, columns: list[str], numbers: pa.Array
) -> Iterator[tuple[int, tuple[object, ...]]]:
    """Yield each of the rows ``numbers`` of ``source`` and its texts in ``columns``."""
    for batch in source.batches(columns):
        few = batch.filter(pc.is_in(batch.columns[0], value_set=numbers))
        values = [column.to_pylist() for column in few.columns]
        for number, *rest in zip(*values, strict=True):
            yield int(number), tuple(rest)
