"""Rows of an orders file: typed, and judged by the row rules (design §5).

A row is a refund when its quantity or amount is negative, its status says refunded, it names an order in
``refund_of`` or says how much was given back. A row of a pending or cancelled order is a line of it whatever
its sign.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis
from ibis.expr.operations import Literal

from koipond.facts.ports import IbisTable, Writer
from koipond.ingest.discount_texts import Discount
from koipond.ingest.judging import first_field, first_rule
from koipond.ingest.numbers import UNITS_MAX
from koipond.ingest.order_money import PAID_FIELDS, money_columns
from koipond.ingest.readings import Readings, read_word
from koipond.ingest.timing import Setting, instant_columns
from koipond.ingest.words import CANCELLED, PAID, PARTLY, PENDING, REFUNDED, TOTALS

_TEXTS = ("sku", "category", "coupon", "store", "staff", "channel", "refund_of", "line_id")
_AGREE = ("customer_no", "store")
_TELLING = ("at_s", "amount_fen", "quantity_milli", "sku", "line_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedRows:
    """``rows`` hold what the file says; ``constants`` what it says nothing of, so that they take no room.

    ``amount``: the column that a row's amount is, as its own cells say it.
    """

    rows: IbisTable
    constants: Mapping[str, Any]
    amount: str

    def whole(self, rows: IbisTable) -> IbisTable:
        """Return ``rows`` with every column that later steps ask for."""
        return rows.mutate(amount_fen=rows[self.amount], **self.constants)

    def kept(self, rows: IbisTable) -> IbisTable:
        """Return `whole` rows without what `whole` adds."""
        return rows.drop("amount_fen", *self.constants)


def type_orders(
    writer: Writer, raw: IbisTable, readings: Readings, setting: Setting, discount: Discount = "money"
) -> TypedRows:
    """Return the rows with typed columns and ``field``, the first one that could not be read."""
    money, faults = money_columns(raw, readings, discount, setting.minor_digits)
    instants, unreadable = instant_columns(writer, raw, readings, setting)
    faults |= unreadable
    kept = {name: raw[name] if name in raw.columns else ibis.null("string") for name in _TEXTS}
    columns = {
        "totals": _totals(raw, instants["at_s"]),
        "torn": ibis.literal(False),
        "aside": raw["aside"] if "aside" in raw.columns else ibis.null("string"),
        **_status(raw, readings),
        **instants,
        **money,
        **kept,
    }
    constants = {name: value for name, value in columns.items() if isinstance(value.op(), Literal)}
    said = {name: value for name, value in columns.items() if name not in constants}
    return TypedRows(
        rows=raw.select("row", "customer_no", "order_id", field=first_field(faults), **said),
        constants=constants,
        amount="paid_fen" if any(name in readings.numbers for name in PAID_FIELDS) else "worth_fen",
    )


def rule_rows(rows: IbisTable, setting: Setting) -> IbisTable:
    """Return ``rows`` with what each is by its own cells: ``negative is_refund is_line`` and ``rule``."""
    rows = rows.mutate(negative=rows["minus"] | (rows["amount_fen"] < 0).fill_null(False))
    rows = rows.mutate(is_refund=_is_refund(rows), is_line=_is_line(rows))
    rule = rows["aside"].coalesce(
        first_rule(
            {
                "totals_row": rows["totals"],
                "unparsable": rows["field"].notnull(),
                "missing_amount": rows["amount_fen"].isnull(),
                "missing_customer": rows["customer_no"].isnull(),
                "missing_order": rows["order_id"].isnull() & ~rows["is_refund"],
                "missing_at": rows["at_s"].isnull(),
                "future_at": rows["at_s"] > setting.limit_s,
                "conflicting_order": rows["torn"],
            }
        )
    )
    rule = ibis.ifelse(rows["totals"], "totals_row", rule)
    cell = ibis.cases(
        (rule == "missing_amount", "amount"),
        (rule == "conflicting_order", "order_amount"),
        (rule == "missing_at", "at"),
    )
    return rows.mutate(rule=rule, field=rows["field"].coalesce(cell))


def look_at_orders(writer: Writer, rows: IbisTable) -> IbisTable:
    """Return what the good ``rows`` of each order say together, one row an order.

    ``marks`` has a bit for each row, by its content: as many as rows mean that no two of them are equal.
    """
    good = rows.filter(rows["rule"].isnull() & rows["order_id"].notnull())
    content = ibis.struct({name: good[name] for name in _TELLING}).hash()
    mark = ibis.literal(1, "int64") << ibis.least(
        content & ibis.literal(63, "int64"), ibis.literal(62, "int64")
    )
    ends = good.group_by("order_id").agg(
        **{f"{name}_{end}": getattr(good[name], end)() for name in _AGREE for end in ("min", "max")},
        worth=good["amount_fen"].abs().sum() + good["discount_fen"].abs().sum(),
        n=good.count(),
        marks=mark.bit_or(),
    )
    return writer.cache("import_ends", ends)


def judge_orders(writer: Writer, rows: IbisTable, ends: IbisTable) -> IbisTable:
    """Return the ``rows`` of `rule_rows` with the rules added that look at whole orders (``ends``)."""
    good = rows.filter(rows["rule"].isnull() & rows["order_id"].notnull())
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
    says = (rows["status"] == REFUNDED) | rows["refund_of"].notnull() | rows["back_fen"].notnull()
    return (counts & (rows["negative"] | says)).fill_null(False)


def _is_line(rows: IbisTable) -> Any:
    """A row that was sold: every sale, and of what was given back the rows that say so without a minus."""
    return (~rows["negative"] & rows["refund_of"].isnull() & rows["order_id"].notnull()) | ~_is_refund(rows)


def _totals(raw: IbisTable, at_s: Any) -> Any:
    """A row of totals: a cell says so where customer or time is missing or as the order's number, or it
    holds numbers only."""
    texts = [name for name in ("order_id", "sku", "store", "category", "at") if name in raw.columns]
    word = ibis.or_(*(raw[name].lower().isin(TOTALS) for name in texts)).fill_null(False)
    names = ("order_id", "line_id", "sku", "category", "store", "at", "status", "customer_no", "refund_of")
    bare = ibis.and_(*(raw[name].isnull() for name in names if name in raw.columns))
    total = raw["order_id"].lower().isin(TOTALS).fill_null(False)  # is nobody's order number
    return ibis.ifelse(raw["customer_no"].isnull() | at_s.isnull(), word | bare, total)


def _status(raw: IbisTable, readings: Readings) -> dict[str, Any]:
    """``status`` of each row (paid when the file has none), ``unknown``: a word nobody knows or none,
    ``partly``: said to be given back in part. A state of the refund beside the status counts for paid rows.
    """
    no = ibis.literal(False)
    status, unknown, blank, partly = ibis.literal(PAID), no, no, no
    if "status" in raw.columns:
        status = read_word(raw["status"], readings.tables["status"])
        unknown, blank = status.isnull(), raw["status"].isnull()
        partly = (status == PARTLY).fill_null(False)
    if readings.tables.get("refund_status"):
        back = ibis.ifelse(
            status == PAID, read_word(raw["refund_status"], readings.tables["refund_status"]), ""
        )
        partly = partly | (back == PARTLY).fill_null(False)
        status = ibis.ifelse((back == REFUNDED).fill_null(False), REFUNDED, status)
    if "status" in raw.columns:
        status = ibis.ifelse(partly, PAID, status).fill_null("")
    return {"status": status, "unknown": unknown, "blank": blank, "partly": partly}
