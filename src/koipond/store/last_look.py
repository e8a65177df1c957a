"""The last look (最后一眼): whether a touch may still go, in the transaction that commits the intent.

A touch may have waited a night since the gate admitted it, and a claim may be minutes old. What may go later
is moved; what may never go ends with its reason and gives back what it holds. Rule: decisions/0012.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from koipond.kernel import day_bounds, day_of
from koipond.outreach import gate
from koipond.outreach.gate import Person
from koipond.outreach.model import LATE, Reason, TouchState
from koipond.outreach.ports import ChannelSheet, LeasedTouch
from koipond.store import ends, gate_load
from koipond.store.bulk import Row, any_of, listed, update_rows
from koipond.store.coholders import SHARING
from koipond.store.in_force import Rules, paused_scopes, stops, withdrawn_plans
from koipond.store.instants import to_s
from koipond.store.real_day import RealDay
from koipond.store.tables import (
    consent,
    consent_log,
    customer,
    outbox,
    people_verdict,
    suppression,
)
from koipond.store.tables import touch as touch_
from koipond.store.tables.records import UNREAL
from koipond.store.terms import Terms

Tally = Counter[tuple[str, TouchState]]
_NEVER = str(Reason.NOT_RUNNING)


@dataclass(slots=True)
class LastLook:
    """One group under one lease. `take` decides and writes; what may go is then under way."""

    connection: sa.Connection
    sheet: ChannelSheet
    terms: Terms
    rules: Rules
    now: datetime
    _go: list[LeasedTouch] = field(default_factory=list)
    ended: Tally = field(default_factory=Counter)
    _paused: frozenset[str] = frozenset()
    _withdrawn: set[str] = field(default_factory=set)
    _people: Mapping[int, Person] = field(default_factory=dict)
    _zones: Mapping[int, str | None] = field(default_factory=dict)
    _kinds: dict[tuple[Any, ...], tuple[bool, bool, int]] = field(default_factory=dict)
    _now_s: int = 0
    _today: date = date.min
    _later: list[Row] = field(default_factory=list)
    _held: list[int] = field(default_factory=list)
    _over: dict[tuple[str, str], list[LeasedTouch]] = field(default_factory=dict)

    def take(self, lease: str, group: Sequence[LeasedTouch]) -> set[int]:
        """Commit the intent for those of ``group`` that may go under ``lease``; return them."""
        connection = self.connection
        self._now_s, self._today = to_s(self.now), day_of(self.now, self.terms.place)
        self._paused = paused_scopes(connection)
        self._withdrawn = withdrawn_plans(connection, {one.plan for one in group})
        self._zones, doubts = look_at(connection, self.rules, group)
        if doubts:
            self._people = gate_load.find_people(connection, doubts)
            gate_load.load_permissions(connection, self._people, set())
        open_ = [one for one in group if not self._refused(one)]
        money = RealDay(connection, self.rules, self.terms, self.now)
        if money.load(open_):
            still = _still_claimed(connection, lease, open_)
            open_ = [one for one in open_ if one.touch_no in still]
        for one in open_:
            self._pay(money, one)
        money.write()
        return self._write(lease)

    def _refused(self, row: LeasedTouch) -> bool:
        """Decide on everything but money; say whether ``row`` does not go now."""
        own = self._zones.get(row.customer_no)
        kind = (row.plan, row.strategy, row.play, row.channel, row.purpose, own, row.approved_no)
        if kind not in self._kinds:
            self._kinds[kind] = self._decide(row)
        over, held, first_s = self._kinds[kind]
        if row.expires_s <= self._now_s:
            return self._end(row, "expired", self.rules.over_code(row, self.terms.place, self._now_s) or LATE)
        why = _NEVER if over else self._never(row)
        if why is not None:
            return self._end(row, "failed", why)
        if held:
            self._held.append(row.touch_no)
            return True
        return first_s > self._now_s and self._wait(row, first_s, _NEVER)

    def _decide(self, row: LeasedTouch) -> tuple[bool, bool, int]:
        """Return what holds for all touches like ``row``: never again, held back, and from when on."""
        over = row.plan in self._withdrawn or self.rules.over(row.strategy, self._today)
        over = over or self.rules.lacks(row.strategy, row.play, row.channel) is not None
        stopped = stops(self._paused, row.channel, row.strategy)
        held = stopped is not None or row.strategy in self.rules.paused
        starts_on = self.rules.starts_on(row.strategy)
        first = self.now
        if starts_on is not None:
            first = max(first, day_bounds(starts_on, self.terms.place)[0])
        return over, held, self._first_s(row, first)

    def _never(self, row: LeasedTouch) -> str | None:
        """Return what of its customer or its code forbids ``row`` for good, None when nothing does."""
        if (person := self._people.get(row.customer_no)) is not None:
            barred = person.barred(row.channel, row.purpose, must_consent(self.rules, row))
            if barred is not None:
                return str(barred)
        return self.rules.over_code(row, self.terms.place, self._now_s)

    def _first_s(self, row: LeasedTouch, at: datetime) -> int:
        """Return the first second from ``at`` on that is not quiet where the customer lives."""
        terms = self.rules.under(self.terms, row.approved_no)
        start = terms.start(self.sheet, self._zones.get(row.customer_no), row.purpose, at)
        return to_s(at) if start <= at else math.ceil(start.timestamp())

    def _wait(self, row: LeasedTouch, due_s: int, reason: str) -> bool:
        """Move ``row`` to ``due_s``, which lies ahead; beyond its life it expires."""
        if due_s >= row.expires_s:
            return self._end(row, "expired", reason)
        self._later.append((row.touch_no, due_s))
        return True

    def _pay(self, money: RealDay, row: LeasedTouch) -> None:
        full = money.room(row)
        if full is None:
            self._go.append(row)
        elif full.another_day:
            _, tomorrow = day_bounds(self._today, self.terms.place)
            self._wait(row, self._first_s(row, tomorrow), full.reason)
        else:
            self._end(row, "failed", full.reason)

    def _end(self, row: LeasedTouch, state: str, detail: str) -> bool:
        self._over.setdefault((state, detail), []).append(row)
        return True

    def _write(self, lease: str) -> set[int]:
        connection, now_s = self.connection, self._now_s
        back = [*self._held, *(row[0] for row in self._later)]
        ends.move(connection, back, "queued", ("leased",), under=lease, lease=None)
        update_rows(connection, outbox, ("touch_no",), ("due_s",), self._later)
        for (state, detail), over in sorted(self._over.items(), key=lambda one: one[0]):
            numbers = [row.touch_no for row in over]
            moved = ends.settle(connection, numbers, state, ("leased",), now_s, detail, under=lease)
            plans = {row.touch_no: row.plan for row in over}
            self.ended.update((plans[number], TouchState(state)) for number in moved)
        numbers = [row.touch_no for row in self._go]
        intent = {"touches": numbers, "held": lease, "now_s": now_s, "apply_no": self.rules.number}
        going = set(connection.scalars(_INTENT, intent)) if numbers else set()
        self._note_heard_by_the_linked([row for row in self._go if row.touch_no in going])
        return going

    def _note_heard_by_the_linked(self, going: Sequence[LeasedTouch]) -> None:
        """Note the newest statement of all members of a person, for those who are several customers."""
        linked = [row for row in going if row.customer_no in self._people]
        if not linked:
            return
        members: dict[int, list[int]] = {}
        for number, person in self._people.items():
            members.setdefault(person.root_no, []).append(number)
        newest = sa.select(consent_log.c.customer_no, sa.func.max(consent_log.c.seq))
        mine = any_of(self.connection, consent_log.c.customer_no, list(self._people))
        query = newest.where(mine, consent_log.c.void_s.is_(None)).group_by(consent_log.c.customer_no)
        said = {row[0]: row[1] for row in self.connection.execute(query)}
        noted: list[Row] = []
        for row in linked:
            mine_too = members[self._people[row.customer_no].root_no]
            noted.append((row.touch_no, max(said.get(number, 0) for number in mine_too)))
        update_rows(self.connection, outbox, ("touch_no",), ("heard_seq",), noted)


_HEARD = (
    sa.select(sa.func.coalesce(sa.func.max(consent_log.c.seq), 0))
    .where(touch_.c.touch_no == outbox.c.touch_no, consent_log.c.customer_no == touch_.c.customer_no)
    .where(consent_log.c.void_s.is_(None))
    .correlate(outbox)
    .scalar_subquery()
)
_HELD = (outbox.c.state == "leased") & outbox.c.lease.is_not_distinct_from(sa.bindparam("held"))
"""Said so that rows are found by their numbers: the index of leases still holds everything that this one
has sent until the next vacuum."""
_INTENT = (
    sa.update(outbox)
    .where(listed(outbox.c.touch_no, "touches"), _HELD)
    .values(state="sending", heard_seq=_HEARD, apply_no=sa.bindparam("apply_no"))
    .values(sent_s=sa.bindparam("now_s"), attempts=outbox.c.attempts + 1)
    .returning(outbox.c.touch_no)
)
_CLAIMED = (
    sa.select(outbox.c.touch_no)
    .where(listed(outbox.c.touch_no, "touches"), _HELD)
    .order_by(outbox.c.touch_no)
    .with_for_update()
)


def must_consent(rules: Rules, row: LeasedTouch) -> bool:
    """Say whether ``row`` needs a yes of its customer's own by what is applied now."""
    return gate.must_consent(rules.assumed, row.channel, row.consent_required, row.consent_assumed)


