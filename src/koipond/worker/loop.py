"""The server's send loop (后台发送): one thread that sleeps until the next touch is due.

A channel that cannot be opened or reached is tried again after a wait that doubles; the others go on. The
loop follows what other processes apply, import and refresh: it ends a round after the group in flight and
works on with the newest. How it stands is on its board.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from koipond.bootstrap import App
from koipond.kernel import Message
from koipond.worker.board import Board, reason_of
from koipond.worker.sending import send_due
from koipond.worker.syncing import tell_facts
from koipond.worker.watching import WatchedChannel

LONGEST_SLEEP = timedelta(seconds=30)
"""Other processes admit touches too: look again after this long at the latest."""
SHORTEST_SLEEP_S = 0.05
PULSE_S = 0.5
"""How often a sleeping loop looks whether something was applied, imported or refreshed."""
GONE = "the store's file was moved away or replaced; bring it back, or start the server again"
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=5)


class SendLoop:
    """Sends a workspace's due touches until stopped; what stops it stands on ``board``, and it goes on."""

    def __init__(self, app: App, board: Board | None = None) -> None:
        self._app = app
        self.board = board or Board(app.machine, app.settings.region)
        self._stopping = threading.Event()
        self._thread = self._made()
        self._untold = False
        self._tries: dict[str, tuple[datetime, timedelta]] = {}
        self._mark = app.store_mark()
        self.progress_at = app.machine.now()

    @property
    def last_error(self) -> str | None:
        """Why sending has stopped, None while it works."""
        part = self.board.get("sending")
        return part.why if part is not None and part.state == "stopped" else None

    def start(self) -> None:
        """Begin in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End after the group that is being sent; wait for it."""
        self._stopping.set()
        self._thread.join()

    def revive(self) -> bool:
        """Begin anew when the thread has ended though nobody stopped it; say whether it had."""
        if self._thread.is_alive() or self._stopping.is_set():
            return False
        self._thread = self._made()
        self._thread.start()
        return True

    def _made(self) -> threading.Thread:
        return threading.Thread(target=self._run, name="send-loop", daemon=True)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self._app.store_mark() != self._mark:
                    self.board.put("sending", "stopped", "store_gone", GONE)
                    self._stopping.wait(FIRST_WAIT.total_seconds())
                    continue
                self._app = self._app.latest()
                with self._open(self._app) as channels:
                    self._work(self._app, channels)
            except Exception as error:
                self.board.put_error("sending", error)
                self._stopping.wait(FIRST_WAIT.total_seconds())

    @contextmanager
    def _open(self, app: App) -> Iterator[list[WatchedChannel]]:
        """Open what can be opened; why another channel cannot stands on the board."""
        opened: list[WatchedChannel] = []
        try:
            for key, make in app.channel_makers().items():
                try:
                    opened.append(WatchedChannel(make()))
                except Exception as error:
                    self._put_down(f"sending.{key}", error)
            yield opened
        finally:
            for channel in opened:
                channel.close()

    def _work(self, app: App, channels: list[WatchedChannel]) -> None:
        """Send on open channels until stopped or something newer is in force."""
        ends, version = self._retry_at(app, channels), app.definitions.number
        while not self._stopping.is_set() and not self._moved_on(app):
            wake = app.machine.now() + LONGEST_SLEEP
            for channel in channels:
                if (due := self._round(app, channel)) is not None:
                    wake = min(wake, app.machine.now() + max(due - app.clock.now(), timedelta()))
            self.progress_at = app.machine.now()
            self.board.put("sending", "ok")
            self._sleep(app, min(wake, ends))
            app = self._app = app.latest()  # others import too: the clock may have moved
            if app.definitions.number != version or app.machine.now() >= ends:
                return  # channels follow settings; one that could not be opened is tried again

    def _round(self, app: App, channel: WatchedChannel) -> datetime | None:
        """Send what is due on one channel; return when more is, on the workspace's clock."""
        key = channel.sheet.channel
        until, _ = self._tries.get(key, (app.machine.now(), FIRST_WAIT))
        if until > app.machine.now():
            return app.clock.now() + (until - app.machine.now())
        try:
            done = send_due(app, [channel], lambda: self._stopping.is_set() or self._moved_on(app))
        except Exception:
            if channel.deaf is None:
                raise  # the store, not the channel
            self.board.put("answering", "stopped", "answers_unreadable", channel.deaf, channel=key)
            why = Message(
                "its answers cannot be read, and who opts out must not be written to: {deaf}",
                deaf=channel.deaf,
            )
            self.board.put(f"sending.{key}", "stopped", "answers_unreadable", why)
            return self._later(app, key)
        self.board.put("answering", "ok")
        if done.outcomes or self._untold:
            self._tell(app)
        if channel.down is not None:
            waits = app.store.waiting.by_channel(app.clock.now()).get(key)
            count = 0 if waits is None else waits.touches
            self.board.put(f"sending.{key}", "stopped", "unreachable", channel.down, waiting=count)
            return self._later(app, key)
        self._tries.pop(key, None)
        self.board.put(f"sending.{key}", "ok")
        return done.wake_at

    def _moved_on(self, app: App) -> bool:
        self.progress_at = app.machine.now()
        return app.store_mark() != self._mark or app.store.definitions.version() != app.definitions.number

    def _later(self, app: App, key: str) -> datetime:
        """Wait longer each time the channel fails in a row."""
        _, wait = self._tries.get(key, (None, FIRST_WAIT))
        self._tries[key] = (app.machine.now() + wait, min(wait * 2, LONGEST_WAIT))
        return app.clock.now() + wait

    def _put_down(self, name: str, error: BaseException) -> None:
        _, why = reason_of(error)
        self.board.put(name, "stopped", "not_configured", why)

    def _retry_at(self, app: App, channels: list[WatchedChannel]) -> datetime:
        """Return when to open channels anew: soon when one of them could not be opened."""
        missing = len(channels) < len(app.channel_makers())
        return app.machine.now() + (LONGEST_SLEEP if missing else timedelta(days=3_650))

    def _tell(self, app: App) -> None:
        """Tell the warehouse what was sent; while that fails, sending goes on: the store knows it."""
        self._untold = True
        try:
            self._untold = not tell_facts(app, "tell what was sent")
        except Exception as error:
            self.board.put("telling", "stopped", "warehouse_unreadable", reason_of(error)[1])
        else:
            self.board.put("telling", "ok")

    def _sleep(self, app: App, wake: datetime) -> None:
        """Sleep until ``wake``, stopped, or something newer is in force."""
        while not self._stopping.is_set():
            left = (wake - app.machine.now()).total_seconds()
            if left <= 0:
                self._stopping.wait(SHORTEST_SLEEP_S)
                return
            self._stopping.wait(max(min(left, PULSE_S), SHORTEST_SLEEP_S))
            if self._moved_on(app) or not app.is_latest():
                return
