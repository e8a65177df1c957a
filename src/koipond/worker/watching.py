"""Channels under watch (渠道监看): one that cannot be reached stops, and its touches keep their attempts."""

from collections.abc import Sequence
from datetime import datetime

from koipond.outreach.ports import Channel, MayGoOn, Message, Probed, Response, SendResult, always

BROKEN_MAX = 2
"""Groups in a row that an error of the channel itself may cost: what becomes of them nobody knows."""


class WatchedChannel:
    """A channel that remembers why it cannot be reached (port `Channel`).

    ``down``: why nothing can be handed over now, None when it can; ``deaf``: why its answers cannot be read.
    """

    def __init__(self, inner: Channel) -> None:
        self.inner = inner
        self.sheet = inner.sheet
        self.down: str | None = None
        self.deaf: str | None = None
        self._broken = 0

    def look(self) -> None:
        """Ask the channel whether it would take a message; one that cannot be asked is taken to be up."""
        self.down = self.inner.why_down() if isinstance(self.inner, Probed) else None

    def send(
        self, messages: Sequence[Message], now: datetime, may_go_on: MayGoOn = always
    ) -> list[SendResult]:
        """Hand ``messages`` over; when none could reach the channel, or it breaks again, it is down."""
        try:
            found = self.inner.send(messages, now, may_go_on)
        except Exception as error:
            self._broken += 1
            if self._broken >= BROKEN_MAX:
                self.down = str(error) or type(error).__name__
            raise
        self._broken = 0
        if found and all(one.unreachable for one in found):
            self.down = found[-1].detail
        return found

    def collect(self, now: datetime) -> Sequence[Response]:
        """Return what the channel tells; an error of it is remembered and raised on."""
        try:
            told = self.inner.collect(now)
        except Exception as error:
            self.deaf = str(error) or type(error).__name__
            raise
        self.deaf = None
        return told

    def close(self) -> None:
        """Close the channel."""
        self.inner.close()


def watched(channel: Channel) -> WatchedChannel:
    """Return ``channel`` under watch; one that is already stays as it is."""
    return channel if isinstance(channel, WatchedChannel) else WatchedChannel(channel)
