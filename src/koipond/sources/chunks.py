"""The bytes of a file piece by piece, unpacked when it is compressed."""

import gzip
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO, cast

from koipond.ingest.privacy import shown_name
from koipond.kernel import InputError
from koipond.sources.bounds import require_content

CHUNK_BYTES = 1 << 22
SAMPLE_BYTES = 1 << 16


def open_bytes(path: Path, gzipped: bool) -> BinaryIO:
    """Open the content of ``path``."""
    return cast(BinaryIO, gzip.open(path, "rb")) if gzipped else path.open("rb")


class Chunks:
    """The content of a file piece by piece; ``done_bytes`` were read from disk so far."""

    def __init__(self, path: Path, gzipped: bool) -> None:
        self.path = path
        self.gzipped = gzipped
        self.done_bytes = 0
        self._disk_bytes = path.stat().st_size

    def __iter__(self) -> Generator[bytes, None, None]:
        """Yield the content; raise InputError when a compressed file ends too early."""
        done = 0
        try:
            with self.path.open("rb") as raw:
                stream = gzip.GzipFile(fileobj=raw) if self.gzipped else raw
                while chunk := stream.read(CHUNK_BYTES):
                    done += len(chunk)
                    self.done_bytes = raw.tell()
                    if self.gzipped:
                        require_content(shown_name(self.path), done, self._disk_bytes)
                    yield chunk
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(
                "{path}: the compressed file is cut off or damaged after {done} bytes of "
                "content ({error}); copy or export it again",
                path=shown_name(self.path),
                done=done,
                error=error,
            ) from error
