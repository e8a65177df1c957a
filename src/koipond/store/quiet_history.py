"""Which quiet hours held when (免打扰时段的历史), where no settings were applied: noted when a sender first
obeys them, read by `verify`. What was applied is its own history (`checks_rules`)."""

import json

import sqlalchemy as sa

from koipond.kernel import stable_json
from koipond.outreach.model import QuietHours
from koipond.store.bulk import upsert_rows
from koipond.store.tables import workspace_setting

_NAME = "quiet_history"
_REPLACE = "ON CONFLICT (name) DO UPDATE SET value = excluded.value"


def quiet_history(connection: sa.Connection) -> list[tuple[int, QuietHours]]:
    """Return (since when, in seconds; which hours), the oldest first."""
    query = sa.select(workspace_setting.c.value).where(workspace_setting.c.name == _NAME)
    value = connection.execute(query).scalar_one_or_none()
    rows = [] if value is None else json.loads(value)
    return [(since_s, QuietHours(start_hour=start, end_hour=end)) for since_s, start, end in rows]


def note_quiet(connection: sa.Connection, quiet: QuietHours, now_s: int) -> None:
    """Note that ``quiet`` is obeyed from now on, unless it was already."""
    history = quiet_history(connection)
    if history and history[-1][1] == quiet:
        return
    kept = [(since_s, one.start_hour, one.end_hour) for since_s, one in history]
    value = stable_json(
        [*kept, (max(now_s, kept[-1][0]) if kept else now_s, quiet.start_hour, quiet.end_hour)]
    )
    upsert_rows(connection, workspace_setting, ("name", "value"), [(_NAME, value)], _REPLACE)
