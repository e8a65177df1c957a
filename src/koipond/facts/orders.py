"""What an order is worth (订单净额): paid, net of the refunds that name it, in one place for all who ask.

An order counts when its status is ``paid`` and its amount after linked refunds is above 0; a refund that
names no order of the same customer is unlinked and lowers money on its own day (science D). Pure.
"""

from typing import Any

import ibis

from koipond.facts import dialect
from koipond.facts.ports import IbisTable
from koipond.facts.tables import FactTables

KEY = ("customer_no", "source", "order_id")
PAID = "paid"


def is_paid(orders: IbisTable) -> Any:
    """Return whether a row of orders was paid, whatever was given back since."""
    return orders.status == PAID


def counted(orders: IbisTable) -> IbisTable:
    """Return the paid ``orders`` of which anything is left: ``net_fen`` is what remains after refunds."""
    return orders.filter(orders.net_fen > 0)


def linked_refunds(facts: FactTables, as_of: Any) -> IbisTable:
    """Return customer_no, source, order_id, refunded_fen of the orders with a refund dated up to ``as_of``.

    A refund is linked when it names an order of the same customer.
    """
    assert facts.refunds is not None
    assert facts.orders is not None
    named = facts.refunds.filter(facts.refunds.order_id.notnull(), facts.refunds.day <= as_of)
    named = facts.canonical(named.select(*KEY, "amount_fen"))
    sums = named.group_by(KEY).agg(refunded_fen=dialect.whole(named.amount_fen.sum()))
    orders = facts.canonical(facts.orders.select(*KEY)).semi_join(named, "customer_no")
    return orders.inner_join(sums, KEY).select(*KEY, "refunded_fen")


def net_of_refunds(orders: IbisTable, linked: IbisTable) -> IbisTable:
    """Return ``orders`` (survivors' numbers) with ``net_fen`` lowered by their `linked_refunds`."""
    joined = orders.left_join(linked, KEY)
    net = joined.net_fen - ibis.coalesce(joined.refunded_fen, 0)
    return joined.mutate(net_fen=net).select(*orders.columns)


def unlinked_refunds(facts: FactTables, as_of: Any, linked: IbisTable | None, at: str) -> IbisTable:
    """Return KEY, the column ``at`` and amount_fen of the refunds by ``as_of`` that are not ``linked``."""
    refunds = facts.refunds
    assert refunds is not None
    rows = facts.canonical(refunds.filter(refunds.day <= as_of).select(*KEY, at, "amount_fen"))
    return rows if linked is None else rows.anti_join(linked, KEY)
