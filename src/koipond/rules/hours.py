"""The hour of a fact in the workspace's zone (下单钟点), as Ibis; in memory: `koipond.kernel.zone_steps`."""

from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import ibis

from koipond.kernel.zone_steps import steps


def hour_of(at_s: Any, place: ZoneInfo, as_of_day: int) -> Any:
    """Return the local hour, 0 to 23, of the UTC seconds ``at_s`` up to ``as_of_day``, by integers alone."""
    known = steps(place)
    found = [step for step in known if step.from_s <= (as_of_day + 2) * 86_400] or known[:1]
    offset: Any = ibis.literal(found[-1].offset_s, type="int64")
    if len(found) > 1:
        branches = [
            (at_s < later.from_s, ibis.literal(earlier.offset_s, type="int64"))
            for earlier, later in pairwise(found)
        ]
        offset = ibis.cases(*branches, else_=offset)
    local = at_s.cast("int64") + offset
    of_day = (local % 86_400 + 86_400) % 86_400  # twice: engines differ on the sign of a remainder
    return (of_day / 3_600).floor().cast("int64")
