"""An order number that stands in the first of an order's rows alone (单号只在首行): carried down.

A row goes on with the order above it when it says nothing of who and when, but names what was bought, and no
other row lies between. A row of numbers only may be one of totals, one with a time another order: these
stay without a number and are put aside.
"""

import ibis

from koipond.facts.ports import IbisTable, Reader
from koipond.ingest.fields import PERSON
from koipond.ingest.words import TOTALS

_WHOSE = (*PERSON, "at", "refund_of")
_GOODS = ("sku", "line_id", "category")


def carry_orders_down(reader: Reader, raw: IbisTable, name: str) -> tuple[IbisTable, int]:
    """Return ``raw`` with order numbers carried down, kept as ``name``, and in how many rows."""
    goods = [raw[one] for one in _GOODS if one in raw.columns]
    if not goods or not int(reader.scalar(raw["order_id"].isnull().sum().fill_null(0))):
        return raw, 0
    named = ibis.or_(*(one.notnull() & ~one.lower().isin(TOTALS) for one in goods))
    silent = ibis.and_(*(raw[one].isnull() for one in ("order_id", *_WHOSE) if one in raw.columns))
    rows = raw.select("row", "order_id", goes_on=silent & named.fill_null(False))
    above = ibis.window(order_by=rows["row"], preceding=(None, 0))
    rows = rows.mutate(
        gap=rows["row"] - ibis.row_number().over(ibis.window(order_by=rows["row"])),
        start=ibis.ifelse(rows["goes_on"], ibis.null("int64"), rows["row"]).max().over(above),
    )
    rows = reader.cache(f"{name}_rows", rows)
    heads = rows.filter(rows["order_id"].notnull()).select(start="row", gap="gap", carried="order_id")
    found = rows.filter(rows["goes_on"]).inner_join(heads, ["start", "gap"]).select("row", "carried")
    found = reader.cache(f"{name}_found", found)
    count = int(reader.scalar(found.count()))
    reader.forget(f"{name}_rows")
    if not count:
        return raw, 0
    joined = raw.left_join(found, "row").drop("row_right")
    whole = joined.mutate(order_id=joined["order_id"].coalesce(joined["carried"])).drop("carried")
    return reader.cache(name, whole), count
