"""Good rows of an orders file → orders, their lines and refunds (design §5, science D).

A row that says *refunded* is a line that was sold and a refund of it, so an order known by nothing else comes
to nothing. A refund names what stands in ``refund_of``, else its own order; whether that order is known is
asked when refunds are read, so it does not matter which of the two came first.
"""

from dataclasses import dataclass
from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Writer
from koipond.ingest.amount_levels import Levels
from koipond.ingest.functions import md5
from koipond.ingest.model import ImportRequest
from koipond.ingest.words import CANCELLED, PAID, PENDING, REFUNDED

_RANKS = {PAID: 0, PENDING: 1, CANCELLED: 2}
ORDER_BITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """The good rows as facts, not yet compared with what the warehouse holds."""

    orders: IbisTable
    lines: IbisTable  # with order_id instead of order_no
    refunds: IbisTable
    unsaid: int  # lines said to be given back in part, of whose order the file does not say how much


def build_orders(
    writer: Writer, judged: IbisTable, request: ImportRequest, import_no: int, levels: Levels
) -> OrderFacts:
    """Return the good rows of ``judged`` as orders, lines and refunds of import ``import_no``."""
    good = judged.filter(judged["rule"].isnull())
    lines = _lines(writer, good)
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
    refunds = _refunds(writer, good, request, import_no, levels)
    return OrderFacts(orders=orders, lines=lines, refunds=refunds, unsaid=_unsaid(writer, good))


def _unsaid(writer: Writer, good: IbisTable) -> int:
    """Count the lines said to be given back in part whose order says nowhere how much: neither in a cell nor
    by a refund of its own. That other lines of it were given back whole does not say it."""
    partly = good.filter(good["partly"])
    if not int(writer.scalar(partly.count())):
        return 0
    own = good["negative"] | good["refund_of"].notnull() | good["back_fen"].notnull()
    told = good.filter(good["is_refund"] & own)
    told = told.select(order_id=ibis.coalesce(told["refund_of"], told["order_id"])).distinct()
    return int(writer.scalar(partly.anti_join(told, "order_id").count()))


def _lines(writer: Writer, good: IbisTable) -> IbisTable:
    """The lines that were sold: of an order of mixed states those of the best one, refunded = paid."""
    lines = good.filter(good["is_line"])
    minus = good.filter((good["status"] == REFUNDED) & good["negative"] & good["order_id"].notnull())
    minus = minus.filter(minus["refund_of"].isnull())
    if int(writer.scalar(minus.count())):
        lines = lines.union(_turned(minus.anti_join(lines, "order_id")))
    if int(writer.scalar(lines["status"].nunique())) <= 1 and not int(
        writer.scalar((lines["status"] == REFUNDED).sum().fill_null(0))
    ):
        return lines
    lines = lines.mutate(status=lines["status"].replace(REFUNDED, PAID))
    ranked = lines.mutate(rank=read_rank(lines["status"]))
    heads = ranked.group_by("order_id").agg(rank=lambda t: t["rank"].min())
    return ranked.semi_join(heads, ["order_id", "rank"])


def _turned(rows: IbisTable) -> IbisTable:
    """Return rows that say *refunded* with a minus, alone of their order, as what must have been sold."""
    return rows.mutate(
        **{name: rows[name].abs() for name in ("amount_fen", "discount_fen", "quantity_milli")}
    ).select(*rows.columns)


def read_rank(status: Any) -> Any:
    """Return 0 paid, 1 pending, 2 cancelled; an order of mixed lines has the best status, and its lines."""
    return ibis.cases(*((status == name, rank) for name, rank in _RANKS.items()), else_=0)


def _given_back(rows: IbisTable, levels: Levels) -> IbisTable:
    """Return the refunds among ``rows``, and ``stated``: by a cell of its own, which comes first.

    What an order says there is all that was given back of it when it is the whole order's, or as much as its
    lines that say *refunded*; then those lines add nothing.
    """
    itself = rows["negative"] | rows["refund_of"].notnull()
    rows = rows.mutate(
        stated=rows["back_fen"].notnull() & ~itself, silent=(rows["status"] == REFUNDED) & ~itself
    )
    sums = {
        "said": ibis.ifelse(rows["stated"], rows["back_fen"], None).sum(),
        "lines": ibis.ifelse(rows["silent"], rows["amount_fen"], 0).sum(),
    }
    rows = rows.mutate(**{name: value.over(group_by="order_id") for name, value in sums.items()})
    whole = rows["said"].notnull() & rows["order_id"].notnull()
    if not (levels.back or levels.paid):
        whole &= rows["said"] >= rows["lines"]
    return rows.filter(rows["stated"] | ~(rows["silent"] & whole.fill_null(False)))


def _refunds(
    writer: Writer, good: IbisTable, request: ImportRequest, import_no: int, levels: Levels
) -> IbisTable:
    rows = _given_back(good.filter(good["is_refund"]), levels)
    at_s, day = rows["at_s"], rows["day"]
    if "refunded_s" in rows.columns:
        at_s, day = rows["refunded_s"].coalesce(at_s), rows["refunded_day"].coalesce(day)
    plain = rows.select(
        "customer_no", "row",
        at_s=at_s,
        day=day,
        sku=ibis.null("string") if levels.back else rows["sku"],
        source=ibis.literal(request.source),
        own_id=rows["order_id"],
        order_id=ibis.coalesce(rows["refund_of"], rows["order_id"]),
        quantity_milli=ibis.ifelse(rows["stated"], ibis.null("int64"), rows["quantity_milli"].abs()),
        amount_fen=ibis.ifelse(rows["stated"], rows["back_fen"], rows["amount_fen"].abs()),
        import_no=ibis.literal(import_no, type="int32"),
    )  # fmt: skip
    parts = ("customer_no", "at_s", "sku", "quantity_milli", "amount_fen", "order_id")
    content = md5(ibis.literal("|").join([plain[name].cast("string").fill_null("") for name in parts]))
    plain = plain.mutate(content=content)
    plain = plain.mutate(nth=ibis.row_number().over(group_by=plain["content"], order_by=plain["row"]))
    made = ibis.literal("c:").concat(plain["content"], ":", plain["nth"].cast("string"))
    named = plain.mutate(refund_id=ibis.ifelse(plain["own_id"].notnull(), plain["own_id"], made))
    return writer.cache("import_refunds", named.drop("content", "nth", "row"))
