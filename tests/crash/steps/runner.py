"""Runs commands in forked children: the libraries are imported once, nothing is opened before the fork."""

import hashlib
import json
import os
import shutil
import signal
import socket
import sys
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.crash.conftest import POSTGRES_URL
from tests.crash.steps.acts import FUNCTIONS
from tests.crash.steps.mailbox import MailServer
from tests.crash.steps.scenes import STAGES, write_files
from tests.crash.steps.shim import Steps, When, install, left_on_disk

NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)  # 12:00 in Shanghai
LAPSE = timedelta(seconds=61)
"""Longer than any lease without a heartbeat."""
KILLED = -signal.SIGKILL


def warm_up() -> None:
    """Import what commands import; open nothing."""
    import duckdb  # noqa: F401
    import ibis  # noqa: F401
    import psycopg  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    import koipond.channels.email
    import koipond.cli.app
    import koipond.ingest
    import koipond.segments.refresh
    import koipond.sources
    import koipond.warehouse.duckdb_backend
    import koipond.worker.planning
    import koipond.worker.refreshing
    import koipond.worker.sending
    import koipond.worker.syncing

    koipond.cli.app.build()


@dataclass(frozen=True)
class Place:
    """One copy of a workspace: its folder, its environment, its database when it has one."""

    root: Path
    database: str | None

    @property
    def folder(self) -> Path:
        return self.root / "brand"


@dataclass(frozen=True)
class Ended:
    """How a child ended: exit code, or minus the signal; what it said.

    When its steps were counted: their names, and what lay on disk before and after each.
    """

    code: int
    said: str
    steps: tuple[str, ...] = ()
    seen: tuple[tuple[str, str], ...] = ()


