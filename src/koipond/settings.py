"""Settings from the environment (prefix `KOIPOND_`), and the machine's own clock."""

from datetime import UTC, datetime


class SystemClock:
    """The machine's clock: the only place where Koipond asks for the current time."""

    def now(self) -> datetime:
        return datetime.now(UTC)
