"""What a clock that ran ahead has put off (走快的时钟): due again when it was asked for.

The gate makes nothing due before its own now. When the clock of that sender ran a day ahead, all it admitted
would wait a day too long, also after it is gone. Such touches were admitted later than it is now.
"""

import sqlalchemy as sa

from koipond.store.bulk import listed
from koipond.store.tables import outbox, touch
from koipond.store.tables.outreach import QUEUED

AHEAD_S = 300
"""How far the clocks of two senders may stand apart before anything is made of it."""
_ROWS = 5_000
_LATER = touch.c.admitted_s > sa.bindparam("ahead_s")
_NEWEST = sa.select(sa.func.max(touch.c.admitted_s))
_PUT_OFF = (
    sa.select(outbox.c.touch_no)
    .join(touch, touch.c.touch_no == outbox.c.touch_no)
    .where(QUEUED, outbox.c.channel == sa.bindparam("on"), outbox.c.attempts == 0, _LATER)
    .where(outbox.c.due_s > sa.bindparam("now_s"), outbox.c.due_s > outbox.c.asked_s)
    .order_by(outbox.c.due_s, outbox.c.touch_no)
    .limit(_ROWS)
    .with_for_update(of=outbox, skip_locked=True)
)
_NOW: sa.ColumnElement[int] = sa.bindparam("now_s", type_=sa.BigInteger)
_BRING_BACK = (
    sa.update(outbox)
    .where(listed(outbox.c.touch_no, "touches"), QUEUED)
    .values(due_s=sa.case((outbox.c.asked_s > _NOW, outbox.c.asked_s), else_=_NOW), asked_s=None)
)


def bring_back(connection: sa.Connection, channel: str, now_s: int) -> int:
    """Make what a clock ahead has put off due when it was asked for, once; return how many touches of
    ``channel`` that were. Quiet hours are the claim's."""
    ahead = {"ahead_s": now_s + AHEAD_S}
    newest_s = connection.scalar(_NEWEST)  # the end of an index; to ask for any such row can read all
    if newest_s is None or newest_s <= ahead["ahead_s"]:
        return 0
    numbers = connection.scalars(_PUT_OFF, {**ahead, "on": channel, "now_s": now_s}).all()
    if numbers:
        connection.execute(_BRING_BACK, {"touches": numbers, "now_s": now_s})
    return len(numbers)
