"""Layers on a day (某日分层): the published profile where it fits, else one computed by the reader.

Two questions are asked. ``layers`` wants the definitions to the letter: cut-offs of the day's own population.
Rules, segments and plans want what a refresh on the day would publish: an incremental one keeps the cut-offs
that are frozen, at most seven days old.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from koipond.facts.ports import IbisTable, Reader
from koipond.facts.tables import count_left_out, read_facts, without_unreal
from koipond.kernel import epoch_day
from koipond.segments.held import HELD, count_held, with_held
from koipond.segments.layers.compute import compute
from koipond.segments.layers.counts import count_profile
from koipond.segments.layers.definitions import LayerSet
from koipond.segments.layers.profile import is_current
from koipond.segments.layers.scalars import Scalars
from koipond.segments.refresh import keeps_scalars
from koipond.segments.state import BASE, PROFILE, published


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """Behind a profile: the base it is projected from and the numbers it is compared with."""

    base: IbisTable
    scalars: Scalars


def profile_on(reader: Reader, layers: LayerSet, as_of: date) -> IbisTable:
    """Return the profile of every customer on ``as_of`` under ``layers``.

    The published one when day and definitions are its own; any other is computed from the facts, its cut-offs
    frozen on its own population, and seen by this reader only.
    """
    return _seen(reader, layers, as_of)[0]


def present_profile(reader: Reader, layers: LayerSet, as_of: date) -> Presented:
    """Let ``reader`` see as the dataset ``profile`` what a refresh on ``as_of`` would publish.

    Return what it was made of.
    """
    day, state = epoch_day(as_of), published(reader)
    if state is None or day <= state.as_of or not keeps_scalars(reader, layers, state, day):
        profile, presented = _seen(reader, layers, as_of)
    else:
        made = compute(reader, layers, day, scalars=state.scalars)
        profile, presented = made.profile, Presented(base=made.base.table, scalars=made.scalars)
    reader.present(PROFILE, profile)
    return presented


def _seen(reader: Reader, layers: LayerSet, as_of: date) -> tuple[IbisTable, Presented]:
    day, state = epoch_day(as_of), published(reader)
    current = state is not None and is_current(reader.table(PROFILE))
    if state is not None and current and (state.as_of, state.definition_version) == (day, layers.fingerprint):
        return reader.table(PROFILE), Presented(base=reader.table(BASE), scalars=state.scalars)
    made = compute(reader, layers, day)
    return made.profile, Presented(base=made.base.table, scalars=made.scalars)


def count_layers(reader: Reader, layers: LayerSet, as_of: date) -> dict[str, Any]:
    """Return the ``layers`` answer of the command contract on ``as_of``: every key present, counts.

    Whom an operator confirmed as unreal is not counted, refreshed or not; ``left_out`` says how many.
    """
    facts = read_facts(reader)
    profile = without_unreal(facts, profile_on(reader, layers, as_of))
    held = count_held(reader, with_held(profile, reader, facts, epoch_day(as_of)))
    return {**count_profile(reader, profile), HELD: held, "left_out": count_left_out(reader)}
