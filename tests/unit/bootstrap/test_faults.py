"""Errors of the machine become one line with the fix; mistakes of ours do not."""

import errno
import os
import sqlite3
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import sqlalchemy as sa

from koipond.bootstrap.faults import explained


class RefusedError(Exception):
    """What a driver raises, with its SQLSTATE."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("server said no\nmore of it")
        self.sqlstate = sqlstate


def store(kind: type[sa.exc.DBAPIError], cause: BaseException) -> sa.exc.DBAPIError:
    return kind("SELECT 1", None, cause)


OPERATIONAL, DATABASE = sa.exc.OperationalError, sa.exc.DatabaseError
KNOWN = [
    (OSError(errno.ENOSPC, "No space left on device", "/x"), 2, "disk_full"),
    (PermissionError(errno.EACCES, "Permission denied", "/x"), 2, "no_rights"),
    (OSError(errno.EROFS, "Read-only file system", "/x"), 2, "no_rights"),
    (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), 2, "unreachable"),
    (IsADirectoryError(errno.EISDIR, "Is a directory", "/x"), 2, "system"),
    (sqlite3.OperationalError("database is locked"), 4, "busy"),
    (store(OPERATIONAL, sqlite3.OperationalError("database is locked")), 4, "busy"),
    (store(OPERATIONAL, sqlite3.OperationalError("database or disk is full")), 2, "disk_full"),
    (store(OPERATIONAL, sqlite3.OperationalError("attempt to write a readonly database")), 2, "no_rights"),
    (store(DATABASE, sqlite3.DatabaseError("database disk image is malformed")), 2, "damaged"),
    (store(OPERATIONAL, RefusedError(None)), 2, "unreachable"),
    (store(OPERATIONAL, RefusedError("57P01")), 2, "unreachable"),
    (store(OPERATIONAL, RefusedError("55P03")), 4, "busy"),
    (store(OPERATIONAL, RefusedError("53100")), 2, "disk_full"),
    (sa.exc.TimeoutError("QueuePool limit"), 4, "busy"),
    (duckdb.InvalidInputException("No magic bytes found at end of file 'x.parquet'"), 2, "damaged"),
    (duckdb.IOException("IO Error: No files found that match the pattern"), 2, "damaged"),
    (duckdb.IOException("IO Error: Could not write file: No space left on device"), 2, "disk_full"),
    (duckdb.OutOfMemoryException("Out of Memory Error"), 2, "out_of_memory"),
    (pa.ArrowInvalid("Parquet file size is 3 bytes"), 2, "damaged"),
    (MemoryError(), 2, "out_of_memory"),
]
OURS = [
    ValueError("no"),
    store(sa.exc.IntegrityError, sqlite3.IntegrityError("UNIQUE constraint failed")),
    store(sa.exc.ProgrammingError, RefusedError("42601")),
    duckdb.BinderException("Referenced column not found"),
    sqlite3.OperationalError("no such table: touch"),
    RuntimeError("other"),
]


@pytest.mark.parametrize(("error", "code", "name"), KNOWN, ids=lambda value: str(value)[:40])
def test_what_an_operator_can_mend_is_one_line(error: Exception, code: int, name: str) -> None:
    found = explained(error)
    assert found is not None
    assert (found.exit_code, found.code) == (code, name)
    assert "\n" not in str(found)


@pytest.mark.parametrize("error", OURS, ids=lambda value: str(value)[:40])
def test_our_own_mistakes_stay_what_they_are(error: Exception) -> None:
    assert explained(error) is None


def test_what_spark_says_is_explained_as_well() -> None:
    errors = pytest.importorskip("pyspark.errors", reason="Spark needs the extra: pip install koipond[spark]")
    from py4j.protocol import Py4JNetworkError

    gone = errors.PySparkRuntimeError(errorClass="JAVA_GATEWAY_EXITED", messageParameters={})
    told = {
        "KOIPOND_SPARK_MEMORY": errors.PySparkException("java.lang.OutOfMemoryError: Java heap space"),
        "KOIPOND_SPARK_MASTER": errors.PySparkException("Could not parse Master URL: 'sparky'"),
        "no space": errors.PySparkException("java.io.IOException: No space left on device"),
        "Java process has ended": gone,
        "Java process": Py4JNetworkError("Answer from Java side is empty"),
    }
    for words, error in told.items():
        found = explained(error)
        assert found is not None
        assert words in str(found)
    assert explained(errors.PySparkException("a plan that we wrote wrongly")) is None


class Disk:
    """What `os.statvfs` says."""

    f_frsize = 4096
    f_favail = 100

    def __init__(self, free: int, *, read_only: bool = False) -> None:
        self.f_bavail = free // self.f_frsize
        self.f_flag = os.ST_RDONLY if read_only else 0


VAGUE = ("disk I/O error", "unable to open database file", "attempt to write a readonly database")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / ".koipond").mkdir()
    (tmp_path / ".koipond" / "store.sqlite").write_bytes(b"x")
    return tmp_path


@pytest.mark.parametrize("said", VAGUE)
@pytest.mark.parametrize(
    ("disk", "code", "words"),
    [
        (Disk(0), "disk_full", "make room"),
        (Disk(8192), "disk_full", "make room"),
        (Disk(10**9, read_only=True), "no_rights", "mounted read-only"),
    ],
    ids=["full", "nearly full", "read-only"],
)
def test_what_sqlite_says_vaguely_is_looked_up_on_its_disk(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, said: str, disk: Disk, code: str, words: str
) -> None:
    """A41: of a full disk SQLite says that it cannot be read."""
    monkeypatch.setattr(os, "statvfs", lambda _path: disk)
    for error in (sqlite3.OperationalError(said), store(OPERATIONAL, sqlite3.OperationalError(said))):
        found = explained(error, workspace)
        assert found is not None
        assert (found.exit_code, found.code) == (2, code)
        assert words in str(found)
        assert str(workspace) in str(found)


def test_a_store_that_this_user_may_not_write_is_named(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _path: Disk(10**9))
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path).name != "store.sqlite")
    found = explained(sqlite3.OperationalError("disk I/O error"), workspace)
    assert found is not None
    assert found.code == "no_rights"
    assert f"{workspace}/.koipond/store.sqlite: this user may not" in str(found)


def test_a_disk_that_really_fails_is_called_so(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _path: Disk(10**9))
    for folder in (workspace, None):
        found = explained(sqlite3.OperationalError("disk I/O error"), folder)
        assert found is not None
        assert found.code == "damaged"
        assert "koipond restore BACKUP --replace" in str(found)


def test_a_damaged_store_has_a_way_back() -> None:
    found = explained(sqlite3.DatabaseError("database disk image is malformed"))
    assert found is not None
    assert "koipond restore BACKUP --replace" in str(found)
    assert ".recover" in str(found)
