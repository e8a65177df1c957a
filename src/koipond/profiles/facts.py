"""The facts a profile is built from (事实), seen by the customer who survived every merge.

Profiles are rebuilt from facts, so a merge adds nothing up: rows keep their own number and readers follow
`identity_links` (design §5). Pure: Ibis expressions.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import ibis

from koipond.ingest.ports import IbisTable, Reader

DATASETS = ("customers", "orders", "refunds", "events", "touches", "responses", "identity_links")
"""The fact datasets that profiles depend on."""
LINK_STEPS_MAX = 16  # a chain of merges longer than 2^16 is a defect


@dataclass(frozen=True, slots=True, kw_only=True)
class FactTables:
    """Ibis tables of the facts; one that holds no row is None, so that nothing is spent on it.

    ``links``: customer_no → survivor_no, no chains. ``only``: customer_no of the survivors to look at.
    """

    customers: IbisTable
    orders: IbisTable | None = None
    refunds: IbisTable | None = None
    events: IbisTable | None = None
    touches: IbisTable | None = None
    responses: IbisTable | None = None
    links: IbisTable | None = None
    only: IbisTable | None = None

    @property
    def shape(self) -> str:
        """Which tables there are: part of the key of a query built on them."""
        names = ("orders", "refunds", "events", "touches", "responses", "links", "only")
        return "+".join(name for name in names if getattr(self, name) is not None)

    def restricted(self, only: IbisTable) -> "FactTables":
        """Return the facts of the survivors whose customer_no stand in ``only``."""
        return replace(self, only=only)

    def canonical(self, rows: IbisTable) -> IbisTable:
        """Give each row the number of its survivor and drop those not to be looked at."""
        if self.links is not None:
            rows = follow(rows, self.links)
        if self.only is not None:
            rows = rows.semi_join(self.only, "customer_no")
        return rows


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
        links=_resolved(reader) if reader.has("identity_links") else None,
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
