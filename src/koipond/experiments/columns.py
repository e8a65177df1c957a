"""Columns of rows → sufficient statistics. Pure; the only place of this package that touches rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from koipond.experiments.statistics import MetricSums, Number
from koipond.kernel import InputError

Array = npt.NDArray[Any]
_EXACT_FLOAT = 2**53
_EXACT_INT = 2**62


def sums_of(columns: Mapping[str, Sequence[Number] | Array]) -> MetricSums:
    """Return the statistics of ``columns`` (name → one value per customer, all of one length).

    Integer and boolean columns are summed exactly. Raises InputError for columns of different length, text,
    missing or infinite values, all at once.
    """
    arrays = {name: numeric(name, values) for name, values in columns.items()}
    sizes = {name: len(values) for name, values in arrays.items()}
    if len(set(sizes.values())) > 1:
        raise InputError(f"columns differ in length: {sizes}")
    n = next(iter(sizes.values()), 0)
    if n == 0:
        return MetricSums.empty(tuple(arrays))
    shifts = {name: _shift(values) for name, values in arrays.items()}
    centred = [values - shifts[name] for name, values in arrays.items()]
    return MetricSums(
        n=n,
        columns=tuple(arrays),
        sums=tuple(_dot(values, None) for values in centred),
        products=tuple(_dot(a, b) for i, a in enumerate(centred) for b in centred[i:]),
        shifts=tuple(shifts.values()),
    )


def numeric(name: str, values: Sequence[Number] | Array) -> Array:
    """Return ``values`` as an int64 or float64 array; raise InputError for text, missing or infinite ones."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise InputError(f"column {name} must have one value per customer, got shape {array.shape}")
    if array.dtype.kind in "bi":
        return array.astype(np.int64, copy=False)
    if array.dtype.kind == "u":
        if array.size and int(array.max()) >= _EXACT_INT:
            raise InputError(f"column {name} has values above 2^62: use a larger unit")
        return array.astype(np.int64)
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind != "f":
        raise InputError(f"column {name} must hold numbers, not {array.dtype}")
    array = array.astype(np.float64, copy=False)
    bad = int(array.size - np.isfinite(array).sum())
    if bad:
        raise InputError(
            f"column {name} has {bad} missing or infinite values: fill them or drop the customers"
        )
    return array


def _shift(values: Array) -> Number:
    """Return a number near the mean: an integer for integers, the value itself for a constant column."""
    low, high = values.min(), values.max()
    if values.dtype.kind == "i":
        if int(high) - int(low) >= _EXACT_INT:
            raise InputError("a column spans more than 2^62: use a larger unit")
        return int(low) + int(np.mean(values - low))
    return float(low) if low == high else float(values.mean())


def _dot(one: Array, two: Array | None) -> Number:
    """Return Σ one·two (Σ one when ``two`` is None): in integers exactly, however large."""
    if one.dtype.kind == "f" or (two is not None and two.dtype.kind == "f"):
        return float(one.sum() if two is None else one @ two)
    largest = _peak(one) * (1 if two is None else _peak(two))
    if largest * len(one) < _EXACT_FLOAT and two is not None:
        return int(one.astype(np.float64) @ two.astype(np.float64))  # BLAS; every partial sum is exact
    if largest >= _EXACT_INT:
        return sum(int(a) * int(b) for a, b in zip(one, one * 0 + 1 if two is None else two, strict=True))
    step = max(1, min(len(one), _EXACT_INT // max(1, largest)))
    products = one if two is None else one * two
    return sum(int(part) for part in np.add.reduceat(products, np.arange(0, len(one), step)))


def _peak(values: Array) -> int:
    return max(int(values.max()), -int(values.min()))
