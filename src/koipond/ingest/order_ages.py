"""Which of two states of an order is the later one (订单状态先后), whichever file came first.

Exports say nothing about when they were made, but an order lives in one direction: pending, then paid (or
cancelled), then given back, in part or whole; what was given back only grows. So of two files that tell of
the *same sale* (equal lines) the one with more given back is the newer. An order *wholly given back* may be
known by a list of returns alone, which shows less than was sold: then the larger sale stands. A *different
sale* is a correction: the last import wins, and refunds that came with the sale it replaces go with it.
Choices: docs/decisions/0006-imports.md.
"""

from collections.abc import Sequence
from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Writer
from koipond.ingest.model import ImportRequest
from koipond.ingest.orders import OrderFacts
from koipond.ingest.words import CANCELLED, PAID, PENDING

_HEAD = ("customer_no", "at_s", "gross_fen", "net_fen", "status", "channel", "store", "staff", "coupon")
_LINE = ("line_id", "at_s", "sku", "category", "quantity_milli", "amount_fen", "discount_fen")
_REFUND = ("order_id", "customer_no", "at_s", "sku", "quantity_milli", "amount_fen")
_BITS = 2**40  # sums of so small hashes stay in 64 bits for 8 million lines of one order


def judge_sales(writer: Writer, facts: OrderFacts, request: ImportRequest) -> IbisTable | None:
    """Return the orders of the file that the warehouse knows, None when it knows none.

    Columns: order_id, order_no and import_no of the live one, ``write_sale``, ``refunds`` (write, keep or
    drop), ``other_lines``: the file's sale replaces one with other lines, ``older``: the warehouse holds a
    later state of the order than the file.
    """
    live = writer.table("orders")
    live = live.filter(live["source"] == request.source)
    hits = writer.cache("hit_orders", live.semi_join(facts.orders.select("order_id"), "order_id"))
    if not int(writer.scalar(hits.count())):
        return None
    both = _both(writer, facts, hits, request)
    same_head = both["head"] == both["head_live"]
    same_lines = both["lines"] == both["lines_live"]
    returned, returned_live = _whole(both, ""), _whole(both, "_live")
    early = (both["status"] == PENDING) & (both["status_live"] != PENDING)
    early |= (both["status"] == CANCELLED) & returned_live
    paid = (both["status"] == PAID) & (both["status_live"] == PAID)
    list_of_returns = returned & ~returned_live & (both["net"] <= both["net_live"]) & ~both["strange"]
    of_returns_live = returned_live & ~returned & (both["net"] < both["net_live"]) & ~both["strange_live"]
    keep = early | (paid & (list_of_returns | of_returns_live))
    write_sale = ~(same_head & same_lines) & ~keep
    strange = both["strange"] | both["strange_live"]
    one_sale = same_lines | (paid & (returned != returned_live) & ~strange)
    refunds = _refund_verdict(both, one_sale=one_sale, early=early, write_sale=write_sale)
    less = (both["back"] < both["back_live"]) & (refunds == "keep")
    # once paid, an order's amounts are others than while it waited; other goods are another part of it
    settled = (both["status_live"] == PENDING) & (both["status"] != PENDING)
    other = write_sale & ~same_lines & ~one_sale & (~settled | strange)
    known = both.select(
        "order_id", "order_no", "import_no",
        write_sale=write_sale,
        refunds=refunds,
        other_lines=other,
        older=(early | (paid & of_returns_live) | less) & ~write_sale | less,
    )  # fmt: skip
    return writer.cache("known_orders", known)


def _refund_verdict(both: IbisTable, *, one_sale: Any, early: Any, write_sale: Any) -> Any:
    """What becomes of the refunds under the order's own number.

    ``write``: those of the file replace the live ones, ``keep``: the live ones stay, ``drop``: they go with
    the sale they came with.
    """
    grown = (both["back"] > both["back_live"]) | ((both["back"] == both["back_live"]) & ~_equal(both))
    again = _equal(both) & write_sale  # they belong to the sale that is written anew
    return ibis.cases(
        (early, "keep"),
        (both["back"] == 0, ibis.ifelse(write_sale & ~one_sale, "drop", "keep")),
        (again, "write"),
        (_equal(both), "keep"),
        (one_sale & ~grown, "keep"),
        else_="write",
    )


def _equal(both: IbisTable) -> Any:
    return (both["refunds"] == both["refunds_live"]).fill_null(False)


def _whole(both: IbisTable, end: str) -> Any:
    """Whether all that was sold is given back, by refunds under the order's own number."""
    back = both[f"back{end}"]
    return (both[f"status{end}"] == PAID) & (back > 0) & (back >= both[f"net{end}"])


