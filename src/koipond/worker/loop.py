"""The server's send loop (后台发送): one thread that sleeps until the next touch is due."""

import threading
from datetime import timedelta

from koipond.bootstrap import App
from koipond.kernel import BusyError
from koipond.worker.sending import send_due
from koipond.worker.syncing import sync_facts

LONGEST_SLEEP = timedelta(seconds=30)
"""Other processes admit touches too: look again after this long at the latest."""


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
            sleep = LONGEST_SLEEP
            try:
                sleep = min(sleep, self._turn())
                self.last_error = None
            except Exception as error:
                self.last_error = f"{type(error).__name__}: {error}"
            self._stopping.wait(max(sleep.total_seconds(), 0.05))

    def _turn(self) -> timedelta:
        app = self._app
        with app.channels() as channels:
            done = send_due(app, channels)
        if done.outcomes:
            self._tell()
        return LONGEST_SLEEP if done.wake_at is None else done.wake_at - app.clock.now()

    def _tell(self) -> None:
        try:
            with self._app.warehouse.write("tell what was sent") as writer:
                if sync_facts(self._app, writer):
                    writer.publish()
        except BusyError:
            return  # the next writer tells it
