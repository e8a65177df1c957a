"""Turn what a caller has into an Arrow table."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from koipond.kernel import InputError

TableLike = Any
"""A pandas or Polars frame (lazy too), an Arrow table, batch, reader or other C stream, an Ibis table, a
Parquet path or a mapping of columns."""


def to_arrow(table: TableLike) -> pa.Table:
    """Return ``table`` as an Arrow table; raise InputError for an unknown kind or an unreadable path.

    A reader or another stream that can be read once is empty afterwards.
    """
    if isinstance(table, pa.Table):
        return table
    if isinstance(table, str | Path):
        return _from_path(Path(table))
    if isinstance(table, Mapping):
        return pa.table(dict(table))
    root = type(table).__module__.partition(".")[0]
    if root == "pandas":
        return pa.Table.from_pandas(table, preserve_index=False)
    if root == "polars":
        return (table.collect() if hasattr(table, "collect") else table).to_arrow()
    if root == "ibis":
        return table.to_pyarrow()
    if isinstance(table, pa.RecordBatch):
        return pa.Table.from_batches([table])
    if hasattr(table, "__arrow_c_stream__"):  # record batch readers, DuckDB relations, …
        return _from_stream(table)
    raise InputError(
        "cannot read a table from {name}; pass a pandas, Polars, Arrow or Ibis table, an "
        "Arrow stream, a Parquet path or a dict of columns",
        name=type(table).__name__,
    )


def pick_columns(table: TableLike, names: Sequence[str]) -> pa.Table:
    """Return only columns ``names`` of ``table`` as Arrow, reading no others where the source allows it.

    Raises InputError for an unknown kind, an unreadable path or missing columns.
    """
    root = type(table).__module__.partition(".")[0]
    if root == "ibis":
        _require(table.columns, names)
        return table.select(*dict.fromkeys(names)).to_pyarrow()
    if root == "pandas":
        _require([str(name) for name in table.columns], names)
        return to_arrow(table[list(dict.fromkeys(names))])
    if root == "polars" and hasattr(table, "collect_schema"):
        _require(table.collect_schema().names(), names)
        return to_arrow(table.select(list(dict.fromkeys(names))))
    if isinstance(table, str | Path):
        path = Path(table)
        _require(_from_path(path, lambda at: pq.ParquetDataset(at).schema).names, names)
        return _from_path(path, lambda at: pq.read_table(at, columns=list(dict.fromkeys(names))))
    arrow = to_arrow(table)
    require_columns(arrow, names)
    return arrow.select(list(dict.fromkeys(names)))


def with_names(table: TableLike) -> tuple[TableLike, list[str]]:
    """Return ``table``, made Arrow when it can be read only once, and the names of its columns.

    Raises InputError for an unknown kind or an unreadable path.
    """
    root = type(table).__module__.partition(".")[0]
    if root in ("ibis", "pandas"):
        return table, [str(name) for name in table.columns]
    if root == "polars":
        return table, list(table.collect_schema().names())
    if isinstance(table, str | Path):
        return table, list(_from_path(Path(table), lambda at: pq.ParquetDataset(at).schema).names)
    arrow = to_arrow(table)
    return arrow, arrow.column_names


def require_columns(table: pa.Table, names: Iterable[str]) -> None:
    """Raise InputError that names every one of ``names`` that ``table`` lacks."""
    _require(table.column_names, names)


def _require(present: Sequence[str], names: Iterable[str]) -> None:
    missing = [name for name in names if name not in present]
    if missing:
        raise InputError(
            "the table has no column {missing}; it has {present}",
            missing=", ".join(missing),
            present=", ".join(present),
        )


def _from_stream(stream: Any) -> pa.Table:
    try:
        return pa.table(stream)
    except (TypeError, ValueError) as error:  # ArrowInvalid is a ValueError
        raise InputError(
            "{name}: not a stream of rows with columns ({error})", name=type(stream).__name__, error=error
        ) from error


def _from_path(path: Path, read: Callable[[Path], Any] = pq.read_table) -> Any:
    if not path.exists():
        raise InputError("{path}: no such file", path=path)
    try:
        return read(path)
    except pa.ArrowInvalid as error:
        raise InputError("{path}: not a Parquet file ({error})", path=path, error=error) from error
