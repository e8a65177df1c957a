"""Who may read the workspace's state (文件权限): its owner alone, also files that an earlier release made."""

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

_LOG = logging.getLogger("koipond.rights")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def tighten(state: Path) -> int:
    """Take the rights of others off everything below ``state``; return how many files and folders that were.

    What belongs to somebody else stays as it is: `readable_by_others` names it.
    """
    changed = 0
    for path in readable_by_others(state):
        try:
            path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~_OTHERS)
        except OSError:
            continue
        changed += 1
    if changed:
        _LOG.warning("%s: %d files and folders could be read by others; now only by you", state, changed)
    return changed


def readable_by_others(state: Path) -> list[Path]:
    """Return what below ``state``, itself included, anybody but its owner may read, write or enter."""
    return [path for path in _all(state) if path.lstat().st_mode & _OTHERS]


def _all(state: Path) -> Iterator[Path]:
    if not state.is_dir():
        return
    yield state
    for folder, folders, files in os.walk(state):
        for name in (*folders, *files):
            path = Path(folder, name)
            if path.exists() and not path.is_symlink():  # another process may tidy up meanwhile
                yield path
