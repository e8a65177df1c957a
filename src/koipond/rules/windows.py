"""Bounds of a window of local days, as days since 1970."""

from koipond.kernel import epoch_day
from koipond.rules.tree import Between, DaysAgo, LastDays, Window


def bounds(window: Window, as_of_day: int) -> tuple[int | None, int]:
    """Return the first day (None = open) and the last day, both included; never beyond ``as_of_day``.

    ``LastDays(w)`` is D−w+1 .. D (science D, common definitions).
    """
    if isinstance(window, LastDays):
        return as_of_day - window.days + 1, as_of_day
    if isinstance(window, DaysAgo):
        return as_of_day - window.first, as_of_day - window.last
    if isinstance(window, Between):
        first = None if window.first is None else epoch_day(window.first)
        last = as_of_day if window.last is None else min(epoch_day(window.last), as_of_day)
        return first, last
    return None, as_of_day