def look_at(
    connection: sa.Connection, rules: Rules, group: Sequence[LeasedTouch]
) -> tuple[dict[int, str | None], set[int]]:
    """Return customer → own zone, and whose permissions must be read: few ever need it.

    Whoever is linked, flagged, suppressed or unreal, ever refused anything, shares an address with others, or
    has not said yes where that is required.
    """
    numbers = {"customers": {row.customer_no for row in group}}
    asked = {(row.channel, row.purpose) for row in group if must_consent(rules, row)}
    found = connection.execute(_doubting(tuple(sorted(asked))), numbers).all()
    doubts = set(connection.scalars(SHARING, numbers))
    doubts.update(row[0] for row in found if row[2])
    return {row[0]: row[1] for row in found}, doubts


@lru_cache(maxsize=64)
def _doubting(asked: tuple[tuple[str, str], ...]) -> sa.Executable:
    """Select of customers who must have said yes to every (channel, purpose) of ``asked``: number, own zone,
    and whether more of them must be read."""
    linked = customer.alias()
    said = consent.c.customer_no == customer.c.customer_no
    yes = [
        sa.exists().where(said, consent.c.granted, consent.c.channel == channel, consent.c.purpose == purpose)
        for channel, purpose in asked
    ]
    doubt = sa.or_(
        *(customer.c.staff, customer.c.minor, customer.c.survivor_no.is_not(None)),
        sa.exists().where(suppression.c.customer_no == customer.c.customer_no),
        sa.exists().where(people_verdict.c.customer_no == customer.c.customer_no, UNREAL),
        sa.exists().where(linked.c.survivor_no == customer.c.customer_no),
        sa.exists().where(said, ~consent.c.granted),
        *(~one for one in yes),
    )
    return sa.select(customer.c.customer_no, customer.c.zone, doubt).where(
        listed(customer.c.customer_no, "customers")
    )


def _still_claimed(connection: sa.Connection, lease: str, group: Sequence[LeasedTouch]) -> set[int]:
    """Lock those of ``group`` that are still claimed under ``lease``; money is moved for no others."""
    touches = [row.touch_no for row in group]
    return set(connection.scalars(_CLAIMED, {"held": lease, "touches": touches}))
