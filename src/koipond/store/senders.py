"""Senders (发送者): under whose lease touches are claimed. What a sender claimed waits until its lease ends.

Leases run on the machine's clock and its heartbeat (`koipond.store.leases`); touches on the workspace's.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from koipond.facts.ports import Holder
from koipond.kernel import Clock
from koipond.store import leases
from koipond.store.instants import to_s
from koipond.store.leases import HeldLease, IsAlive, StoredLeases
from koipond.store.tables import lease

NOBODY = Holder(host="", pid=0, started="", purpose="send")


def _nobody_can_tell(_holder: Holder) -> bool:
    return True


@dataclass(slots=True, kw_only=True)
class Sender:
    """One sending loop. ``hold`` takes a lease that a heartbeat keeps, ``drop`` gives it back.

    ``machine``: the clock that leases run on; None = the instants the outbox is handed.
    """

    hold: Callable[[datetime], str]
    drop: Callable[[str], None]
    is_alive: IsAlive = _nobody_can_tell
    machine: Clock | None = None
    _held: str | None = field(default=None, init=False)

    def lease(self, now: datetime) -> str:
        """Return the lease this loop sends under, taking one when it has none. Opens a transaction."""
        if self._held is None:
            self._held = self.hold(now)
        return self._held

    def lost(self) -> None:
        """Note that the lease has ended: the next claim takes another."""
        if self._held is not None:
            self.drop(self._held)
        self._held = None

    def close(self) -> None:
        """Give the lease back; what was left claimed goes to the next sender at once."""
        self.lost()

    def now_s(self, now: datetime) -> int:
        """Return the machine's seconds while the workspace's clock says ``now``."""
        return to_s(now if self.machine is None else self.machine.now())


def unattended(leases_: StoredLeases) -> Sender:
    """Return a sender that no heartbeat keeps alive: its claims are anybody's after the lease's term."""
    return Sender(hold=lambda now: leases_.open("sender", NOBODY, now), drop=leases_.close)


def standing(connection: sa.Connection, own: str, now_s: int, is_alive: IsAlive) -> list[HeldLease]:
    """Return the other senders whose leases stand, after ending those that have ended."""
    others = sa.select(lease.c.lease).where(lease.c.kind == "sender", lease.c.lease != own).limit(1)
    if connection.execute(others).one_or_none() is None:
        return []
    found = leases.end_lapsed(connection, {"sender"}, now_s, is_alive)
    return [one for one in found if one.lease != own]


def remaining_s(held: Collection[HeldLease], now_s: int) -> int | None:
    """Return in how many seconds the first of ``held`` ends unless it beats; at most one term."""
    term_s = int(leases.TTL.total_seconds())
    left = [min(max(to_s(one.until) - now_s, 1), term_s) for one in held]
    return min(left, default=None)
