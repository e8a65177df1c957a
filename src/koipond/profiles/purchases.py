"""Purchases of each customer (购买): days, gaps, orders and money in windows, one pass over the orders.

An order is paid when its status is ``paid`` and its amount after linked refunds is above 0; a purchase day
has a paid order or a purchase event without an amount; an unlinked refund lowers money on its own day
(science D). A refund that names an order nobody imported is unlinked. Pure: Ibis expressions.
"""

from typing import Any

import ibis

from koipond.facts import dialect
from koipond.facts.orders import KEY, is_paid, net_of_refunds, unlinked_refunds
from koipond.facts.ports import IbisTable
from koipond.facts.tables import FactTables, union_all
from koipond.profiles.spec import BaseSpec, Window

NANO = 10**9


def money_rows(facts: FactTables, spec: BaseSpec, as_of: Any, linked: IbisTable | None) -> IbisTable:
    """Return customer_no, day, fen, orders, bought (0 or 1) of paid orders, unlinked refunds and events."""
    parts = []
    if facts.orders is not None:
        parts += _paid(facts, as_of, linked)
    if facts.refunds is not None:
        parts.append(_unlinked(facts, as_of, linked))
    if facts.events is not None and spec.purchase_events:
        parts.append(_event_purchases(facts, spec, as_of))
    nobody = facts.customers.limit(0).select("customer_no", **_row(day=0, fen=0, orders=0, bought=0))
    return union_all(parts or [nobody])


def _row(day: Any, fen: Any, orders: int, bought: int) -> dict[str, Any]:
    values = {"day": day, "fen": fen, "orders": orders, "bought": bought}
    kinds = {"day": "int32", "fen": "int64", "orders": "int8", "bought": "int8"}
    return {
        name: ibis.literal(v, kinds[name]) if isinstance(v, int) else v.cast(kinds[name])
        for name, v in values.items()
    }


def _paid(facts: FactTables, as_of: Any, linked: IbisTable | None) -> list[IbisTable]:
    """Return paid orders; those of customers with linked refunds apart, as only they need their order ids."""
    orders = facts.orders
    assert orders is not None
    orders = orders.filter(is_paid(orders), orders.day <= as_of)
    if linked is None:
        return [_bought(facts.canonical(orders.select("customer_no", "day", "net_fen")))]
    plain = facts.canonical(orders.select("customer_no", "day", "net_fen"))
    plain = plain.anti_join(linked, "customer_no")
    own = facts.canonical(orders.select(*KEY, "day", "net_fen")).semi_join(linked, "customer_no")
    return [_bought(plain), _bought(net_of_refunds(own, linked))]


def _bought(orders: IbisTable) -> IbisTable:
    rows = orders.filter(orders.net_fen > 0)
    return rows.select("customer_no", **_row(day=rows.day, fen=rows.net_fen, orders=1, bought=1))


def _unlinked(facts: FactTables, as_of: Any, linked: IbisTable | None) -> IbisTable:
    rows = unlinked_refunds(facts, as_of, linked, "day")
    return rows.select("customer_no", **_row(day=rows.day, fen=-rows.amount_fen, orders=0, bought=0))


def _event_purchases(facts: FactTables, spec: BaseSpec, as_of: Any) -> IbisTable:
    events = facts.events
    assert events is not None
    rows = events.filter(
        events.name.isin(spec.purchase_events), events.amount_fen.isnull(), events.day <= as_of
    )
    rows = facts.canonical(rows)
    return rows.select("customer_no", **_row(day=rows.day, fen=0, orders=0, bought=1))


def purchases(rows: IbisTable, spec: BaseSpec, as_of: Any) -> IbisTable:
    """Return one row a customer of `money_rows`: days, gaps and the measures of each window.

    ``gaps`` is a list on DuckDB and absent elsewhere (see `gap_counts`).
    """
    return _by_lists(rows, spec, as_of) if dialect.has_lists(rows) else _by_windows(rows, spec, as_of)


