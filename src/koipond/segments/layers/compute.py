"""Compute base → scalars → profile in a reader's private engine (分层计算). Nothing is published here."""

from dataclasses import dataclass

from koipond.ingest.ports import IbisTable, Query, Reader
from koipond.profiles.base import base_table
from koipond.profiles.facts import FactTables, read_facts
from koipond.profiles.purchases import gap_counts
from koipond.segments.layers.definitions import LayerSet
from koipond.segments.layers.profile import project
from koipond.segments.layers.scalars import Scalars, freeze


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """A profile that lives in a reader's engine, and the numbers it was compared with."""

    base: IbisTable
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
    stage = base_table(reader, facts, layers.base_spec, as_of)
    base = stage.table
    if scalars is None:
        money = stage.money
        scalars = freeze(reader, base, lambda rows: gap_counts(rows, money), layers, as_of, facts.shape)
    return Computed(
        base=base,
        profile=reader.cache(
            f"_profile_{layers.fingerprint}_{as_of}", profile_query(base, layers, scalars, as_of, facts.shape)
        ),
        scalars=scalars,
        as_of=as_of,
    )


def profile_query(base: IbisTable, layers: LayerSet, scalars: Scalars, as_of: int, shape: str) -> Query:
    """Return the projection of ``base``, compiled once for these definitions and this ``shape`` of facts."""
    return Query(
        key=f"profile:{layers.fingerprint}:{shape}",
        build=lambda values: project(base, layers, values),
        values={**scalars.values, "as_of": as_of},
    )
