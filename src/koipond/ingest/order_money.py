"""The money of each row of an orders file, as its own cells say it (行金额), the rest of the order unseen."""

from typing import Any

import ibis

from koipond.facts.ports import IbisTable
from koipond.ingest.discount_texts import DISCOUNTS, Discount
from koipond.ingest.discounts import less_share
from koipond.ingest.numbers import multiply, read_number, to_units
from koipond.ingest.readings import Readings

PAID_FIELDS = ("amount", "order_amount")
BACK_FIELDS = ("refund_amount", "order_refund_amount")


def money_columns(
    raw: IbisTable, readings: Readings, discount: Discount, digits: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the columns of money and quantity of ``raw``, and per field whether a cell is unreadable.

    ``paid_fen``: what the amount's cell says; ``worth_fen``: quantity × unit price less the discount, null
    without them; ``back_fen`` > 0: what was given back by its own cell; ``minus``: the quantity is below 0.
    """
    values = {name: read_number(raw[name], reading) for name, reading in readings.numbers.items()}
    faults = {name: raw[name].notnull() & value.isnull() for name, value in values.items()}
    none = ibis.null("int64")
    minus, milli, worth, off = ibis.literal(False), none, none, ibis.literal(0, type="int64")
    if "quantity" in values:
        minus = (values["quantity"] < 0).fill_null(False)
        milli = to_units(values["quantity"], 3)
        faults["quantity"] = raw["quantity"].notnull() & milli.isnull()
    if discount == "money" and "discount" in values:
        given = -values["discount"] if readings.negative_discounts else values["discount"]
        units = to_units(given, digits)
        faults["discount"] = raw["discount"].notnull() & units.isnull()
        off = units.fill_null(0)
    if "quantity" in values and "unit_price" in values:
        worth, off = _worth(raw, values, readings, discount, minus, off, digits)
    if not any(name in values for name in PAID_FIELDS):  # cells that hold too much, or no number
        said = [raw[name].notnull() for name in ("quantity", "unit_price") if name in raw.columns]
        faults["amount"] = ibis.and_(*said) & worth.isnull()
    columns = {"quantity_milli": milli, "minus": minus, "worth_fen": worth, "discount_fen": off}
    for name, fields in {"paid_fen": PAID_FIELDS, "back_fen": BACK_FIELDS}.items():
        field = next((one for one in fields if one in values), None)
        columns[name] = none
        if field is not None:
            units = to_units(values[field], digits)
            faults[field] = raw[field].notnull() & units.isnull()
            columns[name] = units if name == "paid_fen" else units.abs().nullif(0)
    return columns, faults


def _worth(
    raw: IbisTable,
    values: dict[str, Any],
    readings: Readings,
    discount: Discount,
    minus: Any,
    off: Any,
    digits: int,
) -> tuple[Any, Any]:
    """Return quantity × unit price less the discount, and the discount in minor units."""
    numbers = readings.numbers
    product = multiply(values["quantity"], numbers["quantity"], values["unit_price"], numbers["unit_price"])
    if discount == "money":
        return to_units(_less(product, values.get("discount"), minus, readings), digits), off
    field = next(name for name in reversed(DISCOUNTS) if name in values)
    whole = to_units(product, digits)
    worth = less_share(whole, values[field], discount)
    worth = ibis.ifelse(raw[field].isnull(), whole, worth)
    return worth, (whole - worth).abs().fill_null(0)


def _less(product: Any, discount: Any, negative: Any, readings: Readings) -> Any:
    """``product`` less the discount; on a returned line the discount is taken back as well."""
    if discount is None:
        return product
    scale = max(product.type().scale, discount.type().scale)
    exact = f"decimal(38, {scale})"
    size = discount.try_cast(exact)
    if readings.negative_discounts:
        size = -size
    size = size.fill_null(ibis.literal(0, type=exact))
    return product.try_cast(exact) - ibis.ifelse(negative & (size > ibis.literal(0, type=exact)), -size, size)
