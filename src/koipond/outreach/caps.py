"""Which touches share a cap's window with a new one (频次上限). Pure. Source: design §7, S43.

A touch that was sent stands at one instant; one that waits may go out at any instant from its due time to
its expiry, so it counts wherever it could land. That way no order of sending can break a cap.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from koipond.kernel import day_bounds, day_of
from koipond.outreach.model import FrequencyCap

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Slot:
    """One touch whose cap slot is taken, at some instant from ``from_s`` to ``to_s`` (UTC seconds)."""

    channel: str
    purpose: str
    strategy: str
    content: str
    from_s: int
    to_s: int


def applies(cap: FrequencyCap, channel: str, purpose: str) -> bool:
    """Say whether ``cap`` counts touches of ``channel`` and ``purpose``."""
    return cap.purpose == purpose and cap.channel in (None, channel)


def window(cap: FrequencyCap, due_s: int, expires_s: int, place: ZoneInfo) -> tuple[int, int]:
    """Return (low, high): a slot shares a window with a touch due then when to_s >= low and from_s < high."""
    if cap.window == "rolling_days":
        span = cap.days * _DAY_S
        return due_s - span + 1, max(due_s, expires_s) + span
    first = _period(cap, day_of(datetime.fromtimestamp(due_s, UTC), place))
    last = _period(cap, day_of(datetime.fromtimestamp(max(due_s, expires_s - 1), UTC), place))
    low, _ = day_bounds(first[0], place)
    high, _ = day_bounds(last[1], place)
    return int(low.timestamp()), int(high.timestamp())


def lookback_s(cap: FrequencyCap) -> int:
    """Return how far before a touch its window can begin at most."""
    days = {"rolling_days": cap.days, "calendar_day": 2, "calendar_week": 8, "calendar_month": 32}
    return days[cap.window] * _DAY_S


def _period(cap: FrequencyCap, day: date) -> tuple[date, date]:
    """Return the first day of the calendar period of ``day`` and the first day of the next."""
    if cap.window == "calendar_day":
        return day, day + timedelta(days=1)
    if cap.window == "calendar_week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)
