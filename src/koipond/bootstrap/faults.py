"""What the machine did to us (环境故障): errors of disks, databases and rights as one line with the fix.

Only what an operator can mend is explained here; any other error is a mistake of ours and keeps its trace.
"""

import errno
import os
import sqlite3
import sys
from pathlib import Path
from types import ModuleType

from koipond.kernel import BusyError, CancelledError, InputError, KoipondError, Message

_FULL = Message(
    "no space is left on the disk; make room, then run the command again: nothing is half-written"
)
_RIGHTS = Message(
    "this user may not write or read there; mend the rights of that folder, or choose another with -C"
)
_READ_ONLY = Message("that disk is mounted read-only; mount it for writing, or choose another folder with -C")
_RESTORE = "koipond restore BACKUP --replace"
_COPY = Message("put it back from a copy, or bring back both sides with: {restore}", restore=_RESTORE)
_FREE_BYTES_MIN = 2**18  # SQLite needs 32 KiB beside its file merely to open it, and a page or two to say why
_CONNECTION = ("08", "57P", "28", "3D")  # SQLSTATE: connection, operator intervention, login, database
_LOCKED = ("55P03", "40P01", "40001", "53300")
_LINE_MAX = 300


def explained(error: BaseException, folder: Path | None = None) -> KoipondError | None:
    """Return ``error`` as one an operator can act on, None when it is a mistake of ours.

    ``folder``: the workspace. SQLite says "disk I/O error" of a full disk, of a read-only one and of a broken
    one; which it is, is looked up there.
    """
    if isinstance(error, sqlite3.Error):
        return _sqlite(error, folder)
    if isinstance(error, OSError):
        return _system(error)
    if isinstance(error, MemoryError):
        return InputError("the memory of this machine is used up; close other programs", code="out_of_memory")
    if (module := _loaded("sqlalchemy.exc")) is not None and (found := _store(error, module, folder)):
        return found
    sources = ((_warehouse, "duckdb"), (_spark, "py4j.protocol"))
    for explain, module in ((explain, _loaded(name)) for explain, name in sources):
        if module is not None and (found := explain(error, module)) is not None:
            return found
    return _arrow(error, _loaded("pyarrow"))


def _loaded(name: str) -> ModuleType | None:
    """A library that nobody has loaded has raised nothing."""
    return sys.modules.get(name)


def _system(error: OSError) -> KoipondError:
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return InputError("{where}{full}", where=where, full=_FULL, code="disk_full")
    if error.errno == errno.EROFS:
        return InputError("{where}{read_only}", where=where, read_only=_READ_ONLY, code="no_rights")
    if error.errno in (errno.EACCES, errno.EPERM):
        return InputError("{where}{rights}", where=where, rights=_RIGHTS, code="no_rights")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return InputError("too many files are open; raise the limit with: ulimit -n 4096", code="system")
    if isinstance(error, ConnectionError | TimeoutError):
        return InputError(
            "the other side does not answer ({line}); try again", line=_line(error), code="unreachable"
        )
    said = error.strerror or _line(error)
    return InputError(
        "{where}{said}; look at that file or folder, then try again", where=where, said=said, code="system"
    )


def _sqlite(error: BaseException, folder: Path | None) -> KoipondError | None:
    said = str(error).lower()
    if "locked" in said or "busy" in said:
        return BusyError("another process keeps the store to itself; try again")
    if "disk is full" in said:
        return InputError(_FULL, code="disk_full")
    if "malformed" in said or "not a database" in said:
        return InputError(
            "the store is damaged ({line}); bring back both sides with: {restore}; without "
            "a backup, keep the file: the program sqlite3 reads what is left of it with "
            ".recover",
            line=_line(error),
            restore=_RESTORE,
            code="damaged",
        )
    if any(words in said for words in ("readonly", "unable to open", "disk i/o")):
        return _lack_of(folder, error)
    return None


def _lack_of(folder: Path | None, error: BaseException) -> KoipondError:
    """Return what the store's disk lacks when SQLite cannot work on it."""
    state = None if folder is None else folder / ".koipond"
    said = str(error).lower()
    if state is not None and state.exists():
        disk = os.statvfs(state)
        if disk.f_bavail * disk.f_frsize < _FREE_BYTES_MIN or not disk.f_favail:
            return InputError("{state}: {full}", state=state, full=_FULL, code="disk_full")
        if disk.f_flag & os.ST_RDONLY:
            return InputError("{state}: {read_only}", state=state, read_only=_READ_ONLY, code="no_rights")
        refused = [path for path in (state, *state.glob("store.sqlite*")) if not _may_write(path)]
        if refused:
            return InputError("{refused}: {rights}", refused=refused[0], rights=_RIGHTS, code="no_rights")
    if "disk i/o" in said:
        return InputError(
            "the disk of the store fails ({line}); check it and its log (dmesg), then {copy}",
            line=_line(error),
            copy=_COPY,
            code="damaged",
        )
    return InputError(
        "the store in .koipond cannot be opened or written: {rights}", rights=_RIGHTS, code="no_rights"
    )


