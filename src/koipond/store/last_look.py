"""The last look (最后一眼): whether a touch may still go, in the transaction that commits the intent.

A touch may have waited a night since the gate admitted it, and a claim may be minutes old. What may go later
is moved; what may never go ends with its reason and gives back what it holds. Rule: decisions/0012.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from koipond.kernel import day_bounds, day_of
from koipond.outreach.gate import Person
from koipond.outreach.model import Reason, TouchState
from koipond.outreach.ports import ChannelSheet
from koipond.store import ends, gate_load
from koipond.store.bulk import Row, any_of, update_rows
from koipond.store.in_force import Rules, paused_scopes, stops, withdrawn_plans
from koipond.store.instants import from_s, to_s
from koipond.store.real_day import RealDay
from koipond.store.tables import consent, consent_log, customer, identifier, offer_code, outbox, suppression
from koipond.store.tables import touch as touch_
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
    go: list[int] = field(default_factory=list)
    ended: Tally = field(default_factory=Counter)
    _paused: frozenset[str] = frozenset()
    _withdrawn: set[str] = field(default_factory=set)
    _people: Mapping[int, Person] = field(default_factory=dict)
    _starts: dict[tuple[str | None, str, int], int] = field(default_factory=dict)
    _later: list[Row] = field(default_factory=list)
    _held: list[int] = field(default_factory=list)
    _over: dict[tuple[str, str], list[Any]] = field(default_factory=dict)

    def take(self, lease: str, touch_nos: Sequence[int]) -> set[int]:
        """Commit the intent for those of ``touch_nos`` that may go under ``lease``; return them."""
        connection = self.connection
        rows = _rows(connection, lease, touch_nos)
        self._paused = paused_scopes(connection)
        self._withdrawn = withdrawn_plans(connection, {row.plan for row in rows})
        doubtful = {row.customer_no for row in rows if row.doubtful}
        if doubtful:
            self._people = gate_load.find_people(connection, doubtful)
            gate_load.load_permissions(connection, self._people, set())
        open_ = [row for row in rows if not self._refused(row)]
        money = RealDay(connection, self.rules, self.terms, self.now)
        money.load(open_)
        for row in open_:
            self._pay(money, row)
        money.write()
        self._write(lease, rows)
        return set(self.go)

    def _refused(self, row: Any) -> bool:
        """Decide on everything but money; say whether ``row`` does not go now."""
        if row.expires_s <= to_s(self.now):
            return self._end(row, "expired", "")
        why = self._never(row)
        if why is not None:
            return self._end(row, "failed", why)
        if self._holds(row):
            self._held.append(row.touch_no)
            return True
        return self._wait(row, self._first_s(row, self._from(row)), _NEVER)

    def _never(self, row: Any) -> str | None:
        """Return why ``row`` may never go, None when it may."""
        today = day_of(self.now, self.terms.place)
        if row.plan in self._withdrawn or self.rules.over(row.strategy, today):
            return _NEVER
        if row.doubtful:
            barred = self._people[row.customer_no].barred(row.channel, row.purpose, row.consent_required)
            if barred is not None:
                return str(barred)
        return self._dead_code(row)

    def _dead_code(self, row: Any) -> str | None:
        """Return the reason when ``row`` would tell a code that is no good any more."""
        if row.list_key is None:
            return None
        dead = row.code_expires_s is not None and row.code_expires_s <= to_s(self.now)
        if not dead and row.list_key in self.rules.last_days:
            issued_on = day_of(from_s(row.issued_s), self.terms.place)
            dead = self.rules.offer_over(row.list_key, issued_on, day_of(self.now, self.terms.place))
        return f"{Reason.BUDGET}:code_list:{row.list_key}" if dead else None

    def _holds(self, row: Any) -> bool:
        stopped = stops(self._paused, row.channel, row.strategy)
        return stopped is not None or row.strategy in self.rules.paused

    def _from(self, row: Any) -> datetime:
        """Return from when on the strategy touches anybody: now, or its first day."""
        starts_on = self.rules.starts_on(row.strategy)
        if starts_on is None:
            return self.now
        return max(self.now, day_bounds(starts_on, self.terms.place)[0])

    def _first_s(self, row: Any, at: datetime) -> int:
        """Return the first second from ``at`` on that is not quiet where the customer lives."""
        place = (row.zone, row.purpose, to_s(at))
        if place not in self._starts:
            start = self.terms.start(self.sheet, row.zone, row.purpose, at)
            self._starts[place] = to_s(at) if start <= at else -int(-start.timestamp() // 1)
        return self._starts[place]

    def _wait(self, row: Any, due_s: int, reason: str) -> bool:
        """Move ``row`` to ``due_s`` when that lies ahead; beyond its life it expires. Say whether it does."""
        if due_s <= to_s(self.now):
            return False
        if due_s >= row.expires_s:
            return self._end(row, "expired", reason)
        self._later.append((row.touch_no, due_s))
        return True

    def _pay(self, money: RealDay, row: Any) -> None:
        full = money.room(row)
        if full is None:
            self.go.append(row.touch_no)
        elif full.another_day:
            _, tomorrow = day_bounds(day_of(self.now, self.terms.place), self.terms.place)
            self._wait(row, self._first_s(row, tomorrow), full.reason)
        else:
            self._end(row, "failed", full.reason)

    def _end(self, row: Any, state: str, detail: str) -> bool:
        self._over.setdefault((state, detail), []).append(row)
        return True

    def _write(self, lease: str, rows: Sequence[Any]) -> None:
        connection, now_s = self.connection, to_s(self.now)
        back = [*self._held, *(row[0] for row in self._later)]
        ends.move(connection, back, "queued", ("leased",), under=lease, lease=None)
        update_rows(connection, outbox, ("touch_no",), ("due_s",), self._later)
        for (state, detail), over in sorted(self._over.items(), key=lambda one: one[0]):
            numbers = [row.touch_no for row in over]
            moved = ends.settle(connection, numbers, state, ("leased",), now_s, detail, under=lease)
            plans = {row.touch_no: row.plan for row in over}
            self.ended.update((plans[number], TouchState(state)) for number in moved)
        if self.go:
            heard = {"heard_seq": _HEARD, "sent_s": now_s, "attempts": outbox.c.attempts + 1}
            ends.move(connection, self.go, "sending", ("leased",), under=lease, **heard)
            self._note_heard_by_the_linked(rows)

    def _note_heard_by_the_linked(self, rows: Sequence[Any]) -> None:
        """Note the newest statement of all members of a person, for those who are several customers."""
        going = set(self.go)
        linked = [row for row in rows if row.doubtful and row.touch_no in going]
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


def doubts() -> sa.ColumnElement[bool]:
    """Return whether something about a touch's customer must be looked at: few ever need it.

    Whoever is linked, flagged or suppressed, ever refused anything, shares an address with others, or has not
    said yes where that is required.
    """
    linked, mine, theirs = customer.alias(), identifier.alias(), identifier.alias()
    said = consent.c.customer_no == touch_.c.customer_no
    yes = sa.and_(
        *(said, consent.c.granted, consent.c.channel == touch_.c.channel),
        consent.c.purpose == touch_.c.purpose,
    )
    shared = sa.and_(
        mine.c.customer_no == touch_.c.customer_no,
        theirs.c.address_hash == mine.c.address_hash,
        theirs.c.customer_no != mine.c.customer_no,
    )
    return sa.or_(
        *(customer.c.staff, customer.c.minor, customer.c.survivor_no.is_not(None)),
        sa.exists().where(suppression.c.customer_no == touch_.c.customer_no),
        sa.exists().where(linked.c.survivor_no == touch_.c.customer_no),
        touch_.c.consent_required & ~sa.exists().where(yes),
        sa.exists().where(said, ~consent.c.granted),
        sa.exists().where(shared),
    )


def _rows(connection: sa.Connection, lease: str, touch_nos: Sequence[int]) -> Sequence[Any]:
    """Lock the touches that are still claimed under ``lease``, with all that is looked at."""
    names = ("touch_no", "customer_no", "plan", "strategy", "strategy_version", "channel", "purpose")
    query = (
        sa.select(
            *(touch_.c[name] for name in (*names, "cost_fen", "offer_cost_fen", "consent_required")),
            *(outbox.c.expires_s, ends.SHARES.label("shares"), customer.c.zone),
            offer_code.c.list_key,
            offer_code.c.expires_s.label("code_expires_s"),
            offer_code.c.issued_s,
            doubts().label("doubtful"),
        )
        .join(touch_, touch_.c.touch_no == outbox.c.touch_no)
        .join(customer, customer.c.customer_no == touch_.c.customer_no)
        .outerjoin(offer_code, offer_code.c.code_no == touch_.c.code_no)
        .where(any_of(connection, outbox.c.touch_no, touch_nos))
        .where(outbox.c.lease == lease, outbox.c.state == "leased")
        .order_by(outbox.c.touch_no)
        .with_for_update(of=outbox)
    )
    return connection.execute(query).all()
