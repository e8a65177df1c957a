"""Write orders into the warehouse: new ones are added, changed ones replace the earlier ones.

An order has a sale part (row and lines) and a refund part (refunds under its own number). What a file brings
of either is judged by `koipond.ingest.order_ages`: a later state of an order replaces an earlier one,
whichever file came first. What is equal is left alone, so the same file again changes nothing. Refunds
without an id are known by their content and how often it occurs.
"""

from koipond.facts.ports import IbisTable, Writer
from koipond.ingest.archive import as_facts, retire
from koipond.ingest.model import ImportRequest
from koipond.ingest.order_ages import count_known, judge_refunds, judge_sales
from koipond.ingest.orders import OrderFacts
from koipond.ingest.words import PAID

_SALE = ("source", "order_id", "customer_no")
"""What a refund and the sale it lowers have in common."""


def write_orders(
    writer: Writer, facts: OrderFacts, request: ImportRequest, import_no: int
) -> tuple[dict[str, int], dict[str, int]]:
    """Bring ``facts`` into the warehouse; return how many orders and refunds changed, and notes.

    Notes: ``orders_known_later``, of which the warehouse knows a later state than the file,
    ``orders_with_other_lines``, whose lines the file replaces by others, ``refunds_without_sale``, which
    name no order of their customer that was ever imported, and ``refunds_beyond_sale``, orders of which more
    was given back than they were sold for.
    """
    known = judge_sales(writer, facts, request)
    written, replaced = facts.orders, 0
    lines = facts.lines
    if known is not None:
        kept = known.filter(~known["write_sale"])
        gone = known.filter(known["write_sale"]).select("order_no")
        replaced = _count(writer, gone)
        written, lines = written.anti_join(kept, "order_id"), lines.anti_join(kept, "order_id")
    refunds, refunds_gone = judge_refunds(writer, facts, request, known)
    removed = 0
    if replaced:
        retire(writer, "order_lines", gone, ["order_no"], import_no)
        retire(writer, "orders", gone, ["order_no"], import_no)
    if _count(writer, refunds_gone):
        removed = retire(writer, "refunds", refunds_gone, ["source", "refund_id"], import_no)
    by_customer = ("customer_no", "at_s", "order_no")
    count = writer.append("orders", as_facts("orders", written).order_by(*by_customer))
    writer.append("order_lines", as_facts("order_lines", lines).order_by(*by_customer))
    added = writer.append("refunds", as_facts("refunds", refunds).order_by("customer_no", "at_s"))
    changes = {
        "orders_new": count - replaced,
        "orders_replaced": replaced,
        "orders_unchanged": _count(writer, facts.orders) - count,
        "refunds_added": added,
        "refunds_replaced": removed,
    }
    return changes, _notes(writer, facts, known)


def _notes(writer: Writer, facts: OrderFacts, known: IbisTable | None) -> dict[str, int]:
    notes = {
        **({} if known is None else count_known(writer, known)),
        "refunds_without_sale": _without_sale(writer, facts),
        "refunds_beyond_sale": _beyond_sale(writer, facts),
        "partial_refunds_unsaid": facts.unsaid,
    }
    return {name: count for name, count in notes.items() if count}


def _without_sale(writer: Writer, facts: OrderFacts) -> int:
    """Count the refunds of the file that name no order of the same source and customer."""
    if not _count(writer, facts.refunds):
        return 0
    return _count(writer, facts.refunds.anti_join(writer.table("orders"), _SALE))


def _beyond_sale(writer: Writer, facts: OrderFacts) -> int:
    """Count the paid orders that the file tells of, of which more is given back than was sold."""
    if not _count(writer, facts.refunds):
        return 0
    named = facts.refunds.filter(facts.refunds["order_id"].notnull()).select(*_SALE)
    refunds = writer.table("refunds").semi_join(named, _SALE)
    back = refunds.group_by(_SALE).agg(back_fen=lambda t: t["amount_fen"].sum())
    orders = writer.table("orders").inner_join(back, _SALE)
    beyond = (orders["status"] == PAID) & (orders["back_fen"] > orders["net_fen"])
    return _count(writer, orders.filter(beyond))


def _count(writer: Writer, table: IbisTable) -> int:
    return int(writer.scalar(table.count()))
