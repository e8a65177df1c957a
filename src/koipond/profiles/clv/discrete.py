"""From purchase days to the whole periods that BG/BB counts (离散期数). Pure."""

from datetime import date

import numpy as np

from koipond.frames import TableLike
from koipond.frames.columns import to_day, values_of
from koipond.kernel import from_epoch_day
from koipond.profiles.clv.summary import PurchaseSummary, days_in
from koipond.profiles.purchase_days import purchase_days


def summarise_periods(
    table: TableLike,
    *,
    customer: str = "customer_id",
    at: str = "date",
    amount: str | None = None,
    unit: str = "week",
    calibration_end: str | date | None = None,
) -> PurchaseSummary:
    """Return ``x`` periods with a purchase, the last of them ``t_x`` and whole periods ``T``, per customer.

    Period 1 starts the day after the first purchase and lasts one ``unit``. Days after the last whole period
    before ``calibration_end`` are not used. ``mean_value`` is that of a period with a purchase. Raises
    InputError as `summarise` does.
    """
    days = days_in(unit)
    purchases = purchase_days(table, customer=customer, at=at, amount=amount)
    end = purchases.last_day if calibration_end is None else to_day(calibration_end, "calibration_end")
    kept = purchases.until(end)
    starts = kept.starts
    owner = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(kept.day))))
    first = kept.day[starts]
    whole = np.floor((end - first) / days)
    period = np.ceil((kept.day - first[owner]) / days)
    used = (period >= 1) & (period <= whole[owner])
    opens = used & np.append(True, (owner[1:] != owner[:-1]) | (period[1:] != period[:-1]))
    count = np.bincount(owner[opens], minlength=len(starts)).astype(np.float64)
    last = np.zeros(len(starts))
    np.maximum.at(last, owner[used], period[used])
    mean = None
    if kept.value is not None:
        total = np.bincount(owner[used], kept.value[used], len(starts))
        mean = total / np.maximum(count, 1)
    return PurchaseSummary(
        customers=values_of(purchases.customers)[kept.code[starts]],
        x=count,
        t_x=last,
        T=whole,
        mean_value=mean,
        unit=unit,
        calibration_end=from_epoch_day(end),
        rows_without_customer=purchases.rows_without_customer,
    )
