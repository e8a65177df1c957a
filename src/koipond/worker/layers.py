"""The layers of a workspace (分层): counts, contradictions, and what moved since an earlier day."""

from dataclasses import asdict
from datetime import date
from typing import Any

from koipond.bootstrap import App
from koipond.insights.freshness import fact_rows
from koipond.kernel import InputError, epoch_day
from koipond.segments.contradictions import count_contradictions
from koipond.segments.flow import fast, flow
from koipond.segments.movements import count_moves
from koipond.segments.snapshot import count_layers


def layer_counts(app: App, as_of: date | None, since: date | None) -> dict[str, Any]:
    """Return how many customers stand in each layer on the observation day, and in each contradiction.

    With ``since``, also the flow between the AIPL stages from that day, FAST, and the movements after it by
    cause. Raises InputError when ``since`` is not before the observation day.
    """
    day = app.observation_day(as_of)
    if since is not None and since >= day:
        raise InputError("--since {since} must be before the observation day {day}", since=since, day=day)
    with app.warehouse.read() as reader:
        data = count_layers(reader, app.layers, day)
        if since is not None:
            moved = flow(reader, app.layers, since, day)
            data["flow"] = moved.to_dict()
            data["fast"] = {**asdict(fast(reader, app.layers, day)), "as_of": day.isoformat()}
            data["movements"] = count_moves(reader, since, day)
    with app.reading(day) as (reader, _):
        data["contradictions"] = count_contradictions(app.scope(reader, day))
        data |= fact_rows(reader, epoch_day(day))
    return {**data, **app.stamp(day)}
