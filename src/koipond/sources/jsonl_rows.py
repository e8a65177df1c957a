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
from koipond.kernel import InputError
from koipond.sources.batches import text_batch
from koipond.sources.csv_faults import FAULTS_MAX
from koipond.sources.text import TextFile

BATCH_ROWS = 1 << 16
_NEEDS_MARKS = re.compile(r"[0-9][.,'’\s][0-9]")  # a text that may be grouped by thousands
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
                kinds.setdefault(key, _Seen()).add(value)
        if not kinds:
            raise InputError(f"{self.file}: holds no object; write one JSON object a line")
        self._exact = frozenset(key for key, seen in kinds.items() if seen.exact)
        self.columns = tuple(kinds)

    def is_exact(self, column: str) -> bool:
        return column in self._exact

    def done_bytes(self) -> int:
        return min(self._done, self.total_bytes)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        rows: list[Mapping[str, Any]] = []
        first = 1
        for line, record in self._records(collect=False):
            if line != first + len(rows) or len(rows) == BATCH_ROWS:  # a blank line, or a full batch
                yield from _batch(first, columns, rows)
                first, rows = line, []
            rows.append(record)
        yield from _batch(first, columns, rows)

    def _records(self, *, collect: bool) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield line number and object; raise InputError naming the first faulty lines together."""
        faults: list[str] = []
        self._done = 0
        with self.source.lines() as lines:
            for number, line in enumerate(lines, start=1):
                self._done += len(line)
                if not line.strip():
                    continue
                try:
                    record = _DECODER.decode(line.rstrip("\r\n"))
                except ValueError as error:
                    faults.append(f"{self.file}: row {number}: {_reason(error)}")
                else:
                    if isinstance(record, dict):
                        yield number, _flat(record)
                        continue
                    faults.append(f"{self.file}: row {number}: a {type(record).__name__}, not an object")
                if not collect or len(faults) == FAULTS_MAX:
                    break
        if faults:
            raise InputError("\n".join(faults) + "\nwrite one whole JSON object a line")


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
        raise ValueError(f"the key '{twice}' stands twice in one object; keep the right one")
    return record


def _batch(first: int, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Iterator[pa.RecordBatch]:
    if rows:
        arrays = [pa.array([_text(row.get(name)) for row in rows], pa.string()) for name in columns]
        yield text_batch(first, list(zip(columns, arrays, strict=True)))


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"column {error.colno}: {error.msg}"
    return str(error)


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_float=Decimal, parse_constant=_no_constant)
