"""Layers on a day (某日分层): the published profile where it fits, else one computed by the reader.

Two questions are asked. ``layers`` wants the definitions to the letter: cut-offs of the day's own population.
Rules, segments and plans want what a refresh on the day would publish: an incremental one keeps the cut-offs
that are frozen, at most seven days old.
"""

from datetime import date
from typing import Any

from koipond.ingest.ports import IbisTable, Reader
from koipond.kernel import epoch_day
from koipond.profiles.facts import count_left_out, left_out_people, read_facts
from koipond.segments.layers.compute import compute
from koipond.segments.layers.counts import count_profile
from koipond.segments.layers.definitions import LayerSet
from koipond.segments.refresh import keeps_scalars
from koipond.segments.state import PROFILE, published


def profile_on(reader: Reader, layers: LayerSet, as_of: date) -> IbisTable:
    """Return the profile of every customer on ``as_of`` under ``layers``.

    The published one when day and definitions are its own; any other is computed from the facts, its cut-offs
    frozen on its own population, and seen by this reader only.
    """
    day, state = epoch_day(as_of), published(reader)
    if state is not None and (state.as_of, state.definition_version) == (day, layers.fingerprint):
        return reader.table(PROFILE)
    return compute(reader, layers, day).profile


def present_profile(reader: Reader, layers: LayerSet, as_of: date) -> None:
    """Let ``reader`` see as the dataset ``profile`` what a refresh on ``as_of`` would publish."""
    day, state = epoch_day(as_of), published(reader)
    if state is None or day <= state.as_of or not keeps_scalars(reader, layers, state, day):
        reader.present(PROFILE, profile_on(reader, layers, as_of))
        return
    reader.present(PROFILE, compute(reader, layers, day, scalars=state.scalars).profile)


def count_layers(reader: Reader, layers: LayerSet, as_of: date) -> dict[str, Any]:
    """Return the ``layers`` answer of the command contract on ``as_of``: every key present, counts.

    Whom an operator confirmed as unreal is not counted, refreshed or not; ``left_out`` says how many.
    """
    profile, unreal = profile_on(reader, layers, as_of), left_out_people(read_facts(reader))
    if unreal is not None:
        profile = profile.anti_join(unreal, "customer_no")
    return {**count_profile(reader, profile), "left_out": count_left_out(reader)}