def _may_write(path: Path) -> bool:
    return os.access(path, os.R_OK | os.W_OK | (os.X_OK if path.is_dir() else 0))


def _store(error: BaseException, module: ModuleType, folder: Path | None) -> KoipondError | None:
    if isinstance(error, module.TimeoutError):
        return BusyError("every connection to the store is in use; try again")
    if not isinstance(error, module.DBAPIError):
        return None
    if isinstance(error.orig, sqlite3.Error):
        return _sqlite(error.orig, folder)
    state = getattr(error.orig, "sqlstate", None) or ""
    if state in _LOCKED:
        return BusyError(
            "another process keeps the store to itself ({line}); try again", line=_line(error.orig)
        )
    if state.startswith("53100"):
        return InputError("the store's server: {full}", full=_FULL, code="disk_full")
    if state.startswith("42501"):
        return InputError("the store refuses this user: {line}", line=_line(error.orig), code="no_rights")
    lost = isinstance(error, module.OperationalError | module.InterfaceError) and not state
    if lost or error.connection_invalidated or state.startswith(_CONNECTION):
        fix = Message("start PostgreSQL, or mend the URL in the variable that koipond.yaml names")
        return InputError(
            "the store does not answer ({line}); {fix}", line=_line(error.orig), fix=fix, code="unreachable"
        )
    return None


def _warehouse(error: BaseException, module: ModuleType) -> KoipondError | None:
    if isinstance(error, RuntimeError) and "interrupted" in str(error).lower():
        return CancelledError("cancelled; nothing is half-written")
    if not isinstance(error, module.Error):
        return None
    said = str(error)
    if isinstance(error, module.OutOfMemoryException):
        fix = Message("export KOIPOND_MEMORY_LIMIT=… with more, or close other programs")
        return InputError("the memory of the warehouse is used up; {fix}", fix=fix, code="out_of_memory")
    if "No space left" in said or "max_temp_directory_size" in said:
        return InputError(_FULL, code="disk_full")
    if "Permission denied" in said or "Read-only file system" in said:
        return InputError("{line}: {rights}", line=_line(error), rights=_RIGHTS, code="no_rights")
    broken = ("magic bytes", "No files found", "Parquet", "parquet", "thrift", "Corrupt", "Snappy", "ZSTD")
    if any(word in said for word in broken):
        return InputError(
            "a file of the warehouse is missing or damaged ({line}); {copy}",
            line=_line(error),
            copy=_COPY,
            code="damaged",
        )
    if isinstance(error, module.IOException):
        return InputError("the disk of the warehouse fails ({line})", line=_line(error), code="system")
    return None


def _spark(error: BaseException, module: ModuleType) -> KoipondError | None:
    said = str(error)
    if type(error).__module__.partition(".")[0] not in ("pyspark", "py4j"):
        return None
    if "OutOfMemoryError" in said or "Java heap space" in said:
        fix = Message("export KOIPOND_SPARK_MEMORY=… with more, such as 8g")
        return InputError("the memory of Spark is used up; {fix}", fix=fix, code="out_of_memory")
    if "No space left" in said:
        return InputError(_FULL, code="disk_full")
    if "Master URL" in said or "Invalid master" in said:
        return InputError("KOIPOND_SPARK_MASTER names no Spark master; write local[*] or spark://HOST:PORT")
    if isinstance(error, module.Py4JNetworkError) or "JAVA_GATEWAY_EXITED" in said:
        fix = Message("look at what it said above, give it more with KOIPOND_SPARK_MEMORY, then try again")
        return InputError("Spark's Java process has ended; {fix}", fix=fix, code="unreachable")
    return None


def _arrow(error: BaseException, module: ModuleType | None) -> KoipondError | None:
    if module is None or not isinstance(error, module.ArrowException) or "arquet" not in str(error):
        return None
    return InputError("a Parquet file is damaged ({line}); write it anew", line=_line(error), code="damaged")


def _line(error: BaseException | None) -> str:
    """Return the first line that says something, cut to a readable length."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:_LINE_MAX]
