"""Folders in which an engine may spill (溢写目录): 0700, one a process, gone when the process is.

A process holds a lock on a file beside its folder for as long as it runs. Whoever gets the lock knows that
the process is dead, under whatever host name it ran: the kernel lets go of a lock when its process ends.
"""

import fcntl
import os
import shutil
from pathlib import Path

from koipond.warehouse.holder import is_left_behind, spill_name

_LOCK = ".lock"
_held: dict[Path, int] = {}  # folder → open lock file, until the process ends


def spill_folder(root: Path) -> Path:
    """Return this process's folder below ``root``, made and locked when it is first asked for."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = root / spill_name()
    if folder not in _held or not _same(folder.with_name(folder.name + _LOCK), _held[folder]):
        _held[folder] = _lock(folder.with_name(folder.name + _LOCK))
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder


def sweep(root: Path) -> int:
    """Remove what dead processes left below ``root``; return how many folders that were."""
    if not root.is_dir():
        return 0
    removed = 0
    for lock in sorted(root.glob(f"*{_LOCK}")):
        folder = lock.with_name(lock.name.removesuffix(_LOCK))
        if folder in _held:
            continue
        handle = _try(lock)
        if handle is None:
            continue
        try:
            removed += folder.exists()
            shutil.rmtree(folder, ignore_errors=True)
            lock.unlink(missing_ok=True)
        finally:
            os.close(handle)
    for folder in sorted(root.iterdir()):
        locked = folder.with_name(folder.name + _LOCK).exists() or folder in _held
        if folder.is_dir() and not locked and _is_old(folder):
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed


def left_behind(root: Path) -> list[Path]:
    """Return the folders below ``root`` in which files of dead processes lie."""
    if not root.is_dir():
        return []
    found = []
    for folder in sorted(root.iterdir()):
        if not folder.is_dir() or folder in _held:
            continue
        lock = folder.with_name(folder.name + _LOCK)
        handle = _try(lock) if lock.exists() else None
        if handle is not None:
            os.close(handle)
        if handle is not None or (not lock.exists() and _is_old(folder)):
            found.append(folder)
    return found


def _is_old(folder: Path) -> bool:
    """Say whether a folder without a lock is to go: a live process of an earlier release is not disturbed."""
    from koipond.warehouse.holder import this_process

    host = folder.name.rpartition(".")[0]
    return host != this_process("").host or is_left_behind(folder.name)


def _lock(file: Path) -> int:
    while True:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if _same(file, handle):
            return handle
        os.close(handle)  # swept away between opening and locking


def _try(file: Path) -> int | None:
    """Return an open handle with the lock of ``file``, None when a live process holds it."""
    try:
        handle = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _same(file: Path, handle: int) -> bool:
    try:
        there, here = file.stat(), os.fstat(handle)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)
