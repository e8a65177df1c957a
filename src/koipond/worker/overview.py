"""How a workspace stands (总览): its segments and its touches by state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from koipond.bootstrap import App
from koipond.kernel import Language, Message, epoch_day, joined
from koipond.rules.titles import title
from koipond.segments.segment_state import read_states, stale
from koipond.store.pauses import Pause
from koipond.worker.freshness import facts_known


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What the home page shows. ``touches``: state → how many."""

    as_of: date
    definition_version: int
    warehouse_version: int
    segments: Sequence[Mapping[str, Any]]
    touches: Mapping[str, int]
    newest_facts: Sequence[Mapping[str, Any]]
    pauses: Sequence[Pause]


def overview(app: App) -> Overview:
    """Return how the workspace stands today."""
    day = app.observation_day(None)
    counts = app.store.outbox(app.zone).counts()
    return Overview(
        as_of=day,
        definition_version=app.definitions.number,
        warehouse_version=app.warehouse_version,
        segments=segment_rows(app, day),
        newest_facts=facts_known(app, day)["newest_facts"],
        pauses=app.store.pauses.all(),
        touches={state.value: count for state, count in counts.items() if count},
    )


def segment_rows(app: App, day: date, language: Language | None = None) -> list[dict[str, Any]]:
    """Return each applied segment with its members' count and whether a plan of ``day`` may use them.

    Its name is in ``language``, by default the workspace's.
    """
    rows = []
    with app.warehouse.read() as reader:
        states = read_states(reader)
    for key, definition in sorted(app.definitions.segments.items()):
        state = states.get(key)
        why = stale(definition, state, epoch_day(day))
        freshness = Message("fresh") if why is None else joined(": ", (Message(why.code), why.detail))
        name = title(definition.names, key)[language or app.settings.language]
        count = state.count if state else None
        rows.append({"segment": key, "name": name, "count": count, "freshness": freshness})
    return rows
