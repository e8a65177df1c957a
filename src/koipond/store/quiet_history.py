"""Which quiet hours held when (免打扰时段的历史), where no settings were applied: noted when a sender first
obeys them, read by `verify`. What was applied is its own history (`checks_rules`)."""

import sqlalchemy as sa

from koipond.outreach.model import QuietHours
from koipond.store.workspace_values import keep_value, value_of

_NAME = "quiet_history"


def quiet_history(connection: sa.Connection) -> list[tuple[int, QuietHours]]:
    """Return (since when, in seconds; which hours), the oldest first."""
    rows = value_of(connection, _NAME) or ()
    return [(since_s, QuietHours(start_hour=start, end_hour=end)) for since_s, start, end in rows]


def note_quiet(connection: sa.Connection, quiet: QuietHours, now_s: int) -> None:
    """Note that ``quiet`` is obeyed from now on, unless it was already."""
    history = quiet_history(connection)
    if history and history[-1][1] == quiet:
        return
    kept = [(since_s, one.start_hour, one.end_hour) for since_s, one in history]
    since_s = max(now_s, kept[-1][0]) if kept else now_s
    keep_value(connection, _NAME, [*kept, (since_s, quiet.start_hour, quiet.end_hour)])
