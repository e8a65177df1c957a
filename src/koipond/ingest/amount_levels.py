"""Is an amount that of the line, or of the whole order (订单总额还是行金额)?

A file of lines may say the order's total on each line, or on its first line alone (B11, B12). Orders of
several lines tell: amounts that differ within an order are the lines' own; one amount for all of them is
compared with quantity × price. Where nothing decides, the import stops and names what to pass.
"""

from dataclasses import dataclass
from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Reader
from koipond.ingest.fields import synonyms
from koipond.ingest.mapping import ColumnMap, plain_name
from koipond.ingest.model import ImportRequest
from koipond.ingest.order_money import BACK_FIELDS
from koipond.ingest.ports import RowSource
from koipond.kernel import InputError, Message

_STRAY = 50  # one order in so many may be at odds with all others


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """``paid`` and ``back``: whether the amount paid and the amount given back are the whole order's."""

    paid: bool = False
    back: bool = False
    remarks: tuple[str, ...] = ()


def decide_levels(
    reader: Reader, typed: IbisTable, mapping: ColumnMap, request: ImportRequest, rows: RowSource
) -> Levels:
    """Return whose the amounts of the ``typed`` rows are; raise InputError when both readings fit."""
    quantity = mapping.columns.get("quantity", ("",))[0]
    if quantity in merged_columns(rows) and "quantity" not in request.mapping:
        raise InputError(
            "{file}: cells of {column} are one over several rows: that is no quantity of each line; "
            "leave it out with --map quantity=, or pass --map quantity={column} if it is",
            file=rows.file,
            column=quantity,
        )
    has_back = any(name in mapping for name in BACK_FIELDS)
    if "amount" not in mapping and not has_back:
        return Levels(paid="order_amount" in mapping)
    found = reader.frame(_evidence(typed)).to_pylist()[0]
    found = {name: value or 0 for name, value in found.items()}
    paid, remarks = "order_amount" in mapping, []
    if "amount" in mapping and found["multi"]:
        paid, remark = _of_order(found, mapping, request, rows)
        remarks += [remark] * bool(remark)
    back = "order_refund_amount" in mapping
    if "refund_amount" in mapping and "refund_amount" not in request.mapping:
        back = _back_of_order(found, mapping, rows.file, paid=paid)
    return Levels(paid=paid, back=back, remarks=tuple(remarks))


def merged_columns(rows: RowSource) -> frozenset[str]:
    """Return the columns with cells that are one over several rows of a workbook: those of whole orders."""
    found: frozenset[str] = getattr(rows, "merged", frozenset())
    return found


def _long_orders(typed: IbisTable) -> IbisTable:
    """Return the orders of several lines, with the ends and sums of what their lines say."""
    lines = typed.filter(typed["order_id"].notnull())
    paid, worth = lines["paid_fen"].nullif(0), lines["worth_fen"]
    orders = lines.group_by("order_id").agg(
        n=lines.count(),
        row=lines["row"].min(),
        last=lines["row"].max(),
        filled_row=lines["row"].min(where=paid.notnull()),
        filled=paid.count(),
        low=paid.min(),
        high=paid.max(),
        times=lines["at_s"].nunique(),
        worth=worth.sum(),
        known=worth.count(),
        once=(worth + lines["discount_fen"]).sum() - lines["discount_fen"].max(),
        off=(paid - worth).abs().sum(),
        prices=worth.nunique(),
        backs=lines["back_fen"].count(),
        back_low=lines["back_fen"].min(),
        back_high=lines["back_fen"].max(),
        sum=paid.sum(),
    )
    return orders.filter(orders["n"] > 1)


