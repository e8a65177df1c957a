"""Windows of local days in words (时间窗的说法)."""

from koipond.rules.phrases import Phrases, number
from koipond.rules.windows import Calendar, DaysAgo, LastDays, NextDays, Span, Yearly


def span_words(span: Span, say: Phrases) -> str:
    """Return a window of days as people say it; it brings its own space where one is due."""
    if isinstance(span, LastDays):
        return say.last_days.format(days=number(span.days, say))
    if isinstance(span, NextDays):
        return say.next_days.format(days=number(span.days, say))
    if isinstance(span, DaysAgo):
        return say.days_ago.format(first=span.first, last=span.last)
    if isinstance(span, Calendar):
        return say.this[span.unit][span.shift + 1]
    if isinstance(span, Yearly):
        return say.every_year.format(first=say.year_day(span.first), last=say.year_day(span.last))
    ends = {name: say.day(day) for name, day in (("first", span.first), ("last", span.last)) if day}
    pattern = say.between if len(ends) == 2 else say.since if span.first else say.until
    return pattern.format(**ends)
