"""The workspace's clock and zone applied to rows: local and zoned seconds → at_s (UTC) and day (local)."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import ibis

from koipond.ingest.instants import read_seconds
from koipond.ingest.ports import IbisTable, Reader
from koipond.ingest.readings import Readings
from koipond.ingest.zones import local_day, to_utc

_MARGIN_S = 2 * 86_400


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


def instant_columns(raw: IbisTable, readings: Readings) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return columns <field>_local and <field>_aware of every instant, and which fields are unreadable."""
    columns: dict[str, Any] = {}
    faults: dict[str, Any] = {}
    for field, reading in readings.instants.items():
        local, aware = read_seconds(raw[field], reading)
        columns |= {f"{field}_local": local, f"{field}_aware": aware}
        faults[field] = raw[field].notnull() & local.isnull() & aware.isnull()
    return columns, faults


def with_instants(reader: Reader, typed: IbisTable, readings: Readings, setting: Setting) -> IbisTable:
    """Turn the columns of `instant_columns` into <name>_s (UTC) and the local day.

    ``at`` becomes at_s and day, ``joined_at`` joined_s and joined_day. Times without zone are local.
    """
    for field in readings.instants:
        local, aware = typed[f"{field}_local"], typed[f"{field}_aware"]
        ends = typed.agg(a=local.min(), b=local.max(), c=aware.min(), d=aware.max())
        known = [value for value in reader.frame(ends).to_pylist()[0].values() if value is not None]
        low, high = (min(known) - _MARGIN_S, max(known) + _MARGIN_S) if known else (0, 0)
        name, day = seconds_name(field), day_name(field)
        at_s = ibis.coalesce(aware, to_utc(local, setting.place, low, high)).cast("int64")
        typed = typed.mutate(**{name: at_s}).drop(f"{field}_local", f"{field}_aware")
        typed = typed.mutate(**{day: local_day(typed[name], setting.place, low, high)})
    return typed
