"""JSON, one object a line, as batches of text. Fields may come and go from line to line."""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from koipond.kernel import InputError
from koipond.sources.batches import text_batch
from koipond.sources.csv_faults import FAULTS_MAX
from koipond.sources.text import TextFile

BATCH_ROWS = 1 << 16


class JsonRows:
    """A file of JSON objects (port `RowSource`); its columns are all keys found in any line."""

    def __init__(self, source: TextFile) -> None:
        self.source = source
        self.file = source.name
        self.fingerprint = source.fingerprint
        self.total_bytes = source.total_bytes
        self.details: Mapping[str, str] = {"format": "jsonl", "encoding": source.encoding}
        self._done = 0
        keys: dict[str, bool] = {}  # name → every value is a number, a truth value or missing
        for _, record in self._records(collect=True):
            for key, value in record.items():
                if keys.get(key, True):
                    keys[key] = not isinstance(value, str)
        if not keys:
            raise InputError(f"{self.file}: holds no object; write one JSON object a line")
        self._exact = keys
        self.columns = tuple(keys)

    def is_exact(self, column: str) -> bool:
        return self._exact[column]

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
                    record = json.loads(line.rstrip("\r\n"), parse_float=Decimal, parse_constant=_no_constant)
                except ValueError as error:
                    faults.append(f"{self.file}: row {number}: {_reason(error)}")
                else:
                    if isinstance(record, dict):
                        yield number, record
                        continue
                    faults.append(f"{self.file}: row {number}: a {type(record).__name__}, not an object")
                if not collect or len(faults) == FAULTS_MAX:
                    break
        if faults:
            raise InputError("\n".join(faults) + "\nwrite one whole JSON object a line")


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
