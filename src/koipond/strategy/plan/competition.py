"""Who gets whom (竞争): one pass over the open candidates, play by play in rank. Source: design §7.

In each play the most valuable customer comes first, then the lower number. Whoever is free, has an address
that nobody else of this plan uses, and can be paid, is taken; the others stay free for the plays behind. That
is the order in which the gate meets them, so nothing is ever given back and dealt out again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from koipond.facts.ports import IbisTable
from koipond.outreach.model import Reason
from koipond.strategy.plan.bids import Bid
from koipond.strategy.plan.checks import LAPSED, LOSS, OWN_BUDGET
from koipond.strategy.plan.context import Context
from koipond.strategy.plan.dealing import BESIDE, GETS, Addresses, Ints, Supply, deal
from koipond.strategy.plan.inboxes import Inboxes, inboxes_of
from koipond.strategy.plan.limits import Limit, limits_of
from koipond.strategy.plan.model import CUSTOMER, ORDER, SAME_INBOX, budget_detail, list_detail
from koipond.strategy.plan.offer_stock import list_number
from koipond.strategy.plan.person import VALUE
from koipond.strategy.plan.task import PlayTask

Small = npt.NDArray[np.int16]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The candidates as arrays; ``reason`` and ``detail`` are filled in by `Competition.run`."""

    customer: npt.NDArray[np.int32]
    bid: Small
    reason: npt.NDArray[np.int8]
    detail: Small
    late: npt.NDArray[np.int8]
    channel: npt.NDArray[np.int8]
    held: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, found: pa.Table) -> "Rows":
        """Return the columns of ``found``; those to be filled in as copies."""
        arrays = {name: found[name].to_numpy() for name in ("bid", "late", "channel", "held")}
        changed = {name: np.array(found[name].to_numpy()) for name in ("reason", "detail")}
        return cls(customer=found["customer_no"].to_numpy(), **arrays, **changed)

    def lose(self, rows: Ints, reason: Reason, detail: int | Small) -> None:
        """Note why ``rows`` are left in peace."""
        self.reason[rows] = ORDER[reason]
        self.detail[rows] = detail


