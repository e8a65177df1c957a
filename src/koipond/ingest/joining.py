"""Heads beside their lines (合并双表): two staged files become the rows of one, in the writer's engine.

Both sides are mended alone before they are compared, so ``123`` meets ``123.0`` and ``="123"``. A head
without lines is a row of its own; a line without a head, and heads that contradict each other, are put aside.
"""

from collections.abc import Callable
from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Reader
from koipond.ingest.carrying import carry_orders_down
from koipond.ingest.door import Door
from koipond.ingest.joined_rows import HEAD_ROWS, JoinedRows
from koipond.ingest.model import Progress
from koipond.ingest.staging import RAW, Staged, stage_rows
from koipond.kernel import Clock, InputError

ASIDE = "aside"
"""The column that says why a row is put aside whatever it holds."""
_HEADS, _LINES = "import_heads", "import_lines"
_STRAY = 50  # one order in so many may stand twice among the heads


def stage_joined(
    writer: Reader,
    rows: JoinedRows,
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
    door: Door | None = None,
    clock: Clock | None = None,
) -> Staged:
    """Stage both files of ``rows`` through ``door`` and join them; raise InputError when nothing meets.

    Raises InputError when the heads hold orders several times as lines do: then the files are swapped.
    """
    assert rows.head_map is not None
    assert rows.line_map is not None
    heads = stage_rows(writer, rows.heads, rows.head_map, progress, cancelled, door, clock, name=_HEADS)
    lines = stage_rows(writer, rows.lines, rows.line_map, progress, cancelled, door, clock, name=_LINES)
    own = heads.table.mutate(row=heads.table["row"] + HEAD_ROWS)
    own = writer.cache(f"{_HEADS}_placed", own)
    theirs, carried = carry_orders_down(writer, lines.table, f"{_LINES}_carried")
    writer.forget(_HEADS)
    orders = writer.cache("import_head_orders", _orders(own, theirs))
    _require_meeting(writer, rows, own, theirs, orders)
    table = writer.cache(RAW, _beside(own, theirs, orders))
    writer.forget(_LINES)
    single = table.filter(table["row"] > HEAD_ROWS)
    alone = int(writer.scalar(single.count()))
    kept = single[ASIDE].isnull() & single["order_id"].notnull()
    return Staged(
        table=table,
        own_names=(),
        person_in=frozenset(),
        count=lines.count + alone,
        door=door,
        heads=own,
        tables=(RAW, f"{_HEADS}_placed"),
        orders_carried=carried,
        heads_alone=int(writer.scalar(kept.sum().fill_null(0))),
    )


def _orders(heads: IbisTable, lines: IbisTable) -> IbisTable:
    """Return every order number: its first head, how many heads and contents, and how many lines it has."""
    known = heads.filter(heads["order_id"].notnull())
    content = ibis.struct({name: known[name] for name in known.columns if name != "row"}).hash()
    told = known.group_by("order_id").agg(
        head=known["row"].min(), heads=known.count(), contents=content.nunique()
    )
    bought = lines.filter(lines["order_id"].notnull()).group_by("order_id").agg(lines=lambda t: t.count())
    both = told.outer_join(bought, "order_id")
    return both.select(
        order_id=both["order_id"].coalesce(both["order_id_right"]),
        head=both["head"],
        heads=both["heads"].fill_null(0),
        torn=(both["contents"] > 1).fill_null(False),
        lines=both["lines"].fill_null(0),
    )


def _require_meeting(
    writer: Reader, rows: JoinedRows, heads: IbisTable, lines: IbisTable, orders: IbisTable
) -> None:
    sums = orders.agg(
        heads=(orders["heads"] > 0).sum(),
        met=((orders["heads"] > 0) & (orders["lines"] > 0)).sum(),
        torn=orders["torn"].sum(),
        many_heads=(orders["heads"] > 1).sum(),
        many_lines=(orders["lines"] > 1).sum(),
    )
    found = {name: int(count or 0) for name, count in writer.frame(sums).to_pylist()[0].items()}
    if found["torn"] * _STRAY > found["heads"] and found["many_heads"] > found["many_lines"]:
        raise InputError(
            "{heads} names {count:,} orders several times, in different words: it seems to hold lines; name "
            "the file with one row an order first: koipond import orders {lines} --join {heads}",
            heads=rows.heads.file,
            count=found["torn"],
            lines=rows.lines.file,
        )
    if not found["met"]:
        raise InputError(
            "no order number of {lines} ('{line}' in {line_column}) stands in {heads} ('{head}' in "
            "{head_column}): export both for the same orders, or name the columns that meet with --join-on "
            "HEADCOLUMN=LINECOLUMN",
            lines=rows.lines.file,
            line=_first(writer, lines),
            line_column=_key(rows.line_map),
            heads=rows.heads.file,
            head=_first(writer, heads),
            head_column=_key(rows.head_map),
        )


def _key(mapping: Any) -> str:
    return str(mapping.columns["order_id"][0])


def _first(writer: Reader, table: IbisTable) -> str:
    return str(writer.scalar(table["order_id"].argmin(table["row"])) or "")


def _beside(heads: IbisTable, lines: IbisTable, orders: IbisTable) -> IbisTable:
    """Return each line with its order's head, and each head that has no line or is put aside."""
    of_head = [name for name in heads.columns if name not in ("row", "order_id")]
    of_line = [name for name in lines.columns if name not in ("row", "order_id")]
    good = orders.filter((orders["heads"] > 0) & ~orders["torn"])
    first = heads.inner_join(good.select(row="head"), "row")
    joined = lines.left_join(first.select("order_id", *of_head, known=ibis.literal(True)), "order_id")
    torn = orders.filter(orders["torn"]).select("order_id", torn=True)
    joined = joined.drop("order_id_right").left_join(torn, "order_id")
    why = ibis.cases(
        (joined["torn"].fill_null(False), "conflicting_order"),
        (joined["known"].isnull() & joined["order_id"].notnull(), "no_head"),
        (joined["known"].isnull(), "missing_order"),
        else_=ibis.null("string"),
    )
    sold = joined.select("row", "order_id", *of_head, *of_line, **{ASIDE: why})
    return sold.union(_alone(heads, orders, {name: lines.schema()[name] for name in of_line}, sold.columns))


def _alone(
    heads: IbisTable, orders: IbisTable, of_line: dict[str, Any], columns: tuple[str, ...]
) -> IbisTable:
    """Return the heads that become rows of their own."""
    told = heads.left_join(orders, "order_id").drop("order_id_right")
    repeated = (told["row"] != told["head"]).fill_null(False)
    torn = told["torn"].fill_null(False)
    told = told.filter(told["order_id"].isnull() | (told["lines"] == 0) | repeated | torn)
    why = ibis.cases((torn, "conflicting_order"), (repeated, "repeated_row"), else_=ibis.null("string"))
    nothing = {name: ibis.null(kind) for name, kind in of_line.items()}
    return told.mutate(**nothing, **{ASIDE: why}).select(*columns)


def file_of(rows: JoinedRows, raw: IbisTable) -> IbisTable:
    """Return staged rows with ``file``, the one that each stands in, and without what joining added."""
    where = ibis.ifelse(raw["row"] > HEAD_ROWS, rows.heads.file, rows.lines.file)
    return raw.mutate(file=where).drop(ASIDE)


def numbered(rows: IbisTable) -> IbisTable:
    """Return ``rows`` numbered as in the files they stand in."""
    return rows.mutate(row=ibis.ifelse(rows["row"] > HEAD_ROWS, rows["row"] - HEAD_ROWS, rows["row"]))
