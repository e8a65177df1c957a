"""What was bought by whom on which day (购买记录), as sorted codes. Pure.

A customer's repeated lines of an item on one day are one purchase of it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import sparse

from koipond.frames import TableLike, pick_columns
from koipond.frames.columns import Floats, Ints, encode, epoch_days
from koipond.kernel import InputError


@dataclass(frozen=True, kw_only=True)
class Baskets:
    """One entry for each customer, item and day, sorted so; codes point into ``customers`` and ``items``."""

    customers: pa.Array
    items: pa.Array
    customer: Ints
    item: Ints
    day: Ints
    rows_left_out: int = 0

    @property
    def first_day(self) -> int:
        """Return the first day with a purchase, since 1970-01-01."""
        return int(self.day.min())

    @property
    def last_day(self) -> int:
        """Return the last day with a purchase, since 1970-01-01."""
        return int(self.day.max())

    def between(self, first: int, last: int) -> "Baskets":
        """Return the purchases of days ``first`` to ``last``, both included; codes stay as they are."""
        kept = (self.day >= first) & (self.day <= last)
        return Baskets(
            customers=self.customers,
            items=self.items,
            customer=self.customer[kept],
            item=self.item[kept],
            day=self.day[kept],
        )


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """One entry for each customer and item bought, sorted so: on how many days, and when last."""

    customer: Ints
    item: Ints
    day_count: Ints
    last_day: Ints


def read_baskets(table: TableLike, *, customer: str, item: str, at: str) -> Baskets:
    """Return the purchases in ``table``; rows without a customer or an item are left out and counted.

    Raises InputError for missing columns, unreadable dates or nothing left.
    """
    arrow = pick_columns(table, [customer, item, at])
    if not arrow.num_rows:
        raise InputError("the table is empty; it needs at least one purchase")
    customers, who = encode(arrow, customer)
    items, what = encode(arrow, item)
    day = epoch_days(arrow, at)
    known = (who >= 0) & (what >= 0)
    if not known.any():
        raise InputError(
            "the table has no row with both '{customer}' and '{item}'", customer=customer, item=item
        )
    origin = int(day[known].min())
    span = int(day[known].max()) - origin + 1
    key = (who[known] * len(items) + what[known]) * span + (day[known] - origin)
    key = np.sort(key)
    pair, day = np.divmod(key[np.append(True, key[1:] != key[:-1])], span)
    owner, bought = np.divmod(pair, len(items))
    return Baskets(
        customers=customers,
        items=items,
        customer=owner,
        item=bought,
        day=day + origin,
        rows_left_out=int(np.count_nonzero(~known)),
    )


def pairs_of(baskets: Baskets) -> Pairs:
    """Return the distinct customer-item pairs of ``baskets``."""
    if not len(baskets.day):
        nothing = np.zeros(0, dtype=np.int64)
        return Pairs(customer=nothing, item=nothing, day_count=nothing, last_day=nothing)
    new = np.append(
        True,
        (baskets.customer[1:] != baskets.customer[:-1]) | (baskets.item[1:] != baskets.item[:-1]),
    )
    starts = np.flatnonzero(new)
    ends = np.append(starts[1:], len(new))
    return Pairs(
        customer=baskets.customer[starts],
        item=baskets.item[starts],
        day_count=(ends - starts).astype(np.int64),
        last_day=baskets.day[ends - 1],
    )


def common_items(pairs: Pairs, items: int, *, customers_min: int) -> npt.NDArray[np.bool_]:
    """Return which of ``items`` at least ``customers_min`` customers have bought."""
    return np.bincount(pairs.item, minlength=items) >= customers_min


def bought_matrix(pairs: Pairs, shape: tuple[int, int]) -> Any:
    """Return the customers × items matrix with 1 where the customer has bought the item (CSR)."""
    return sparse.csr_matrix((np.ones(len(pairs.item)), (pairs.customer, pairs.item)), shape=shape)


def popularity(baskets: Baskets, *, until: int, window_days: int = 30, count: str = "customers") -> Floats:
    """Return how many customers bought each item in the ``window_days`` up to day ``until`` (included).

    ``count="purchases"`` counts every customer-day instead; one heavy buyer weighs more then.
    """
    recent = baskets.between(until - window_days + 1, until)
    if count == "purchases":
        bought = recent.item
    elif count == "customers":
        bought = pairs_of(recent).item
    else:
        raise InputError("count must be 'customers' or 'purchases', not '{count}'", count=count)
    return np.bincount(bought, minlength=len(baskets.items)).astype(np.float64)
