"""Instants and local days (日历日). Instants are aware and UTC; a day is a calendar day of a zone.

Warehouse columns hold days as whole days since 1970-01-01 (`epoch_day`), so every engine agrees.
"""

from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from koipond.kernel.errors import InputError

_EPOCH = date(1970, 1, 1)
_UTC = ZoneInfo("UTC")
_HERE: ContextVar[ZoneInfo] = ContextVar("here", default=_UTC)


def zone(name: str) -> ZoneInfo:
    """Return the IANA zone called ``name``; raise InputError when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            "'{name}' is not an IANA time zone; use a name such as Asia/Shanghai", name=name
        ) from error


def require_aware(instant: datetime) -> datetime:
    """Return ``instant`` in UTC; raise ValueError when it carries no zone."""
    if instant.tzinfo is None:
        raise ValueError(f"naive instant {instant.isoformat()}: attach a zone")
    return instant.astimezone(UTC)


def day_of(instant: datetime, place: ZoneInfo) -> date:
    """Return the calendar day on which ``instant`` falls in ``place``."""
    return require_aware(instant).astimezone(place).date()


def local_time(instant: datetime, place: ZoneInfo) -> str:
    """Return ``instant`` as the clock on a wall in ``place`` shows it: 2026-03-02 09:00."""
    return f"{require_aware(instant).astimezone(place):%Y-%m-%d %H:%M}"


def live_in(place: ZoneInfo) -> None:
    """From now on tell instants as the clocks in ``place`` show them (`wall_time`)."""
    _HERE.set(place)


def wall_time(instant: datetime) -> str:
    """Return ``instant`` for a person, with the zone of the workspace: 2026-03-02 09:00 Asia/Shanghai.

    For what is said by those who know of no zone, such as a store that is busy.
    """
    place = _HERE.get()
    return f"{local_time(instant, place)} {place.key}"


def day_bounds(day: date, place: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the first instant of ``day`` in ``place`` and the first one of the next day, in UTC."""
    start = datetime(day.year, day.month, day.day, tzinfo=place)
    following = day + timedelta(days=1)
    end = datetime(following.year, following.month, following.day, tzinfo=place)
    return start.astimezone(UTC), end.astimezone(UTC)


def epoch_day(day: date) -> int:
    """Return whole days from 1970-01-01 to ``day``."""
    return (day - _EPOCH).days


def from_epoch_day(days: int) -> date:
    """Return the day that lies ``days`` after 1970-01-01."""
    return _EPOCH + timedelta(days=days)
