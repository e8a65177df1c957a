"""Columns of rows → sufficient statistics. Pure; the only place of this package that touches rows.

Products are summed by BLAS, in blocks of rows so short that sums over whole numbers stay below 2^53, where
floats are exact; whole numbers too large for that are summed as integers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

import numpy as np
import numpy.typing as npt

from koipond.experiments.statistics import MetricSums, Number
from koipond.kernel import InputError

Array = npt.NDArray[Any]
_EXACT_FLOAT = 2**53
_EXACT_INT = 2**62
_LARGEST = 1e140
_BLOCK_ROWS = 2**15
_BLOCK_ROWS_MIN = 2**10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Column:
    """One column about its shift; ``peak`` is its largest size, for whole numbers."""

    centred: Array
    shift: Number
    whole: bool
    peak: int


def sums_of(columns: Mapping[str, Sequence[Number] | Array]) -> MetricSums:
    """Return the statistics of ``columns`` (name → one value per customer, all of one length).

    Integer and boolean columns are summed exactly. Raises InputError for columns of different length, text,
    missing or infinite values.
    """
    arrays = {name: numeric(name, values) for name, values in columns.items()}
    sizes = {name: len(values) for name, values in arrays.items()}
    if len(set(sizes.values())) > 1:
        raise InputError("columns differ in length: {sizes}", sizes=sizes)
    n = next(iter(sizes.values()), 0)
    if n == 0:
        return MetricSums.empty(tuple(arrays))
    parts = [_column(name, values) for name, values in arrays.items()]
    return MetricSums(
        n=n,
        columns=tuple(arrays),
        sums=tuple(_sum(part) for part in parts),
        products=_products(parts, n),
        shifts=tuple(part.shift for part in parts),
    )


def numeric(name: str, values: Sequence[Number] | Array) -> Array:
    """Return ``values`` as an int64 or float64 array; raise InputError for text, missing or infinite ones."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise InputError(
            "column {name} must have one value per customer, got shape {shape}", name=name, shape=array.shape
        )
    if array.dtype.kind in "bi":
        return array.astype(np.int64, copy=False)
    if array.dtype.kind == "u":
        if array.size and int(array.max()) >= _EXACT_INT:
            raise InputError("column {name} has values above 2^62: use a larger unit", name=name)
        return array.astype(np.int64)
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind != "f":
        raise InputError("column {name} must hold numbers, not {dtype}", name=name, dtype=array.dtype)
    array = array.astype(np.float64, copy=False)
    bad = int(array.size - np.isfinite(array).sum())
    if bad:
        raise InputError(
            "column {name} has {bad} missing or infinite values: fill them or drop the customers",
            name=name,
            bad=bad,
        )
    return array


def _column(name: str, values: Array) -> _Column:
    """Return ``values`` about a number near their mean: whole for whole numbers, the value of a constant."""
    low, high = values.min(), values.max()
    if values.dtype.kind == "f":
        if max(abs(low), abs(high)) > _LARGEST:
            raise InputError(
                "column {name} has values beyond {largest:g}, whose squares overflow: scale it",
                name=name,
                largest=_LARGEST,
            )
        shift = float(low) if low == high else float(values.mean())
        return _Column(centred=values - shift, shift=shift, whole=False, peak=0)
    if int(high) - int(low) >= _EXACT_INT:
        raise InputError("column {name} spans more than 2^62: use a larger unit", name=name)
    middle = int(low) + int(np.mean(values - low))
    peak = max(int(high) - middle, middle - int(low))
    return _Column(centred=values - middle, shift=middle, whole=True, peak=peak)


def _sum(part: _Column) -> Number:
    if not part.whole:
        return float(part.centred.sum())
    return _exact_sum(part.centred, part.peak)


def _products(parts: Sequence[_Column], n: int) -> tuple[Number, ...]:
    """Return Σ of the products of all pairs of columns, row by row of the upper triangle."""
    longest = (_EXACT_FLOAT - 1) // max(1, max((part.peak for part in parts), default=1) ** 2)
    step = min(n, _BLOCK_ROWS, longest if longest >= _BLOCK_ROWS_MIN else _BLOCK_ROWS)
    grams = []
    block = np.empty((len(parts), step))
    for start in range(0, n, step):
        rows = min(step, n - start)
        for i, part in enumerate(parts):
            block[i, :rows] = part.centred[start : start + rows]
        grams.append(block[:, :rows] @ block[:, :rows].T)
    found: list[Number] = []
    for i, one in enumerate(parts):
        for j, two in enumerate(parts[i:], start=i):
            if not (one.whole and two.whole):
                found.append(fsum(gram[i, j] for gram in grams))
            elif one.peak * two.peak * step < _EXACT_FLOAT:
                found.append(sum(int(gram[i, j]) for gram in grams))
            else:
                found.append(_exact_product(one, two))
    return tuple(found)


def _exact_product(one: _Column, two: _Column) -> int:
    peak = one.peak * two.peak
    if peak < _EXACT_INT:
        return _exact_sum(one.centred * two.centred, peak)
    return sum(int(a) * int(b) for a, b in zip(one.centred, two.centred, strict=True))


def _exact_sum(values: Array, peak: int) -> int:
    """Return the sum of whole numbers of size at most ``peak``, however many there are."""
    step = max(1, min(len(values), _EXACT_INT // max(1, peak)))
    return sum(int(part) for part in np.add.reduceat(values, np.arange(0, len(values), step)))
