"""Windows of days in the JSON form (时间窗的 JSON)."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from koipond.kernel import InputError
from koipond.rules.json_values import a_whole
from koipond.rules.windows import (
    Between,
    Calendar,
    DaysAgo,
    LastDays,
    NextDays,
    Span,
    Window,
    Yearly,
    month_day_text,
    read_month_day,
)


def window_out(window: Window) -> dict[str, Any] | None:
    """Return which facts count, None for ever."""
    return None if window is None else span_out(window)


def span_out(span: Span) -> dict[str, Any]:
    """Return a window of days as plain values."""
    if isinstance(span, LastDays):
        return {"last_days": span.days}
    if isinstance(span, NextDays):
        return {"next_days": span.days}
    if isinstance(span, DaysAgo):
        return {"from_days_ago": span.first, "to_days_ago": span.last}
    if isinstance(span, Calendar):
        return {"calendar": span.unit, "shift": span.shift}
    if isinstance(span, Yearly):
        return {"every_year": [month_day_text(one) for one in (span.first, span.last)]}
    ends = {"since": span.first, "until": span.last}
    return {name: day.isoformat() for name, day in ends.items() if day is not None}


def window_in(data: Mapping[str, Any] | None) -> Window:
    """Read which facts count; raise InputError for a window ahead of the observation day."""
    if data is None:
        return None
    found = span_in(data)
    if isinstance(found, NextDays | Yearly):
        raise InputError("facts lie in the past: use last_days, from_days_ago, since, until or calendar")
    return found


def span_in(data: Mapping[str, Any]) -> Span:
    """Read a window of days."""
    if "last_days" in data:
        return LastDays(days=a_whole(data["last_days"]))
    if "next_days" in data:
        return NextDays(days=a_whole(data["next_days"]))
    if "from_days_ago" in data:
        return DaysAgo(first=a_whole(data["from_days_ago"]), last=a_whole(data["to_days_ago"]))
    if "calendar" in data:
        return Calendar(unit=data["calendar"], shift=a_whole(data.get("shift", 0)))
    if "every_year" in data:
        first, last = (read_month_day(text) for text in data["every_year"])
        return Yearly(first=first, last=last)
    ends = [date.fromisoformat(data[name]) if name in data else None for name in ("since", "until")]
    return Between(first=ends[0], last=ends[1])