@dataclass(frozen=True, kw_only=True)
class Competition:
    """What has been taken so far: customers by purpose, addresses by purpose, quotas, codes and budgets."""

    known: Context
    people: IbisTable
    rows: Rows
    limits: Sequence[Limit]
    _left: dict[int, int] = field(default_factory=dict)  # limit → what is left of it
    _taken: dict[str, Small] = field(default_factory=dict)  # purpose → customer → strategy, -1 = free
    _used: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)  # purpose → address → gone

    def run(self) -> None:
        """Let all plays choose, the first in rank first."""
        mine = self._rows_by_play()
        for play in sorted(self.known.plays, key=lambda one: one.rank):
            if len(mine[play.number]):
                self._choose(play, mine[play.number])

    def _rows_by_play(self) -> list[Ints]:
        """Return the rows of each play that no check has failed."""
        open_ = np.flatnonzero(self.rows.reason == 0)
        play_of = np.array([bid.play.number for bid in self.known.bids], dtype=np.int16)
        plays = play_of[self.rows.bid[open_]]
        ends = np.cumsum(np.bincount(plays, minlength=len(self.known.plays)))
        return np.split(open_[np.argsort(plays, kind="stable")], ends[:-1])

    def _choose(self, play: PlayTask, rows: Ints) -> None:
        taken = self._taken.setdefault(play.play.purpose, np.full(self._numbers, -1, dtype=np.int16))
        winner = taken[self.rows.customer[rows]]
        lost = winner >= 0
        self.rows.lose(rows[lost], Reason.PRIORITY_LOST, winner[lost])
        rows = rows[~lost]
        late = self.rows.late[rows]
        self._lose_late(play, rows[late > 0])
        kept = self._deal(play, rows[late == 0])
        taken[self.rows.customer[kept]] = self.known.strategies[play.strategy.key]

    def _lose_late(self, play: PlayTask, rows: Ints) -> None:
        """Note what of his own fails a candidate whom no other play has taken."""
        late = self.rows.late[rows]
        own = budget_detail(self.known.strategies[play.strategy.key], CUSTOMER)
        self.rows.lose(rows[late == OWN_BUDGET], Reason.BUDGET, own)
        self.rows.lose(rows[late == LOSS], Reason.NEGATIVE_MARGIN, 0)
        lapsed = rows[late == LAPSED]
        for bid in (bid for bid in self.known.bids if bid.play is play):
            number = list_number(self.known, bid)
            if number is not None:
                self.rows.lose(
                    lapsed[self.rows.bid[lapsed] == bid.number], Reason.BUDGET, list_detail(number)
                )

    def _deal(self, play: PlayTask, rows: Ints) -> Ints:
        """Return which of ``rows`` get a touch, and take of what they share; the others lose."""
        mine = [bid for bid in self.known.bids if bid.play is play]
        channels = len(self.known.channels)
        classes = [(bid, by, held) for bid in mine for by in range(channels) for held in (False, True)]
        kinds = (self.rows.bid[rows].astype(np.int64) - mine[0].number) * channels + self.rows.channel[rows]
        kinds = kinds * 2 + self.rows.held[rows]
        counts = np.bincount(kinds, minlength=len(classes))
        takes = self._takes(play, classes, counts)
        short = [number for number, taking in takes.items() if taking @ counts > self._room(number)]
        verdicts = self._verdicts(play, rows, kinds, [(number, takes[number]) for number in short])
        for place, number in enumerate(short):
            limit = self.limits[number]
            self.rows.lose(rows[verdicts == place], limit.reason, limit.detail)
        self.rows.lose(rows[verdicts == BESIDE], Reason.PRIORITY_LOST, SAME_INBOX)
        gets = verdicts == GETS
        counts = np.bincount(kinds[gets], minlength=len(classes))
        for number, taking in takes.items():
            self._left[number] = self._room(number) - int(taking @ counts)
        kept: Ints = rows[gets]
        return kept

    def _takes(
        self, play: PlayTask, classes: Sequence[tuple[Bid, int, bool]], counts: Ints
    ) -> dict[int, Ints]:
        """Return what one candidate of each class takes of every limit that any of them takes of."""
        found = {}
        for number, limit in enumerate(self.limits):
            if limit.concerns(play):
                asked = zip(classes, counts, strict=True)
                taking = np.array([limit.takes(*one) if n else 0 for one, n in asked], dtype=np.int64)
                if taking.any():
                    found[number] = taking
        return found

    def _verdicts(self, play: PlayTask, rows: Ints, kinds: Ints, short: Sequence[tuple[int, Ints]]) -> Ints:
        """Return what each of ``rows`` gets; order matters only to those who share something short."""
        verdicts = np.full(len(rows), GETS, dtype=np.int64)
        row, box = self._boxes(play, rows)
        asked = np.arange(len(rows)) if short else np.unique(row)
        if not len(asked):
            return verdicts
        asked = asked[np.argsort(self._place[self.rows.customer[rows[asked]]], kind="stable")]
        supplies = [Supply(left=self._room(number), takes=taking) for number, taking in short]
        verdicts[asked] = deal(kinds[asked], supplies, self._addresses(play, asked, row, box, len(rows)))
        return verdicts

    def _addresses(self, play: PlayTask, asked: Ints, row: Ints, box: Ints, rows: int) -> Addresses | None:
        """Return the shared addresses of the rows ``asked``, by their place in order."""
        if not len(row) or self._inboxes is None:
            return None
        place = np.empty(rows, dtype=np.int64)
        place[asked] = np.arange(len(asked))
        order = np.argsort(place[row], kind="stable")
        used = self._used.setdefault(play.play.purpose, np.zeros(self._inboxes.boxes, dtype=bool))
        return Addresses(row=place[row][order], box=box[order], used=used)

    def _boxes(self, play: PlayTask, rows: Ints) -> tuple[Ints, Ints]:
        """Return (place in ``rows``, shared address) of those who would be reached at one."""
        row, box = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        inboxes = self._inboxes
        if inboxes is None:
            return row[0], box[0]
        for kind in sorted({sheet.address_kind for sheet in play.channels if sheet.address_kind}):
            numbers = [n for n, one in enumerate(self.known.channels.values()) if one.address_kind == kind]
            here = np.flatnonzero(np.isin(self.rows.channel[rows], numbers))
            place, found = inboxes.of(self.rows.customer[rows[here]].astype(np.int64), kind)
            row.append(here[place])
            box.append(found)
        return np.concatenate(row), np.concatenate(box)

    def _room(self, number: int) -> int:
        if number not in self._left:
            self._left[number] = self.limits[number].left()
        return self._left[number]

    @cached_property
    def _numbers(self) -> int:
        return int(self.rows.customer.max(initial=0)) + 1

    @cached_property
    def _place(self) -> Ints:
        """Customer → his place in the order of value, then number."""
        if VALUE not in self.people.columns:
            return np.arange(self._numbers, dtype=np.int64)
        found = self.known.reader.frame(
            self.people.select("customer_no", value=self.people[VALUE].fill_null(0).cast("int64"))
        )
        numbers, values = found["customer_no"].to_numpy(), found["value"].to_numpy()
        known = numbers < self._numbers
        numbers, values = numbers[known], values[known]
        place = np.zeros(self._numbers, dtype=np.int64)
        place[numbers[np.lexsort((numbers, -values))]] = np.arange(len(numbers))
        return place

    @cached_property
    def _inboxes(self) -> Inboxes | None:
        return inboxes_of(self.known, self._numbers)


def compete(known: Context, people: IbisTable, found: pa.Table) -> tuple[pa.Table, int]:
    """Return the candidates ``found`` with their final reason and detail, and how many customers they are."""
    rows = Rows.of(found)
    Competition(known=known, people=people, rows=rows, limits=limits_of(known)).run()
    seen = np.zeros(int(rows.customer.max(initial=0)) + 1, dtype=bool)
    seen[rows.customer] = True
    for name in ("reason", "detail"):
        found = found.set_column(found.schema.get_field_index(name), name, pa.array(getattr(rows, name)))
    return found.drop_columns(["late"]), int(seen.sum()) if len(rows.customer) else 0
