"""Columns of an Arrow table as numpy arrays: keys as codes, dates as whole days, numbers as floats."""

from dataclasses import fields
from datetime import date, datetime
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from koipond.kernel import InputError, epoch_day

_LAST_DAY = epoch_day(date(2200, 1, 1))
_ZONED = (
    r"^(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})?)(?:\.\d{1,9})?"
    r" ?(?:[Zz]|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)$"
)
"""An instant with its offset, as ISO 8601 writes it; the group is the local time there."""

_Cell = TypeVar("_Cell", bound=np.generic)

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def epoch_days(table: pa.Table, name: str) -> Ints:
    """Return column ``name`` as whole days since 1970-01-01; no row may be null.

    Takes dates, timestamps (with a zone: the calendar day there), ISO strings (with Z or an offset: the
    calendar day as written, that is at that offset), and integers that already count days. Raises
    InputError for any other type, a null or an integer that cannot be a day.
    """
    column = table.column(name)
    if column.null_count:
        raise InputError(
            "column '{name}' has {null_count} rows without a date; drop or fill them",
            name=name,
            null_count=column.null_count,
        )
    if pa.types.is_integer(column.type):
        return _whole_days(column, name)
    days = _as_date(column, name)
    return np.asarray(days.cast(pa.int32()).to_numpy(), dtype=np.int64)


def floats(table: pa.Table, name: str) -> Floats:
    """Return the numbers of column ``name``; raise InputError for text, a null or a value not finite."""
    column = table.column(name)
    try:
        values = column.cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid as error:
        raise InputError("column '{name}' must hold numbers: {error}", name=name, error=error) from error
    except pa.ArrowNotImplementedError as error:
        raise InputError(
            "column '{name}' must hold numbers, not {kind}", name=name, kind=column.type
        ) from error
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        raise InputError(
            "column '{name}' has {bad} rows that are null, NaN or infinite; drop or fill them",
            name=name,
            bad=bad,
        )
    return np.asarray(values, dtype=np.float64)


def encode(table: pa.Table, name: str) -> tuple[pa.Array, Ints]:
    """Return the sorted distinct values of column ``name`` and the code of each row, -1 where it is null."""
    encoded = table.column(name).combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    order = pc.sort_indices(encoded.dictionary)
    rank = np.empty(len(order) + 1, dtype=np.int64)
    rank[order.to_numpy()] = np.arange(len(order))
    rank[-1] = -1
    codes = encoded.indices.fill_null(len(order)).to_numpy(zero_copy_only=False)
    return encoded.dictionary.take(order), rank[codes]


def to_day(value: str | date, name: str) -> int:
    """Return the day ``value`` (date, datetime or ISO text) as days since 1970-01-01; else InputError.

    Of an instant with a zone it is the calendar day there, as in `epoch_days`.
    """
    try:
        day = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
        return epoch_day(day.date() if isinstance(day, datetime) else day)
    except (ValueError, TypeError) as error:
        raise InputError(
            "{name}: '{value}' is not a date; write it as 2026-01-31", name=name, value=value
        ) from error


def freeze_arrays(result: Any) -> None:
    """Replace the numpy arrays of a frozen dataclass by read-only views; call it in __post_init__."""
    for each in fields(result):
        values = getattr(result, each.name)
        if isinstance(values, np.ndarray):
            object.__setattr__(result, each.name, read_only(values))


def read_only(values: npt.NDArray[_Cell]) -> npt.NDArray[_Cell]:
    """Return a view of ``values`` that cannot be written to."""
    view = values.view()
    view.setflags(write=False)
    return view


def values_of(array: pa.Array) -> npt.NDArray[Any]:
    """Return the values of an Arrow array as numpy, text as Python strings."""
    return np.asarray(array.to_numpy(zero_copy_only=False))


def _whole_days(column: pa.ChunkedArray, name: str) -> Ints:
    days = column.cast(pa.int64()).to_numpy()
    if len(days) and np.abs(days).max() > _LAST_DAY:
        raise InputError(
            "column '{name}' holds integers up to {days}; integers are read as days since 1970-01-01",
            name=name,
            days=days.max(),
        )
    return np.asarray(days, dtype=np.int64)


def _as_date(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = _from_text(column, name)
        kind = column.type
    if pa.types.is_date(kind):
        return column.cast(pa.date32())
    if pa.types.is_timestamp(kind):
        local = pc.local_timestamp(column) if kind.tz else column
        return pc.floor_temporal(local, unit="day").cast(pa.date32())
    raise InputError(
        "column '{name}' must hold dates, timestamps or ISO text, not {kind}", name=name, kind=kind
    )


def _from_text(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    try:
        return column.cast(pa.date32())
    except pa.ArrowInvalid:
        pass
    try:
        return pc.replace_substring_regex(column, pattern=_ZONED, replacement=r"\1").cast(pa.timestamp("us"))
    except pa.ArrowInvalid as error:
        raise InputError("column '{name}' must hold ISO dates: {error}", name=name, error=error) from error
