"""JSON, one object a line, as batches of text. Fields may come and go from line to line.

An object below `properties` or `traits`, the shape of tracking tools, gives one column a member
(``properties.plan``); any deeper object or list stays one JSON text.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from koipond.ingest.fields import NESTS
from koipond.ingest.privacy import masked
from koipond.kernel import InputError, Message, joined
from koipond.sources.batches import text_batch
from koipond.sources.bounds import DEPTH_MAX, DIGITS_MAX, NAME_CHARS_MAX, Meter, batch_rows, require_columns
from koipond.sources.csv_faults import FAULTS_MAX
from koipond.sources.text import TextFile, bounded_lines

BATCH_ROWS = 1 << 16
_NAMELESS = frozenset(f"{nest}." for nest in NESTS)
_UNSTORABLE = re.compile("[\\x00\ud800-\udfff]")
_NEEDS_MARKS = re.compile(r"[0-9][.,'’\s][0-9]")  # a text that may be grouped by thousands
_ESCAPE = re.compile(r"\\u(?:[dD][89a-fA-F][0-9a-fA-F]{2}|0000)")  # what no text may hold, or half a pair
_NEEDS_NONE = re.compile(r"-?[0-9]+\.(?:[0-9]{1,2}|[0-9]{4,})")


class JsonRows:
    """A file of JSON objects (port `RowSource`); its columns are all keys found in any line."""

    def __init__(self, source: TextFile) -> None:
        self.source = source
        self.file = source.name
        self.fingerprint = source.fingerprint
        self.total_bytes = source.total_bytes
        self.details: Mapping[str, str] = {"format": "jsonl", "encoding": source.encoding}
        self._done = 0
        kinds: dict[str, _Seen] = {}
        for _, record in self._records(collect=True):
            for key, value in record.items():
                if key not in kinds:
                    self._require_name(key, len(kinds) + 1)
                    kinds[key] = _Seen()
                kinds[key].add(value)
        if not kinds:
            raise InputError("{file}: holds no object; write one JSON object a line", file=self.file)
        self._exact = frozenset(key for key, seen in kinds.items() if seen.exact)
        self.columns = tuple(kinds)

    def is_exact(self, column: str) -> bool:
        return column in self._exact

    def done_bytes(self) -> int:
        return min(self._done, self.total_bytes)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        rows: list[Mapping[str, Any]] = []
        first, most, meter = 1, batch_rows(len(columns), BATCH_ROWS), Meter(self.file, self.total_bytes)
        for line, record in self._records(collect=False):
            if line != first + len(rows) or len(rows) == most:  # a blank line, or a full batch
                yield from _batch(first, columns, rows, meter)
                first, rows = line, []
            rows.append(record)
        yield from _batch(first, columns, rows, meter)

    def _require_name(self, key: str, place: int) -> None:
        require_columns(self.file, place)
        if not key.strip() or key in _NAMELESS or len(key) > NAME_CHARS_MAX:
            raise InputError(
                "{file}: a key of {count} characters; names have 1 to {name_chars_max:,}: rename it",
                file=self.file,
                count=len(key),
                name_chars_max=NAME_CHARS_MAX,
            )

    def _records(self, *, collect: bool) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield line number and object; raise InputError naming the first faulty lines together."""
        faults: list[str] = []
        self._done = 0
        with self.source.lines() as opened:
            lines = bounded_lines(opened, self.file)
            for number, line in enumerate(lines, start=1):
                self._done += len(line)
                if not line.strip():
                    continue
                try:
                    record = _decoded(line.strip("\r\n"))
                except ValueError as error:
                    faults.append(
                        Message(
                            "{file}: row {row}: {reason}", file=self.file, row=number, reason=_reason(error)
                        )
                    )
                else:
                    if isinstance(record, dict):
                        yield number, _flat(record)
                        continue
                    faults.append(
                        Message(
                            "{file}: row {number}: a {name}, not an object",
                            file=self.file,
                            number=number,
                            name=type(record).__name__,
                        )
                    )
                if not collect or len(faults) == FAULTS_MAX:
                    break
        if faults:
            raise InputError("{faults}\nwrite one whole JSON object a line", faults=joined("\n", faults))


