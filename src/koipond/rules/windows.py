"""Windows of local days (时间窗): values, and their bounds on an observation day, as days since 1970."""

import re
from calendar import isleap
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from koipond.kernel import InputError, Message, epoch_day, from_epoch_day

DAYS_MAX = 36_500
Unit = Literal["day", "week", "month", "year"]
UNITS: tuple[Unit, ...] = ("day", "week", "month", "year")
LEAP_DAY = 229


@dataclass(frozen=True, slots=True, kw_only=True)
class LastDays:
    """The last ``days`` local days, the observation day included."""

    days: int

    def __post_init__(self) -> None:
        require(
            1 <= self.days <= DAYS_MAX,
            Message("a window has 1 to {days_max} days, not {days}", days_max=DAYS_MAX, days=self.days),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NextDays:
    """The observation day and the ``days`` after it: at most so many days ahead."""

    days: int

    def __post_init__(self) -> None:
        require(
            1 <= self.days <= DAYS_MAX,
            Message("a window has 1 to {days_max} days, not {days}", days_max=DAYS_MAX, days=self.days),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DaysAgo:
    """From ``first`` to ``last`` days before the observation day, both included; 0 is that day itself."""

    first: int
    last: int

    def __post_init__(self) -> None:
        fits = 0 <= self.last <= self.first <= DAYS_MAX
        require(fits, f"write 'from {max(self.first, self.last)} to {min(self.first, self.last)} days ago'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """Fixed local days, both included; None leaves that end open. Facts: never beyond the observation day."""

    first: date | None
    last: date | None

    def __post_init__(self) -> None:
        require(
            self.first is not None or self.last is not None, Message("name at least one end of the window")
        )
        if self.first is not None and self.last is not None:
            require(
                self.first <= self.last,
                Message(
                    "the window ends ({last}) before it begins ({first})", last=self.last, first=self.first
                ),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The day, week (Monday first), month or year of the observation day, or the one before or after it."""

    unit: Unit
    shift: int = 0  # -1 the one before, 1 the one after

    def __post_init__(self) -> None:
        require(self.unit in UNITS, Message("a calendar window is one of {units}", units=", ".join(UNITS)))
        require(self.shift in (-1, 0, 1), Message("a calendar window is the last, this or the next one"))


MonthDay = tuple[int, int]
_MONTH_DAY = re.compile(r"([0-9]{1,2})-([0-9]{1,2})")


def read_month_day(text: object) -> MonthDay:
    """Return the month and the day of ``11-11``; raise InputError for what is not written so."""
    found = _MONTH_DAY.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise InputError("'{text}' is no day of the year such as 11-11", text=text, code="bad_rule")
    return int(found[1]), int(found[2])


def month_day_text(month_day: MonthDay) -> str:
    """Return ``11-11``, as `read_month_day` reads it."""
    return f"{month_day[0]:02d}-{month_day[1]:02d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Yearly:
    """The days ``first`` to ``last`` of every year, both included, as (month, day); may pass New Year."""

    first: MonthDay
    last: MonthDay

    def __post_init__(self) -> None:
        for month, day in (self.first, self.last):
            require(
                _is_month_day(month, day),
                Message("there is no {month:02d}-{day:02d} in any year", month=month, day=day),
            )


Window = LastDays | DaysAgo | Between | Calendar | None
"""Which facts count. None = ever, up to the observation day."""
Span = LastDays | NextDays | DaysAgo | Between | Calendar | Yearly
"""Which days a day may be: ahead of the observation day too."""


def bounds(window: Window, as_of_day: int) -> tuple[int | None, int]:
    """Return the first day (None = open) and the last day, both included; never beyond ``as_of_day``.

    ``LastDays(w)`` is D−w+1 .. D (science D, common definitions).
    """
    if window is None:
        return None, as_of_day
    first, last = span_bounds(window, as_of_day)
    return first, as_of_day if last is None else min(last, as_of_day)


def span_bounds(span: Span, as_of_day: int) -> tuple[int | None, int | None]:
    """Return the first and the last day of ``span``, both included, None = open. Not for `Yearly`."""
    if isinstance(span, LastDays):
        return as_of_day - span.days + 1, as_of_day
    if isinstance(span, NextDays):
        return as_of_day, as_of_day + span.days
    if isinstance(span, DaysAgo):
        return as_of_day - span.first, as_of_day - span.last
    if isinstance(span, Calendar):
        return _calendar(span, as_of_day)
    assert isinstance(span, Between)
    ends = (span.first, span.last)
    return (None if ends[0] is None else epoch_day(ends[0])), (
        None if ends[1] is None else epoch_day(ends[1])
    )


def _calendar(span: Calendar, as_of_day: int) -> tuple[int, int]:
    day = from_epoch_day(as_of_day)
    if span.unit == "day":
        return as_of_day + span.shift, as_of_day + span.shift
    if span.unit == "week":
        monday = as_of_day - day.weekday() + 7 * span.shift
        return monday, monday + 6
    if span.unit == "year":
        year = day.year + span.shift
        return epoch_day(date(year, 1, 1)), epoch_day(date(year, 12, 31))
    months = day.year * 12 + day.month - 1 + span.shift
    first, following = (date(m // 12, m % 12 + 1, 1) for m in (months, months + 1))
    return epoch_day(first), epoch_day(following) - 1


def year_days(spans: Iterable[Span], as_of_day: int) -> list[tuple[int, int]]:
    """Return the days of the year in ``spans`` as ranges of month × 100 + day, both ends included.

    29 February is celebrated on the 28th in a year without it. Every span has two ends (`check`).
    """
    found: list[tuple[int, int]] = []
    for span in spans:
        if isinstance(span, Yearly):
            first, last = (month * 100 + day for month, day in (span.first, span.last))
            found += [(first, last)] if first <= last else [(first, 1231), (101, last)]
            continue
        start, end = span_bounds(span, as_of_day)
        assert start is not None
        assert end is not None
        found += _year_days(from_epoch_day(start), from_epoch_day(end))
    return found


def _year_days(first: date, last: date) -> list[tuple[int, int]]:
    if last - first >= timedelta(days=365):
        return [(101, 1231)]
    start, end = (day.month * 100 + day.day for day in (first, last))
    if end == 228 and not isleap(last.year):
        end = LEAP_DAY
    return [(start, end)] if first.year == last.year else [(start, 1231), (101, end)]


def _is_month_day(month: int, day: int) -> bool:
    try:
        date(2000, month, day)  # a leap year
    except ValueError:
        return False
    return True


def require(holds: bool, message: str) -> None:
    """Raise InputError with ``message`` unless ``holds``."""
    if not holds:
        raise InputError(message, code="bad_rule")
