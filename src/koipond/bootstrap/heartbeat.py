"""The heartbeat (心跳): one thread a process that keeps the leases it holds alive.

A lease that nobody beats for ends (`koipond.store.leases`). The thread is a daemon and starts with the first
lease: a killed or stopped process beats no more, whatever it was doing.
"""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from koipond.kernel import Clock

Beat = Callable[[Collection[str], datetime], set[str]]


class Heartbeat:
    """Beats for the leases this process holds. ``beat`` None: nothing ends by silence here (rehearsals)."""

    def __init__(self, beat: Beat | None, clock: Clock, every: timedelta) -> None:
        self._beat = beat
        self._clock = clock
        self._every_s = every.total_seconds()
        self._held: set[str] = set()
        self._lost: set[str] = set()
        self._mutex = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def hold(self, lease: str) -> None:
        """Keep ``lease`` alive from now on."""
        with self._mutex:
            self._held.add(lease)
            if self._thread is None and self._beat is not None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
                self._thread.start()

    def drop(self, lease: str) -> None:
        """Beat for ``lease`` no more; its holder gives it back."""
        with self._mutex:
            self._held.discard(lease)
            self._lost.discard(lease)

    @contextmanager
    def holding(self, lease: str) -> Iterator[None]:
        """Keep ``lease`` alive until the block ends."""
        self.hold(lease)
        try:
            yield
        finally:
            self.drop(lease)

    def has_lost(self, lease: str) -> bool:
        """Say whether ``lease`` was found ended at a beat; whoever acts under it asks the store as well."""
        with self._mutex:
            return lease in self._lost

    def beat(self) -> None:
        """Beat once for everything that is held."""
        with self._mutex:
            held = sorted(self._held)
        if self._beat is None or not held:
            return
        lost = set(held) - self._beat(held, self._clock.now())
        with self._mutex:
            self._lost |= lost & self._held

    def close(self) -> None:
        """Beat no more."""
        self._closed.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while not self._closed.wait(self._every_s):
            try:
                self.beat()
            except Exception:  # a store that is busy or away: the next beat may reach it
                continue
