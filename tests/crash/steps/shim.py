"""Counts what a process makes durable, and kills it right before or right after the k-th.

Installed by the runner in a forked child alone; the product has no switch for it. A durable step is a commit
of SQLite or PostgreSQL, a rename, a removal, or a file or folder forced to disk (what DuckDB wrote is forced
by `koipond.warehouse.engine.sync`).
"""

import hashlib
import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

When = Literal["before", "after"]


@dataclass
class Steps:
    """Counts the durable steps of this process; ``kill_at`` None counts only.

    ``look`` answers what lies on disk, byte for byte, as a text.
    """

    kill_at: int | None = None
    when: When = "before"
    look: Callable[[], str] | None = None
    names: list[str] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    """With ``look``: what a kill before and after each step would leave, as it answers."""
    commits: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def around(self, name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``act`` as a counted step."""

        def step(*args: Any, **options: Any) -> Any:
            with self.lock:
                self.names.append(name)
                mine = len(self.names) == self.kill_at
                if mine and self.when == "before":
                    os.kill(os.getpid(), signal.SIGKILL)
                before = self._left()
                try:
                    return act(*args, **options)
                finally:  # also a step that fails: to remove what is gone already
                    if mine:
                        os.kill(os.getpid(), signal.SIGKILL)
                    self.commits += name.endswith("commit")
                    self.seen.append((before, self._left()))

        return step

    def _left(self) -> str:
        return "" if self.look is None else f"{self.commits} commits, {self.look()}"


def install(steps: Steps) -> None:
    """Count every durable step of this process from now on."""
    for name in ("replace", "rename", "unlink", "remove", "fsync", "fdatasync", "link"):
        setattr(os, name, steps.around(f"os.{name}", getattr(os, name)))
    _install_sqlite(steps)
    _install_psycopg(steps)


def _install_sqlite(steps: Steps) -> None:
    class Counted(sqlite3.Connection):
        def commit(self) -> None:
            if self.in_transaction:  # a commit of nothing makes nothing durable
                steps.around("sqlite commit", super().commit)()
            else:
                super().commit()

        def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
            if sql.strip().upper() == "COMMIT":
                done: sqlite3.Cursor = steps.around("sqlite commit", super().execute)(sql, *args)
                return done
            return super().execute(sql, *args)

    connect = sqlite3.connect

    def counted(*args: Any, **options: Any) -> sqlite3.Connection:
        return connect(*args, **{"factory": Counted, **options})

    sqlite3.connect = counted
    sqlite3.dbapi2.connect = counted


def _install_psycopg(steps: Steps) -> None:
    import psycopg
    from psycopg.pq import TransactionStatus

    commit = psycopg.Connection.commit

    def counted(self: Any) -> None:
        if self.info.transaction_status == TransactionStatus.INTRANS and _writes(self):
            steps.around("postgres commit", commit)(self)
        else:
            commit(self)

    psycopg.Connection.commit = counted  # type: ignore[method-assign]


def _writes(connection: Any) -> bool:
    """Say whether the open transaction wrote: one that did has a transaction id."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
        return bool(cursor.fetchone()[0])


def left_on_disk(folder: Path, mails: Path) -> str:
    """Return a text that is the same for the same files, names and content, and the same mails taken."""
    found = hashlib.sha256(mails.read_bytes())
    for path in sorted(folder.rglob("*")):
        found.update(f"\0{path.relative_to(folder)}\0".encode())
        # an index over the -wal: made anew by whoever opens the database after a kill
        if path.is_file() and not path.name.endswith("-shm"):
            found.update(path.read_bytes())
    return found.hexdigest()
