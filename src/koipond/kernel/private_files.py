"""Files for their owner alone (仅属主可读), made before a database driver opens them with wider rights."""

import os
from contextlib import suppress
from pathlib import Path


def make_private(file: Path) -> None:
    """Make the empty ``file`` with mode 0600 when it is not there; never open one that is.

    To close a file of SQLite that was opened a second time would drop every lock this process holds on it
    through its connections (POSIX; https://sqlite.org/howtocorrupt.html §2.2): the next process to end would
    take itself for the last one and remove the -wal that this one still reads.
    """
    with suppress(OSError):  # what is wrong with the place, opening it will say
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
