"""The scratch folder of a rehearsal: in memory where the machine has /dev/shm, gone when the rehearsal is.

A killed process cannot clean up, so the folder names its process and the next rehearsal removes what is left.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from koipond.facts.ports import Holder
from koipond.warehouse import is_alive, this_process

PREFIX = "koipond-rehearsal-"
_MEMORY = Path("/dev/shm")
_PURPOSE = "rehearsal"


@contextmanager
def scratch_folder(room: Path | None = None) -> Iterator[Path]:
    """Yield an empty folder below ``room`` (default: memory, else the machine's temporary folder)."""
    room = room or _room()
    _remove_leavings(room)
    mine = this_process(_PURPOSE)
    prefix = f"{PREFIX}{mine.host}-{mine.pid}-{mine.started}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=room) as name:
        yield Path(name)


def _room() -> Path:
    usable = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)
    return _MEMORY if usable else Path(tempfile.gettempdir())


def _remove_leavings(room: Path) -> None:
    """Remove the folders of processes of this machine that run no more."""
    for folder in room.glob(f"{PREFIX}*-*-*-*"):
        host, pid, started, _ = folder.name.removeprefix(PREFIX).rsplit("-", 3)
        if pid.isdigit() and not is_alive(Holder(host=host, pid=int(pid), started=started, purpose=_PURPOSE)):
            shutil.rmtree(folder, ignore_errors=True)
