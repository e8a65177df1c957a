"""A day against windows of days (日期在…内): read in memory and as Ibis alike.

A day is whole days since 1970 (fields, columns of facts) or a text (traits, properties), of which only
``2026-01-31`` is a day. With an `Anniversary`, month and day alone count.
"""

import re
from functools import reduce
from typing import Any

import ibis

from koipond.kernel import from_epoch_day
from koipond.rules.tree import Anniversary, InDays
from koipond.rules.windows import Span, Yearly, span_bounds, year_days

_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\z"  # RE2 and Java; Python matches the whole
_PYTHON_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _apart(node: InDays) -> tuple[list[Span], list[Span]]:
    """Return the windows that whole days are compared with, and those that days of the year are."""
    if isinstance(node.operand, Anniversary):
        return [], list(node.spans)
    return (
        [span for span in node.spans if not isinstance(span, Yearly)],
        [span for span in node.spans if isinstance(span, Yearly)],
    )


def day_in(node: InDays, day: int | str | None, as_of_day: int) -> bool:
    """Say whether ``day`` lies in the windows; missing and what is no day is false."""
    if day is None or (isinstance(day, str) and not _PYTHON_ISO.fullmatch(day)):
        return False
    fixed, yearly = _apart(node)
    for span in fixed:
        first, last = span_bounds(span, as_of_day)
        if isinstance(day, str):
            if (first is None or _iso(first) <= day) and (last is None or day <= _iso(last)):
                return True
        elif (first is None or first <= day) and (last is None or day <= last):
            return True
    if not yearly:
        return False
    text = day if isinstance(day, str) else from_epoch_day(day).isoformat()
    of_year = int(text[5:7]) * 100 + int(text[8:10])
    return any(first <= of_year <= last for first, last in year_days(yearly, as_of_day))


def day_in_ibis(node: InDays, day: Any, as_of_day: int) -> Any:
    """Return `day_in` as an expression that is never null. ``day``: an integer or a text column."""
    fixed, yearly = _apart(node)
    is_text = day.type().is_string()
    if is_text:
        day = ibis.ifelse(day.re_search(_ISO), day, ibis.null("string"))
    tests = []
    for span in fixed:
        first, last = span_bounds(span, as_of_day)
        ends = [day >= (_iso(first) if is_text else first)] if first is not None else []
        ends += [day <= (_iso(last) if is_text else last)] if last is not None else []
        tests.append(reduce(lambda a, b: a & b, ends))
    if yearly:
        of_year = _of_year_text(day) if is_text else _of_year(day)
        tests += [of_year.between(first, last) for first, last in year_days(yearly, as_of_day)]
    return reduce(lambda a, b: a | b, [one.fill_null(False) for one in tests])


def _of_year_text(day: Any) -> Any:
    return day.substr(5, 2).cast("int32") * 100 + day.substr(8, 2).cast("int32")


def _of_year(day: Any) -> Any:
    """Month × 100 + day of whole days since 1970, by integers alone: years begin on 1 March."""
    moved = day.cast("int64") + 719_468
    of_era = moved - (moved // 146_097) * 146_097
    years = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * years + years // 4 - years // 100)
    months = (5 * of_year + 2) // 153
    month = ibis.ifelse(months < 10, months + 3, months - 9)
    return month * 100 + of_year - (153 * months + 2) // 5 + 1


def _iso(day: int) -> str:
    return from_epoch_day(day).isoformat()
