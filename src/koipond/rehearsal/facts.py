"""What the simulated customers do, as rows of the fact datasets (模拟事实).

The brand counts float days since 1970, UTC.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from koipond.facts.people import PersonRef
from koipond.facts.schemas import FACTS
from koipond.kernel import day_bounds, day_of, epoch_day
from koipond.rehearsal.brand import Floats, Ints

_DAY_S = 86_400
_CONSTANTS: Mapping[str, object] = {
    "source": "rehearsal",
    "discount_fen": 0,
    "status": "paid",
    "line_count": 1,
    "import_no": 0,
}


def brand_time(instant: datetime) -> float:
    """Return ``instant`` as the brand counts time: days since 1970, UTC."""
    return instant.timestamp() / _DAY_S


def customer_rows(refs: Sequence[PersonRef], joined: Floats, place: ZoneInfo) -> pa.Table:
    """Return FACTS ``customers``: ``refs`` in order, each joined at the time ``joined`` says."""
    joined_s = _seconds(joined)
    columns = {
        "customer_no": pa.array([ref.customer_no for ref in refs], pa.int32()),
        "customer_uid": pa.array([ref.customer_uid for ref in refs]),
        "joined_s": pa.array(joined_s),
        "joined_day": pa.array(local_days(joined_s, place)),
    }
    return _fact_rows("customers", columns, len(refs))


def order_rows(
    times: Floats, customer_nos: npt.NDArray[np.int32], amounts: Ints, before: int, place: ZoneInfo
) -> pa.Table:
    """Return FACTS ``orders``: paid, one line each, numbered on from ``before``."""
    at_s = _seconds(times)
    numbers = pa.array(np.arange(before + 1, before + 1 + times.size))
    columns = {
        "order_no": numbers,
        "order_id": numbers.cast(pa.string()),
        "customer_no": pa.array(customer_nos),
        "at_s": pa.array(at_s),
        "day": pa.array(local_days(at_s, place)),
        "gross_fen": pa.array(amounts),
        "net_fen": pa.array(amounts),
    }
    return _fact_rows("orders", columns, int(times.size))


def local_days(at_s: Ints, place: ZoneInfo) -> npt.NDArray[np.int32]:
    """Return the local day of each second of ``at_s`` (epoch days), summer time and all."""
    first, last = (day_of(datetime.fromtimestamp(int(edge), UTC), place) for edge in (at_s.min(), at_s.max()))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    starts = np.array([int(day_bounds(day, place)[0].timestamp()) for day in days])
    place_of = np.searchsorted(starts, at_s, side="right") - 1
    return np.asarray(place_of + epoch_day(first), dtype=np.int32)


def _seconds(times: Floats) -> Ints:
    return np.asarray(np.floor(times * _DAY_S), dtype=np.int64)


def _fact_rows(dataset: str, columns: Mapping[str, pa.Array], count: int) -> pa.Table:
    """Return ``columns`` as rows of ``dataset``; flags not given are false, the rest constant or null."""
    schema = FACTS[dataset]
    filled = []
    for name, kind in zip(schema.names, schema.types, strict=True):
        if name in columns:
            filled.append(columns[name].cast(kind))
        else:
            value = False if kind == pa.bool_() else _CONSTANTS.get(name)
            filled.append(pa.repeat(pa.scalar(value, kind), count))
    return pa.table(filled, schema=schema)
