"""Digests of published files (校验和), recorded by the version that first names a file."""

import hashlib
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from koipond.facts.ports import FileRecord


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def records(root: Path, files: Collection[tuple[str, str]], threads: int) -> Sequence[FileRecord]:
    """Return size and digest of ``files`` (dataset, file) below ``root``."""

    def record(named: tuple[str, str]) -> FileRecord:
        path = root / named[0] / named[1]
        return FileRecord(dataset=named[0], file=named[1], sha256=digest(path), bytes=path.stat().st_size)

    if len(files) < 2 or threads < 2:
        return [record(named) for named in sorted(files)]
    with ThreadPoolExecutor(threads) as pool:  # hashing lets other threads run
        return list(pool.map(record, sorted(files)))