def _both(writer: Writer, facts: OrderFacts, hits: IbisTable, request: ImportRequest) -> IbisTable:
    """Return one row an order that both know; what the warehouse says ends in ``_live``."""
    lines = writer.table("order_lines").inner_join(hits.select("order_no", "order_id"), "order_no")
    refunds = writer.table("refunds")
    refunds = refunds.filter(refunds["source"] == request.source)
    refunds = refunds.semi_join(hits, [("refund_id", "order_id")])
    heads = facts.orders.select("order_id", status="status", net="net_fen")
    table = hits.select("order_id", "order_no", "import_no", status_live="status", net_live="net_fen")
    table = table.inner_join(heads, "order_id")
    parts = {
        "head": _signed(facts.orders, _HEAD, "order_id"),
        "head_live": _signed(hits, _HEAD, "order_id"),
        "lines": _signed(facts.lines, _LINE, "order_id"),
        "lines_live": _signed(lines, _LINE, "order_id"),
        "refunds": _signed(facts.refunds, _REFUND, "refund_id"),
        "refunds_live": _signed(refunds, _REFUND, "refund_id"),
    }
    for name, part in parts.items():
        table = _beside(table, part, table["order_id"] == part["key"], name, "sign")
    for name, rows in {"back": facts.refunds, "back_live": refunds}.items():
        part = _given_back(rows)
        table = _beside(table, part, table["order_id"] == part["key"], name, "back_fen")
        table = table.mutate(**{name: table[name].fill_null(0)})
    for name, (here, there) in {
        "strange": (facts.lines, lines),
        "strange_live": (lines, facts.lines),
    }.items():
        part = _goods_missing(here, there)
        table = _beside(table, part, table["order_id"] == part["key"], name, "goods")
        table = table.mutate(**{name: table[name].notnull()})
    return writer.cache("both_orders", table)


def _goods_missing(here: IbisTable, there: IbisTable) -> IbisTable:
    """Return key, goods: the orders with a line ``here`` whose goods ``there`` does not name.

    A list of returns names only goods that were sold, so such a line belongs to another part of the sale.
    An order of which ``there`` names no goods says nothing.
    """
    named = there.filter(there["sku"].notnull()).select("order_id", "sku").distinct()
    mine = here.filter(here["sku"].notnull()).semi_join(named, "order_id")
    strange = mine.anti_join(named, ["order_id", "sku"])
    return strange.group_by(key=strange["order_id"]).agg(goods=strange.count())


def _beside(table: IbisTable, part: IbisTable, on: Any, name: str, value: str) -> IbisTable:
    """Return ``table`` with column ``value`` of ``part`` as ``name``, null where ``part`` has no row."""
    known = table.columns
    joined = table.left_join(part, on)
    return joined.select(*known, **{name: joined[value]})


def _given_back(refunds: IbisTable) -> IbisTable:
    return refunds.group_by(key=refunds["refund_id"]).agg(back_fen=refunds["amount_fen"].sum().cast("int64"))


def judge_refunds(
    writer: Writer, facts: OrderFacts, request: ImportRequest, known: IbisTable | None
) -> tuple[IbisTable, IbisTable]:
    """Return (refunds to write), (source and refund_id of live refunds that go)."""
    live = writer.table("refunds")
    live = live.filter(live["source"] == request.source)
    if not int(writer.scalar(live.count())):
        return facts.refunds, live.select("source", "refund_id")
    after, before = _summed(facts.refunds), _summed(live.semi_join(facts.refunds, "refund_id"))
    both = after.inner_join(before, "key", rname="{name}_live")
    stays = both.filter(
        ibis.or_(both["sign"] == both["sign_live"], both["back_fen"] < both["back_fen_live"])
    ).select(refund_id="key")
    apart = _of_other_days(facts, live)
    stays = stays.anti_join(apart, "refund_id")
    gone = live.filter(False).select("source", "refund_id")
    if known is not None:
        stays = stays.anti_join(known, [("refund_id", "order_id")])
        kept = known.filter(known["refunds"] == "keep").select(refund_id="order_id")
        stays = stays.union(kept)
        dropped = known.filter(known["refunds"] == "drop").select("import_no", refund_id="order_id")
        gone = live.semi_join(dropped, ["import_no", "refund_id"]).select("source", "refund_id")
    write = writer.cache("write_refunds", facts.refunds.anti_join(stays, "refund_id"))
    again = live.semi_join(write, "refund_id").anti_join(apart, "refund_id").select("source", "refund_id")
    return write, writer.cache("gone_refunds", again.union(gone, distinct=True))


def _of_other_days(facts: OrderFacts, live: IbisTable) -> IbisTable:
    """Return refund_id: refunds that a file names without their sale, on days on which none is known.

    They are told of beside those that are known and replace none: what is given back in two steps is often
    exported in two files. With its sale a file tells the whole state of the order.
    """
    mine = facts.refunds.anti_join(facts.orders, [("refund_id", "order_id")])
    same = mine.semi_join(live, ["refund_id", "day"]).select("refund_id")
    known = mine.semi_join(live, "refund_id").select("refund_id").distinct()
    return known.anti_join(same, "refund_id")


def count_known(writer: Writer, known: IbisTable) -> dict[str, int]:
    """Return of how many orders the warehouse knows a later state, and how many get other lines."""
    sums = known.agg(
        orders_known_later=known["older"].sum(), orders_with_other_lines=known["other_lines"].sum()
    )
    return {name: int(count or 0) for name, count in writer.frame(sums).to_pylist()[0].items()}


def _summed(refunds: IbisTable) -> IbisTable:
    """Return key, sign, back: what stands under each refund_id, and its sum."""
    return _signed(refunds, _REFUND, "refund_id").inner_join(_given_back(refunds), "key")


def _signed(table: IbisTable, columns: Sequence[str], key: str) -> IbisTable:
    """One ``sign`` for the rows of each ``key``, whatever their order; equal rows count each time.

    A sum is wider than what is kept of it, and a negative number of another width has another hash.
    """
    content = ibis.struct({column: _narrow(table[column]) for column in columns}).hash()
    small = ((content % _BITS) + _BITS) % _BITS
    return table.group_by(key=table[key]).agg(sign=(small.sum() + table.count()).cast("int64"))


def _narrow(column: Any) -> Any:
    return column.cast("int64") if column.type().is_numeric() else column