class _Seen:
    """What the values of one column are: exact when its numbers need no guess of marks.

    JSON writes numbers in one way; only a text beside them that groups digits may mean another one.
    """

    __slots__ = ("marked", "number", "text")

    def __init__(self) -> None:
        self.number = self.text = self.marked = False

    def add(self, value: Any) -> None:
        if isinstance(value, str):
            self.text = True
            if not self.marked and _NEEDS_MARKS.search(value):
                self.marked = _NEEDS_NONE.fullmatch(value.strip()) is None
        elif value is not None:
            self.number = True

    @property
    def exact(self) -> bool:
        return not self.text or (self.number and not self.marked)


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    for nest in NESTS:
        if isinstance(inner := record.get(nest), dict):
            del record[nest]
            record |= {f"{nest}.{key}": value for key, value in inner.items()}
    return record


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1)
        raise ValueError(
            Message("the key '{twice}' stands twice in one object; keep the right one", twice=masked(twice))
        )
    return record


def _batch(
    first: int, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], meter: Meter
) -> Iterator[pa.RecordBatch]:
    if rows:
        arrays = [pa.array([_text(row.get(name)) for row in rows], pa.string()) for name in columns]
        meter.count(first, pa.RecordBatch.from_arrays(arrays, list(columns)))
        yield text_batch(first, list(zip(columns, arrays, strict=True)))


def _decoded(line: str) -> Any:
    if line.count("[") + line.count("{") > DEPTH_MAX and _depth(line) > DEPTH_MAX:
        raise ValueError(Message("nested deeper than {depth_max} levels; flatten it", depth_max=DEPTH_MAX))
    try:
        record = _DECODER.decode(line)
    except RecursionError as error:
        raise ValueError(
            Message("nested deeper than {depth_max} levels; flatten it", depth_max=DEPTH_MAX)
        ) from error
    if _ESCAPE.search(line):
        _require_text(record)
    return record


def _require_text(value: Any) -> None:
    """Raise ValueError when a key or a value, however deep, is no text that can be stored."""
    if isinstance(value, dict):
        for key, inner in value.items():
            _require_text(key)
            _require_text(inner)
    elif isinstance(value, list):
        for inner in value:
            _require_text(inner)
    elif isinstance(value, str) and (fault := _UNSTORABLE.search(value)):
        what = (
            Message("a zero character")
            if fault[0] == "\0"
            else Message("half a surrogate pair, a character that was cut")
        )
        raise ValueError(Message("holds \\u{ord:04x}, {what}; take it out", ord=ord(fault[0]), what=what))


def _depth(line: str) -> int:
    deepest = depth = 0
    for mark in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', line):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(mark[0], 0)
        deepest = max(deepest, depth)
    return deepest


def _whole(digits: str) -> int:
    if len(digits) > DIGITS_MAX:
        raise ValueError(
            Message(
                "a number of {count} digits; at most {digits_max} are read: write it as text",
                count=len(digits),
                digits_max=DIGITS_MAX,
            )
        )
    return int(digits)


def _fraction(digits: str) -> Decimal:
    if len(digits) > DIGITS_MAX:
        raise ValueError(
            Message(
                "a number of {count} digits; at most {digits_max} are read: write it as text",
                count=len(digits),
                digits_max=DIGITS_MAX,
            )
        )
    return Decimal(digits)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _no_constant(word: str) -> Any:
    raise ValueError(Message("{word} is not JSON", word=word))


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return Message("column {column}: {fault}", column=error.colno, fault=error.msg)
    return error.args[0] if error.args and isinstance(error.args[0], str) else str(error)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_once, parse_int=_whole, parse_float=_fraction, parse_constant=_no_constant
)
