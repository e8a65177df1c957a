"""Local time ↔ UTC as integer steps, so that every engine and release converts alike.

A zone is a step function of time: from some second on, so many seconds ahead of UTC. A local time that
occurs twice (clocks go back) is its first occurrence; one that is skipped moves on by the gap (PEP 495,
fold=0).
"""

from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import ibis

from koipond.kernel.zone_steps import steps

__all__ = ["local_day", "steps", "to_utc", "wall_day"]

_DAY_S = 86_400


def to_utc(local_s: Any, place: ZoneInfo, low: int, high: int) -> Any:
    """Return UTC seconds of the local seconds ``local_s``, which lie in ``low``..``high``."""
    return local_s - _offsets(
        local_s, [(step.from_local_s, step.offset_s) for step in steps(place)], low, high
    )


def wall_day(local_s: Any, place: ZoneInfo, low: int, high: int) -> Any:
    """Return the local day of the local seconds ``local_s``, a skipped time counted where it moves to."""
    moved = [
        ((local_s >= start) & (local_s < end), local_s + (end - start))
        for start, end in _gaps(place)
        if start <= high and end >= low and start // _DAY_S != (2 * end - start - 1) // _DAY_S
    ]
    wall = ibis.cases(*moved, else_=local_s) if moved else local_s
    return (wall / _DAY_S).floor().cast("int32")


def _gaps(place: ZoneInfo) -> list[tuple[int, int]]:
    """The local seconds that are skipped when clocks go forward: (first, first that exists again)."""
    return [
        (later.from_s + earlier.offset_s, later.from_s + later.offset_s)
        for earlier, later in pairwise(steps(place))
        if later.offset_s > earlier.offset_s
    ]


def local_day(utc_s: Any, place: ZoneInfo, low: int, high: int) -> Any:
    """Return the local day (whole days since 1970-01-01) of UTC seconds in ``low``..``high``."""
    offset = _offsets(utc_s, [(step.from_s, step.offset_s) for step in steps(place)], low, high)
    return ((utc_s + offset) / _DAY_S).floor().cast("int32")


def _offsets(seconds: Any, table: list[tuple[int, int]], low: int, high: int) -> Any:
    """The offset that holds at ``seconds``: only the steps between ``low`` and ``high`` are spelled out."""
    later = [pair for pair in table if pair[0] <= high]
    start = max([i for i, pair in enumerate(later) if pair[0] <= low], default=0)
    used = later[start:] or table[:1]
    if len(used) == 1:
        return ibis.literal(used[0][1], type="int64")
    branches = [
        (seconds < following[0], ibis.literal(pair[1], type="int64")) for pair, following in pairwise(used)
    ]
    return ibis.cases(*branches, else_=ibis.literal(used[-1][1], type="int64"))
