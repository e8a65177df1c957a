"""Held grades as facts (当前等级): what a customer held on a day, from the changes that the store made.

The store alone decides (`koipond.store.grades`); here its changes are read, so that any past day can be.
"""

from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Reader
from koipond.facts.tables import FactTables
from koipond.segments.layers.grade import GRADES
from koipond.segments.layers.scalars import counted

CHANGES = "grade_changes"
HELD = "held_grade"
_NONE = len(GRADES)
_STEP = 8  # more than the grades and none; a power of two keeps the number readable


def with_held(profile: IbisTable, reader: Reader, facts: FactTables, as_of_day: int) -> IbisTable:
    """Return ``profile`` with ``held_grade``, null for who holds none and for who refuses profiling."""
    if not reader.has(CHANGES):
        return profile.mutate(**{HELD: ibis.null("string")})
    held = held_grades(reader, facts, as_of_day)
    rows = profile.left_join(held, profile.customer_no == held["_held_no"]).drop("_held_no")
    return rows.mutate(**{HELD: ibis.cases((~rows.profiling_refused.fill_null(False), rows[HELD]))})


def held_grades(reader: Reader, facts: FactTables, as_of_day: int) -> IbisTable:
    """Return ``_held_no`` and ``held_grade`` of everybody who held one at the end of ``as_of_day``.

    Each number's last change counts; whoever was merged holds the highest of their numbers.
    """
    rows = reader.table(CHANGES)
    rows = rows.filter(rows.day <= as_of_day)
    place = ibis.cases(*((rows.to_grade == name, n) for n, name in enumerate(GRADES)), else_=_NONE)
    # the last change and its grade in one number: no engine has to agree on ties or on nulls
    packed = rows.select("customer_no", last=rows.change_no * _STEP + place.cast("int64"))
    last = packed.group_by("customer_no").agg(last=packed["last"].max())
    own = last.select("customer_no", place=last["last"] % _STEP)
    mine = facts.canonical(own.filter(own.place < _NONE))
    best = mine.group_by("customer_no").agg(place=mine.place.min())
    return best.select(_held_no=best.customer_no, **{HELD: _named(best.place)})


def count_held(reader: Reader, profile: IbisTable) -> dict[str, int]:
    """Return how many customers of ``profile`` (with `with_held`) hold each grade, staff not counted."""
    rows = counted(profile)
    [found] = reader.frame(rows.agg(**{name: (rows[HELD] == name).sum() for name in GRADES})).to_pylist()
    return {name: int(found[name] or 0) for name in GRADES}


def _named(place: Any) -> Any:
    return ibis.cases(*((place == n, name) for n, name in enumerate(GRADES)))
