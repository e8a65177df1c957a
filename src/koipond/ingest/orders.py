"""Good rows of an orders file → orders, their lines and refunds (design §5, science D).

A refund is linked to what it names in ``refund_of``; else to its own order when that has a sale here or in
the warehouse. A row that says *refunded* without a minus names its own order in any case. What is left is
an unlinked refund.
"""

from dataclasses import dataclass
from typing import Any

import ibis

from koipond.ingest.functions import md5
from koipond.ingest.model import ImportRequest
from koipond.ingest.ports import IbisTable, Writer
from koipond.ingest.words import CANCELLED, PAID, PENDING, REFUNDED

_RANKS = {PAID: 0, PENDING: 1, CANCELLED: 2}
ORDER_BITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """The good rows as facts, not yet compared with what the warehouse holds."""

    orders: IbisTable
    lines: IbisTable  # with order_id instead of order_no
    refunds: IbisTable


def build_orders(writer: Writer, judged: IbisTable, request: ImportRequest, import_no: int) -> OrderFacts:
    """Return the good rows of ``judged`` as orders, lines and refunds of import ``import_no``."""
    good = judged.filter(judged["rule"].isnull())
    lines = good.filter(~good["is_refund"])
    if int(writer.scalar(lines["status"].nunique())) > 1:
        ranked = lines.mutate(rank=read_rank(lines["status"]))
        heads = ranked.group_by("order_id").agg(rank=lambda t: t["rank"].min())
        lines = ranked.semi_join(heads, ["order_id", "rank"])
    source = ibis.literal(request.source)
    number = ibis.literal(import_no, type="int32")
    orders = lines.group_by("order_id").agg(
        order_no=lines["row"].min() + (import_no << ORDER_BITS),
        customer_no=lines["customer_no"].min(),
        at_s=lines["at_s"].min(),
        day=lines["day"].min(),
        discount_fen=lines["discount_fen"].sum().cast("int64"),
        net_fen=lines["amount_fen"].sum().cast("int64"),
        status=lines["status"].min(),
        **{name: lines[name].min() for name in ("channel", "store", "staff", "coupon")},
        line_count=lines.count().cast("int32"),
    )
    orders = orders.mutate(
        gross_fen=orders["net_fen"] + orders["discount_fen"], source=source, import_no=number
    )
    orders = writer.cache("import_orders", orders)
    lines = lines.inner_join(orders.select("order_id", "order_no"), "order_id").mutate(import_no=number)
    refunds = _refunds(writer, good.filter(good["is_refund"]), orders, request, import_no)
    return OrderFacts(orders=orders, lines=lines, refunds=refunds)


def read_rank(status: Any) -> Any:
    """Return 0 paid, 1 pending, 2 cancelled; an order of mixed lines has the best status, and its lines."""
    return ibis.cases(*((status == name, rank) for name, rank in _RANKS.items()), else_=0)


def _refunds(
    writer: Writer, rows: IbisTable, orders: IbisTable, request: ImportRequest, import_no: int
) -> IbisTable:
    live = writer.table("orders")
    sold = orders.select("order_id").union(
        live.filter(live["source"] == request.source).select("order_id"), distinct=True
    )
    sold = sold.mutate(sold=ibis.literal(True))
    rows = rows.left_join(sold, "order_id").drop("order_id_right")
    own = rows["sold"].fill_null(False) | (rows["status"] == REFUNDED) & ~rows["negative"]
    linked = ibis.coalesce(rows["refund_of"], ibis.ifelse(own, rows["order_id"], ibis.null("string")))
    plain = rows.select(
        "customer_no", "at_s", "day", "sku", "row",
        source=ibis.literal(request.source),
        own_id=rows["order_id"],
        order_id=linked,
        quantity_milli=rows["quantity_milli"].abs(),
        amount_fen=rows["amount_fen"].abs(),
        import_no=ibis.literal(import_no, type="int32"),
    )  # fmt: skip
    parts = ("customer_no", "at_s", "sku", "quantity_milli", "amount_fen", "order_id")
    content = md5(ibis.literal("|").join([plain[name].cast("string").fill_null("") for name in parts]))
    plain = plain.mutate(content=content)
    plain = plain.mutate(nth=ibis.row_number().over(group_by=plain["content"], order_by=plain["row"]))
    made = ibis.literal("c:").concat(plain["content"], ":", plain["nth"].cast("string"))
    named = plain.mutate(refund_id=ibis.ifelse(plain["own_id"].notnull(), plain["own_id"], made))
    return writer.cache("import_refunds", named.drop("content", "nth", "row"))
