"""Stage 1 of the profile (画像底表): one row a customer, whole numbers only, one pass per fact table.

Source: engine notes §0, science D. Nothing here is published: the profile is.
"""

from collections.abc import Callable
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
    """Return the base of every customer in ``facts`` on day ``as_of``; its parts are kept by ``reader``.

    Columns: customer_no, customer_uid, member … profiling_refused, joined_day, first/last_purchase_day,
    purchase_days, ln_gaps_nano, loyal_purchase_day (n-th latest), gaps (DuckDB only), and for each window
    orders_*, money_*_fen, earliest_* (day of the oldest fact inside), purchase_days_*; active_day,
    passive_day, browse_day, browse_nth_day, praise_day; seen (any event). Days since 1970; missing = null.
    """
    key, values = f"{spec.fingerprint}:{facts.shape}", {"as_of": as_of}

    def keep(name: str, build: Callable[[Any], IbisTable]) -> IbisTable:
        query = Query(key=f"{name}:{key}", build=lambda v: build(v["as_of"]), values=values)
        return reader.cache(name, query)

    money = None
    if not has_lists(facts.customers):
        money = keep("_money", lambda day: _money(facts, spec, day))
    known = keep("_known", lambda day: _known(facts, spec, day, money))
    if facts.events is None:
        return Base(table=known.mutate(seen=False), money=money)
    seen = keep("_seen", lambda day: _seen(facts, known, day))
    rows = known.left_join(seen, known.customer_no == seen["_seen_no"])
    return Base(table=rows.mutate(seen=rows["_seen_no"].notnull()).drop("_seen_no"), money=money)


def _money(facts: FactTables, spec: BaseSpec, as_of: Any) -> IbisTable:
    linked = None
    if facts.orders is not None and facts.refunds is not None:
        linked = linked_refunds(facts, as_of)
    return money_rows(facts, spec, as_of, linked)


def _known(facts: FactTables, spec: BaseSpec, as_of: Any, money: IbisTable | None) -> IbisTable:
    rows = _money(facts, spec, as_of) if money is None else money
    return _joined(facts, spec, purchases(rows, spec, as_of), as_of)


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


def _seen(facts: FactTables, known: IbisTable, as_of: Any) -> IbisTable:
    quiet = known.filter(
        known.purchase_days == 0, ~known.member, ~known.friend, known.joined_day.isnull()
    ).select("customer_no")
    seen = seen_among(facts, quiet, as_of)
    assert seen is not None
    return seen.select(_seen_no="customer_no")
