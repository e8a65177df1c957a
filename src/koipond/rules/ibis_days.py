"""A day against windows of days (日期在…内) as Ibis: what `koipond.rules.day_tests` reads in memory."""

from functools import reduce
from typing import Any

import ibis

from koipond.rules.day_tests import apart, iso_day
from koipond.rules.tree import InDays
from koipond.rules.windows import span_bounds, year_days

_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\z"  # RE2 and Java
_OF_YEAR = r"^(?:[0-9]{4}|-)-[0-9]{2}-[0-9]{2}\z"


def day_in_ibis(node: InDays, day: Any, as_of_day: int) -> Any:
    """Return `day_in` as an expression that is never null. ``day``: an integer or a text column."""
    fixed, yearly = apart(node)
    is_text, text = day.type().is_string(), day
    if is_text:
        day = day_or_null(text)
    tests = []
    for span in fixed:
        first, last = span_bounds(span, as_of_day)
        ends = [day >= (iso_day(first) if is_text else first)] if first is not None else []
        ends += [day <= (iso_day(last) if is_text else last)] if last is not None else []
        tests.append(reduce(lambda a, b: a & b, ends))
    if yearly:
        of_year = _of_year_text(text) if is_text else _of_year(day)
        tests += [of_year.between(first, last) for first, last in year_days(yearly, as_of_day)]
    return reduce(lambda a, b: a | b, [one.fill_null(False) for one in tests])


def day_or_null(text: Any) -> Any:
    """Return the column ``text`` where it is a day such as 2026-01-31."""
    return ibis.ifelse(text.re_search(_ISO), text, ibis.null("string"))


def _of_year_text(text: Any) -> Any:
    """Month × 100 + day of 2026-01-31, and of --01-31."""
    end = ibis.ifelse(text.re_search(_OF_YEAR), text.substr(text.length() - 5, 5), ibis.null("string"))
    return end.substr(0, 2).cast("int32") * 100 + end.substr(3, 2).cast("int32")


def _of_year(day: Any) -> Any:
    """Month × 100 + day of whole days since 1970, by integers alone: years begin on 1 March."""
    moved = day.cast("int64") + 719_468
    of_era = moved - (moved // 146_097) * 146_097
    years = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * years + years // 4 - years // 100)
    months = (5 * of_year + 2) // 153
    month = ibis.ifelse(months < 10, months + 3, months - 9)
    return month * 100 + of_year - (153 * months + 2) // 5 + 1
