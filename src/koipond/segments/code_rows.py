"""Codes issued here as facts (领券): of which list, when, and what became of each by the observation day.

A code is redeemed when a paid order names it, alone or among several; expired when its last day is over; else
open. While no order names any coupon nobody knows which were used: then only what expired has a state.
"""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from koipond.facts.ports import IbisTable
from koipond.kernel import InputError, day_bounds, day_of, epoch_day, from_epoch_day
from koipond.segments.scope import Scope

SCHEMA = pa.schema(
    {
        "customer_no": pa.int32(),
        "list": pa.string(),
        "state": pa.string(),
        "at_s": pa.int64(),
        "day": pa.int32(),
    }
)


def code_rows(scope: Scope, orders: IbisTable) -> IbisTable:
    """Return a row a code that a customer holds; ``orders``: the paid ones."""
    if scope.codes is None:
        raise InputError("there are no codes here: rules over codes need a workspace")
    place = scope.catalog.zone
    end_s = day_bounds(from_epoch_day(scope.as_of_day), place)[1].timestamp()
    used = redeemed(scope, orders)

    def row(held: dict[str, Any]) -> dict[str, Any]:
        state = None if used is None else "redeemed" if held["code_key"] in used else "open"
        if state != "redeemed" and held["expires_s"] is not None and held["expires_s"] < end_s:
            state = "expired"
        at_s = held["issued_s"] or 0
        day = epoch_day(day_of(datetime.fromtimestamp(at_s, UTC), place))
        made = {"customer_no": held["customer_no"], "list": held["list_key"], "state": state}
        return {**made, "at_s": at_s, "day": day}

    rows = [row(held) for held in scope.codes.held().to_pylist()]
    return scope.reader.stage("_held_codes", pa.Table.from_pylist(rows, SCHEMA))


def redeemed(scope: Scope, orders: IbisTable) -> set[str] | None:
    """Return the codes that ``orders`` up to the observation day name; None when none names a coupon."""
    assert scope.codes is not None
    named = orders.filter(orders.coupon.notnull() & (orders.coupon != "") & (orders.day <= scope.as_of_day))
    coupons = scope.reader.frame(named.select("coupon").distinct()).column(0).to_pylist()
    parts = (part for one in coupons for part in codes_in(one))
    return {scope.codes.key(part) for part in parts} if coupons else None


def codes_in(coupon: str) -> tuple[str, ...]:
    """Return what the coupon of an order may name: the whole, and each of several."""
    return coupon, *coupon.replace(";", ",").split(",")
