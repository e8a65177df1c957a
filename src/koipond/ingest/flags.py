"""Who is staff, a minor or refuses profiling (人员标记), as the facts say: the gate must know it at once.

A minor is whoever a file calls so, and whoever is younger than `ADULT_YEARS` on the day by their birthday.
"""

from datetime import date
from typing import Any, Protocol

import ibis
import pyarrow as pa

from koipond.facts.ports import IbisTable, Reader

ADULT_YEARS = 18
FLAGS = ("staff", "minor", "profiling_refused")
_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


class FlagBook(Protocol):
    """The store's copy of these flags, which the gate and the last look before sending obey."""

    def mirror_flags(self, rows: pa.Table, *, clearing: bool = True) -> int:
        """Make the flags what ``rows`` say (whoever has any); return how many customers changed.

        Not ``clearing``: only set them, as long as what clears them is not published.
        """
        ...


def flagged(reader: Reader, day: date) -> pa.Table:
    """Return customer_no and `FLAGS` of whoever has any on ``day``."""
    people = reader.table("customers")
    young = _young(reader, day)
    minor = people["minor"].fill_null(False) | people["customer_no"].isin(young.customer_no)
    rows = people.select(
        "customer_no",
        staff=people["staff"].fill_null(False),
        minor=minor,
        profiling_refused=people["profiling_refused"].fill_null(False),
    )
    any_: Any = ibis.or_(*(rows[name] for name in FLAGS))
    return reader.frame(rows.filter(any_))


def _young(reader: Reader, day: date) -> IbisTable:
    """Return customer_no of those whose newest birthday on record is less than 18 years ago."""
    year = day.year - ADULT_YEARS
    grown = f"{year:04d}-{day.month:02d}-{day.day:02d}"  # compared as text: 29 February needs no care
    traits = reader.table("traits")
    born = traits.filter((traits["name"] == "birthday") & traits["text_value"].re_search(_DAY))
    newest = born.group_by("customer_no").agg(day=born["text_value"].argmax(born["at_s"]))
    return newest.filter(newest["day"] > grown).select("customer_no")
