"""Write orders into the warehouse: new ones are added, changed ones replace the earlier ones whole.

An order has a sale part (row and lines) and a refund part (refunds with its own id). A file replaces the sale
part when it holds a sale of that id, the refund part when it holds a refund of that id; refunds that came in
the same file as the sale they belong to go with it. What is equal is left alone, so the same file again
changes nothing. Refunds without an id are known by their content and how often it occurs.
"""

from collections.abc import Sequence
from typing import Any

import ibis

from koipond.ingest.archive import as_facts, retire
from koipond.ingest.model import ImportRequest
from koipond.ingest.orders import OrderFacts
from koipond.ingest.ports import IbisTable, Writer

_HEAD = ("customer_no", "at_s", "gross_fen", "net_fen", "status", "channel", "store", "staff", "coupon")
_LINE = ("line_id", "at_s", "sku", "category", "quantity_milli", "amount_fen", "discount_fen")
_REFUND = ("order_id", "customer_no", "at_s", "sku", "quantity_milli", "amount_fen")
_BITS = 2**40  # sums of so small hashes stay in 64 bits for 8 million lines of one order


def write_orders(writer: Writer, facts: OrderFacts, request: ImportRequest, import_no: int) -> dict[str, int]:
    """Bring ``facts`` into the warehouse; return how many orders and refunds are new, replaced, unchanged."""
    sales, sales_gone = _sale_changes(writer, facts, request)
    refunds, refunds_gone = _refund_changes(writer, facts, request, sales_gone)
    replaced = _count(writer, sales_gone)
    removed = 0
    if replaced:
        gone = sales_gone.select("order_no")
        retire(writer, "order_lines", gone, ["order_no"], import_no)
        retire(writer, "orders", gone, ["order_no"], import_no)
    if _count(writer, refunds_gone):
        removed = retire(writer, "refunds", refunds_gone, ["source", "refund_id"], import_no)
    orders = facts.orders.semi_join(sales, "order_id")
    lines = facts.lines.semi_join(sales, "order_id")
    by_customer = ("customer_no", "at_s", "order_no")
    written = writer.append("orders", as_facts("orders", orders).order_by(*by_customer))
    writer.append("order_lines", as_facts("order_lines", lines).order_by(*by_customer))
    added = writer.append("refunds", as_facts("refunds", refunds).order_by("customer_no", "at_s"))
    return {
        "orders_new": written - replaced,
        "orders_replaced": replaced,
        "orders_unchanged": _count(writer, facts.orders) - written,
        "refunds_added": added,
        "refunds_replaced": removed,
    }


def _sale_changes(writer: Writer, facts: OrderFacts, request: ImportRequest) -> tuple[IbisTable, IbisTable]:
    """Return (order_id of the sales to write), (order_id, order_no, import_no of what they replace)."""
    keys = facts.orders.select("order_id")
    live = writer.table("orders")
    live = live.filter(live["source"] == request.source)
    hits = writer.cache("hit_orders", live.semi_join(keys, "order_id"))
    if not _count(writer, hits):
        return keys, hits.select("order_id", "order_no", "import_no")
    write = writer.cache("write_orders", keys.anti_join(_unchanged(writer, facts, hits, request), "order_id"))
    gone = hits.semi_join(write, "order_id").select("order_id", "order_no", "import_no")
    return write, writer.cache("gone_orders", gone)


def _unchanged(writer: Writer, facts: OrderFacts, hits: IbisTable, request: ImportRequest) -> IbisTable:
    """The order_ids whose sale part, and refund part where the file has one, equal the live ones."""
    lines = writer.table("order_lines").inner_join(hits.select("order_no", "order_id"), "order_no")
    refunds = writer.table("refunds")
    refunds = refunds.filter(refunds["source"] == request.source)
    own = refunds.inner_join(hits.select("import_no", refund_id="order_id"), ["refund_id", "import_no"])
    parts = {
        "head_live": _signed(hits, _HEAD, "order_id"),
        "lines": _signed(facts.lines, _LINE, "order_id"),
        "lines_live": _signed(lines, _LINE, "order_id"),
        "refunds": _signed(facts.refunds, _REFUND, "refund_id"),
        "refunds_live": _signed(refunds.semi_join(hits, [("refund_id", "order_id")]), _REFUND, "refund_id"),
        "own_live": _signed(own, _REFUND, "refund_id"),
    }
    table = _signed(facts.orders, _HEAD, "order_id").rename(head="sign")
    for name, part in parts.items():
        known = table.columns
        table = table.left_join(part, "key").select(*(table[c] for c in known), part["sign"].name(name))
    refunds_same = ibis.ifelse(
        table["refunds"].notnull(), table["refunds"] == table["refunds_live"], table["own_live"].isnull()
    )
    sale_same = (table["head"] == table["head_live"]) & (table["lines"] == table["lines_live"])
    return table.filter(sale_same & refunds_same).select(order_id="key")


def _refund_changes(
    writer: Writer, facts: OrderFacts, request: ImportRequest, sales_gone: IbisTable
) -> tuple[IbisTable, IbisTable]:
    """Return (refunds to write), (source and refund_id of live refunds that go)."""
    live = writer.table("refunds")
    live = live.filter(live["source"] == request.source)
    if not _count(writer, live):
        return facts.refunds, live.select("source", "refund_id")
    after = _signed(facts.refunds, _REFUND, "refund_id")
    before = _signed(live.semi_join(facts.refunds, "refund_id"), _REFUND, "refund_id").rename(live="sign")
    both = after.inner_join(before, "key")
    same = both.filter(both["sign"] == both["live"]).select(refund_id="key")
    own = live.inner_join(sales_gone.select("import_no", refund_id="order_id"), ["refund_id", "import_no"])
    own = own.select("source", "refund_id")
    same = same.anti_join(own, "refund_id")
    write = writer.cache("write_refunds", facts.refunds.anti_join(same, "refund_id"))
    again = live.semi_join(write, "refund_id").select("source", "refund_id")
    return write, writer.cache("gone_refunds", again.union(own, distinct=True))


def _signed(table: IbisTable, columns: Sequence[str], key: str) -> IbisTable:
    """One ``sign`` for the rows of each ``key``, whatever their order; equal rows count each time.

    A sum is wider than what is kept of it, and a negative number of another width has another hash.
    """
    content = ibis.struct({column: _narrow(table[column]) for column in columns}).hash()
    small = ((content % _BITS) + _BITS) % _BITS
    return table.group_by(key=table[key]).agg(sign=(small.sum() + table.count()).cast("int64"))


def _narrow(column: Any) -> Any:
    return column.cast("int64") if column.type().is_numeric() else column


def _count(writer: Writer, table: IbisTable) -> int:
    return int(writer.scalar(table.count()))