def _evidence(typed: IbisTable) -> IbisTable:
    """Return over the orders of several lines how many speak for which reading."""
    orders = _long_orders(typed)
    one = (orders["low"] == orders["high"]) & (orders["filled"] > 0)
    one &= orders["times"] <= 1  # who repeats an order's total repeats its time as well
    every, alone = one & (orders["filled"] == orders["n"]), one & (orders["filled"] == 1)
    whole, valued = every | alone, orders["known"] == orders["n"]
    far = ibis.least(*((orders["high"] - orders[name]).abs() for name in ("worth", "once")))
    by_line, by_order = valued & (orders["off"] <= orders["n"]), valued & whole & (far <= orders["n"])
    near = valued & whole & (orders["prices"] > 1)
    again = (orders["backs"] == orders["n"]) & (orders["back_low"] == orders["back_high"])
    total = ibis.ifelse(whole & alone, orders["high"], orders["sum"])
    flags = {
        "multi": orders["filled"] > 0,
        "differ": (orders["filled"] > 0) & ~whole,
        "every": every,
        "alone": alone,
        "alone_first": alone & (orders["filled_row"] == orders["row"]),
        "alone_last": alone & (orders["filled_row"] == orders["last"]),
        "only_line": by_line & ~by_order & (orders["filled"] > 0),
        "only_order": by_order & ~by_line,
        "near_line": near & (orders["off"] <= far),
        "near_order": near & (orders["off"] > far),
        "back_again": again,
        "back_differ": (orders["backs"] > 1) & ~again,
        "back_beyond": again & (orders["back_high"] * orders["n"] > total),
    }
    examples = {
        f"example_{name}": orders["row"].min(where=flags[name].fill_null(False))
        for name in ("every", "alone", "back_again")
    }
    return orders.agg(**{name: flag.sum() for name, flag in flags.items()}, **examples)


def _of_order(
    found: dict[str, Any], mapping: ColumnMap, request: ImportRequest, rows: RowSource
) -> tuple[bool, str]:
    """Whether the amount is the whole order's, and what to say of it."""
    column = mapping.columns["amount"][0]
    order, line = found["only_order"], found["only_line"]
    if "amount" in request.mapping:
        return False, _told_remark(found, column)
    if column in merged_columns(rows):
        return True, _whole_remark(found, column)
    if found["differ"] * _STRAY > found["multi"]:
        return False, ""
    whole = plain_name(column) in {plain_name(name) for name in synonyms("orders", "amount").whole}
    if order + line:
        if line * _STRAY <= order:
            return True, _whole_remark(found, column)
        if order * _STRAY <= line:
            return False, ""
    elif whole or (found["near_order"] and not found["near_line"]):
        return True, _whole_remark(found, column)
    elif found["near_line"] and not found["near_order"]:
        return False, ""
    elif found["alone"] and not found["every"]:
        return True, _whole_remark(found, column)
    elif found["every"] == 1 and not found["alone"] and "amount" not in mapping.unsure:
        return False, (
            Message(
                "the order of row {example_every} has the same {column} on each of its lines: "
                "taken as each line's own; if it is the order's: --map order_amount={column}",
                example_every=found["example_every"],
                column=column,
            )
        )
    raise InputError(
        "{file}: row {example_every}: all lines of an order say the same {column}, here and "
        "in {multi:,} orders: the whole order's amount and each line's own both fit; pass "
        "--map order_amount={column} or --map amount={column}",
        file=rows.file,
        example_every=found["example_every"] or found["example_alone"],
        column=column,
        multi=found["multi"],
    )


def _whole_remark(found: dict[str, Any], column: str) -> str:
    where = Message("on each of its lines")
    if found["alone"] > found["every"]:
        ends = {
            "alone_first": Message("on its first line alone"),
            "alone_last": Message("on its last line alone"),
        }
        alike = [said for name, said in ends.items() if found[name] == found["alone"]]
        where = alike[0] if alike else Message("on one of its lines alone")
    return Message(
        "{column} is the amount of the whole order, {where}: it counts once, shared over the "
        "lines by quantity × price, else on the first; if it is each line's own: --map "
        "amount={column}",
        column=column,
        where=where,
    )


def _told_remark(found: dict[str, Any], column: str) -> str:
    if found["differ"] or not found["only_order"] or found["only_line"]:
        return ""
    return Message(
        "{column} is taken as each line's own, as told, but in {only_order:,} orders it stands "
        "the same on all lines and equals their sum of quantity × price: if it is the order's, "
        "pass --map order_amount={column} and import the file again",
        column=column,
        only_order=found["only_order"],
    )


def _back_of_order(found: dict[str, Any], mapping: ColumnMap, file: str, *, paid: bool) -> bool:
    """Whether the amount given back is the whole order's, written on each line."""
    if found["back_differ"] * _STRAY > found["back_again"] + found["back_differ"]:
        return False
    if paid or not found["back_again"] or found["back_beyond"]:
        return bool(paid or found["back_beyond"])
    column = mapping.columns["refund_amount"][0]
    raise InputError(
        "{file}: row {example_back_again}: all lines of an order say the same {column}: the "
        "whole order's and each line's own both fit; pass --map order_refund_amount={column} "
        "or --map refund_amount={column}",
        file=file,
        example_back_again=found["example_back_again"],
        column=column,
    )
