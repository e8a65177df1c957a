"""Quiet hours (免打扰时段): they move the instant of a touch, never drop one. Pure. Rule: design §7."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from koipond.kernel import require_aware
from koipond.outreach.model import QuietHours

_TRIES_TOGETHER = 6  # two turns a day, and a clock change
_TRIES = 4  # a clock change may land in quiet hours again; never more than once a night


def is_quiet(instant: datetime, quiet: QuietHours, place: ZoneInfo) -> bool:
    """Say whether the local hour of ``instant`` lies in ``quiet``: start included, end not; equal = never."""
    hour = require_aware(instant).astimezone(place).hour
    if quiet.start_hour <= quiet.end_hour:
        return quiet.start_hour <= hour < quiet.end_hour
    return hour >= quiet.start_hour or hour < quiet.end_hour


def next_allowed_by(instant: datetime, hours: Sequence[QuietHours], place: ZoneInfo) -> datetime | None:
    """Return the first instant from ``instant`` on that is quiet by none of ``hours``, in UTC.

    None when together they leave no hour of the day open.
    """
    moved = require_aware(instant)
    for _ in range(_TRIES_TOGETHER):
        found = max((next_allowed(moved, one, place) for one in hours), default=moved)
        if found == moved:
            return moved
        moved = found
    return None


def next_allowed(instant: datetime, quiet: QuietHours, place: ZoneInfo) -> datetime:
    """Return ``instant``, or the end of the quiet hours it lies in, in UTC.

    The end is a local wall-clock hour, also on days on which the clock is changed: an hour that is skipped
    counts as the first one after it, an hour that comes twice as its first time.
    """
    moved = require_aware(instant)
    for _ in range(_TRIES):
        if not is_quiet(moved, quiet, place):
            return moved
        local = moved.astimezone(place)
        day = local.date() + timedelta(days=1) if local.hour >= quiet.end_hour else local.date()
        moved = require_aware(datetime.combine(day, time(quiet.end_hour % 24), tzinfo=place))
    return moved
