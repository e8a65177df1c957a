"""The facts a profile is built from (事实), seen by the customer who survived every merge.

Profiles are rebuilt from facts, so a merge adds nothing up: rows keep their own number and readers follow
`identity_links` (design §5). Pure: Ibis expressions.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import ibis

from koipond.facts.ports import IbisTable, Query, Reader

DATASETS = (
    *("customers", "orders", "refunds", "events", "touches", "responses"),
    *("identity_links", "left_out"),
)
"""The fact datasets that profiles depend on."""
LINK_STEPS_MAX = 16  # a chain of merges longer than 2^16 is a defect


@dataclass(frozen=True, slots=True, kw_only=True)
class FactTables:
    """Ibis tables of the facts; one that holds no row is None, so that nothing is spent on it.

    ``links``: customer_no → survivor_no, no chains; None when every row already names its survivor.
    ``left_out``: customer_no of people whom an operator confirmed as unreal; None when there are none.
    ``only``: customer_no of the survivors to look at, None = everyone. ``scope`` tells sets of tables apart
    in the keys of queries.
    """

    customers: IbisTable
    orders: IbisTable | None = None
    refunds: IbisTable | None = None
    events: IbisTable | None = None
    touches: IbisTable | None = None
    responses: IbisTable | None = None
    links: IbisTable | None = None
    left_out: IbisTable | None = None
    only: IbisTable | None = None
    scope: str = "all"

    @property
    def shape(self) -> str:
        """Which tables there are: part of the key of a query built on them."""
        names = ("orders", "refunds", "events", "touches", "responses", "links", "left_out", "only")
        return "+".join([self.scope, *(name for name in names if getattr(self, name) is not None)])

    def restricted(self, only: IbisTable) -> "FactTables":
        """Return the facts of the survivors whose customer_no stand in ``only``."""
        return replace(self, only=only)

    def canonical(self, rows: IbisTable) -> IbisTable:
        """Give each row the number of its survivor and drop those not to be looked at."""
        if self.links is not None:
            rows = follow(rows, self.links)
        return rows if self.only is None else rows.semi_join(self.only, "customer_no")


RELATIONS = ("member", "follower", "friend", "staff", "minor", "profiling_refused")
_COLUMNS = {
    "orders": ("source", "order_id", "customer_no", "day", "net_fen", "status"),
    "refunds": ("source", "order_id", "customer_no", "day", "amount_fen"),
    "events": ("customer_no", "name", "day", "amount_fen"),
    "touches": ("customer_no", "day", "state"),
    "responses": ("customer_no", "day", "kind"),
}
"""The columns that profiles read."""


def own_rows(facts: FactTables, only: IbisTable, dataset: str) -> IbisTable | None:
    """Return the rows of ``dataset`` that belong to the survivors in ``only``, under their numbers."""
    rows = getattr(facts, dataset)
    if rows is None:
        return None
    return facts.restricted(only).canonical(rows.select(*_COLUMNS[dataset]))


def own_facts(reader: Reader, facts: FactTables, only: IbisTable, dataset: str) -> IbisTable | None:
    """Return `own_rows` kept by ``reader``: the files are read once, whatever is measured."""
    if getattr(facts, dataset) is None:
        return None
    query = Query(
        key=f"own:{dataset}:{only.get_name()}:{facts.shape}",
        build=lambda _: own_rows(facts, only, dataset),
    )
    return reader.cache(f"_own_{dataset}", query)


def people(facts: FactTables) -> IbisTable:
    """Return one row a surviving customer who counts; what any of the merged numbers is, the survivor is.

    Whoever was confirmed as unreal under any number counts under none.
    """
    return without_unreal(facts, _survivors(facts))


def left_out_people(facts: FactTables) -> IbisTable | None:
    """Return customer_no of the survivors whom an operator confirmed as unreal, None when nobody is."""
    return None if facts.left_out is None else facts.canonical(facts.left_out).distinct()


def without_unreal(facts: FactTables, rows: IbisTable) -> IbisTable:
    """Return ``rows`` without those of people whom an operator confirmed as unreal."""
    unreal = left_out_people(facts)
    return rows if unreal is None else rows.anti_join(unreal, "customer_no")


def _survivors(facts: FactTables) -> IbisTable:
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


def follow(rows: IbisTable, links: IbisTable) -> IbisTable:
    """Return ``rows`` with customer_no replaced by its survivor's."""
    to = links.select(_linked="customer_no", _survivor="survivor_no")
    joined = rows.left_join(to, rows.customer_no == to["_linked"])
    number = ibis.coalesce(joined["_survivor"], joined["customer_no"]).cast("int32")
    return joined.mutate(customer_no=number).drop("_linked", "_survivor")


def read_facts(reader: Reader) -> FactTables:
    """Open the facts of ``reader``; chains of merges are resolved once."""

    def known(dataset: str) -> IbisTable | None:
        return reader.table(dataset) if reader.has(dataset) else None

    return FactTables(
        customers=reader.table("customers"),
        orders=known("orders"),
        refunds=known("refunds"),
        events=known("events"),
        touches=known("touches"),
        responses=known("responses"),
        links=reader.once("links", lambda: _resolved(reader)) if reader.has("identity_links") else None,
        left_out=reader.table("left_out").select("customer_no") if reader.has("left_out") else None,
    )


def _resolved(reader: Reader) -> IbisTable:
    """Follow links to links until nothing moves: each step halves what is left of a chain."""
    links = reader.cache("_links", reader.table("identity_links").select("customer_no", "survivor_no"))
    for _ in range(LINK_STEPS_MAX):
        to = links.select(_from="customer_no", _to="survivor_no")
        joined = links.left_join(to, links.survivor_no == to["_from"])
        if reader.scalar(joined["_to"].count()) == 0:
            break
        further = ibis.coalesce(joined["_to"], joined["survivor_no"])
        longer = reader.cache("_longer", joined.select("customer_no", survivor_no=further))
        links = reader.cache("_links", longer)
    return links


def union_all(parts: Iterable[IbisTable]) -> IbisTable:
    """Return all rows of ``parts``, at least one."""
    first, *rest = parts
    return first.union(*rest) if rest else first


def count_left_out(reader: Reader) -> int:
    """Return how many people an operator confirmed as unreal: they are in no count, and each names them."""
    unreal = left_out_people(read_facts(reader))
    return 0 if unreal is None else int(reader.scalar(unreal.count()))
