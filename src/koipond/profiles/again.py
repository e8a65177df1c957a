"""Measure again (重算): the base of the customers whom new facts or a window moved, part by part.

Purchases, acts and the person's own row are separate parts: a page view does not make anyone's orders be
read, and a part that did not move is taken from the published base. Days of acts are kept as they were: one
that has left its window is later than none, but compares alike.
"""

from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Query, Reader
from koipond.facts.tables import RELATIONS, FactTables, own_facts, own_rows, people
from koipond.profiles.activity import FIRST_DAYS, first_days
from koipond.profiles.base import ACT_DAYS, acts_of, count_columns, day_columns, money_of
from koipond.profiles.purchases import purchases
from koipond.profiles.spec import BaseSpec

PERSON = ("customer_no", "customer_uid", "joined_day", *RELATIONS)


def base_again(
    reader: Reader, facts: FactTables, spec: BaseSpec, whom: IbisTable, stored: IbisTable, as_of: int
) -> IbisTable:
    """Return the base of everyone in ``whom`` on ``as_of``, with customer_uid, kept by ``reader``.

    ``whom``: customer_no and the parts to measure, ``purchases``, ``acts``, ``person``. ``stored``: the
    published base of the same customers, with customer_uid, as far as there is one.
    """
    key, values = f"{spec.fingerprint}:{facts.shape}", {"as_of": as_of}
    acted = reader.cache("_whom_acts", Query(key="whom_acts", build=lambda _: _reading_events(whom, stored)))
    events = own_facts(reader, facts, acted, "events")
    bought = reader.cache(
        "_whom_bought",
        Query(key=f"whom_bought:{key}", build=lambda _: _reading_orders(whom, events, spec)),
    )
    own = FactTables(
        customers=facts.customers,
        orders=own_facts(reader, facts, bought, "orders"),
        refunds=own_rows(facts, bought, "refunds"),
        events=events,
        touches=own_rows(facts, acted, "touches"),
        responses=own_rows(facts, acted, "responses"),
        scope="own",
    )
    query = Query(
        key=f"again:{key}",
        build=lambda v: _assembled(facts, own, spec, whom, bought, stored, v["as_of"]),
        values=values,
    )
    return reader.cache("_base_again", query)


def _reading_events(whom: IbisTable, stored: IbisTable) -> IbisTable:
    """Whoever acted, and whoever's purchases may come from events."""
    by_event = stored.filter(stored.bought_by_event).select("customer_no")
    buyers = whom.filter(whom.purchases).semi_join(by_event, "customer_no")
    return whom.filter(whom.acts).select("customer_no").union(buyers.select("customer_no"), distinct=True)


def _reading_orders(whom: IbisTable, events: IbisTable | None, spec: BaseSpec) -> IbisTable:
    """Whoever's purchases moved, by an order or by an event that counts as one."""
    rows = whom.filter(whom.purchases).select("customer_no")
    if events is None or not spec.purchase_events:
        return rows
    bought = events.filter(events.name.isin(spec.purchase_events), events.amount_fen.isnull())
    return rows.union(bought.select("customer_no"), distinct=True)


def _assembled(
    facts: FactTables,
    own: FactTables,
    spec: BaseSpec,
    whom: IbisTable,
    bought: IbisTable,
    stored: IbisTable,
    as_of: Any,
) -> IbisTable:
    fresh = people(facts).semi_join(whom.filter(whom.person), "customer_no").select(*PERSON)
    old = stored.anti_join(whom.filter(whom.person), "customer_no").select(*PERSON)
    rows = fresh.union(old)
    flags = whom.select("customer_no", _acts="acts")
    rows = _left(rows, flags, {"_acts": "_acts"})
    rows = _left(rows, bought.select("customer_no", _bought=True), {"_bought": "_bought"})
    for part in [purchases(money_of(own, spec, as_of), spec, as_of), *acts_of(own, spec, as_of)]:
        rows = _left(rows, part, {name: f"new_{name}" for name in part.columns if name != "gaps"})
    for column in FIRST_DAYS:
        if (found := first_days(own, column)) is not None:
            rows = _left(rows, found, {column: f"new_{column}"})
    kept = [name for name in stored.columns if name not in PERSON]
    rows = _left(rows, stored, {name: f"old_{name}" for name in kept})
    return rows.select(*PERSON, **_chosen(rows, spec))


def _left(rows: IbisTable, part: IbisTable, names: dict[str, str]) -> IbisTable:
    renamed = part.select(
        _no="customer_no", **{new: old for old, new in names.items() if old != "customer_no"}
    )
    return rows.left_join(renamed, rows.customer_no == renamed["_no"]).drop("_no")


def _chosen(rows: IbisTable, spec: BaseSpec) -> dict[str, Any]:
    """Take each column from its part when that was measured, else as it was."""
    purchased = ibis.coalesce(rows["_bought"], False)
    acted = ibis.coalesce(rows["_acts"], False)

    def pick(name: str, again: Any, default: Any, kind: str) -> Any:
        new = rows[f"new_{name}"] if f"new_{name}" in rows.columns else ibis.null(kind)
        chosen = ibis.ifelse(again, new.cast(kind), rows[f"old_{name}"].cast(kind))
        return chosen if default is None else ibis.coalesce(chosen, default).cast(kind)

    picked = {name: pick(name, purchased, None, "int32") for name in day_columns(spec)}
    picked |= {name: pick(name, purchased, 0, "int64") for name in count_columns(spec)}
    picked |= {name: pick(name, acted, None, "int32") for name in ACT_DAYS}
    picked["bought_by_event"] = pick("bought_by_event", purchased, False, "boolean")
    again = {"event_day": acted, "touch_day": acted, "order_day": purchased}
    picked |= {name: pick(name, again[name], None, "int32") for name in FIRST_DAYS}
    return picked
