"""Stage 1 of the profile (画像底表): one row a customer, whole numbers only, one pass per fact table.

Source: engine notes §0, science D. The stages are materialised one after the other in the
reader's engine, so that none is computed twice. Nothing here is published: the profile is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from koipond.ingest.ports import IbisTable, Query, Reader
from koipond.profiles.activity import praise, recent_acts, seen_among
from koipond.profiles.dialect import has_lists
from koipond.profiles.facts import FactTables
from koipond.profiles.purchases import linked_refunds, money_rows, purchases
from koipond.profiles.spec import BaseSpec

RELATIONS = ("member", "follower", "friend", "staff", "minor", "profiling_refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The base, and on engines without lists the money rows that gaps are counted from."""

    table: IbisTable
    money: IbisTable | None


def base_table(reader: Reader, facts: FactTables, spec: BaseSpec, as_of: int) -> Base:
    """Return the base of every customer in ``facts`` on day ``as_of``, kept in the engine of ``reader``.

    Columns: customer_no, customer_uid, member … profiling_refused, joined_day, first/last_purchase_day,
    purchase_days, ln_gaps_nano, loyal_purchase_day (n-th latest), gaps (DuckDB only), and for each window
    orders_*, money_*_fen, earliest_* (day of the oldest fact inside), purchase_days_*; active_day,
    passive_day, browse_day, browse_nth_day, praise_day; seen (any event). Days since 1970; missing = null.
    """
    run = _Stages(reader, f"{spec.fingerprint}:{facts.shape}", {"as_of": as_of})
    linked = None
    if facts.orders is not None and facts.refunds is not None:
        linked = run("_linked_refunds", lambda v: linked_refunds(facts, v["as_of"]))
    money = None
    if not has_lists(facts.customers):
        money = run("_money", lambda v: money_rows(facts, spec, v["as_of"], linked))
    bought = run("_purchases", lambda v: _purchases(facts, spec, v["as_of"], linked, money))
    known = run("_known", lambda v: _joined(facts, spec, bought, v["as_of"]))
    if facts.events is None:
        return Base(table=run("_base", lambda _: known.mutate(seen=False)), money=money)
    return Base(table=run("_base", lambda v: _with_seen(facts, known, v["as_of"])), money=money)


class _Stages:
    """Materialise one named stage after the other under one key."""

    def __init__(self, reader: Reader, key: str, values: Mapping[str, int]) -> None:
        self._reader, self._key, self._values = reader, key, values

    def __call__(self, name: str, build: Callable[[Mapping[str, Any]], IbisTable]) -> IbisTable:
        query = Query(key=f"{name}:{self._key}", build=build, values=self._values)
        return self._reader.cache(name, query)


def _purchases(
    facts: FactTables, spec: BaseSpec, as_of: Any, linked: IbisTable | None, money: IbisTable | None
) -> IbisTable:
    rows = money_rows(facts, spec, as_of, linked) if money is None else money
    return purchases(rows, spec, as_of)


def _joined(facts: FactTables, spec: BaseSpec, bought: IbisTable, as_of: Any) -> IbisTable:
    rows = people(facts).left_join(bought, "customer_no").drop("customer_no_right")
    acts, praised = recent_acts(facts, spec, as_of), praise(facts, spec, as_of)
    for part in (acts, praised):
        if part is not None:
            rows = rows.left_join(part, "customer_no").drop("customer_no_right")
    missing = [
        name
        for name in ("active_day", "passive_day", "browse_day", "browse_nth_day", "praise_day")
        if name not in rows.columns
    ]
    counts = ["purchase_days", "ln_gaps_nano"]
    counts += [name for w in spec.windows for name in (f"orders_{w.suffix}", f"money_{w.suffix}_fen")]
    counts += [f"purchase_days_{w.suffix}" for w in spec.day_windows if w.days is not None]
    return rows.mutate(
        **{name: ibis.coalesce(rows[name], 0).cast("int64") for name in counts},
        **{name: ibis.null("int32") for name in missing},
    )


def people(facts: FactTables) -> IbisTable:
    """Return one row a surviving customer; what any of the merged numbers is, the survivor is."""
    columns = ("customer_no", "customer_uid", "joined_day", *RELATIONS)
    rows = facts.customers.select(*columns)
    rows = rows.mutate(**{name: ibis.coalesce(rows[name], False) for name in RELATIONS})
    if facts.links is None:
        return facts.canonical(rows)
    own = rows.select("customer_no", "customer_uid")
    merged = facts.canonical(rows.drop("customer_uid"))
    merged = merged.group_by("customer_no").agg(
        joined_day=merged.joined_day.min(), **{name: merged[name].any() for name in RELATIONS}
    )
    return merged.inner_join(own, "customer_no").select(*columns)


def _with_seen(facts: FactTables, known: IbisTable, as_of: Any) -> IbisTable:
    quiet = known.filter(
        known.purchase_days == 0, ~known.member, ~known.friend, known.joined_day.isnull()
    ).select("customer_no")
    seen = seen_among(facts, quiet, as_of)
    assert seen is not None
    seen = seen.select(_seen_no="customer_no")
    rows = known.left_join(seen, known.customer_no == seen["_seen_no"])
    return rows.mutate(seen=rows["_seen_no"].notnull()).drop("_seen_no")
