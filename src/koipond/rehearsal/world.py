"""The simulated customers in touch with a workspace (模拟客户).

What they buy becomes orders, what reaches them works as planted, some click or opt out. Nothing here looks
into a plan: only at what the channels accepted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from koipond.bootstrap import App
from koipond.channels.sandbox import SandboxChannel
from koipond.facts.people import PersonKeys
from koipond.rehearsal.brand import Bools, Ints, SimulatedBrand, odds
from koipond.rehearsal.facts import brand_time, customer_rows, order_rows
from koipond.rehearsal.scenario import Reach
from koipond.store.consents import ConsentStatement
from koipond.store.export import Export, ExportCursor

SOURCE = "rehearsal"
_REACHED = ("accepted", "delivered", "opened", "clicked", "replied")
CURBED = 0.99
"""Less than this share of the effect planted is worth saying."""
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
    """The customers of one rehearsal. Index i of the brand is customer ``first_no`` + i of the store.

    ``base``: expected buyers in the window among those drawn for the touch, if nobody were touched;
    ``extra``: how many more those of them who were touched are to be.
    """

    app: App
    brand: SimulatedBrand
    channels: Mapping[str, SandboxChannel]
    planted: Planted
    first_no: int = 0
    orders: int = 0
    touches: int = 0
    base: float = 0.0
    extra: float = 0.0
    _cursor: ExportCursor = field(default_factory=ExportCursor)
    _met: set[str] = field(default_factory=set)
    _drawn: dict[int, tuple[float, float]] = field(default_factory=dict)  # not touched yet: chance, odds
    _owed: dict[str, float] = field(default_factory=dict)  # variant → buyers that no batch had left to win

    @property
    def planted_buyers(self) -> float:
        """How many more buyers were planted: ``extra`` unless too few were left to win."""
        return self.extra - sum(self._owed.values())

    @property
    def curbed(self) -> bool:
        """Whether clearly fewer were left to win than the planted effect asks for."""
        return self.planted_buyers < CURBED * self.extra

    def enter(self, reach: tuple[Reach, ...]) -> None:
        """Make the customers known to the store and to the warehouse, each with the addresses he has."""
        now, count = self.app.clock.now(), self.brand.parameters.customers
        reached = [(one, self.brand.random.random(count) < one.share) for one in reach]
        refs = self.app.store.identity.resolve([_person(i, reached) for i in range(count)], now)
        self.first_no = refs[0].customer_no
        agreed = [
            _agreement(self.first_no + int(i), one.channel, now)
            for one, has in reached
            for i in np.flatnonzero(has)
        ]
        self.app.store.consents.append(agreed, now)
        self._append("customers", customer_rows(refs, self.brand.joined, self.app.zone))

    def buy_until(self, instant: datetime) -> None:
        """Tell the warehouse what was bought before ``instant``."""
        times, who, amounts = self.brand.purchases_until(brand_time(instant))
        if times.size:
            numbers = (who + self.first_no).astype(np.int32)
            self._append("orders", order_rows(times, numbers, amounts, self.orders, self.app.zone))
            self.orders += int(times.size)

    def meet_touches(self, instant: datetime) -> None:
        """Let the touches accepted since the last call work, and answer some of them."""
        moment = brand_time(instant)
        for told in self._told():
            self._note_drawn([row for row in told.assignments.to_pylist() if self._is_mine(row)], moment)
            touched = [row for row in told.touches.to_pylist() if self._is_new_touch(row)]
            touched.sort(key=_customer_no)  # chance must not hang on the order in which an engine gives rows
            self._work(touched, moment)
            self._answer(touched, instant + _LAG)

    def _told(self) -> Iterator[Export]:
        """Yield what the store's own export tells since the last call."""
        export, done = self.app.store.export(self.app.zone), False
        while not done:
            told = export.since(self._cursor)
            self._cursor, done = told.cursor, told.done
            yield told

    def _is_mine(self, row: Mapping[str, Any]) -> bool:
        return bool(row["scope"] == self.planted.strategy)

    def _is_new_touch(self, row: Mapping[str, Any]) -> bool:
        mine = row["strategy"] == self.planted.strategy and row["state"] in _REACHED
        return bool(mine and row["touch_key"] not in self._met)

    def _indices(self, customer_nos: list[int]) -> Ints:
        return np.array(customer_nos, dtype=np.int64) - self.first_no

    def _note_drawn(self, assignments: list[dict[str, Any]], moment: float) -> None:
        """Note what is to be expected of those drawn together.

        The odds are those of all arms: what a touch does to somebody must not hang on who else is in his arm.
        """
        assignments.sort(key=_customer_no)
        numbers = [row["customer_no"] for row in assignments]
        chance = self.brand.chance_to_buy(self._indices(numbers), moment, self.planted.window_days)
        touch_arm = np.array([row["arm"] == "touch" for row in assignments], dtype=bool)
        batch = odds(chance) if numbers else 0.0
        for place in np.flatnonzero(touch_arm):
            self._drawn[numbers[place]] = (float(chance[place]), batch)
        self.base += float(chance[touch_arm].sum())

    def _work(self, touched: list[dict[str, Any]], moment: float) -> None:
        for variant in sorted({row["variant"] for row in touched}):
            self._plant(variant, [row["customer_no"] for row in touched if row["variant"] == variant], moment)
        self._met.update(row["touch_key"] for row in touched)
        self.touches += len(touched)

    def _plant(self, variant: str, customer_nos: list[int], moment: float) -> None:
        """Win the buyers that the effect asks for among ``customer_nos``, and those still owed before."""
        effect, days = self.planted.effects.get(variant, 0.0), self.planted.window_days
        who = self._indices(customer_nos)
        chance = self.brand.chance_to_buy(who, moment, days)
        alone = (0.0, odds(chance))  # of somebody touched again without a draw
        known = [self._drawn.pop(number, alone) for number in customer_nos]
        idle = 1.0 - chance
        wanted = effect * np.array([batch for _, batch in known]) + self._owed.get(variant, 0.0) / idle.sum()
        given = np.minimum(wanted, 1.0)
        self.brand.touch(who, moment, days, given)
        self._owed[variant] = float(((wanted - given) * idle).sum())
        self.extra += effect * sum(expected for expected, _ in known)

    def _answer(self, touched: list[dict[str, Any]], at: datetime) -> None:
        clicked, left = self.brand.clicks(len(touched)), self.brand.opts_out(len(touched))
        for key, channel in self.channels.items():
            mine = np.array([row["channel"] == key for row in touched], dtype=bool)
            channel.play(_keys(touched, mine & clicked), "clicked", at)
            channel.play(_keys(touched, mine & left), "unsubscribed", at)

    def _append(self, dataset: str, rows: Any) -> None:
        with self.app.warehouse.write("rehearse") as writer:
            writer.append(dataset, writer.stage(f"_new_{dataset}", rows))
            writer.publish()


def _customer_no(row: Mapping[str, Any]) -> int:
    return int(row["customer_no"])


def _keys(touched: list[dict[str, Any]], chosen: Bools) -> list[str]:
    return [touched[int(place)]["touch_key"] for place in np.flatnonzero(chosen)]


def _person(index: int, reached: list[tuple[Reach, Bools]]) -> PersonKeys:
    kinds = {one.address_kind for one, has in reached if has[index]}
    return PersonKeys(
        source=SOURCE,
        shop_id=f"c{index}",
        email=f"c{index}@rehearsal.invalid" if "email" in kinds else None,
    )


def _agreement(customer_no: int, channel: str, at: datetime) -> ConsentStatement:
    return ConsentStatement(
        customer_no=customer_no, channel=channel, purpose="marketing", granted=True, at=at, source=SOURCE
    )
