"""Files written whole or not at all (原子写入): beside their place, synced, then put there.

A killed writer leaves its file beside the place; the next that writes there takes it away. A writer holds a
lock on its file, which the kernel lets go of when the process ends: one that can be locked is a dead one's.
"""

import fcntl
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from koipond.kernel.errors import InputError

_LEFT = re.compile(r"[0-9a-f]{8}")


def require_new(path: Path) -> None:
    """Raise InputError when ``path`` is there already, or its folder is not."""
    if path.exists():
        raise InputError("{path}: there is such a file; name a new one", path=path)
    if not path.parent.is_dir():
        raise InputError("{path}: there is no folder {parent}", path=path, parent=path.parent)


def write_whole(path: Path, text: str) -> None:
    """Write ``text`` to ``path``, synced, in the place of what was there; raise OSError and leave that."""
    with written_beside(path, text) as fresh:
        fresh.replace(path)


@contextmanager
def written_beside(path: Path, text: str, mode: int = 0o666) -> Iterator[Path]:
    """Yield a new file beside ``path`` that holds ``text``, synced; unless moved it is gone afterwards."""
    _sweep(path)
    fresh, out = _locked(path, mode)
    try:
        with out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
            yield fresh
    finally:
        fresh.unlink(missing_ok=True)


def _locked(path: Path, mode: int) -> tuple[Path, IO[str]]:
    while True:
        fresh = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if fresh.exists():
            return fresh, os.fdopen(handle, "w", encoding="utf-8")
        os.close(handle)  # taken for a dead one's between opening and locking


def _sweep(path: Path) -> None:
    start = f".{path.name}."
    for left in path.parent.iterdir():
        if left.name.startswith(start) and _LEFT.fullmatch(left.name.removeprefix(start)):
            with suppress(OSError):  # a live one's, or another has just taken it away
                _take_away(left)


def _take_away(left: Path) -> None:
    handle = os.open(left, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        left.unlink()
    finally:
        os.close(handle)
