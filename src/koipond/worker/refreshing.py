"""Refresh (刷新): facts of the store, layers, segments and held grades, published as one version."""

from datetime import date
from typing import Any

from koipond.bootstrap import App
from koipond.kernel import InputError
from koipond.segments.membership import refresh_segments
from koipond.segments.refresh import refresh
from koipond.segments.segment_state import SegmentState, members_of, read_states
from koipond.segments.tag_refresh import refresh_tags
from koipond.worker.erasing import clear_inbox, purge
from koipond.worker.flags import tell_flags
from koipond.worker.grading import hold_grades
from koipond.worker.syncing import sync_facts


def refresh_workspace(app: App, as_of: date | None, *, full: bool = False) -> dict[str, Any]:
    """Bring profile and segments to the observation day and publish them; return what was done.

    Incremental unless ``full``, the definitions changed or the day went back. Raises BusyError when another
    process writes.
    """
    day = app.observation_day(as_of)
    with app.warehouse.write("refresh") as writer:
        purge(app, writer)
        told = sync_facts(app, writer)
        if not writer.has("customers"):
            raise InputError("nothing is imported yet; run: koipond import orders FILE")
        with app.computing(writer) as own:
            layers = refresh(own, app.layers, day, full=full)
            held = hold_grades(app, writer, day)  # told as facts: those are the writer's own
            scope = app.scope(own, day, members_of(read_states(own)))
            groups = list(app.definitions.tags.values())
            tags = refresh_tags(own, groups, scope, app.store.tags.manual_tags(), app.clock.now())
            segments = refresh_segments(own, list(app.definitions.segments.values()), scope, app.clock.now())
        version = writer.publish()
        tell_flags(app, writer)  # a touch that waits must not reach whoever is staff or a minor by now
    clear_inbox(app)
    return {
        **layers.to_dict(),
        "layers_version": layers.definition_version,
        "facts_told": told,
        "held_grades": held,
        "tags": [{"group": key, "error": state.error} for key, state in sorted(tags.items())],
        "segments": [segment_row(state) for state in segments],
        "warehouse_version": version,
        **app.stamp(day),
    }


def segment_row(state: SegmentState) -> dict[str, Any]:
    """Return a segment's state as plain values."""
    return {
        "segment": state.key,
        "version": state.version,
        "count": state.count,
        "refreshed_s": state.refreshed_s,
        "error": state.error,
    }
