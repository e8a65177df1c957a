"""Quotation marks of a CSV file, all of them: one that is open swallows the rows after it without a word.

RFC 4180: a value is quoted as a whole or not at all; a mark inside a plain value is literal. Whoever reads
leniently takes rows 10 to 20 for one value when both hold a lone mark. So every value is looked at: what
follows a closing mark, whether it closes at all, and whether one of several lines holds rows of this file.
"""

import re
from collections.abc import Iterator

from koipond.kernel import InputError, Message
from koipond.sources.bounds import CELL_BYTES_MAX
from koipond.sources.text import TextFile, Utf8Stream

_BLOCK_BYTES = 1 << 22
_LOOK_AHEAD_BYTES = 64  # after a closing mark: a second one, blanks, the end of a line
_QUOTED = re.compile(rb'"((?:[^"]|"")*+)"')


def require_closed_quotes(source: TextFile, delimiter: str, columns: int) -> None:
    """Raise InputError naming row and column of a quotation mark that is open, or alone."""
    if source.quote_count:
        _Scan(source, delimiter, columns).run()


class _Scan:
    def __init__(self, source: TextFile, delimiter: str, columns: int) -> None:
        mark = re.escape(delimiter.encode())
        blanks = b"[" + b" \t".replace(delimiter.encode(), b"") + b"]*+"  # a tab may be the delimiter
        plain, quoted = rb'(?!")[^\r\n' + mark + rb"]*+", rb'"[^"\r\n]*+(?:""[^"\r\n]*+)*+"' + blanks
        self._cells = re.compile(
            b"(?:(?:" + quoted + b"|" + plain + b")(?:" + mark + rb"|\r\n|\n|\r(?!\n)))*+"
        )
        self._last = re.compile(b"(?:" + quoted + b"|" + plain + rb")\Z")
        self._end = re.compile(blanks + rb"(?:" + mark + rb"|\r\n|\n|\r|\Z)")
        self._file = source.name
        self._source = source
        self._delimiter = delimiter.encode()
        self._columns = columns
        self._row, self._column = 1, 1
        self._like: list[bytes] | None = None  # the shapes of the values of a row of data

    def run(self) -> None:
        stream = Utf8Stream(self._source)
        try:
            left = b""
            for block in _blocks(stream):
                left = self._through(left + block, final=False)
            self._through(left, final=True)
        finally:
            stream.close()

    def _through(self, data: bytes, *, final: bool) -> bytes:
        """Look at all whole values of ``data``; return what is left."""
        place = 0
        while True:
            match = self._cells.match(data, place)
            end = match.end() if match else place
            # the last mark of a block may be half of a pair, its last CR half of a line's end
            if not final and end == len(data) and data.endswith(b"\r"):
                end -= 1
            self._advance(data[place:end])
            place = end
            if place == len(data) or (final and self._last.match(data, place)):
                return data[place:] if not final else b""
            if data[place : place + 1] != b'"':
                return data[place:]  # a plain value that goes on in the next block
            if (taken := self._quoted(data, place, final=final)) is None:
                if len(data) - place > CELL_BYTES_MAX:
                    raise self._open(
                        Message("not closed within {cell_bytes_max:,} bytes", cell_bytes_max=CELL_BYTES_MAX)
                    )
                return data[place:]
            place = taken

    def _quoted(self, data: bytes, place: int, *, final: bool) -> int | None:
        """Look at one quoted value that `_cells` does not take; None when its end is not here yet."""
        closed = _QUOTED.match(data, place)
        if not final and (closed is None or len(data) - closed.end() < _LOOK_AHEAD_BYTES):
            return None
        if closed is None:
            raise self._open(Message("never closed"))
        inner = closed[1]
        if (b"\n" in inner or b"\r" in inner) and self._holds_rows(inner):
            raise self._open(Message("not closed before whole rows of the file"))
        ended = self._end.match(data, closed.end())
        if ended is None:
            raise self._open(Message("closed in the middle of a value"))
        self._row += _lines(inner)
        self._advance(data[closed.end() : ended.end()])
        return ended.end()

    def _advance(self, taken: bytes) -> None:
        if self._like is None:
            self._remember(taken)
        if lines := _lines(taken):
            self._row, self._column = self._row + lines, 1
        tail = taken[max(taken.rfind(b"\n"), taken.rfind(b"\r")) + 1 :]
        self._column += (_QUOTED.sub(b"", tail) if b'"' in tail else tail).count(self._delimiter)

    def _remember(self, taken: bytes) -> None:
        """Keep what the second row looks like, to know another one by."""
        rows = taken.splitlines()
        data = rows[1:] if self._row == 1 else rows
        for row in data:
            cells = row.split(self._delimiter)
            if len(cells) == self._columns:
                self._like = [_shape(cell) for cell in cells]
                return

    def _holds_rows(self, inner: bytes) -> bool:
        """Say whether a line inside a quoted value is a row of this file."""
        first, *lines = inner.splitlines() or [b""]
        if not lines:
            return False
        if any(self._is_row(line) for line in lines):
            return True
        rest, before = first.split(self._delimiter)[1:], lines[-1].split(self._delimiter)[:-1]
        ends = len(rest) == self._columns - self._column and len(before) == self._column - 1
        return ends and self._is_row(self._delimiter.join([*before, b"9", *rest]))  # two rows run together

    def _is_row(self, line: bytes) -> bool:
        cells = line.split(self._delimiter)
        if len(cells) != self._columns or self._columns < 2:
            return False
        shapes = [_shape(cell) for cell in cells]
        pairs = [
            (own, like) for own, like in zip(shapes[:-1], self._like or (), strict=False) if b"9" in like
        ]
        if not pairs:
            return self._columns > 3
        return all(b"9" in own for own, _ in pairs) and any(own == like for own, like in pairs)

    def _open(self, how: str) -> InputError:
        return InputError(
            "{file}: row {row}, column {column}: a quoted value is {how}; the file is cut "
            "off, or a quotation mark stands alone in that row: close it, or write it twice "
            "inside quotes",
            file=self._file,
            row=self._row,
            column=self._column,
            how=how,
        )


def _lines(data: bytes) -> int:
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data.count(b"\n")


def _shape(cell: bytes) -> bytes:
    """Return ``cell`` with 9 for each run of digits and a for each run of letters."""
    return re.sub(rb"[^\W\d_]+|[\x80-\xff]+", b"a", re.sub(rb"[0-9]+", b"9", cell.strip(b' "')))


def _blocks(stream: Utf8Stream) -> Iterator[bytes]:
    while block := stream.read(_BLOCK_BYTES):
        yield block
