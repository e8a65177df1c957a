"""Over whom, on which day and with what a rule is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyroaring import BitMap

from koipond.facts.ports import IbisTable, Reader
from koipond.rules import Catalog
from koipond.segments.ports import CodeBook, ListStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One reading of rules.

    ``as_of_day``: observation day, whole days since 1970. ``excluded``: out besides those in `left_out`.
    ``members``: segment → its customer numbers as last refreshed. ``profile``: the profiles of that
    day when they are not the published ones (`koipond.segments.snapshot.profile_on`). ``crowd``: the profiles
    among whom a rule ranks, when ``profile`` holds but some of them.
    ``only``: customer_no of the survivors to look at, when it is not everybody.
    """

    reader: Reader
    as_of_day: int
    catalog: Catalog
    excluded: BitMap = field(default_factory=BitMap)
    profile: IbisTable | None = None
    crowd: IbisTable | None = None
    only: IbisTable | None = None
    lists: ListStore | None = None
    codes: CodeBook | None = None
    members: Mapping[str, BitMap] = field(default_factory=dict)
