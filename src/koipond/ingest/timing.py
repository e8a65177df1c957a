"""The workspace's clock and zone applied to rows: local and zoned seconds → at_s (UTC) and day (local)."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import ibis

from koipond.facts.ports import IbisTable, Reader
from koipond.ingest.instants import read_seconds
from koipond.ingest.readings import Readings
from koipond.ingest.zones import local_day, to_utc, wall_day

_MARGIN_S = 2 * 86_400
_NO_DAYS = (-719_162, -25_569, -25_568, -25_567, 2_932_896)
"""0001-01-01, 1899-12-30, 1899-12-31, 1900-01-01, 9999-12-31: what programs write where a date is none."""
_EPOCH_DAY = 0  # as well, but for a birthday
_UNSET = r"^0+(?:[-/.]0+){0,2}(?:[T ]0+:0+(?::0+)?(?:\.0+)?Z?)?$"
"""RE2: 0 as an epoch or a day of a spreadsheet, and 0000-00-00."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What of the workspace an import needs. ``limit_s``: a later instant lies in the future."""

    place: ZoneInfo
    minor_digits: int
    limit_s: int


def seconds_name(field: str) -> str:
    """Return the column of UTC seconds of instant ``field``: at → at_s, joined_at → joined_s."""
    return "at_s" if field == "at" else f"{field.removesuffix('_at')}_s"


def day_name(field: str) -> str:
    """Return the column of the local day of instant ``field``: at → day, joined_at → joined_day."""
    return "day" if field == "at" else f"{field.removesuffix('_at')}_day"


def instant_columns(
    reader: Reader, raw: IbisTable, readings: Readings, setting: Setting
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the UTC seconds and local day of every instant of ``raw``, and which fields are unreadable.

    Times without zone are local in the workspace; days are those of the workspace's zone. A date that stands
    for none (`no_date`) is null, and no fault.
    """
    columns: dict[str, Any] = {}
    faults: dict[str, Any] = {}
    for field, reading in readings.instants.items():
        local, aware = read_seconds(raw[field], reading)
        read = raw.select(local=local, aware=aware)
        ends = read.agg(a=read.local.min(), b=read.local.max(), c=read.aware.min(), d=read.aware.max())
        known = [value for value in reader.frame(ends).to_pylist()[0].values() if value is not None]
        low, high = (min(known) - _MARGIN_S, max(known) + _MARGIN_S) if known else (0, 0)
        at_s = to_utc(local, setting.place, low, high)
        day = wall_day(local, setting.place, low, high)
        if reading.aware or reading.epoch:
            at_s = aware.coalesce(at_s)
            day = local_day(aware, setting.place, low, high).coalesce(day)
        none = no_date(day, at_s, born=field == "birthday").fill_null(False)
        columns[seconds_name(field)] = ibis.ifelse(none, ibis.null("int64"), at_s.cast("int64"))
        columns[day_name(field)] = ibis.ifelse(none, ibis.null("int32"), day.cast("int32"))
        faults[field] = raw[field].notnull() & at_s.isnull() & ~raw[field].re_search(_UNSET)
    return columns, faults


def no_date(day: Any, at_s: Any, *, born: bool) -> Any:
    """Say whether ``day``, ``at_s`` UTC, stands for no date; people may be ``born`` on 1970-01-01."""
    none = day.isin(_NO_DAYS)
    return none if born else none | (day == _EPOCH_DAY) | (at_s == 0)
