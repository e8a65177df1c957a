"""The server's send loop (后台发送): one thread that sleeps until the next touch is due."""

import threading
from collections.abc import Sequence
from datetime import timedelta

from koipond.bootstrap import App
from koipond.outreach.ports import Channel
from koipond.worker.sending import send_due
from koipond.worker.syncing import tell_facts

LONGEST_SLEEP = timedelta(seconds=30)
"""Other processes admit touches too: look again after this long at the latest."""
SHORTEST_SLEEP_S = 0.05


class SendLoop:
    """Sends a workspace's due touches until stopped. An error is kept for `health`; the loop goes on."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="send-loop", daemon=True)
        self.last_error: str | None = None

    def start(self) -> None:
        """Begin in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End after the group that is being sent; wait for it."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._app.channels() as channels:
                    self._work(channels)
            except Exception as error:
                self.last_error = f"{type(error).__name__}: {error}"
                self._stopping.wait(LONGEST_SLEEP.total_seconds())

    def _work(self, channels: Sequence[Channel]) -> None:
        """Send on open channels until stopped; an error ends it, and the channels are opened anew."""
        app = self._app
        while not self._stopping.is_set():
            done = send_due(app, channels, self._stopping.is_set)
            if done.outcomes:
                tell_facts(app, "tell what was sent")
            self.last_error = None
            wait = LONGEST_SLEEP if done.wake_at is None else done.wake_at - app.clock.now()
            self._stopping.wait(max(min(wait, LONGEST_SLEEP).total_seconds(), SHORTEST_SLEEP_S))