class Runner:
    """Prepares stages once, copies them for each kill, and runs commands on the copies."""

    def __init__(self, scratch: Path, store: str, mail: MailServer) -> None:
        self.scratch = scratch
        self.store = store
        self.mail = mail
        self.environ = {"KOIPOND_SMTP_URL": mail.url, "KOIPOND_MAIL_FROM": "hello@brand.example"}
        self._stages: dict[str, Place] = {}
        self._made: dict[Path, Place] = {}
        self._run = uuid.uuid4().hex[:8]
        self._engine = (
            sa.create_engine(POSTGRES_URL, isolation_level="AUTOCOMMIT") if self._postgres else None
        )
        self._count = 0
        if not (scratch / "files").exists():
            write_files(scratch / "files")

    @property
    def _postgres(self) -> bool:
        return self.store == "postgresql"

    def close(self) -> None:
        """Drop what was made."""
        for place in list(self._made.values()):
            self.drop(place)
        if self._engine is not None:
            self._engine.dispose()

    def stage(self, key: str) -> Place:
        """Return the workspace of stage ``key``, made when first asked for; it is only ever copied."""
        if key not in self._stages:
            if key == "":
                self._stages[key] = self._new()
                return self._stages[key]
            before, commands = STAGES[key]
            place = self.copy(self.stage(before)) if before is not None else self._new()
            for command in commands:
                ended = self.run(place, command)
                if ended.code != 0:
                    raise AssertionError(
                        f"stage {key}: {' '.join(command)} ended with {ended.code}\n{ended.said}"
                    )
            self._stages[key] = place
        return self._stages[key]

    def _new(self) -> Place:
        place = self._place()
        (place.root / "config").mkdir(parents=True)
        if place.database is not None:
            self._sql(f"CREATE DATABASE {place.database}")
        return place

    def copy(self, place: Place) -> Place:
        """Return a copy of ``place``: folder, keys and database. Nothing may be open there."""
        other = self._place()
        shutil.copytree(place.root, other.root, symlinks=True)
        if place.database is not None:
            self._sql(f"CREATE DATABASE {other.database} TEMPLATE {place.database} STRATEGY file_copy")
        return other

    def drop(self, place: Place) -> None:
        """Remove a copy."""
        self._made.pop(place.root, None)
        shutil.rmtree(place.root, ignore_errors=True)
        if place.database is not None:
            self._sql(f"DROP DATABASE IF EXISTS {place.database} WITH (FORCE)")

    def _place(self) -> Place:
        self._count += 1
        name = f"steps_{self._run}_{self._count}"
        place = Place(root=self.scratch / name, database=name if self._postgres else None)
        self._made[place.root] = place
        return place

    def _sql(self, statement: str) -> None:
        assert self._engine is not None
        with self._engine.connect() as connection:
            connection.exec_driver_sql(statement)

    def run(
        self,
        place: Place,
        command: tuple[str, ...],
        *,
        kill_at: int | None = None,
        when: When = "before",
        late: timedelta = timedelta(),
        host: str | None = None,
        count: bool = False,
    ) -> Ended:
        """Run ``command`` on ``place`` in a child; ``kill_at``: at which durable step it dies.

        ``late``: how far the clock is past `NOW`; ``host``: the machine's name, another one when it is moved.
        """

        def act() -> int:
            look = (lambda: left_on_disk(place.folder, self.mail.file)) if count else None
            steps = Steps(kill_at=kill_at, when=when, look=look)
            if count or kill_at is not None:
                install(steps)
            code = self._command(place, command)
            if count:
                counted.write_text(json.dumps([steps.names, steps.seen]))
            return code

        counted = place.root / "steps.json"
        ended = self.fork(place, act, late=late, host=host)
        if not count or not counted.exists():
            return ended
        names, seen = json.loads(counted.read_text())
        return Ended(ended.code, ended.said, tuple(names), tuple((one, two) for one, two in seen))

    def ask(self, place: Place, question: Callable[[Path], Any], *, late: timedelta = timedelta()) -> Any:
        """Return the plain values that ``question`` finds in the folder, asked in a child."""
        answer = place.root / "answer.json"

        def act() -> int:
            answer.write_text(json.dumps(question(place.folder)))
            return 0

        ended = self.fork(place, act, late=late, host=None)
        if ended.code != 0:
            raise AssertionError(ended.said)
        return json.loads(answer.read_text())

    def fork(self, place: Place, act: Callable[[], int], *, late: timedelta, host: str | None) -> Ended:
        """Run ``act`` in a forked child with the scene's clock, ids and environment."""
        out = place.root / "out.txt"
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                _quiet(out)
                self._prepare(place, late, host)
                code = act()
            except SystemExit as left:
                code = left.code if isinstance(left.code, int) else 1
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        return Ended(
            os.waitstatus_to_exitcode(status), out.read_text(errors="replace") if out.exists() else ""
        )

    def _prepare(self, place: Place, late: timedelta, host: str | None) -> None:
        os.environ["XDG_CONFIG_HOME"] = str(place.root / "config")
        os.environ["KOIPOND_THREADS"] = "1"
        os.environ.update(self.environ)
        if place.database is not None:
            url = sa.make_url(POSTGRES_URL).set(database=place.database)
            os.environ["STEPS_STORE"] = url.render_as_string(hide_password=False)
        _freeze(NOW + late)
        _number_uids()
        if host is not None:
            socket.gethostname = lambda: host

    def _command(self, place: Place, command: tuple[str, ...]) -> int:
        from koipond.cli.app import main

        if command[0] in FUNCTIONS:
            return FUNCTIONS[command[0]](place.folder)
        given = [part.replace("{files}", str(self.scratch / "files")) for part in command]
        if given[0] == "init" and place.database is not None:
            given += ["--store", "STEPS_STORE"]
        return main(["-C", str(place.folder), *given])


def _quiet(out: Path) -> None:
    handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115


def _freeze(at: datetime) -> None:
    """Let the machine's clock stand still: two runs at the same instant leave the same instants."""
    from koipond.settings import SystemClock

    SystemClock.now = lambda self: at  # type: ignore[method-assign]


def _number_uids() -> None:
    """Let ids follow from numbers, so that arms fall alike in two runs."""
    from koipond.bootstrap import start
    from koipond.store import Store
    from koipond.store.identity import StoredIdentity

    def numbered(first_no: int, count: int) -> list[str]:
        return [hashlib.md5(f"uid {first_no + n}".encode()).hexdigest() for n in range(count)]

    start.new_uid = lambda: "a1" * 16
    for target in (Store.open.__func__, StoredIdentity.__init__):  # type: ignore[attr-defined]
        defaults = target.__kwdefaults__ or {}
        if "new_uids" in defaults:
            target.__kwdefaults__ = {**defaults, "new_uids": numbered}


@contextmanager
def opened(scratch: Path, store: str) -> Iterator[Runner]:
    """Yield a runner with a mail server beside it; all it made is dropped at the end."""
    scratch.mkdir(parents=True, exist_ok=True)
    mail = MailServer(scratch / "mails.txt")
    runner = Runner(scratch, store, mail)
    try:
        yield runner
    finally:
        runner.close()
        mail.close()
