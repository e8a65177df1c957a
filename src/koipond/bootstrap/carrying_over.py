"""What outlives a restore (恢复保留): the key of now, every no, and what went out, told to the copy before it
takes the place of the present store. Nothing of the present one is changed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from koipond.bootstrap.backups import Backup
from koipond.store import KeyRing
from koipond.store.belonging import look_at
from koipond.store.carrying import Carried, carry, hold_back, refusals_if_readable
from koipond.store.carrying_touches import CarriedTouches, carry_touches_if_readable, has_open_plans
from koipond.store.engine import Database, open_database, settle
from koipond.store.migrate import is_current
from koipond.store.rotation import bring_under, stands_under


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedOver:
    """What the copy was told. ``paused``: something waits in it, or a plan that may have been sent since;
    ``read``: the present store could be asked."""

    refusals: Carried = field(default_factory=Carried)
    touches: CarriedTouches = field(default_factory=CarriedTouches)
    paused: bool = False
    read: bool = False


def carry_over(
    present: Database, place: str, schema: str | None, ring: KeyRing, backup: Backup, now: datetime
) -> CarriedOver:
    """Bring the staged store at ``place`` under the key of now and tell it what the present one knows.

    One of an earlier release is left as it is: its identifiers are refused until the keys are rotated.
    """
    staged = open_database(place, schema)
    try:
        if not is_current(staged):
            return CarriedOver()
        if not stands_under(staged, ring):
            bring_under(staged, ring)
        with _readable(present, backup) as knows, staged.write() as connection:
            told = _tell(knows, connection, backup, int(now.timestamp()))
        if schema is None:
            settle(staged)
        return told
    finally:
        staged.close()


def _tell(knows: Any, connection: Any, backup: Backup, now_s: int) -> CarriedOver:
    """Tell the copy, in the transaction of ``connection``, what ``knows``, a connection or None, answers."""
    refusals, sent = Carried(), None
    if knows is not None:
        refusals = carry(connection, refusals_if_readable(knows), now_s)
        sent = carry_touches_if_readable(knows, connection, now_s)
    paused = backup.store.waiting > 0 or has_open_plans(connection)
    if paused:
        hold_back(connection, now_s)
    return CarriedOver(
        refusals=refusals, touches=sent or CarriedTouches(), paused=paused, read=sent is not None
    )


@contextmanager
def _readable(present: Database, backup: Backup) -> Iterator[Any]:
    """Give the present store to read from, None when it is not the backup's own or does not answer."""
    try:
        side, _ = look_at(present, "")
        own = side.kept and side.store_id == backup.store.ids.get("store_id") and is_current(present)
    except Exception:  # whatever a damaged store answers
        own = False
    if not own:
        yield None
        return
    with present.read() as connection:
        yield connection
