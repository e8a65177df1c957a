"""Turn what a caller has into an Arrow table."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from koipond.kernel import InputError

TableLike = Any
"""A pandas or Polars frame, an Arrow table, an Ibis table, a Parquet path or a mapping of columns."""


def to_arrow(table: TableLike) -> pa.Table:
    """Return ``table`` as an Arrow table; raise InputError for an unknown kind or an unreadable path."""
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
        return table.to_arrow()
    if root == "ibis":
        return table.to_pyarrow()
    raise InputError(
        f"cannot read a table from {type(table).__name__}; "
        "pass a pandas, Polars, Arrow or Ibis table, a Parquet path or a dict of columns"
    )


def require_columns(table: pa.Table, names: Iterable[str]) -> None:
    """Raise InputError that names every one of ``names`` that ``table`` lacks."""
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise InputError(
            f"the table has no column {', '.join(missing)}; it has {', '.join(table.column_names)}"
        )


def _from_path(path: Path) -> pa.Table:
    if not path.exists():
        raise InputError(f"{path}: no such file")
    try:
        return pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: not a Parquet file ({error})") from error
