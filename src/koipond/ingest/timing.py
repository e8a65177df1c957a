"""The workspace's clock and zone applied to rows: local and zoned seconds → at_s (UTC) and day (local)."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import ibis

from koipond.ingest.ports import IbisTable, Reader
from koipond.ingest.zones import local_day, to_utc

_MARGIN_S = 2 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What of the workspace an import needs. ``limit_s``: a later instant lies in the future."""

    place: ZoneInfo
    minor_digits: int
    limit_s: int


def with_instants(reader: Reader, typed: IbisTable, setting: Setting, name: str = "at") -> IbisTable:
    """Add ``<name>_s`` and the local day to rows that have local_s (of ``name``) and aware_s.

    The day is called ``day`` for ``at``, else ``<name>_day``.
    """
    ends = {
        f"{column}_{end}": getattr(typed[f"{column}_s"], end)()
        for column in ("local", "aware")
        for end in ("min", "max")
    }
    found = reader.frame(typed.agg(**ends)).to_pylist()[0].values()
    known = [value for value in found if value is not None]
    low, high = (min(known) - _MARGIN_S, max(known) + _MARGIN_S) if known else (0, 0)
    at_s = ibis.coalesce(typed["aware_s"], to_utc(typed["local_s"], setting.place, low, high))
    dated = typed.mutate(**{f"{name}_s": at_s})
    day = local_day(dated[f"{name}_s"], setting.place, low, high)
    return dated.mutate(**{"day" if name == "at" else f"{name}_day": day}).drop("local_s", "aware_s")