def _window_sums(rows: IbisTable, spec: BaseSpec, as_of: Any) -> dict[str, Any]:
    sums: dict[str, Any] = {}
    for window in spec.windows:
        inside = None if window.days is None else rows.day > as_of - window.days
        sums[f"orders_{window.suffix}"] = dialect.whole(rows.orders.sum(where=inside))
        sums[f"money_{window.suffix}_fen"] = dialect.whole(rows.fen.sum(where=inside))
        if inside is not None:
            sums[f"earliest_{window.suffix}"] = rows.day.min(where=inside)
    return sums


def _by_lists(rows: IbisTable, spec: BaseSpec, as_of: Any) -> IbisTable:
    bought = dialect.list_of(rows.day, where=rows.bought == 1)
    sums = rows.group_by("customer_no").agg(
        _list=dialect.sorted_list(bought),
        _orders=rows.orders.sum(),
        **_window_sums(rows, spec, as_of),
    )
    days = sums.mutate(
        first_purchase_day=dialect.nth_of(sums["_list"], 1),  # cheaper than min and max beside the list
        last_purchase_day=dialect.nth_of(sums["_list"], -1),
        bought_by_event=sums["_list"].length() > sums["_orders"],
        _days=dialect.distinct_days(sums["_list"]),
    ).drop("_list", "_orders")
    gaps = days.mutate(gaps=dialect.gaps_of(days["_days"]))
    more = {
        f"purchase_days_{w.suffix}": _days_in(gaps, w, as_of) for w in spec.day_windows if w.days is not None
    }
    return gaps.mutate(
        purchase_days=ibis.coalesce(gaps.gaps.length() + 1, 0),
        ln_gaps_nano=ibis.coalesce(dialect.ln_nano_of(gaps.gaps), 0),
        loyal_purchase_day=_nth(gaps, spec.loyal_days_min),
        **more,
    ).drop("_days")


def _days_in(rows: IbisTable, window: Window, as_of: Any) -> Any:
    return ibis.coalesce(dialect.days_after(rows["_days"], as_of - window.days), 0)


def _nth(rows: IbisTable, n: int) -> Any:
    if n == 1:
        return rows.last_purchase_day
    return dialect.nth_latest(rows["_days"], ibis.literal(n, "int32"))


def _by_windows(rows: IbisTable, spec: BaseSpec, as_of: Any) -> IbisTable:
    by_event = rows.bought.sum() > rows.orders.sum()
    sums = rows.group_by("customer_no").agg(bought_by_event=by_event, **_window_sums(rows, spec, as_of))
    days = day_gaps(rows)
    order = ibis.window(group_by=days.customer_no, order_by=days.day.desc())
    ranked = days.mutate(_rank=ibis.row_number().over(order))
    inside = {
        f"purchase_days_{w.suffix}": dialect.whole((ranked.day > as_of - w.days).cast("int64").sum())
        for w in spec.day_windows
        if w.days is not None
    }
    by_day = ranked.group_by("customer_no").agg(
        first_purchase_day=ranked.day.min(),
        last_purchase_day=ranked.day.max(),
        purchase_days=ranked.count(),
        ln_gaps_nano=dialect.whole((ranked.gap.cast("float64").ln() * NANO).round().sum()),
        loyal_purchase_day=ranked.day.max(where=ranked["_rank"] == spec.loyal_days_min - 1),
        **inside,
    )
    return sums.left_join(by_day, "customer_no").drop("customer_no_right")


def day_gaps(rows: IbisTable) -> IbisTable:
    """Return customer_no, day, gap: distinct purchase days with the days since the one before or null."""
    days = rows.filter(rows.bought == 1).select("customer_no", "day").distinct()
    order = ibis.window(group_by=days.customer_no, order_by=days.day)
    return days.mutate(gap=(days.day - days.day.lag().over(order)).cast("int32"))


def gap_counts(base: IbisTable, rows: IbisTable | None) -> IbisTable:
    """Return gap, n over the purchase gaps of the customers in ``base``.

    From the lists in ``base`` where it has them, else from ``rows`` of `money_rows`.
    """
    if "gaps" in base.columns:
        gaps = base.select(gap=base.gaps.unnest())
    else:
        assert rows is not None
        gaps = day_gaps(rows).semi_join(base, "customer_no")
        gaps = gaps.filter(gaps.gap.notnull())
    return gaps.group_by("gap").agg(n=gaps.count())
