"""A zone as a step function of time (时区偏移): from some second on, so many seconds ahead of UTC."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

_DAY_S = 86_400
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Step:
    """From UTC second ``from_s`` on (local second ``from_local_s``) the zone is ``offset_s`` ahead of UTC."""

    from_s: int
    from_local_s: int
    offset_s: int


@cache
def steps(place: ZoneInfo) -> tuple[Step, ...]:
    """Return the offsets of ``place`` from 1970 to 2100, oldest first; at least one."""
    found = [Step(-(2**62), -(2**62), _offset(place, int(_FIRST.timestamp())))]
    low, end = int(_FIRST.timestamp()), int(_LAST.timestamp())
    while low < end:
        high = low + _DAY_S
        before = found[-1].offset_s
        if _offset(place, high) != before:
            at = _change(place, low, high)
            after = _offset(place, at)
            found.append(Step(at, at + max(before, after), after))
            low = at
        else:
            low = high
    return tuple(found)


def local_hour(at_s: int, place: ZoneInfo) -> int:
    """Return the hour of the local day, 0 to 23, in which UTC second ``at_s`` falls."""
    found = steps(place)
    step = found[bisect_right(found, at_s, key=lambda step: step.from_s) - 1]
    return (at_s + step.offset_s) // 3_600 % 24


def _offset(place: ZoneInfo, at_s: int) -> int:
    offset = (_FIRST + timedelta(seconds=at_s)).astimezone(place).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def _change(place: ZoneInfo, low: int, high: int) -> int:
    """The first second after ``low`` with another offset, found by halving."""
    before = _offset(place, low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(place, middle) == before else (low, middle)
    return high
