"""Product margins of orders (商品毛利): what the lines of an order earned, after discounts and refunds.

A product's margin is that of one piece sold at its price. So a line earns its amount less the cost of its
pieces (price − margin); of a product without a price, its margin less the line's discount. A line without a
quantity is one piece. Ibis expressions; money in minor units, rounded half-up per line and per order.
"""

from typing import Any

import ibis

from koipond.facts.orders import KEY
from koipond.facts.ports import IbisTable, Reader
from koipond.facts.tables import FactTables

PIECE_MILLI = 1_000
ORDER = ("order_no", *KEY)


def has_margins(reader: Reader) -> bool:
    """Say whether any product carries a margin."""
    if not (reader.has("products") and reader.has("order_lines")):
        return False
    known = reader.table("products").filter(ibis._.margin_fen.notnull())
    return bool(reader.scalar(known.count().name("known")))


def order_margins(reader: Reader, facts: FactTables, orders: IbisTable, as_of_day: int) -> IbisTable:
    """Return order_no, margin_fen, covered_fen of those of ``orders`` with a product that has a margin.

    ``orders``: `ORDER`, one row each, and ``net_fen`` after the refunds up to ``as_of_day``. ``covered_fen``
    is the part of it that products with a margin brought. A refund that names a product of its order takes
    that product's share back; any other lowers all that is left of the order in one proportion.
    """
    goods = _goods(reader, orders)
    refunded = _refunded(facts, orders, as_of_day)
    if refunded is not None:
        named = goods.left_join(refunded, ["order_no", "sku"]).drop("order_no_right", "sku_right")
        goods = named.mutate(back_fen=ibis.least(ibis.coalesce(named.named_fen, 0), named.amount_fen))
    left = goods.group_by("order_no").agg(left_fen=(goods.amount_fen - goods.back_fen).sum())
    rows = goods.inner_join(left, "order_no")
    rows = rows.inner_join(orders.select("order_no", "net_fen"), "order_no")
    rows = rows.filter(rows.margin_fen.notnull())
    own = (rows.amount_fen - rows.back_fen).cast("float64")
    kept = ibis.cases((rows.amount_fen > 0, own / rows.amount_fen), else_=1.0)
    rest = ibis.cases((rows.left_fen > 0, rows.net_fen.cast("float64") / rows.left_fen), else_=0.0)
    return rows.group_by("order_no").agg(
        margin_fen=(rows.margin_fen * kept * rest).sum().round().cast("int64"),
        covered_fen=(own * rest).sum().round().cast("int64"),
    )


def _goods(reader: Reader, orders: IbisTable) -> IbisTable:
    """Return order_no, sku, amount_fen, margin_fen, back_fen = 0: each product of each order once.

    ``margin_fen`` is null where the product has none.
    """
    known = reader.table("products").filter(ibis._.margin_fen.notnull())
    known = known.select(_sku="sku", price_fen="price_fen", piece_fen="margin_fen")
    lines = reader.table("order_lines").semi_join(orders, "order_no")
    lines = lines.select("order_no", "sku", "amount_fen", "discount_fen", "quantity_milli")
    lines = lines.left_join(known, lines.sku == known["_sku"])
    milli = ibis.coalesce(lines.quantity_milli, PIECE_MILLI)
    by_cost = lines.amount_fen - _pieces(milli, lines.price_fen - lines.piece_fen)
    by_piece = _pieces(milli, lines.piece_fen) - ibis.coalesce(lines.discount_fen, 0)
    earned = lines.mutate(earned=ibis.coalesce(by_cost, by_piece))
    goods = earned.group_by("order_no", "sku").agg(
        amount_fen=earned.amount_fen.sum().cast("int64"), margin_fen=earned.earned.sum().cast("int64")
    )
    return goods.mutate(back_fen=ibis.literal(0, "int64"))


def _pieces(milli: Any, fen: Any) -> Any:
    return (milli * fen / PIECE_MILLI).round().cast("int64")


def _refunded(facts: FactTables, orders: IbisTable, as_of_day: int) -> IbisTable | None:
    """Return order_no, sku, named_fen of the refunds that name one of ``orders`` and a product."""
    if facts.refunds is None:
        return None
    rows = facts.refunds.filter(ibis._.order_id.notnull(), ibis._.sku.notnull(), ibis._.day <= as_of_day)
    rows = facts.canonical(rows.select(*KEY, "sku", "amount_fen")).inner_join(orders.select(*ORDER), KEY)
    return rows.group_by("order_no", "sku").agg(named_fen=rows.amount_fen.sum().cast("int64"))
