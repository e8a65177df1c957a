"""Movements (迁移): who went from which value of a layer to which, when and why.

Movement, not the snapshot, is the unit of operation (design §6). Causes: ``facts`` new facts came; ``clock``
a deadline passed; ``recut`` the frozen numbers were taken anew; ``definition`` the definitions changed;
``correction`` facts were taken back or replaced, people merged, or the day of observation went back.
The first placement of a whole workspace is not a movement. The history of a layer is its movements.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Reader
from koipond.facts.tables import union_all
from koipond.kernel import epoch_day, from_epoch_day
from koipond.segments.layers.lifecycle import FLAGS
from koipond.segments.layers.profile import LAYERS
from koipond.segments.state import MOVEMENTS, PROFILE

MOVING = (*LAYERS, *FLAGS)
"""The profile columns whose changes are movements."""

MOVES_MAX = 500


class Cause(StrEnum):
    """Why a value changed. Plays react to facts and clock only, unless they say otherwise."""

    FACTS = "facts"
    CLOCK = "clock"
    RECUT = "recut"
    DEFINITION = "definition"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One change of one layer of one customer, noticed on ``on``; None = no value."""

    layer: str
    before: str | None
    after: str | None
    on: date
    cause: Cause


def differing(before: IbisTable, after: IbisTable) -> IbisTable:
    """Return customer_no, before_*, after_* of the customers of ``after`` whose moving columns changed.

    A customer who is not in ``before`` moves from no value. In a column that ``before``, written by an
    earlier release, does not have, nobody moves.
    """
    known = [name for name in MOVING if name in before.columns]
    old = before.select(_no="customer_no", **{f"before_{name}": _text(before, name) for name in known})
    new = after.select("customer_no", **{f"after_{name}": _text(after, name) for name in MOVING})
    joined = new.left_join(old, new.customer_no == old["_no"]).drop("_no")
    unknown = [name for name in MOVING if name not in known]
    joined = joined.mutate(**{f"before_{name}": joined[f"after_{name}"] for name in unknown})
    return joined.filter(ibis.or_(*(_moved(joined, name) for name in MOVING)))


def _text(rows: IbisTable, name: str) -> Any:
    column = rows[name]
    return ibis.cases((column, "true"), (~column, "false")) if name in FLAGS else column


def _moved(rows: IbisTable, name: str) -> Any:
    return ~rows[f"before_{name}"].identical_to(rows[f"after_{name}"])


def movement_rows(moved: IbisTable, day: Any) -> IbisTable:
    """Return the rows of the ``movements`` dataset from `differing` rows with their ``cause``."""
    moved = moved.mutate(day=day.cast("int32"))
    return union_all(
        moved.filter(_moved(moved, name)).select(
            "customer_no",
            layer=ibis.literal(name),
            before=moved[f"before_{name}"],
            after=moved[f"after_{name}"],
            day="day",
            cause="cause",
        )
        for name in MOVING
    )


def history(reader: Reader, customer_no: int) -> list[Movement]:
    """Return the movements of a customer, oldest first."""
    if not reader.has(MOVEMENTS):
        return []
    rows = reader.table(MOVEMENTS)
    rows = rows.filter(rows.customer_no == customer_no).order_by("day")
    return [
        Movement(
            layer=row["layer"],
            before=row["before"],
            after=row["after"],
            on=from_epoch_day(row["day"]),
            cause=Cause(row["cause"]),
        )
        for row in reader.frame(rows).to_pylist()
    ]


def count_moves(reader: Reader, since: date, until: date) -> list[dict[str, Any]]:
    """Return who moved after ``since`` up to ``until``: layer, before, after, cause and how many customers.

    The most first, at most MOVES_MAX rows.
    """
    if not reader.has(MOVEMENTS):
        return []
    rows = reader.table(MOVEMENTS)
    rows = rows.filter(rows.day > epoch_day(since), rows.day <= epoch_day(until))
    kinds = ["layer", "before", "after", "cause"]
    counted = rows.group_by(kinds).agg(customers=rows.customer_no.nunique())
    most = counted.order_by(ibis.desc("customers"), *kinds).limit(MOVES_MAX)
    return [dict(row) for row in reader.frame(most).to_pylist()]


def values_on(reader: Reader, customer_no: int, on: date) -> Mapping[str, str | None]:
    """Return the published value of each moving column at the end of the refreshes of ``on``.

    The profile of today, with the movements since then taken back.
    """
    profile = reader.table(PROFILE)
    own = profile.filter(profile.customer_no == customer_no)
    now = reader.frame(
        own.select(**{name: _text(own, name) for name in MOVING if name in own.columns})
    ).to_pylist()
    values: dict[str, str | None] = dict.fromkeys(MOVING)
    values |= now[0] if now else {}
    for move in reversed(history(reader, customer_no)):
        if epoch_day(move.on) > epoch_day(on):
            values[move.layer] = move.before
    return values
