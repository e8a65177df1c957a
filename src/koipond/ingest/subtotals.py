"""Rows of an order that say what its other rows come to (小计行): no line of it, they would double it.

A row is one when a text of it says so in a column of the file, mapped or not, and its amount is the sum of
the others; an order number that reads ``1001 Total`` beside 1001 as well. A line that names no product and
has that amount is left in and said: it may be a fee.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import pyarrow as pa

from koipond.facts.ports import IbisTable, Writer
from koipond.ingest.mapping import plain_name
from koipond.ingest.ports import RowSource
from koipond.ingest.repeats import texts_of
from koipond.ingest.words import TOTALS
from koipond.kernel import Message

_TEXTS = ("sku", "category", "store", "line_id", "coupon", "staff", "channel")
_FILLED_LATER = ("missing_customer", "missing_at")
_BEHIND = r"(?i)^(.*\S)(?:\s+(?:grand |sub)?(?:total|jumlah)|\s*(?:小计|合计|总计|汇总))$"
_BEFORE = r"(?i)^(?:(?:sub)?(?:total|jumlah)[\s:：]|(?:小计|合计|总计|汇总)[\s:：]*)\s*(\S.*)$"
_PLAIN = frozenset(map(plain_name, TOTALS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtotals:
    """``found``: ``row`` of those that are none of an order's lines; ``remarks`` on what may be one."""

    found: IbisTable | None = None
    remarks: tuple[Message, ...] = ()

    def marked(self, writer: Writer, rows: IbisTable) -> IbisTable:
        """Return ``rows`` with those found put aside as totals."""
        if self.found is None:
            return rows
        joined = rows.left_join(self.found.mutate(sub=ibis.literal(True)), "row").drop("row_right")
        sub = joined["sub"].fill_null(False)
        rule = ibis.ifelse(sub, "totals_row", joined["rule"])
        return writer.cache(
            "import_without_totals", joined.mutate(totals=joined["totals"] | sub, rule=rule).drop("sub")
        )


def subtotal_rows(writer: Writer, rows: IbisTable, source: RowSource, *, has_sku: bool) -> Subtotals:
    """Return which ``rows`` (see `order_rows.rule_rows`) sum up others of their order.

    ``has_sku``: the file says which product a line is. Texts that no field has are read again from
    ``source``, for rows whose amount fits alone.
    """
    own = writer.frame(_named_after_orders(rows)).column("row").to_pylist()
    fitting = writer.frame(_fitting(rows).order_by("row")).to_pylist()
    silent = [one["row"] for one in fitting if not one["labelled"]]
    said = _said_elsewhere(source, silent)
    found = sorted({*own, *(one["row"] for one in fitting if one["labelled"]), *said})
    doubtful = [
        one["row"]
        for one in fitting
        if has_sku and one["alone"] and not one["labelled"] and one["row"] not in said
    ]
    table = pa.table({"row": pa.array(found, pa.int64())})
    return Subtotals(
        found=writer.stage("import_subtotals", table) if found else None,
        remarks=_remarks(doubtful),
    )


def _named_after_orders(rows: IbisTable) -> IbisTable:
    """Return the rows whose order number is that of another order and a word of totals."""
    text = rows["order_id"]
    named = rows.filter(text.re_search(_BEHIND) | text.re_search(_BEFORE))
    behind, before = (named["order_id"].re_extract(pattern, 1).nullif("") for pattern in (_BEHIND, _BEFORE))
    named = named.select("row", of=behind.coalesce(before))
    return named.semi_join(rows.select(of="order_id"), "of").select("row")


def _fitting(rows: IbisTable) -> IbisTable:
    """Return the rows whose amount is that of all others of their order: ``labelled`` when a text says so,
    ``alone`` when it is the only one of them that names no product."""
    lines = rows.filter(
        rows["order_id"].notnull()
        & (rows["amount_fen"] > 0)
        & (rows["rule"].isnull() | rows["rule"].isin(_FILLED_LATER))
    )
    labelled = ibis.or_(*(lines[name].lower().isin(TOTALS) for name in _TEXTS)).fill_null(False)
    lines = lines.select("row", "order_id", "amount_fen", named=lines["sku"].notnull(), labelled=labelled)
    plain = ~lines["labelled"]
    sums = lines.group_by("order_id").agg(
        sum=lines["amount_fen"].sum(where=plain), n=plain.sum(), names=(lines["named"] & plain).sum()
    )
    both = lines.inner_join(sums.filter(sums["n"] > 0), "order_id")
    says = both["labelled"] & (both["amount_fen"] == both["sum"])
    may = ~both["labelled"] & ~both["named"] & (both["n"] > 1) & (both["amount_fen"] * 2 == both["sum"])
    return both.filter(says | may).select("row", "labelled", alone=both["names"] == both["n"] - 1)


def _said_elsewhere(source: RowSource, numbers: Sequence[int]) -> set[int]:
    """Return those of the rows ``numbers`` in which a cell of the file is a word of totals."""
    if not numbers:
        return set()
    texts = texts_of(source, list(source.columns), pa.array(numbers, pa.int64()))
    return {
        number
        for number, cells in texts
        if any(isinstance(cell, str) and plain_name(cell) in _PLAIN for cell in cells)
    }


def _remarks(doubtful: Sequence[int]) -> tuple[Message, ...]:
    if not doubtful:
        return ()
    return (
        Message(
            "{count:,} lines name no product and have the amount of all other lines of their order "
            "together (the first in row {row}): they count; if they are subtotals, write Subtotal into "
            "their empty cell of the product and import the file again",
            count=len(doubtful),
            row=min(doubtful),
        ),
    )
