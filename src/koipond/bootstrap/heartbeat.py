"""The heartbeat (心跳): one thread that keeps the leases of this process alive while it runs."""

import threading
from datetime import datetime

from koipond.ingest.ports import Holder
from koipond.kernel import Clock, VirtualClock
from koipond.store.leases import BEAT, LeaseKind, StoredLeases


class Heartbeat:
    """Holds leases for this process. The thread begins with the first lease and ends with the process."""

    def __init__(self, leases: StoredLeases, machine: Clock) -> None:
        self._leases = leases
        self._machine = machine
        self._held: set[str] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def hold(self, kind: LeaseKind, holder: Holder) -> str:
        """Take a lease and keep it alive; return its id."""
        held = self._leases.open(kind, holder, self._machine.now())
        with self._lock:
            self._held.add(held)
        self._begin()
        return held

    def drop(self, held: str) -> None:
        """Give a lease back."""
        with self._lock:
            self._held.discard(held)
        self._leases.close(held)

    def stop(self) -> None:
        """End the thread; leases that are still held end by its silence."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _begin(self) -> None:
        if self._thread is None and not isinstance(self._machine, VirtualClock):
            self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._stopping.wait(BEAT.total_seconds()):
            self._beat(self._machine.now())

    def _beat(self, now: datetime) -> None:
        with self._lock:
            held = set(self._held)
        if held:
            try:
                self._leases.beat(held, now)
            except Exception:  # a store that cannot be written now may be in a moment: silence ends the lease
                return
