"""Customers with the same history, counted once (去重计数). Pure.

Every likelihood here depends on a customer through (x, t_x, T) alone, so a million customers with day-grained
histories are a few thousand rows with weights, and each evaluation costs the rows, not the customers.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from koipond.frames.columns import Floats, Ints
from koipond.kernel import InputError, joined

_STEPS_PER_UNIT = (1, 7)
_KEY_MAX = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Distinct histories. ``x`` repeat purchases, ``t_x`` age at the last one, ``T`` age at the observation's
    end, both in one unit of time (Fader, Hardie and Lee 2005); ``weight`` customers in each row."""

    x: Floats
    t_x: Floats
    T: Floats
    weight: Floats

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_] | slice) -> "Counts":
        """Return only ``rows``."""
        return Counts(x=self.x[rows], t_x=self.t_x[rows], T=self.T[rows], weight=self.weight[rows])


def check_histories(x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return the three arrays as floats; raise InputError that names everything wrong with them."""
    arrays = [np.atleast_1d(np.asarray(values, dtype=np.float64)) for values in (x, t_x, T)]
    sizes = {array.shape for array in arrays}
    if len(sizes) != 1 or arrays[0].ndim != 1 or not len(arrays[0]):
        raise InputError(
            "x, t_x and T must be one-dimensional, of one length and not empty; they are {sizes}", sizes=sizes
        )
    counts, last, age = arrays
    if not all(bool(np.isfinite(array).all()) for array in arrays):
        raise InputError("x, t_x and T must be finite; drop customers without a purchase")
    problems = {
        "x must be whole numbers from 0": (counts < 0) | (counts != np.floor(counts)),
        "t_x must lie between 0 and T": (last < 0) | (last > age),
        "t_x must be 0 where x is 0, and above 0 where x is not": (last > 0) != (counts > 0),
    }
    found = [f"{text} ({int(bad.sum())} customers)" for text, bad in problems.items() if bad.any()]
    if found:
        raise InputError(joined("; ", found))
    return counts, last, age


def collapse(x: Floats, t_x: Floats, T: Floats) -> Counts:
    """Return the distinct (x, t_x, T) with their counts, sorted."""
    packed = _pack(x, t_x, T)
    if packed is None:
        order = np.lexsort((t_x, T, x))
        starts = _starts(x[order], t_x[order], T[order])
        rows = order[starts]
        return Counts(x=x[rows], t_x=t_x[rows], T=T[rows], weight=_weights(starts, len(x)))
    key, base, step = packed
    key = np.sort(key)
    starts = _starts(key)
    distinct = key[starts]
    rest, last = np.divmod(distinct, base)
    count, age = np.divmod(rest, base)
    return Counts(
        x=count.astype(np.float64), t_x=last / step, T=age / step, weight=_weights(starts, len(key))
    )


def collapse_indexed(x: Floats, t_x: Floats, T: Floats) -> tuple[Counts, Ints]:
    """Return the distinct histories and, for each customer, the row that holds theirs."""
    packed = _pack(x, t_x, T)
    if packed is None:
        order = np.lexsort((t_x, T, x))
        starts = _starts(x[order], t_x[order], T[order])
    else:
        order = np.argsort(packed[0])
        starts = _starts(packed[0][order])
    index = np.empty(len(x), dtype=np.int64)
    row_of = np.zeros(len(x), dtype=np.int64)
    row_of[starts[1:]] = 1
    index[order] = np.cumsum(row_of)
    rows = order[starts]
    return Counts(x=x[rows], t_x=t_x[rows], T=T[rows], weight=_weights(starts, len(x))), index


def _pack(x: Floats, t_x: Floats, T: Floats) -> tuple[Ints, int, int] | None:
    """Return one exact integer key a customer when the times are whole days of the unit, else None.

    Sorting one integer column is several times faster than sorting rows.
    """
    for step in _STEPS_PER_UNIT:
        last, age = np.rint(t_x * step), np.rint(T * step)
        if not (np.array_equal(last / step, t_x) and np.array_equal(age / step, T)):
            continue
        base = int(age.max()) + 1
        if (float(x.max()) + 1) * base * base > _KEY_MAX:
            return None
        key = (x.astype(np.int64) * base + age.astype(np.int64)) * base + last.astype(np.int64)
        return key, base, step
    return None


def _starts(*columns: npt.NDArray[np.generic]) -> npt.NDArray[np.intp]:
    new = np.zeros(len(columns[0]), dtype=bool)
    new[0] = True
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(new)


def _weights(starts: npt.NDArray[np.intp], total: int) -> Floats:
    return np.diff(np.append(starts, total)).astype(np.float64)
