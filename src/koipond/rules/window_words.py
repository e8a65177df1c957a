"""Read and write windows of local days (时间窗) in the one-line form."""

from koipond.kernel import InputError, Message
from koipond.rules.cursor import Cursor
from koipond.rules.labels import Lang
from koipond.rules.vocabulary import calendar_words, spoken
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
)

_HEADS = ("last", "next", "from", "between", "since", "until", "ever")


def sees_window(cursor: Cursor) -> bool:
    """Say whether a window comes next."""
    return cursor.sees(*_HEADS) or cursor.sees_calendar() or _sees_days(cursor)


def _sees_days(cursor: Cursor) -> bool:
    return cursor.word.kind == "number" and cursor.follows("days", "day")


def window(cursor: Cursor) -> Window:
    """Read which facts count: nothing ahead of the observation day."""
    start = cursor.word.at
    if cursor.accepts("ever"):
        return None
    found = span(cursor)
    if isinstance(found, NextDays | Yearly):
        raise cursor.failed(
            Message("facts lie in the past"), Message("use last, from … to … days ago, between …"), start
        )
    return found


def span(cursor: Cursor) -> Span:
    """Read a window of days, ahead of the observation day too."""
    start = cursor.word.at
    try:
        return _span(cursor)
    except InputError as error:
        raise cursor.failed(error.message, at=start) from error


def _span(cursor: Cursor) -> Span:
    if (named := cursor.calendar()) is not None:
        return named
    if _sees_days(cursor):
        return _counted(cursor)
    word = cursor.expect(*_HEADS[:-1])
    if word in ("last", "next"):
        days = cursor.whole_number(Message("a number of days"))
        cursor.expect("days", "day")
        return LastDays(days=days) if word == "last" else NextDays(days=days)
    if word == "from":
        return _ago(cursor)
    day = cursor.day(Message("a day such as 2026-01-31"))
    if word == "between":
        cursor.expect("and")
        return Between(first=day, last=cursor.day(Message("a day such as 2026-01-31")))
    return Between(first=day, last=None) if word == "since" else Between(first=None, last=day)


def _ago(cursor: Cursor) -> DaysAgo:
    first = cursor.whole_number(Message("a number of days"))
    if not cursor.sees("to"):
        _days_ago(cursor)
    cursor.expect("to")
    last = cursor.whole_number(Message("a number of days"))
    _days_ago(cursor)
    return DaysAgo(first=first, last=last)


def _days_ago(cursor: Cursor) -> None:
    if cursor.word.text == "天前":  # one word in Chinese
        cursor.take()
        return
    cursor.expect("days", "day")
    cursor.expect("ago")


def _counted(cursor: Cursor) -> Span:
    """Read ``90 hari terakhir``, ``15 hari ke depan``: the number first."""
    days = cursor.whole_number(Message("a number of days"))
    cursor.take()
    if cursor.word.text == "ke" and cursor.following().text == "depan":
        cursor.take()
        cursor.take()
        return NextDays(days=days)
    return LastDays(days=days) if cursor.expect("last", "next") == "last" else NextDays(days=days)


def window_text(found: Window, lang: Lang = "en") -> str:
    """Return a window; empty for ever."""
    return "" if found is None else span_text(found, lang)


def span_text(found: Span, lang: Lang = "en") -> str:
    """Return a window of days in the one-line form."""

    def say(word: str) -> str:
        return spoken(word, lang)

    if isinstance(found, LastDays | NextDays):
        return _counted_text(found, lang)
    if isinstance(found, Calendar):
        return calendar_words(found, lang)
    if isinstance(found, Yearly):
        return f"{month_day_text(found.first)} {say('to')} {month_day_text(found.last)}"
    if isinstance(found, DaysAgo):
        ago = "天前" if lang == "zh" else f"{say('days')} {say('ago')}"
        return f"{say('from')} {found.first} {say('to')} {found.last} {ago}"
    if found.first is None:
        return f"{say('until')} {found.last}"
    if found.last is None:
        return f"{say('since')} {found.first}"
    return f"{say('between')} {found.first} {say('and')} {found.last}"


def _counted_text(found: LastDays | NextDays, lang: Lang) -> str:
    is_last = isinstance(found, LastDays)
    if lang == "zh":
        return f"{'近' if is_last else '未来'}{found.days}天"
    if lang == "id":
        return f"{found.days} hari {'terakhir' if is_last else 'ke depan'}"
    return f"{'last' if is_last else 'next'} {days_text(found.days)}"


def days_text(days: int, lang: Lang = "en") -> str:
    """Return ``1 day``, ``7 days``."""
    if lang != "en":
        return f"{days} {spoken('days', lang)}"
    return "1 day" if days == 1 else f"{days} days"
