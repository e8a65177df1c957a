"""Over whom, on which day and with what a rule is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyroaring import BitMap

from koipond.ingest.ports import Reader
from koipond.rules import Catalog
from koipond.segments.ports import ListStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One reading of rules.

    ``as_of_day``: observation day, whole days since 1970. ``excluded``: customers whom quality confirmed out.
    ``members``: segment → its customer numbers as last refreshed.
    """

    reader: Reader
    as_of_day: int
    catalog: Catalog
    excluded: BitMap = field(default_factory=BitMap)
    lists: ListStore | None = None
    members: Mapping[str, BitMap] = field(default_factory=dict)
