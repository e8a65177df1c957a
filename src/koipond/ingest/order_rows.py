"""Rows of an orders file: typed, and judged by the row rules (design §5).

A row is a refund when its quantity or amount is negative, its status says refunded, or it names an order in
``refund_of``. A row of a pending or cancelled order is a line of it whatever its sign.
"""

from typing import Any

import ibis

from koipond.ingest.judging import first_field, first_rule
from koipond.ingest.numbers import UNITS_MAX, multiply, read_number, to_units
from koipond.ingest.ports import IbisTable, Writer
from koipond.ingest.readings import Readings, read_word
from koipond.ingest.timing import Setting, instant_columns
from koipond.ingest.words import CANCELLED, PAID, PENDING, REFUNDED

_TEXTS = ("sku", "category", "coupon", "store", "staff", "channel", "refund_of", "line_id")
_AGREE = ("customer_no", "store")
_CONTENT = ("at_s", "amount_fen", "discount_fen", "quantity_milli", "sku", "status")


def type_orders(writer: Writer, raw: IbisTable, readings: Readings, setting: Setting) -> IbisTable:
    """Return the rows with typed columns and ``field``, the first one that could not be read."""
    money, faults = _money(raw, readings, setting.minor_digits)
    instants, unreadable = instant_columns(writer, raw, readings, setting)
    faults |= unreadable
    status, unknown = _status(raw, readings)
    kept = {name: raw[name] if name in raw.columns else ibis.null("string") for name in _TEXTS}
    return raw.select(
        *("row", "customer_no", "order_id"),
        status=status,
        unknown=unknown,
        field=first_field(faults),
        **instants,
        **money,
        **kept,
    )


def judge_orders(writer: Writer, typed: IbisTable, setting: Setting) -> IbisTable:
    """Return ``typed`` with ``rule``: why the row is put aside, null for a good row."""
    rows = typed.mutate(is_refund=_is_refund(typed), is_line=_is_line(typed))
    alone = first_rule(
        {
            "unparsable": rows["field"].notnull(),
            "missing_customer": rows["customer_no"].isnull(),
            "missing_order": rows["order_id"].isnull() & ~rows["is_refund"],
            "missing_at": rows["at_s"].isnull(),
            "future_at": rows["at_s"] > setting.limit_s,
        }
    )
    rows = writer.cache("import_judged_alone", rows.mutate(rule=alone))
    good = rows.filter(rows["rule"].isnull() & rows["order_id"].notnull())
    ends = good.group_by("order_id").agg(
        **{f"{name}_{end}": getattr(good[name], end)() for name in _AGREE for end in ("min", "max")},
        worth=good["amount_fen"].abs().sum() + good["discount_fen"].abs().sum(),
    )
    vast = ends.filter(ends["worth"] > UNITS_MAX)
    vast = writer.cache("import_vast", vast.select("order_id", vast=ibis.literal(True)))
    clash = ends.filter(ibis.or_(*(ends[f"{name}_min"] != ends[f"{name}_max"] for name in _AGREE)))
    clash = writer.cache("import_clash", clash.select("order_id", conflicting=ibis.literal(True)))
    twice = writer.cache("import_twice", _duplicate_lines(good))
    unknown = rows["unknown"].any()
    if not any(writer.scalar(found) for found in (vast.count(), clash.count(), twice.count(), unknown)):
        return rows
    joined = rows.left_join(clash, "order_id").drop("order_id_right")
    joined = joined.left_join(twice, "row").drop("row_right")
    joined = joined.left_join(vast, "order_id").drop("order_id_right")
    together = first_rule(
        {
            "unparsable": joined["vast"],
            "conflicting_order": joined["conflicting"],
            "duplicate_line_id": joined["duplicate"],
            "unknown_status": joined["unknown"],
        }
    )
    rule = joined["rule"].coalesce(together)
    field = ibis.ifelse(joined["vast"].fill_null(False), joined["field"].coalesce("amount"), joined["field"])
    whole = joined.mutate(rule=rule, field=field)
    return writer.cache("import_judged", whole.drop("conflicting", "duplicate", "vast"))


def _duplicate_lines(good: IbisTable) -> IbisTable:
    """The rows whose line_id stands in an earlier row of the order with another content."""
    lines = good.filter(good["line_id"].notnull())
    content = ibis.struct(
        {
            name: lines[name]
            for name in ("at_s", "amount_fen", "discount_fen", "quantity_milli", "sku", "status")
        }
    ).hash()
    window = ibis.window(group_by=[lines["order_id"], lines["line_id"]], order_by=lines["row"])
    marked = lines.select("row", duplicate=content != content.first().over(window))
    return marked.filter(marked["duplicate"])


def _is_refund(rows: IbisTable) -> Any:
    counts = ~rows["status"].isin([PENDING, CANCELLED])
    return (
        counts & (rows["negative"] | (rows["status"] == REFUNDED) | rows["refund_of"].notnull())
    ).fill_null(False)


def _is_line(rows: IbisTable) -> Any:
    """A row that was sold: every sale, and of what was given back the rows that say so without a minus."""
    own = (rows["status"] == REFUNDED) & ~rows["negative"] & rows["order_id"].notnull()
    return ~_is_refund(rows) | (own & rows["refund_of"].isnull()).fill_null(False)


def _status(raw: IbisTable, readings: Readings) -> tuple[Any, Any]:
    """The status of each row (paid when the file has none) and whether it is a word nobody knows."""
    if "status" not in raw.columns:
        return ibis.literal(PAID), ibis.literal(False)
    status = read_word(raw["status"], readings.tables["status"])
    return status.fill_null(""), status.isnull()


def _money(raw: IbisTable, readings: Readings, digits: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Columns amount_fen, discount_fen, quantity_milli, negative; and per field whether it is unreadable."""
    values = {name: read_number(raw[name], reading) for name, reading in readings.numbers.items()}
    faults = {name: raw[name].notnull() & value.isnull() for name, value in values.items()}
    zero = ibis.literal(0, type="int64")
    quantity = values.get("quantity")
    negative_quantity = ibis.literal(False) if quantity is None else (quantity < 0).fill_null(False)
    milli, discount = ibis.null("int64"), zero
    if quantity is not None:
        milli = to_units(quantity, 3)
        faults["quantity"] = raw["quantity"].notnull() & milli.isnull()
    if "discount" in values:
        given = -values["discount"] if readings.negative_discounts else values["discount"]
        discount = to_units(given, digits)
        faults["discount"] = raw["discount"].notnull() & discount.isnull()
        discount = discount.fill_null(0)
    amount = ibis.null("int64")
    if "amount" in values:
        amount = to_units(values["amount"], digits)
        faults["amount"] = raw["amount"].notnull() & amount.isnull()
    if quantity is not None and "unit_price" in values and not ("amount" in values and readings.amount_alone):
        reading, price_reading = readings.numbers["quantity"], readings.numbers["unit_price"]
        product = multiply(quantity, reading, values["unit_price"], price_reading)
        net = to_units(_less(product, values.get("discount"), negative_quantity, readings), digits)
        amount = amount.coalesce(net) if "amount" in values else net
    columns = {
        "amount_fen": amount,
        "discount_fen": discount,
        "quantity_milli": milli,
        "negative": negative_quantity | (amount < 0).fill_null(False),
    }
    return columns, faults | {"amount": faults.get("amount", ibis.literal(False)) | amount.isnull()}


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
