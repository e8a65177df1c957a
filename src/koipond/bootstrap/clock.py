"""The workspace's clock (工作区时钟): the machine's, or one that lives on the day of the newest order."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from koipond.kernel import BusyError, Clock, Message, VirtualClock, day_bounds, day_of

POLL_S = 0.2
OPENING_HOUR = 10
"""`last_fact` workspaces wake at this local hour: outside the default quiet hours."""


class LastFactClock:
    """Runs on from 10:00 of the newest order's local day, so that a past year can be worked with.

    ``anchor`` is the machine's instant at which that morning began; it is kept in the store, so that the
    commands of one sitting share one running clock.
    """

    def __init__(self, machine: Clock, newest_at: datetime, place: ZoneInfo, anchor: datetime) -> None:
        self._machine = machine
        morning = day_bounds(day_of(newest_at, place), place)[0] + timedelta(hours=OPENING_HOUR)
        self._shift = morning - anchor

    def now(self) -> datetime:
        return self._machine.now() + self._shift


class Patience:
    """Waits for another process that writes: asks again every moment, at most ``longest_s`` in all.

    ``tell``: is told once what is waited for.
    """

    def __init__(
        self,
        tell: Callable[[str], None],
        longest_s: float,
        sleep: Callable[[float], None] = time.sleep,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tell = tell
        self._longest_s = longest_s
        self._sleep = sleep
        self._elapsed = elapsed
        self._began: float | None = None

    def __call__(self, busy: BusyError) -> bool:
        """Wait a moment; say whether to ask again."""
        if self._began is None:
            self._began = self._elapsed()
            self._tell(
                Message("{busy}; waiting at most {longest_s:.0f} s", busy=busy, longest_s=self._longest_s)
            )
        if self._elapsed() - self._began >= self._longest_s:
            return False
        self._sleep(POLL_S)
        return True


class LazyClock:
    """Finds out which clock it is when first asked: most commands never look."""

    def __init__(self, find: Callable[[], Clock], sleep: Callable[[float], None] = time.sleep) -> None:
        self._find = find
        self._sleep = sleep
        self._clock: Clock | None = None

    def now(self) -> datetime:
        if self._clock is None:
            self._clock = self._find()
        return self._clock.now()

    def wait_until(self, instant: datetime) -> None:
        """Let time pass until ``instant`` of this clock: a virtual clock is moved, on a real one we sleep."""
        if self._clock is None:
            self._clock = self._find()
        if isinstance(self._clock, VirtualClock):
            self._clock.move_to(max(instant, self._clock.now()))
            return
        seconds = (instant - self._clock.now()).total_seconds()
        if seconds > 0:
            self._sleep(seconds)

    def forget(self) -> None:
        """Ask again: new orders may have moved the newest day."""
        self._clock = None
