"""What a row of an order leaves to the other rows of it (整单补全): fields said once, totals, empty amounts.

Exports of shops say an order's customer, time and state in its first line alone (B12), and its amount on each
line or on one (B11). An empty amount is never replaced by the list price of a paid line (U12).
"""

from dataclasses import dataclass
from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Writer
from koipond.ingest.amount_levels import Levels
from koipond.ingest.words import CANCELLED, PENDING, REFUNDED

_CARRIED = ("customer_no", "at_s", "day")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """``rows`` completed by the other rows of their orders; ``notes``: how many cells were filled how."""

    rows: IbisTable
    notes: dict[str, int]


def needs_filling(writer: Writer, rows: IbisTable, levels: Levels) -> bool:
    """Say whether any of ``rows`` (see `order_rows.rule_rows`) is to be completed by others."""
    lacks = rows["rule"].isin(["missing_customer", "missing_at", "missing_amount"]) | rows["blank"]
    return levels.paid or levels.back or bool(writer.scalar(lacks.any().fill_null(False)))


def fill_orders(writer: Writer, rows: IbisTable, levels: Levels) -> Filled:
    """Return ``rows`` with what their orders say elsewhere; columns as before, to be ruled again."""
    columns = [name for name in rows.columns if name not in ("negative", "is_refund", "is_line", "rule")]
    told = (
        rows["field"].nullif("amount").nullif("order_amount").nullif("at")
    )  # what `rule_rows` named is asked again
    rows = rows.mutate(field=ibis.ifelse(rows["rule"] == "unparsable", rows["field"], told)).select(*columns)
    alone = rows.filter(rows["order_id"].isnull())
    rows = writer.cache("import_beside", _beside(rows.filter(rows["order_id"].notnull()), levels))
    amount, counted = _amount(rows, levels)
    filled = {name: rows[name].coalesce(rows[f"{name}_of_order"]) for name in _CARRIED}
    carried = rows["blank"] & rows["status_of_order"].notnull()
    done = rows.mutate(
        amount_fen=amount,
        status=ibis.ifelse(carried, rows["status_of_order"], rows["status"]),
        unknown=rows["unknown"] & ~carried,
        back_fen=rows["back_fen"]
        if not levels.back
        else ibis.ifelse(rows["row"] == rows["first_row"], rows["back_of_order"], ibis.null("int64")),
        discount_fen=_discount(rows) if levels.paid else rows["discount_fen"],
        torn=rows["torn_order"] if levels.paid else rows["torn"],
        **filled,
    ).select(*columns)
    for name in ("customer_no", "at_s"):
        counted[f"{name}_carried_down"] = rows[name].isnull() & rows[f"{name}_of_order"].notnull()
    counted["status_carried_down"] = carried
    sums = rows.agg(**{name: flag.sum().fill_null(0) for name, flag in counted.items()})
    notes = {name: int(count) for name, count in writer.frame(sums).to_pylist()[0].items() if count}
    kinds = done.schema()
    alone = alone.select(**{name: alone[name].cast(kinds[name]) for name in columns})
    return Filled(rows=done.union(alone), notes=notes)


def _beside(rows: IbisTable, levels: Levels) -> IbisTable:
    """Return ``rows`` with what their whole order says, in columns ending in ``_of_order``."""
    known = rows.filter(~rows["totals"])
    said = ~known["blank"] & ~known["unknown"]
    heads = known.group_by("order_id").agg(
        **{f"{name}_of_order": known[name].min() for name in _CARRIED},
        people=known["customer_no"].nunique(),
        states=known["status"].nunique(where=said),
        status_of_order=known["status"].min(where=said),
        first_row=known["row"].min(),
        paid_of_order=known["paid_fen"].max(),
        least_paid=known["paid_fen"].min(),
        back_of_order=known["back_fen"].max(),
        off_of_order=known["discount_fen"].max(),
        offs=known["discount_fen"].sum(),
        list_of_order=(known["worth_fen"] + known["discount_fen"]).sum(),
        worth_of_order=ibis.greatest(known["worth_fen"], 0).sum(),
    )
    heads = heads.mutate(
        customer_no_of_order=ibis.ifelse(
            heads["people"] == 1, heads["customer_no_of_order"], ibis.null("int32")
        ),
        status_of_order=ibis.ifelse(heads["states"] == 1, heads["status_of_order"], ibis.null("string")),
        torn_order=(heads["paid_of_order"] != heads["least_paid"]).fill_null(False),
    ).drop("people", "states", "least_paid")
    joined = rows.left_join(heads, "order_id").drop("order_id_right")
    if not levels.paid:
        return joined
    weight = ibis.ifelse(joined["totals"], 0, ibis.greatest(joined["worth_fen"].fill_null(0), 0))
    before = ibis.window(group_by=joined["order_id"], order_by=joined["row"], preceding=(None, 0))
    return joined.mutate(weight=weight, upto=weight.sum().over(before))


def _amount(rows: IbisTable, levels: Levels) -> tuple[Any, dict[str, Any]]:
    """Return the amount of each row, and which rows got it in which way."""
    if levels.paid:
        return _share(rows), {}
    own, status = rows["amount_fen"], rows["status"]
    waits = own.isnull() & rows["field"].isnull() & status.isin([PENDING, CANCELLED])
    back = own.isnull() & rows["field"].isnull() & (status == REFUNDED)
    beside = own.isnull() & rows["field"].isnull() & rows["paid_of_order"].notnull() & ~waits & ~back
    amount = ibis.cases(
        (waits, rows["worth_fen"].fill_null(0)),
        (back, rows["back_fen"].coalesce(rows["worth_fen"])),
        (beside, ibis.literal(0, type="int64")),
        else_=own,
    )
    return amount, {"unpaid_amounts_filled": waits, "lines_without_amount": beside}


def _discount(rows: IbisTable) -> Any:
    """The row's discount; one that is the order's, written on each line, counts on the first row alone.

    It is the order's when list prices less one of it come nearer to the amount than less all of them.
    """
    left = rows["list_of_order"] - rows["paid_of_order"]
    once = (left - rows["off_of_order"]).abs() < (left - rows["offs"]).abs()
    first = ibis.ifelse(rows["row"] == rows["first_row"], rows["off_of_order"], ibis.literal(0, type="int64"))
    return ibis.ifelse(once.fill_null(False), first, rows["discount_fen"])


def _share(rows: IbisTable) -> Any:
    """The row's part of its order's amount, by quantity × price, else all of it on the first row.

    The parts add up to the amount exactly: each ends where the next begins.
    """
    total, whole = rows["paid_of_order"], rows["worth_of_order"]
    ends = [
        (total * (upto / whole)).round().cast("int64")
        for upto in (rows["upto"], rows["upto"] - rows["weight"])
    ]
    first = ibis.ifelse(rows["row"] == rows["first_row"], total, ibis.literal(0, type="int64"))
    shared = ibis.ifelse((whole > 0).fill_null(False), ends[0] - ends[1], first)
    return ibis.ifelse(total.isnull(), ibis.null("int64"), shared)
