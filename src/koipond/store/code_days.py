"""The last days of codes that a list holds already, when a new file of the list gives others (券码有效期).

A code that nobody has yet takes the new day. One that was issued keeps the day it went out with: that day
was promised to its customer.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from koipond.kernel import day_of
from koipond.store.bulk import any_of, chunks, update_rows
from koipond.store.instants import from_s, to_s
from koipond.store.tables import offer_code

CHUNK = 20_000
Given = dict[str, int | None]
"""Code → when a file says it is no good any more; None: it does not say."""


class HeldCode(NamedTuple):
    """A code that a list holds."""

    code_no: int
    expires_s: int | None
    issued: bool


Held = dict[str, HeldCode]


def last_day(end_s: int, place: ZoneInfo) -> date:
    """Return the last day on which something that ends with second ``end_s`` (not included) is good."""
    return day_of(from_s(end_s - 1), place)


def without_over(codes: Mapping[str, int | None], at: datetime | None) -> Given:
    """Return those of ``codes`` that are good after ``at``; all when None."""
    return {code: end for code, end in codes.items() if at is None or end is None or end > to_s(at)}


def move_days(connection: sa.Connection, held: Held, given: Given) -> tuple[int, int, int]:
    """Give the ``held`` codes that are not issued the ends of ``given``.

    Return how many have another end now, how many were issued and keep theirs, and how many keep theirs
    because none is given.
    """
    undated = sum(given[code] is None and one.expires_s is not None for code, one in held.items())
    other = {
        one.code_no: end
        for code, one in held.items()
        if (end := given[code]) is not None and end != one.expires_s
    }
    issued = {one.code_no for one in held.values() if one.issued}
    moved = 0
    for part in chunks(sorted(other.keys() - issued), CHUNK):
        free = sa.select(offer_code.c.code_no).where(
            any_of(connection, offer_code.c.code_no, list(part)), offer_code.c.customer_no.is_(None)
        )
        # locked, or a gate could issue one between this look and the change
        numbers = connection.scalars(free.order_by(offer_code.c.code_no).with_for_update()).all()
        rows = [(number, other[number]) for number in numbers]
        update_rows(connection, offer_code, ("code_no",), ("expires_s",), rows)
        moved += len(rows)
    return moved, len(other) - moved, undated
