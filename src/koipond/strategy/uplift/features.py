"""What a customer looked like before the touch, as numbers a linear model can read. Pure.

Numbers are standardised and held within 5 standard deviations, so that one big spender does not bend a line;
missing ones become the mean plus a flag. Words become one column a level; rare levels share one column. The
encoding is kept with the model and reads new customers the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from koipond.frames import require_columns
from koipond.kernel import InputError

FloatArray = NDArray[np.float64]
_LEVELS_MAX = 20
_COLUMNS_MAX = 300
_REACH = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFeature:
    """A number: standardised by ``mean`` and ``sd``; ``flagged`` when customers of the fit lacked it."""

    name: str
    mean: float
    sd: float
    missing: int  # customers of the fit who lacked it

    @property
    def flagged(self) -> bool:
        return self.missing > 0

    @property
    def filled_with(self) -> str:
        return f"filled with the mean {self.mean:.6g} and flagged in a column of their own"

    def columns(self) -> list[str]:
        return [self.name, f"{self.name} missing"] if self.flagged else [self.name]

    def read(self, column: pa.ChunkedArray) -> list[FloatArray]:
        """Return one or two columns; raise InputError for infinite values."""
        values = _numbers(self.name, column)
        missing = np.isnan(values)
        scaled = np.clip((np.where(missing, self.mean, values) - self.mean) / self.sd, -_REACH, _REACH)
        return [scaled, missing.astype(np.float64)] if self.flagged else [scaled]


@dataclass(frozen=True, slots=True, kw_only=True)
class WordFeature:
    """A word: one 0/1 column for each of ``levels``; all zero is any other level, or none."""

    name: str
    levels: tuple[str, ...]
    missing: int  # customers of the fit who had none

    @property
    def filled_with(self) -> str:
        return "read as a level of their own"

    def columns(self) -> list[str]:
        return [f"{self.name}={level}" for level in self.levels]

    def read(self, column: pa.ChunkedArray) -> list[FloatArray]:
        words = np.asarray(column.cast(pa.string()).to_pylist(), dtype=object)
        return [(words == level).astype(np.float64) for level in self.levels]


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How columns of a table become the matrix of a model."""

    features: tuple[NumberFeature | WordFeature, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(name for feature in self.features for name in feature.columns())

    def read(self, table: pa.Table) -> FloatArray:
        """Return (customers, columns); raise InputError when ``table`` lacks a feature."""
        require_columns(table, [feature.name for feature in self.features])
        columns = [array for feature in self.features for array in feature.read(table[feature.name])]
        return np.column_stack(columns) if columns else np.zeros((table.num_rows, 0))


def fit_encoding(table: pa.Table, names: Sequence[str]) -> Encoding:
    """Return the encoding of columns ``names``; a column that never varies is left out.

    Raises InputError for unknown columns, columns without any value, infinite values, types that are neither
    numbers nor words, no column that varies, or more than 300 columns.
    """
    require_columns(table, names)
    empty = [name for name in names if table.num_rows and _all_missing(table[name])]
    if empty:
        raise InputError("features: no customer has a value in {empty}; leave it out", empty=", ".join(empty))
    found = [feature for name in names if (feature := _fit(name, table[name])) is not None]
    encoding = Encoding(features=tuple(found))
    if not found:
        raise InputError("features: no column varies among {names}", names=", ".join(names) or "none given")
    if len(encoding.columns) > _COLUMNS_MAX:
        raise InputError(
            "features: {count} columns; name at most {columns_max}",
            count=len(encoding.columns),
            columns_max=_COLUMNS_MAX,
        )
    return encoding


def _all_missing(column: pa.ChunkedArray) -> bool:
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    return bool(column.null_count == len(column))


def _fit(name: str, column: pa.ChunkedArray) -> NumberFeature | WordFeature | None:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _fit_words(name, column)
    values = _numbers(name, column)
    missing = np.isnan(values)
    mean, sd = float(values[~missing].mean()), float(values[~missing].std())
    varies = sd > 1e-12 * abs(mean)
    if not varies and not missing.any():
        return None
    return NumberFeature(name=name, mean=mean, sd=sd if varies else 1.0, missing=int(missing.sum()))


def _fit_words(name: str, column: pa.ChunkedArray) -> WordFeature | None:
    """Return the commonest levels; what is left, or the rarest when none is missing, is all zeros."""
    rows = [(str(row["values"]), row["counts"]) for row in pc.value_counts(column.drop_null()).to_pylist()]
    levels = [word for word, _ in sorted(rows, key=lambda row: (-row[1], row[0]))]
    complete = column.null_count == 0 and len(levels) <= _LEVELS_MAX
    kept = levels[:-1] if complete else levels[:_LEVELS_MAX]
    return WordFeature(name=name, levels=tuple(kept), missing=column.null_count) if kept else None


def _numbers(name: str, column: pa.ChunkedArray) -> FloatArray:
    """Return ``column`` as floats, NaN where missing; days since 1970 for instants."""
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        column = pc.divide(column.cast(pa.timestamp("us")).cast(pa.int64()).cast(pa.float64()), 86_400e6)
    elif not (
        pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
    ):
        raise InputError(
            "features: column {name} is {kind}; pass numbers, words, true/false or instants",
            name=name,
            kind=kind,
        )
    values: FloatArray = column.cast(pa.float64()).to_numpy().astype(np.float64)
    if np.isinf(values).any():
        raise InputError(
            "features: column {name} has {isinf} infinite values",
            name=name,
            isinf=int(np.isinf(values).sum()),
        )
    return values
