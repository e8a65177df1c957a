"""Who comes back after how long (回流率): the evidence for calling a customer lost. Pure. Science B7."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from koipond.frames import TableLike
from koipond.frames.columns import to_day, values_of
from koipond.profiles.purchase_days import purchase_days
from koipond.profiles.repurchase_cycle import repurchase_cycle

_EDGES = (1.0, 2.0, 3.0, 5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnRate:
    """Of ``customers`` whose last purchase lay in a band of cycles, the share that came back."""

    cycles: str
    customers: int
    rate: float


def return_rates(
    table: TableLike,
    *,
    cut: str | date,
    customer: str = "customer_id",
    at: str = "date",
    window_days: int = 90,
    purchases_min: int = 4,
) -> tuple[ReturnRate, ...]:
    """Return, by ρ at ``cut`` (≤1, 1–2, 2–3, 3–5, >5), the share that buys within ``window_days`` after it.

    Only customers with ``purchases_min`` purchase days by then. This is the evidence behind "lost" (B7): set
    it where hardly anybody returns. Raises InputError as `repurchase_cycle` does.
    """
    found = repurchase_cycle(table, customer=customer, at=at, as_of=cut)
    purchases = purchase_days(table, customer=customer, at=at)
    end = to_day(cut, "cut")
    later = (purchases.day > end) & (purchases.day <= end + window_days)
    names = values_of(purchases.customers)
    came = np.isin(found.customers, names[np.unique(purchases.code[later])])
    counted = found.purchase_day_count >= purchases_min
    band = np.digitize(found.since_last_cycles, _EDGES, right=True)
    out = []
    for i, label in enumerate(("<=1", "1-2", "2-3", "3-5", ">5")):
        here = counted & (band == i)
        size = int(here.sum())
        out.append(ReturnRate(cycles=label, customers=size, rate=float(came[here].mean()) if size else 0.0))
    return tuple(out)
