"""Compute base → scalars → profile in a reader's private engine (分层计算). Nothing is published here."""

from dataclasses import dataclass

from koipond.facts.ports import IbisTable, Query, Reader
from koipond.facts.tables import FactTables, read_facts
from koipond.profiles.base import Base, base_table
from koipond.profiles.purchases import gap_counts
from koipond.segments.layers.definitions import LayerSet
from koipond.segments.layers.profile import project
from koipond.segments.layers.scalars import Scalars, freeze


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """A profile that lives in a reader's engine, and the numbers it was compared with."""

    base: Base
    profile: IbisTable
    scalars: Scalars
    as_of: int


def compute(
    reader: Reader,
    layers: LayerSet,
    as_of: int,
    *,
    scalars: Scalars | None = None,
    facts: FactTables | None = None,
) -> Computed:
    """Return the profile of every customer of ``facts`` on day ``as_of``.

    Without ``scalars`` they are frozen from this very population.
    """
    facts = facts or read_facts(reader)
    base = base_table(reader, facts, layers.base_spec, as_of)
    if scalars is None:
        money = base.money
        shape = base.shape
        scalars = freeze(reader, base.table, lambda rows: gap_counts(rows, money), layers, as_of, shape)
    name = f"_profile_{layers.fingerprint}_{as_of}"
    profile = reader.cache(name, profile_query(base, layers, scalars, as_of))
    return Computed(base=base, profile=profile, scalars=scalars, as_of=as_of)


def profile_query(base: Base, layers: LayerSet, scalars: Scalars, as_of: int) -> Query:
    """Return the projection of ``base``, compiled once for these definitions and facts of this shape."""
    return Query(
        key=f"profile:{layers.fingerprint}:{base.shape}",
        build=lambda values: project(base.table, layers, values),
        values={**scalars.values, "as_of": as_of},
    )
