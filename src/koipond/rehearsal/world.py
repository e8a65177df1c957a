"""The simulated customers in touch with a workspace (模拟客户): what they buy becomes orders, what reaches them
works as planted, and some click or opt out. Nothing here looks into the plan: only what the channel accepted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from koipond.bootstrap import App
from koipond.channels.sandbox import SandboxChannel
from koipond.ingest.facts import FACTS
from koipond.ingest.ports import PersonKeys
from koipond.kernel import day_bounds, day_of, epoch_day
from koipond.rehearsal.brand import BrandParameters, Floats, Ints, SimulatedBrand
from koipond.store.export import ExportCursor

SOURCE = "rehearsal"
_DAY_S = 86_400
_REACHED = ("accepted", "delivered", "opened", "clicked", "replied")
_LAG = timedelta(hours=2)
"""How long after a touch its click or opt-out comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """What a touch of ``strategy`` does: variant → relative effect on buying in the ``window_days`` after."""

    strategy: str
    effects: Mapping[str, float]
    window_days: int


@dataclass(slots=True, kw_only=True)
class World:
    """The customers of one rehearsal. Index i of the brand is customer ``first_no`` + i of the store."""

    app: App
    brand: SimulatedBrand
    channel: SandboxChannel
    planted: Planted
    first_no: int = 0
    orders: int = 0
    touches: int = 0
    won: int = 0
    _cursor: ExportCursor = field(default_factory=ExportCursor)
    _met: set[str] = field(default_factory=set)

    def enter(self, parameters: BrandParameters) -> None:
        """Make the customers known to the store and to the warehouse."""
        now = self.app.clock.now()
        people = [PersonKeys(source=SOURCE, shop_id=f"c{i}") for i in range(parameters.customers)]
        refs = self.app.store.identity.resolve(people, now)
        self.first_no = refs[0].customer_no
        joined_s = np.floor(self.brand.joined * _DAY_S).astype(np.int64)
        columns = {
            "customer_no": pa.array([ref.customer_no for ref in refs], pa.int32()),
            "customer_uid": pa.array([ref.customer_uid for ref in refs]),
            "joined_s": pa.array(joined_s),
            "joined_day": pa.array(local_days(joined_s, self.app.zone)),
        }
        self._append("customers", _fact_rows("customers", columns, parameters.customers))

    def buy_until(self, instant: datetime) -> None:
        """Tell the warehouse what was bought before ``instant``."""
        times, who, amounts = self.brand.purchases_until(brand_time(instant))
        if times.size:
            self._append("orders", self._order_rows(times, who, amounts))
            self.orders += times.size

    def meet_touches(self, instant: datetime) -> None:
        """Let the touches accepted since the last call work, and answer some of them."""
        keys, who, variants = self._accepted()
        if not keys:
            return
        moment = brand_time(instant)
        for variant in sorted(set(variants)):
            batch = who[np.array([one == variant for one in variants])]
            effect = self.planted.effects.get(variant, 0.0)
            self.won += int(self.brand.touch(batch, moment, self.planted.window_days, effect).sum())
        self.touches += len(keys)
        self._answer(keys, instant + _LAG)

    def _accepted(self) -> tuple[list[str], Ints, list[str]]:
        """Read from the store's own export which touches went out and were not met yet."""
        keys: list[str] = []
        who: list[int] = []
        variants: list[str] = []
        export, done = self.app.store.export(self.app.zone), False
        while not done:
            told = export.since(self._cursor)
            self._cursor, done = told.cursor, told.done
            for row in told.touches.select(_TOUCH_COLUMNS).to_pylist():
                key = row["touch_key"]
                if row["state"] in _REACHED and row["strategy"] == self.planted.strategy and key not in self._met:
                    self._met.add(key)
                    keys.append(key)
                    who.append(row["customer_no"] - self.first_no)
                    variants.append(row["variant"])
        return keys, np.array(who, dtype=np.int64), variants

    def _answer(self, keys: list[str], at: datetime) -> None:
        clicked, left = self.brand.clicks(len(keys)), self.brand.opts_out(len(keys))
        self.channel.play([key for key, yes in zip(keys, clicked, strict=True) if yes], "clicked", at)
        self.channel.play([key for key, yes in zip(keys, left, strict=True) if yes], "unsubscribed", at)

    def _order_rows(self, times: Floats, who: Ints, amounts: Ints) -> pa.Table:
        at_s = np.floor(times * _DAY_S).astype(np.int64)
        numbers = pa.array(np.arange(self.orders + 1, self.orders + 1 + times.size))
        columns = {
            "order_no": numbers,
            "order_id": numbers.cast(pa.string()),
            "customer_no": pa.array((who + self.first_no).astype(np.int32)),
            "at_s": pa.array(at_s),
            "day": pa.array(local_days(at_s, self.app.zone)),
            "gross_fen": pa.array(amounts),
            "net_fen": pa.array(amounts),
        }
        return _fact_rows("orders", columns, times.size)

    def _append(self, dataset: str, rows: pa.Table) -> None:
        with self.app.warehouse.write("rehearse") as writer:
            writer.append(dataset, writer.stage(f"_new_{dataset}", rows))
            writer.publish()


_TOUCH_COLUMNS = ["touch_key", "customer_no", "strategy", "variant", "state"]
_FILLED: Mapping[str, object] = {
    "source": SOURCE,
    "discount_fen": 0,
    "status": "paid",
    "line_count": 1,
    "import_no": 0,
}


def brand_time(instant: datetime) -> float:
    """Return ``instant`` as the brand counts time: days since 1970, UTC."""
    return instant.timestamp() / _DAY_S


def local_days(at_s: Ints, place: ZoneInfo) -> npt.NDArray[np.int32]:
    """Return the local day of each second of ``at_s`` (epoch days), summer time and all."""
    first, last = (day_of(datetime.fromtimestamp(int(edge), UTC), place) for edge in (at_s.min(), at_s.max()))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    starts = np.array([int(day_bounds(day, place)[0].timestamp()) for day in days])
    return np.asarray(np.searchsorted(starts, at_s, side="right") - 1 + epoch_day(first), dtype=np.int32)


def _fact_rows(dataset: str, columns: Mapping[str, pa.Array], count: int) -> pa.Table:
    """Return ``columns`` as rows of ``dataset``; flags not given are false, the rest constant or null."""
    schema = FACTS[dataset]
    filled = []
    for name, kind in zip(schema.names, schema.types, strict=True):
        if name in columns:
            filled.append(columns[name].cast(kind))
        else:
            value = False if kind == pa.bool_() else _FILLED.get(name)
            filled.append(pa.repeat(pa.scalar(value, kind), count))
    return pa.table(filled, schema=schema)
