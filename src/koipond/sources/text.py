"""Bytes of a text file: what they are (encoding, quotes, fingerprint) and how to stream them as UTF-8.

One pass over the whole file decides the encoding, so no later row can turn out to be something else.
"""

import codecs
import gzip
import hashlib
import io
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from koipond.ingest.privacy import masked, shown_name
from koipond.kernel import InputError, Message
from koipond.sources.bounds import LINE_CHARS_MAX, LIST_LINE_CHARS_MAX, require_content
from koipond.sources.encodings import first_reading, guess_encoding

CHUNK_BYTES = 1 << 22
SAMPLE_BYTES = 1 << 16
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SHOWN_MAX = 60
_WIDE = ("utf-16", "utf-32")  # text in which zero bytes are right
_CHINESE = ("gb18030", "gbk", "gb2312", "hz", "cp936")


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
    if zeros and encoding is None and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError(
            "{path}: {zero_fault}", path=shown_name(path), zero_fault=_zero_fault(path, gzipped, head)
        )
    known = _given(path, gzipped, encoding) if encoding else _detect(path, gzipped, head)
    if zeros and not known.startswith(_WIDE):
        raise InputError(
            "{path}: {zero_fault}", path=shown_name(path), zero_fault=_zero_fault(path, gzipped, b"")
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
    if failure := _first_failure(path, gzipped, name):
        raise InputError(
            "{path}: {failure}; leave --encoding out to have it detected",
            path=shown_name(path),
            failure=failure,
        )
    return name


def _detect(path: Path, gzipped: bool, head: bytes) -> str:
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            if failure := _first_failure(path, gzipped, encoding):
                raise InputError(
                    "{path}: {failure}; the file is damaged, export it again as UTF-8",
                    path=shown_name(path),
                    failure=failure,
                )
            return encoding
    failure = _first_failure(path, gzipped, "utf-8")
    if failure is None:
        return "utf-8"
    lines = _telling_lines(path, gzipped)
    guess = guess_encoding(lines)
    if guess in _CHINESE and _first_failure(path, gzipped, "gb18030") is None:
        return "gb18030"
    hint = ""
    if guess and _first_failure(path, gzipped, guess) is None:
        shown = masked(first_reading(lines, guess)[:_SHOWN_MAX])
        hint = Message(
            "; it looks like {guess} ('{shown}'), pass --encoding {guess} if that reads right",
            guess=guess,
            shown=shown,
        )
    raise InputError(
        "{path}: {failure}{hint}, or save the file as UTF-8",
        path=shown_name(path),
        failure=failure,
        hint=hint,
    )


def _zero_fault(path: Path, gzipped: bool, head: bytes) -> str:
    """Say where the first zero byte is; only a ``head`` of which every other byte often is one is UTF-16."""
    odd = head[1::2].count(0)
    even = head[::2].count(0)
    if max(odd, even) * 10 > len(head) and min(odd, even) * 10 < max(odd, even):
        order = "le" if odd > even else "be"
        return Message(
            "holds zero bytes and looks like UTF-16; pass --encoding utf-16-{order} if that is right",
            order=order,
        )
    line, rest = 1, b""
    for chunk in Chunks(path, gzipped):
        good, zero, _ = chunk.partition(b"\0")
        line += good.count(b"\n")
        rest = good.rpartition(b"\n")[2] if b"\n" in good else rest[-SAMPLE_BYTES:] + good
        if zero:
            break
    column = max(rest.count(mark) for mark in (b",", b";", b"\t", b"|")) + 1
    return Message(
        "row {line}, column {column}: a zero byte stands there; the file is damaged, mend that row",
        line=line,
        column=column,
    )


def _first_failure(path: Path, gzipped: bool, encoding: str) -> str | None:
    """Return in words where ``path`` stops being ``encoding``, or None."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, rest = 1, ""
    try:
        for chunk in Chunks(path, gzipped):
            before = chunk
            text = decoder.decode(chunk)
            line += text.count("\n")
            rest = text.rpartition("\n")[2] if "\n" in text else rest[-SAMPLE_BYTES:] + text
        before = b""
        decoder.decode(b"", final=True)
    except UnicodeError as error:  # a bare one: UTF-16 or UTF-32 without the mark at its start
        good = ""
        if before and isinstance(error, UnicodeDecodeError):
            good = error.object[: error.start].decode(encoding, "ignore")
        line += good.count("\n")
        start = good.rpartition("\n")[2] if "\n" in good else rest + good
        column = max(start.count(mark) for mark in ",;\t|") + 1
        return Message(
            "row {line}, column {column}: the bytes there are not {plain}",
            line=line,
            column=column,
            plain=_plain(encoding),
        )
    return None


def _plain(encoding: str) -> str:
    return "UTF-8" if encoding.startswith("utf-8") else encoding.upper()


def _telling_lines(path: Path, gzipped: bool) -> list[bytes]:
    """Return the first lines that are not ASCII, each whole, about `SAMPLE_BYTES` of them."""
    lines: list[bytes] = []
    size, rest = 0, b""
    for chunk in Chunks(path, gzipped):
        *whole, rest = (rest + chunk).split(b"\n")
        found = [line for line in whole if not line.isascii()]
        size += sum(map(len, found))
        lines += found
        if size >= SAMPLE_BYTES or len(rest) > CHUNK_BYTES:  # more than a line can have is not waited for
            return lines or [rest[:SAMPLE_BYTES]]
    return lines if rest.isascii() else [*lines, rest]


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
