"""Clocks (时钟). The core never asks the machine for the time: it is handed one of these, so that months
can be rehearsed in seconds. The machine's own clock lives in `koipond.settings`."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from koipond.kernel.days import require_aware


class Clock(Protocol):
    """Something that knows the current instant."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still."""

    instant: datetime

    def __post_init__(self) -> None:
        require_aware(self.instant)

    def now(self) -> datetime:
        return self.instant


class VirtualClock:
    """A clock that moves only when told to; it never goes back."""

    def __init__(self, start: datetime) -> None:
        self._instant = require_aware(start)

    def now(self) -> datetime:
        return self._instant

    def advance(self, step: timedelta) -> datetime:
        """Move forward by ``step``; raise ValueError when it is negative."""
        return self.move_to(self._instant + step)

    def move_to(self, instant: datetime) -> datetime:
        """Move to ``instant``; raise ValueError when it lies in the past of this clock."""
        if require_aware(instant) < self._instant:
            raise ValueError(f"the clock stands at {self._instant.isoformat()} and cannot go back")
        self._instant = instant
        return instant
