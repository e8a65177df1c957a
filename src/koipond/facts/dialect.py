"""Hot spots (热点): the few functions that DuckDB has built in and other engines reach another way.

`has_lists` says which way a table goes; both ways give equal rows, which the conformance test holds.
The macros live in `koipond.warehouse.macros`.
"""

from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops

from koipond.facts.ports import IbisTable

_DAYS = dt.Array(dt.int32)


def whole(number: Any) -> Any:
    """Cast to int64 even where Ibis holds the number to be one: DuckDB widens sums to 128 bits."""
    return ops.Cast(number, dt.int64).to_expr()


def has_lists(table: IbisTable) -> bool:
    """Say whether the engine behind ``table`` is DuckDB, with our macros."""
    return bool(table.get_backend().name == "duckdb")


@ibis.udf.agg.builtin(name="list", signature=((dt.int32,), _DAYS))
def list_of(day: Any) -> Any:
    """Collect days into a list."""


@ibis.udf.scalar.builtin(name="list_sort", signature=((_DAYS,), _DAYS))
def sorted_list(days: Any) -> Any:
    """Sort a list of days."""


@ibis.udf.scalar.builtin(name="koipond_days", signature=((_DAYS,), _DAYS))
def distinct_days(days: Any) -> Any:
    """Drop repeats from a sorted list of days."""


@ibis.udf.scalar.builtin(name="koipond_gaps", signature=((_DAYS,), _DAYS))
def gaps_of(days: Any) -> Any:
    """Return the gaps between sorted distinct days."""


@ibis.udf.scalar.builtin(name="koipond_ln_nano", signature=((_DAYS,), dt.int64))
def ln_nano_of(gaps: Any) -> Any:
    """Return the sum of round(ln(gap)·1e9)."""


@ibis.udf.scalar.builtin(name="koipond_days_after", signature=((_DAYS, dt.int32), dt.int64))
def days_after(days: Any, edge: Any) -> Any:
    """Count the days after ``edge``."""


@ibis.udf.scalar.builtin(name="list_extract", signature=((_DAYS, dt.int32), dt.int32))
def nth_of(days: Any, n: Any) -> Any:
    """Return the n-th day, from the end when ``n`` < 0, or null."""


@ibis.udf.scalar.builtin(name="koipond_nth_latest", signature=((_DAYS, dt.int32), dt.int32))
def nth_latest(days: Any, n: Any) -> Any:
    """Return the n-th latest day or null."""


@ibis.udf.agg.builtin(name="quantile_disc", signature=((dt.int64, dt.Array(dt.float64)), dt.Array(dt.int64)))
def order_statistics(value: Any, positions: Any) -> Any:
    """Return the values at ``positions`` (fractions of the number of rows) of the sorted column."""
