"""Stage 1 of the profile (画像底表): one row a customer, whole numbers only, one pass per fact table.

Source: engine notes §0, science D. Published beside the profile, so that a deadline is met without the facts
and new facts make only their own part of a row be measured again (`koipond.profiles.again`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ibis

from koipond.facts.dialect import has_lists
from koipond.facts.orders import linked_refunds
from koipond.facts.ports import IbisTable, Query, Reader
from koipond.facts.tables import FactTables, people
from koipond.profiles.activity import FIRST_DAYS, first_days, praise, recent_acts
from koipond.profiles.purchases import money_rows, purchases
from koipond.profiles.spec import BaseSpec

ACT_DAYS = ("active_day", "passive_day", "browse_day", "browse_nth_day", "praise_day")


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The base, and on engines without lists the money rows that gaps are counted from.

    ``shape`` tells bases of other facts or specs apart in the keys of queries.
    """

    table: IbisTable
    money: IbisTable | None
    shape: str

    @property
    def kept_query(self) -> Query:
        """What is published of the base: all but the gaps and the customer_uid, which the profile has."""
        left_out = [name for name in self.table.columns if name in ("gaps", "customer_uid")]
        return Query(key=f"kept_base:{self.shape}", build=lambda _: self.table.drop(*left_out))


def base_table(reader: Reader, facts: FactTables, spec: BaseSpec, as_of: int) -> Base:
    """Return the base of every customer in ``facts`` on day ``as_of``; its parts are kept by ``reader``.

    Columns: customer_no, customer_uid, member … profiling_refused, joined_day, first/last_purchase_day,
    purchase_days, ln_gaps_nano, loyal_purchase_day (n-th latest), gaps (DuckDB only), bought_by_event, and
    for each window orders_*, money_*_fen, earliest_* (day of the oldest fact inside), purchase_days_*;
    active_day, passive_day, browse_day, browse_nth_day, praise_day; event_day, touch_day, order_day (of the
    earliest fact of these kinds; looked up for those who neither bought nor joined). Days since 1970;
    missing = null.
    """
    key, values = f"{spec.fingerprint}:{facts.shape}", {"as_of": as_of}

    def keep(name: str, build: Callable[[Any], IbisTable]) -> IbisTable:
        query = Query(key=f"{name}:{key}", build=lambda v: build(v["as_of"]), values=values)
        return reader.cache(name, query)

    money = None
    if not has_lists(facts.customers):
        money = keep("_money", lambda day: money_of(facts, spec, day))
    known = keep("_known", lambda day: _known(facts, spec, day, money))
    first = keep("_first", lambda day: _first_days(facts, known, day))
    rows = known.left_join(first, known.customer_no == first["_first_no"]).drop("_first_no")
    return Base(table=rows, money=money, shape=key)


def money_of(facts: FactTables, spec: BaseSpec, as_of: Any) -> IbisTable:
    """Return the `money_rows` of ``facts``."""
    linked = None
    if facts.orders is not None and facts.refunds is not None:
        linked = linked_refunds(facts, as_of)
    return money_rows(facts, spec, as_of, linked)


def _known(facts: FactTables, spec: BaseSpec, as_of: Any, money: IbisTable | None) -> IbisTable:
    bought = purchases(money_of(facts, spec, as_of) if money is None else money, spec, as_of)
    return joined(people(facts), [bought, *acts_of(facts, spec, as_of)], spec)


def acts_of(facts: FactTables, spec: BaseSpec, as_of: Any) -> list[IbisTable]:
    """Return the tables of what customers saw and did, none without facts."""
    parts = (recent_acts(facts, spec, as_of), praise(facts, spec, as_of))
    return [part for part in parts if part is not None]


def joined(rows: IbisTable, parts: list[IbisTable], spec: BaseSpec) -> IbisTable:
    """Return ``rows`` with the columns of ``parts`` by customer_no; what nobody measured is 0 or null."""
    for part in parts:
        rows = rows.left_join(part, "customer_no").drop("customer_no_right")
    return rows.mutate(
        **{name: ibis.coalesce(rows[name], 0).cast("int64") for name in count_columns(spec)},
        **{name: ibis.null("int32") for name in ACT_DAYS if name not in rows.columns},
        bought_by_event=ibis.coalesce(rows.bought_by_event, False),
    )


def count_columns(spec: BaseSpec) -> list[str]:
    """Return the names of the columns that are 0 when there is nothing to measure."""
    names = ["purchase_days", "ln_gaps_nano"]
    names += [name for w in spec.windows for name in (f"orders_{w.suffix}", f"money_{w.suffix}_fen")]
    return names + [f"purchase_days_{w.suffix}" for w in spec.day_windows if w.days is not None]


def day_columns(spec: BaseSpec) -> list[str]:
    """Return the names of the columns of purchases that hold days."""
    earliest = [f"earliest_{w.suffix}" for w in spec.windows if w.days is not None]
    return ["first_purchase_day", "last_purchase_day", "loyal_purchase_day", *earliest]


def _first_days(facts: FactTables, known: IbisTable, as_of: Any) -> IbisTable:
    """Return ``_first_no`` and the FIRST_DAYS of everybody whom neither purchase nor joining makes known."""
    quiet = known.filter(known.purchase_days == 0, ~ibis.coalesce(known.joined_day <= as_of, False))
    quiet = quiet.select("customer_no")
    rows = quiet
    for column in FIRST_DAYS:
        found = first_days(facts, column, quiet)
        if found is None:
            rows = rows.mutate(**{column: ibis.null("int32")})
        else:
            rows = rows.left_join(found, "customer_no").drop("customer_no_right")
    return rows.select(*FIRST_DAYS, _first_no="customer_no")


def window_edge(rows: IbisTable, spec: BaseSpec) -> Any:
    """Return the day on which the oldest fact leaves a window: from then on the base is not true."""
    days = [rows[f"earliest_{w.suffix}"] + w.days for w in spec.windows if w.days is not None]
    return ibis.least(*days) if len(days) > 1 else days[0]
