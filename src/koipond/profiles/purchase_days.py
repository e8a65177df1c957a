"""Purchase days (购买日): one entry for each customer and day with a purchase, as sorted arrays. Pure."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from koipond.frames import TableLike, pick_columns
from koipond.frames.columns import Floats, Ints, encode, epoch_days, floats, values_of
from koipond.kernel import InputError, from_epoch_day


@dataclass(frozen=True, kw_only=True)
class PurchaseDays:
    """One entry for each customer and day with a purchase, sorted by customer, then day.

    ``code`` points into ``customers``; ``value`` is the day's sum, None without amounts.
    """

    customers: pa.Array
    code: Ints
    day: Ints
    value: Floats | None
    rows_without_customer: int = 0

    @property
    def last_day(self) -> int:
        """Return the last day with a purchase."""
        return int(self.day.max())

    @property
    def starts(self) -> npt.NDArray[np.intp]:
        """Return the position of each customer's first entry."""
        return np.flatnonzero(np.append(True, self.code[1:] != self.code[:-1]))

    @property
    def ends(self) -> npt.NDArray[np.intp]:
        """Return the position of each customer's last entry."""
        return np.append(self.starts[1:], len(self.code)) - 1

    def until(self, end: int) -> "PurchaseDays":
        """Return the entries up to day ``end``; raise InputError when there are none."""
        return self._where(self.day <= end, f"no purchase on or before {from_epoch_day(end)}")

    def between(self, after: int, end: int) -> "PurchaseDays":
        """Return the entries later than ``after`` and up to ``end``; raise InputError when there are none."""
        kept = (self.day > after) & (self.day <= end)
        return self._where(kept, f"no purchase from {from_epoch_day(after + 1)} to {from_epoch_day(end)}")

    def _where(self, kept: npt.NDArray[np.bool_], otherwise: str) -> "PurchaseDays":
        if not kept.any():
            raise InputError(otherwise)
        return PurchaseDays(
            customers=self.customers,
            code=self.code[kept],
            day=self.day[kept],
            value=None if self.value is None else self.value[kept],
            rows_without_customer=self.rows_without_customer,
        )


def purchase_days(table: TableLike, *, customer: str, at: str, amount: str | None = None) -> PurchaseDays:
    """Return the purchase days of ``table``; rows without a customer are left out and counted.

    Raises InputError for missing columns, unreadable values or an empty table.
    """
    arrow = pick_columns(table, [customer, at, *([amount] if amount else [])])
    if not arrow.num_rows:
        raise InputError("the table is empty; it needs at least one purchase")
    customers, code = encode(arrow, customer)
    day = epoch_days(arrow, at)
    value = floats(arrow, amount) if amount else None
    known = code >= 0
    if not known.any():
        raise InputError("the table has no row with a '{customer}'", customer=customer)
    if not known.all():
        code, day = code[known], day[known]
        value = None if value is None else value[known]
    origin = int(day.min())
    span = int(day.max()) - origin + 1
    key = code * span + (day - origin)
    if value is None:
        key = np.sort(key)
        key = key[np.append(True, key[1:] != key[:-1])]
    else:
        order = np.argsort(key, kind="stable")
        key = key[order]
        starts = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
        value, key = np.add.reduceat(value[order], starts), key[starts]
    code, day = np.divmod(key, span)
    return PurchaseDays(
        customers=customers,
        code=code,
        day=day + origin,
        value=value,
        rows_without_customer=int(np.count_nonzero(~known)),
    )


def main_category(
    table: TableLike, *, customer: str, at: str, category: str, until: int
) -> tuple[npt.NDArray[Any], Ints]:
    """Return the category names and, for each customer in sorted order, the code of the one bought most.

    Counted in rows up to day ``until``; ties go to the one bought last, then to the first name. −1 where
    every row lacks a category. Raises InputError as `purchase_days` does.
    """
    arrow = pick_columns(table, [customer, at, category])
    customers, code = encode(arrow, customer)
    names, kind = encode(arrow, category)
    day = epoch_days(arrow, at)
    kept = (code >= 0) & (kind >= 0) & (day <= until)
    key, day = code[kept] * max(len(names), 1) + kind[kept], day[kept]
    out = np.full(len(customers), -1, dtype=np.int64)
    if not len(key):
        return values_of(names), out
    order = np.lexsort((day, key))
    key, day = key[order], day[order]
    ends = np.flatnonzero(np.append(key[1:] != key[:-1], True))
    count, last, pair = np.diff(np.append(-1, ends)), day[ends], key[ends]
    owner, kinds = np.divmod(pair, len(names))
    best = np.lexsort((-kinds, last, count, owner))
    out[owner[best]] = kinds[best]  # the last written of each customer is the best
    return values_of(names), out
