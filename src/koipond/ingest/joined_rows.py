"""Heads and lines of orders in two files (订单表与明细表), read as one: which column stands in which file.

Exports of 淘宝, of Olist and of most databases say an order's customer, time, state and total in one file and
what was bought in another. Read together they are what one file is that repeats the head beside each line.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from koipond.ingest.mapping import ColumnMap
from koipond.ingest.ports import RowSource
from koipond.kernel import InputError, Message

HEAD_ROWS = 1 << 31
"""What the row number of a head is raised by, so that it stands apart from those of lines."""
LINES = "lines."
"""What stands before a column of the lines whose name the heads have too."""
_ROW = re.compile(r"\brow (\d+)")


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row number that says whose it is, written ``5 (lines.csv)`` in any message."""

    number: int
    file: str

    def __format__(self, spec: str) -> str:
        return f"{self.number:{spec}} ({self.file})"


class JoinedRows:
    """A file of ``heads`` and one of ``lines`` (port `RowSource`).

    ``on``: the columns of the order number in both, None = found by their names. ``head_map``, ``line_map``:
    which columns of each file are read, once `join_mapping.plan_join` has chosen. ``names``: column of the
    lines → what it is called here, ``lines.status`` when the heads have a ``status``.
    """

    def __init__(
        self,
        heads: RowSource,
        lines: RowSource,
        *,
        on: tuple[str, str] | None = None,
        head_map: ColumnMap | None = None,
        line_map: ColumnMap | None = None,
    ) -> None:
        self.heads, self.lines, self.on = heads, lines, on
        self.head_map, self.line_map = head_map, line_map
        self.file = f"{heads.file} + {lines.file}"
        both = f"{heads.fingerprint}|{lines.fingerprint}|{on}"
        self.fingerprint = hashlib.sha256(both.encode()).hexdigest()
        self.total_bytes = heads.total_bytes + lines.total_bytes
        self.names = {c: f"{LINES}{c}" if c in heads.columns else c for c in lines.columns}
        key = line_map.columns["order_id"][0] if line_map is not None else None
        self.columns: tuple[str, ...] = (*heads.columns, *(self.names[c] for c in lines.columns if c != key))
        self.details: Mapping[str, str] = {**heads.details, **self._joined_by()}

    def _joined_by(self) -> Mapping[str, str]:
        if self.head_map is None or self.line_map is None:
            return {}
        return {
            "joined": Message(
                "{heads} by {head_column} with {lines} by {line_column}",
                heads=self.heads.file,
                head_column=self.head_map.columns["order_id"][0],
                lines=self.lines.file,
                line_column=self.line_map.columns["order_id"][0],
            )
        }

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield what the lines say of ``columns``; of those of the heads nothing."""
        own = {name: column for column, name in self.names.items()}
        wanted = [name for name in columns if name in own]
        for batch in self.lines.batches([own[name] for name in wanted]):
            texts = dict(zip(wanted, batch.columns[1:], strict=True))
            none = pa.nulls(batch.num_rows, pa.string())
            arrays = [texts.get(name, none) for name in columns]
            yield pa.RecordBatch.from_arrays([batch.columns[0], *arrays], ["row", *columns])

    def is_exact(self, column: str) -> bool:
        if column in self.heads.columns:
            return self.heads.is_exact(column)
        own = {name: known for known, name in self.names.items()}
        return self.lines.is_exact(own[column])

    def done_bytes(self) -> int:
        return self.heads.done_bytes() + self.lines.done_bytes()

    def mapped(self, heads: ColumnMap, lines: ColumnMap) -> "JoinedRows":
        """Return these rows with the columns that are read of each file."""
        return JoinedRows(self.heads, self.lines, on=self.on, head_map=heads, line_map=lines)

    def placed(self, error: InputError) -> InputError:
        """Return ``error`` with the file beside every row number."""
        return InputError(self._placed(error.message), code=error.code)

    def said(self, message: Message) -> Message:
        """Return ``message`` with the file beside every row number."""
        return self._placed(message)

    def _placed(self, message: Message) -> Message:
        if not message.values or message.values.get("file") in (self.heads.file, self.lines.file):
            return message
        values = {name: self._value(name, value) for name, value in message.values.items()}
        return Message(message.template, **values)

    def _value(self, name: str, value: Any) -> Any:
        if isinstance(value, Message) and value.values:
            return self._placed(value)
        if isinstance(value, str) and not isinstance(value, Message):
            return _ROW.sub(lambda found: f"row {self._row(int(found[1]))}", value)
        is_row = name == "row" or name.startswith("example_")
        return self._row(value) if is_row and isinstance(value, int) else value

    def _row(self, number: int) -> FileRow:
        if number > HEAD_ROWS:
            return FileRow(number - HEAD_ROWS, self.heads.file)
        return FileRow(number, self.lines.file)
