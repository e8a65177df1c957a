"""Bytes of a text file: what they are (encoding, quotes, fingerprint) and how to stream them as UTF-8.

One pass over the whole file decides the encoding, so no later row can turn out to be something else.
"""

import codecs
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from koipond.ingest.privacy import shown_name
from koipond.kernel import InputError
from koipond.sources.bounds import LINE_CHARS_MAX, LIST_LINE_CHARS_MAX
from koipond.sources.chunks import SAMPLE_BYTES, Chunks, open_bytes
from koipond.sources.detecting import MARKED, detect, first_failure, zero_fault

_WIDE = ("utf-16", "utf-32")  # text in which zero bytes are right


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFile:
    """A text file that was read through once."""

    path: Path
    gzipped: bool
    encoding: str
    fingerprint: str
    total_bytes: int  # on disk
    quote_count: int

    @property
    def name(self) -> str:
        return shown_name(self.path)

    def lines(self) -> io.TextIOWrapper:
        """Open the file as text, newlines untouched."""
        return io.TextIOWrapper(open_bytes(self.path, self.gzipped), self.encoding, newline="")


def require_file(path: Path) -> None:
    """Raise InputError when ``path`` is no file that can be read from its beginning twice."""
    if path.is_dir():
        raise InputError("{path}: is a folder; name a file in it", path=path)
    if path.exists() and not path.is_file():
        raise InputError(
            "{path}: is no regular file (a device or a pipe); save its content as a file first", path=path
        )
    if not path.is_file():
        raise InputError("{path}: no such file", path=path)


def bounded_lines(opened: io.TextIOBase, name: str) -> Iterator[str]:
    """Yield the lines of ``opened``; raise InputError for one that is too long to be a row."""
    row = 0
    while line := opened.readline(LINE_CHARS_MAX):
        row += 1
        if len(line) == LINE_CHARS_MAX:
            raise InputError(
                "{name}: row {row} is longer than {line_chars_max:,} characters; the file is "
                "damaged or no table: export it again, one row a line",
                name=name,
                row=row,
                line_chars_max=LINE_CHARS_MAX,
            )
        yield line


def list_lines(path: Path, most: int, what: str, *, whole: bool = False) -> Iterator[tuple[int, str]]:
    """Yield place and text of each line of a list that is not blank, one ``what`` a line.

    ``whole``: with the blanks at its ends, for in a table a tab in first place ends an empty cell.

    Raises InputError when ``path`` is no UTF-8 file of 1 to ``most`` lines, as soon as that shows.
    """
    require_file(path)
    name, count = shown_name(path), 0
    try:
        with path.open(encoding="utf-8-sig") as opened:
            for place, line in enumerate(iter(lambda: opened.readline(LIST_LINE_CHARS_MAX + 1), ""), 1):
                if len(line) > LIST_LINE_CHARS_MAX:
                    raise InputError(
                        "{name}: line {place:,} is too long; write one {what} a line",
                        name=name,
                        place=place,
                        what=what,
                    )
                if text := line.strip():
                    count += 1
                    if count > most:
                        raise InputError(
                            "{name}: more than {most:,} lines; split it into several files",
                            name=name,
                            most=most,
                        )
                    yield place, line.rstrip("\r\n") if whole else text
    except UnicodeDecodeError as error:
        raise InputError(
            "{name}: not UTF-8 text; save it as UTF-8, one {what} a line", name=name, what=what
        ) from error
    if not count:
        raise InputError("{name}: holds no line; write one {what} a line", name=name, what=what)


def inspect(path: Path, *, gzipped: bool, encoding: str | None) -> TextFile:
    """Read ``path`` through once and return what it is; raise InputError for an unknown encoding."""
    digest, quotes, zeros = hashlib.sha256(), 0, 0
    head, empty = b"", True
    for chunk in Chunks(path, gzipped):
        head, empty = head or chunk[:SAMPLE_BYTES], False
        digest.update(chunk)
        quotes += chunk.count(b'"')
        zeros += chunk.count(0)
    if empty:
        raise InputError(
            "{path}: the file is empty; export it again with a header row and data", path=shown_name(path)
        )
    if zeros and encoding is None and not head.startswith(MARKED):
        raise InputError(
            "{path}: {zero_fault}", path=shown_name(path), zero_fault=zero_fault(path, gzipped, head)
        )
    known = _given(path, gzipped, encoding) if encoding else detect(path, gzipped, head)
    if zeros and not known.startswith(_WIDE):
        raise InputError(
            "{path}: {zero_fault}", path=shown_name(path), zero_fault=zero_fault(path, gzipped, b"")
        )
    return TextFile(
        path=path,
        gzipped=gzipped,
        encoding=known,
        fingerprint=digest.hexdigest(),
        total_bytes=path.stat().st_size,
        quote_count=quotes,
    )


_OF_NO_FILE = frozenset(
    ("punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "charmap", "mbcs", "oem")
)
"""What Python calls text encodings, though no file is written in them, or nobody knows in which."""


def _given(path: Path, gzipped: bool, encoding: str) -> str:
    try:
        found = codecs.lookup(encoding)
    except (LookupError, ValueError):  # a zero character is a ValueError
        found = None
    if found is None or not found._is_text_encoding or found.name.replace("-", "_") in _OF_NO_FILE:
        raise InputError(
            "--encoding {encoding}: no such encoding; use utf-8, gb18030 or utf-16", encoding=encoding
        )
    name = found.name
    if failure := first_failure(path, gzipped, name):
        raise InputError(
            "{path}: {failure}; leave --encoding out to have it detected",
            path=shown_name(path),
            failure=failure.said,
        )
    return name


class Utf8Stream(io.RawIOBase):
    """The content of a `TextFile` as UTF-8 bytes without a byte order mark, for a reader that pulls."""

    def __init__(self, source: TextFile) -> None:
        super().__init__()
        self._source = Chunks(source.path, source.gzipped)
        self._chunks = iter(self._source)
        self._decoder = None
        if source.encoding != "utf-8":
            self._decoder = codecs.getincrementaldecoder(source.encoding)()
        self._left = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not self._left:
            self._left = self._next()
        part = self._left if size < 0 else self._left[:size]
        self._left = self._left[len(part) :]
        return part

    @property
    def done_bytes(self) -> int:
        """How many bytes were read from disk."""
        return self._source.done_bytes

    def close(self) -> None:
        """Close the file, also when it was not read to its end."""
        self._chunks.close()
        super().close()

    def _next(self) -> bytes:
        for chunk in self._chunks:
            if self._decoder is None:
                return chunk
            if text := self._decoder.decode(chunk):
                return text.encode()
        return b""
