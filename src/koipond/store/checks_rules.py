"""Rules at the intent (发送时规则): every touch went under what was applied when its intent was committed.

The intent stores the number of the newest apply (`outbox.apply_no`), so that nobody has to compare the clock
of an apply with that of a touch. Reading only.
"""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from koipond.kernel import Message, day_of
from koipond.store.checks_intent import SENT
from koipond.store.in_force import Running, running_of
from koipond.store.instants import from_s
from koipond.store.tables import definition, outbox
from koipond.store.tables import touch as touch_

_APPLIED = (
    sa.select(*(definition.c[name] for name in ("key", "apply_no", "archived_no", "body")))
    .where(definition.c.kind == "strategy")
    .order_by(definition.c.apply_no)
)
_PLACE = (touch_.c.strategy, touch_.c.play, touch_.c.channel, outbox.c.apply_no)
_WENT = (
    sa.select(
        *_PLACE, sa.func.min(outbox.c.sent_s).label("from_s"), sa.func.max(outbox.c.sent_s).label("to_s")
    )
    .join(outbox, outbox.c.touch_no == touch_.c.touch_no)
    .where(SENT, outbox.c.apply_no.is_not(None))
    .group_by(*_PLACE)
)


def running_at_intent(connection: sa.Connection, place: ZoneInfo) -> Iterator[str]:
    """What was sent belonged to a strategy that ran then, with that play on that channel."""
    history: dict[str, list[tuple[int, int | None, Running]]] = {}
    for row in connection.execute(_APPLIED):
        made = (row.apply_no, row.archived_no, running_of(json.loads(row.body)))
        history.setdefault(row.key, []).append(made)
    for went in connection.execute(_WENT).all():
        made_then = [one for one in history.get(went.strategy, ()) if one[0] <= went.apply_no]
        if not made_then:  # nobody had said by then how it runs
            continue
        _, archived_no, running = made_then[-1]
        archived = archived_no is not None and archived_no <= went.apply_no
        days = (day_of(from_s(went.from_s), place), day_of(from_s(went.to_s), place))
        why = Message("was archived") if archived else _stood_still(running, went, *days)
        if why is not None:
            same = [column == went[number] for number, column in enumerate(_PLACE)]
            keys = sa.select(touch_.c.touch_key).join(outbox, outbox.c.touch_no == touch_.c.touch_no)
            for key in connection.scalars(keys.where(SENT, *same)):
                yield Message(
                    "touch {key} was sent though its strategy {strategy} {why}",
                    key=key,
                    strategy=went.strategy,
                    why=why,
                )


def _stood_still(running: Running, went: Any, first: date, last: date) -> str | None:
    """Return why ``running`` touched nobody there on some day from ``first`` to ``last``."""
    if (lacking := running.lacks(went.play, went.channel)) is not None:
        return Message("had no {lacking}", lacking=lacking)
    if running.paused:
        return Message("was paused by its definition")
    if running.starts_on is not None and first < running.starts_on:
        return Message("starts on {starts_on}", starts_on=running.starts_on.isoformat())
    if running.ends_on is not None and last > running.ends_on:
        return Message("ended on {ends_on}", ends_on=running.ends_on.isoformat())
    return None
