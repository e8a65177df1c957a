"""SQLite's locks are the process's: opening a file once more must not drop those of another connection."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from koipond.channels.sandbox import SandboxChannel
from koipond.store.engine import keep_private, open_database

LAST_ONE_OUT = (
    "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('CREATE TABLE other (a)'); db.close()"
)


def _store(file: Path) -> Callable[[], object]:
    database = open_database(f"sqlite:///{file}")
    keep_private(database)
    with database.read() as connection:
        connection.exec_driver_sql("SELECT * FROM sqlite_master").all()
    return database.close


def _sandbox(file: Path) -> Callable[[], object]:
    channel = SandboxChannel(file)
    channel.collect(datetime(2026, 1, 1, tzinfo=UTC))
    return channel.close


@pytest.mark.parametrize("opened", [_store, _sandbox], ids=["store", "sandbox"])
def test_another_process_that_ends_leaves_the_wal_of_one_that_reads(
    tmp_path: Path, opened: Callable[[Path], Callable[[], object]]
) -> None:
    """It was removed when this process had opened the file twice: pages read afterwards were malformed."""
    file = tmp_path / "a.sqlite"
    first, second = opened(file), opened(file)
    wal = file.with_name("a.sqlite-wal")
    assert wal.exists()
    subprocess.run([sys.executable, "-c", LAST_ONE_OUT, str(file)], check=True)
    assert wal.exists()
    second()
    first()
    assert not wal.exists()
    assert file.stat().st_mode & 0o077 == 0
