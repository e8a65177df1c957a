"""A day against windows of days (日期在…内), in memory; `koipond.rules.ibis_days` reads it as Ibis.

A day is whole days since 1970 (fields, columns of facts) or a text (traits, properties), of which only
``2026-01-31`` is a day. With an `Anniversary`, month and day alone count; there ``--01-31`` is one as well.
"""

import re

from koipond.kernel import from_epoch_day
from koipond.rules.tree import Anniversary, InDays
from koipond.rules.windows import Span, Yearly, span_bounds, year_days

_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_OF_YEAR = re.compile(r"(?:[0-9]{4}|-)-([0-9]{2})-([0-9]{2})")


def apart(node: InDays) -> tuple[list[Span], list[Span]]:
    """Return the windows that whole days are compared with, and those that days of the year are."""
    if isinstance(node.operand, Anniversary):
        return [], list(node.spans)
    return (
        [span for span in node.spans if not isinstance(span, Yearly)],
        [span for span in node.spans if isinstance(span, Yearly)],
    )


def day_in(node: InDays, day: int | str | None, as_of_day: int) -> bool:
    """Say whether ``day`` lies in the windows; missing and what is no day is false."""
    if day is None:
        return False
    fixed, yearly = apart(node)
    for span in fixed:
        first, last = span_bounds(span, as_of_day)
        if isinstance(day, str):
            if (
                is_day(day)
                and (first is None or iso_day(first) <= day)
                and (last is None or day <= iso_day(last))
            ):
                return True
        elif (first is None or first <= day) and (last is None or day <= last):
            return True
    if not yearly:
        return False
    found = _OF_YEAR.fullmatch(day if isinstance(day, str) else iso_day(day))
    if found is None:
        return False
    of_year = int(found[1]) * 100 + int(found[2])
    return any(first <= of_year <= last for first, last in year_days(yearly, as_of_day))


def is_day(text: str) -> bool:
    """Say whether ``text`` is a day such as 2026-01-31."""
    return _ISO.fullmatch(text) is not None


def iso_day(day: int) -> str:
    """Return whole days since 1970 as 2026-01-31."""
    return from_epoch_day(day).isoformat()
