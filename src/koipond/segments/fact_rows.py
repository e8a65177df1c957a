"""The facts that rules count (规则所见的事实), from one version of the warehouse. Pure: Ibis expressions.

Facts keep the number of the customer they were recorded for; here they follow merges to the survivor. Orders
are paid ones, net of refunds that name them (science D); items are the lines of these orders, with the name
and, where the line says none, the category that the product list gives their SKU (case U05). A refund is one
fact, however many lines it gives back; pending orders are those still to be paid.
"""

from collections.abc import Collection

import ibis

from koipond.facts.orders import counted, is_paid, linked_refunds, net_of_refunds
from koipond.facts.ports import IbisTable
from koipond.facts.tables import FactTables, read_facts
from koipond.rules.tree import FactKind
from koipond.segments.code_rows import code_rows
from koipond.segments.scope import Scope

_OF_PRODUCTS = frozenset({"category", "product"})


def facts_of(scope: Scope) -> FactTables:
    """Return the facts of whoever is looked at."""
    facts = read_facts(scope.reader)
    return facts if scope.only is None else facts.restricted(scope.only)


def fact_rows(scope: Scope, kind: FactKind) -> IbisTable:
    """Return the facts of ``kind`` that count, whoever's they are, with every column."""
    return rows_of(facts_of(scope), kind, scope, _OF_PRODUCTS)


def rows_of(facts: FactTables, kind: FactKind, scope: Scope, named: Collection[str]) -> IbisTable:
    """Return the facts of ``kind`` that count, under the survivors' numbers.

    ``named``: the columns of items that rules name; the product list is read for its own alone.
    """
    if kind == "orders":
        return paid_orders(facts, scope)
    if kind == "items":
        lines = facts.canonical(scope.reader.table("order_lines"))
        lines = lines.semi_join(paid_orders(facts, scope), "order_no")
        return _with_products(lines, scope, named)
    if kind == "codes":
        return facts.canonical(code_rows(scope, paid_orders(facts, scope)))
    if kind == "refunds":
        return _refunds(facts, scope)
    if kind == "pending":
        orders = scope.reader.table("orders")
        return facts.canonical(orders.filter(orders.status == "pending"))
    return facts.canonical(scope.reader.table(kind))


def paid_orders(facts: FactTables, scope: Scope) -> IbisTable:
    """Return the paid orders with ``net_fen`` after the refunds that name them, up to the observation day.

    Paid = status ``paid`` and an amount above 0 after linked refunds (science D, common definitions).
    """
    orders = scope.reader.table("orders")
    orders = facts.canonical(orders.filter(is_paid(orders)))
    if facts.orders is not None and facts.refunds is not None:
        orders = net_of_refunds(orders, linked_refunds(facts, scope.as_of_day))
    return counted(orders)


def _with_products(lines: IbisTable, scope: Scope, named: Collection[str]) -> IbisTable:
    if not _OF_PRODUCTS.intersection(named) or not scope.reader.has("products"):
        return lines.mutate(product=ibis.null("string"))
    products = scope.reader.table("products")
    products = products.group_by(_sku="sku").agg(_name=products.name.max(), _category=products.category.max())
    joined = lines.left_join(products, lines.sku == products["_sku"])
    category = joined.category.nullif("").coalesce(joined["_category"])
    return joined.mutate(category=category, product=joined["_name"]).drop("_sku", "_name", "_category")


def _refunds(facts: FactTables, scope: Scope) -> IbisTable:
    refunds = facts.canonical(scope.reader.table("refunds"))
    return refunds.group_by("customer_no", "source", "refund_id").agg(
        at_s=refunds.at_s.min(), day=refunds.day.min(), amount_fen=refunds.amount_fen.sum().cast("int64")
    )
