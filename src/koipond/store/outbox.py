"""The outbox on the store (发件箱; port `koipond.outreach.ports.Outbox`).

queued → leased → sending → accepted. The intent to send is committed before the call, so a call without a
recorded answer is ``unknown`` after a crash and never made again by itself; a lease that ends before the
intent goes back to ``queued``. Sources: design §7, ops §2.
"""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from koipond.kernel import zone
from koipond.outreach.backoff import retry_delay_s
from koipond.outreach.model import QuietHours, TouchState
from koipond.outreach.ports import Advance, ChannelSheet, Claim, LeasedTouch, Response, SendResult
from koipond.outreach.quiet import next_allowed
from koipond.store import answers, ends, gate_load
from koipond.store.bulk import Row, any_of, update_rows
from koipond.store.consents import Suppression, suppress
from koipond.store.engine import Database
from koipond.store.instants import from_s, to_s
from koipond.store.rate import Bucket
from koipond.store.tables import consent, customer, offer_code, outbox, suppression, touch
from koipond.store.tables.outreach import QUEUED, UNDER_WAY

LEASE = timedelta(seconds=120)
_SWEEP_ROWS = 5_000  # abandoned rows put right by one claim


class StoredOutbox:
    """The outbox of one workspace; marketing waits while it is quiet where the customer lives."""

    def __init__(
        self,
        database: Database,
        *,
        place: ZoneInfo,
        quiet: QuietHours | None = None,
        lease: timedelta = LEASE,
    ) -> None:
        self._db = database
        self._place = place
        self._quiet = quiet or QuietHours()
        self._lease = lease

    def claim(self, sheet: ChannelSheet, limit: int, now: datetime) -> Claim:
        """Lease at most ``limit`` due touches. What has expired, lost its consent or waits for the morning is
        put right on the way."""
        lease, now_s = uuid.uuid4().hex, to_s(now)
        with self._db.write() as connection:
            ended: Tally = Counter()
            swept = recover(connection, sheet, now_s, ended)
            bucket = Bucket(connection, sheet.channel, sheet.account, sheet.rate, now) if sheet.rate else None
            wanted = limit if bucket is None else min(limit, bucket.tokens)
            found = _due(connection, sheet.channel, now_s, wanted)
            ready = self._defer(connection, _expire(connection, found, now_s, ended), sheet, now)
            ready = _drop_forbidden(connection, ready, now_s, ended)
            numbers = [row.touch_no for row in ready]
            until_s = to_s(now + self._lease)
            ends.move(connection, numbers, "leased", ("queued",), lease=lease, lease_until_s=until_s)
            if bucket is not None:
                bucket.take(len(ready))
            wake_at = _next_due(connection, sheet.channel, now)
            if bucket is not None and wake_at is not None:
                wake_at = max(wake_at, bucket.next_at() if bucket.tokens == 0 else now)
        touches = [LeasedTouch(**dict(zip(_LEASED, _leased(row), strict=True))) for row in ready]
        examined = len(found) + swept
        return Claim(lease=lease, touches=touches, examined=examined, wake_at=wake_at, ended=ended)

    def advance(
        self,
        sheet: ChannelSheet,
        claim: Claim,
        *,
        done: Sequence[tuple[LeasedTouch, SendResult]] = (),
        begin: Sequence[LeasedTouch] = (),
        now: datetime,
    ) -> Advance:
        """Record ``done`` and commit the intent to send ``begin``, in one transaction."""
        now_s = to_s(now)
        with self._db.write() as connection:
            ended = _record(connection, sheet, claim.lease, done, now_s)
            if not begin:
                return Advance(ended=ended)
            started = connection.scalars(
                sa.update(outbox)
                .where(any_of(connection, outbox.c.touch_no, [one.touch_no for one in begin]))
                .where(outbox.c.lease == claim.lease, outbox.c.state == "leased", outbox.c.expires_s > now_s)
                .values(
                    state="sending",
                    sent_s=now_s,
                    attempts=outbox.c.attempts + 1,
                    lease_until_s=to_s(now + self._lease),
                )
                .returning(outbox.c.touch_no)
            )
            may_go = set(started.all())
        return Advance(may_go=[one for one in begin if one.touch_no in may_go], ended=ended)

    def release(self, claim: Claim) -> int:
        """Give back what was leased and not begun, such as when a worker stops; return how many."""
        numbers = [one.touch_no for one in claim.touches]
        if not numbers:
            return 0
        free: dict[str, Any] = {"lease": None, "lease_until_s": None}
        with self._db.write() as connection:
            return len(ends.move(connection, numbers, "queued", ("leased",), under=claim.lease, **free))

    def respond(self, responses: Sequence[Response], now: datetime) -> int:
        """Record receipts and answers; return how many were new. Opt-outs hold from then on."""
        with self._db.write() as connection:
            return answers.record(connection, responses, to_s(now))

    def resolve(self, touch_key: str, accepted: bool, now: datetime, detail: str) -> bool:
        """Settle an ``unknown`` touch by what the provider or an operator knows; say whether it was one."""
        state = "accepted" if accepted else "failed"
        with self._db.write() as connection:
            found = sa.select(touch.c.touch_no).where(touch.c.touch_key == touch_key)
            numbers = connection.scalars(found).all()
            return bool(ends.settle(connection, numbers, state, ("unknown",), to_s(now), detail))

    def counts(self, plan: str | None = None) -> Mapping[TouchState, int]:
        """Return how many touches (of ``plan``) stand in each state."""
        query = sa.select(outbox.c.state, sa.func.count()).group_by(outbox.c.state)
        if plan is not None:
            query = query.join(touch, touch.c.touch_no == outbox.c.touch_no).where(touch.c.plan == plan)
        with self._db.read() as connection:
            return {TouchState(state): count for state, count in connection.execute(query)}

    def counts_of(self, plans: Sequence[str]) -> Mapping[str, Mapping[TouchState, int]]:
        """Return, for each of ``plans``, how many of its touches stand in each state."""
        count = sa.func.count()
        found: dict[str, dict[TouchState, int]] = {plan: {} for plan in plans}
        with self._db.read() as connection:
            query = (
                sa.select(touch.c.plan, outbox.c.state, count)
                .join(outbox, outbox.c.touch_no == touch.c.touch_no)
                .where(any_of(connection, touch.c.plan, plans))
                .group_by(touch.c.plan, outbox.c.state)
            )
            for plan, state, touches in connection.execute(query):
                found[plan][TouchState(state)] = touches
        return found

    def waiting(self, plan: str) -> Mapping[str, int]:
        """Return channel → touches of ``plan`` that wait to be sent on it."""
        query = (
            sa.select(outbox.c.channel, sa.func.count())
            .join(touch, touch.c.touch_no == outbox.c.touch_no)
            .where(touch.c.plan == plan, QUEUED)
            .group_by(outbox.c.channel)
            .order_by(outbox.c.channel)
        )
        with self._db.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def problems(self, plan: str, limit: int = 20) -> list[tuple[str, str, int]]:
        """Return (state, what was said, touches) of those of ``plan`` that did not go out, most first.

        ``queued`` ones are tried again: their last call was refused.
        """
        refused = sa.or_(outbox.c.state.in_(("failed", "unknown")), sa.and_(QUEUED, outbox.c.attempts > 0))
        count = sa.func.count()
        query = (
            sa.select(outbox.c.state, outbox.c.detail, count)
            .join(touch, touch.c.touch_no == outbox.c.touch_no)
            .where(touch.c.plan == plan, outbox.c.detail != "", refused)
            .group_by(outbox.c.state, outbox.c.detail)
            .order_by(count.desc(), outbox.c.state, outbox.c.detail)
            .limit(limit)
        )
        with self._db.read() as connection:
            return [(row[0], row[1], row[2]) for row in connection.execute(query)]

    def next_due(self, channel: str, now: datetime) -> datetime | None:
        """Return when the next touch of ``channel`` is due or a lease ends; None when nothing waits."""
        with self._db.read() as connection:
            return _next_due(connection, channel, now)

    def _defer(
        self, connection: sa.Connection, rows: Sequence[Any], sheet: ChannelSheet, now: datetime
    ) -> list[Any]:
        """Move the touches whose hour is quiet to its end; return the others."""
        starts: dict[tuple[str | None, bool], datetime] = {}
        moved: list[Row] = []
        ready = []
        for row in rows:
            kind = (row.zone, row.purpose == "marketing")
            if kind not in starts:
                starts[kind] = self._start(sheet, *kind, now)
            if starts[kind] > now:
                moved.append((row.touch_no, to_s(starts[kind])))
            else:
                ready.append(row)
        update_rows(connection, outbox, ("touch_no",), ("due_s",), moved)
        return ready

    def _start(self, sheet: ChannelSheet, own_zone: str | None, marketing: bool, now: datetime) -> datetime:
        """Return the first instant from ``now`` on at which such a touch may be sent."""
        place = self._place if own_zone is None else zone(own_zone)
        start = next_allowed(now, self._quiet, place) if marketing else now
        return start if sheet.hours is None else next_allowed(start, sheet.hours, place)


Tally = Counter[tuple[str, TouchState]]


def _count(ended: Tally, state: str, moved: Sequence[int], plans: Mapping[int, str]) -> None:
    ended.update((plans[number], TouchState(state)) for number in moved)


def recover(connection: sa.Connection, sheet: ChannelSheet, now_s: int, ended: Tally) -> int:
    """Put right what dead workers left: before the intent back to the queue, after it ``unknown``.

    Adds to ``ended`` what it settled; returns how many it looked at.
    """
    lapsed = sa.and_(UNDER_WAY, outbox.c.lease_until_s <= now_s, outbox.c.channel == sheet.channel)
    columns = outbox.c.touch_no, outbox.c.state, touch.c.plan
    query = sa.select(*columns).join(touch, touch.c.touch_no == outbox.c.touch_no).where(lapsed)
    query = query.limit(_SWEEP_ROWS).with_for_update(of=outbox, skip_locked=True)
    rows = connection.execute(query).all()
    again = [row.touch_no for row in rows if row.state == "leased"]
    open_ = [row.touch_no for row in rows if row.state == "sending"]
    ends.move(connection, again, "queued", ("leased",), lease=None, lease_until_s=None)
    if sheet.idempotent:
        free: dict[str, Any] = {"lease": None, "lease_until_s": None, "sent_s": None}
        ends.move(connection, open_, "queued", ("sending",), **free)
    else:
        moved = ends.settle(connection, open_, "unknown", ("sending",), now_s, "no answer was recorded")
        _count(ended, "unknown", moved, {row.touch_no: row.plan for row in rows})
    return len(rows)


def _expire(connection: sa.Connection, rows: Sequence[Any], now_s: int, ended: Tally) -> list[Any]:
    """Let the touches whose time is over expire; return the others."""
    late = [row.touch_no for row in rows if row.expires_s <= now_s]
    moved = ends.settle(connection, late, "expired", ("queued",), now_s)
    _count(ended, "expired", moved, {row.touch_no: row.plan for row in rows})
    return [row for row in rows if row.expires_s > now_s]


_TOUCH = (
    *(
        "touch_no",
        "touch_key",
        "plan",
        "customer_no",
        "strategy",
        "strategy_version",
        "play",
        "variant",
        "channel",
    ),
    *("purpose", "template", "template_version", "language", "variables"),
)
_LEASED = (*_TOUCH, "customer_uid", "code", "due_s", "expires_s", "attempts")
_leased = itemgetter(slice(len(_LEASED)))  # by position: by name it took a third of a claim's time


def _due(connection: sa.Connection, channel: str, now_s: int, limit: int) -> Sequence[Any]:
    """Lock the next due touches; ``doubtful``: something about the customer must be looked at once more."""
    if limit <= 0:
        return []
    linked = customer.alias()
    said = sa.and_(
        consent.c.customer_no == touch.c.customer_no,
        consent.c.channel == touch.c.channel,
        consent.c.purpose == touch.c.purpose,
    )
    doubtful = sa.or_(
        *(customer.c.staff, customer.c.minor, customer.c.survivor_no.is_not(None)),
        sa.exists().where(suppression.c.customer_no == touch.c.customer_no),
        sa.exists().where(linked.c.survivor_no == touch.c.customer_no),
        touch.c.consent_required & ~sa.exists().where(said),
        sa.exists().where(said, ~consent.c.granted),
    )
    query = (
        sa.select(
            *(touch.c[name] for name in _TOUCH),
            *(customer.c.customer_uid, offer_code.c.code),
            *(outbox.c.due_s, outbox.c.expires_s, outbox.c.attempts),
            *(customer.c.zone, touch.c.consent_required, doubtful.label("doubtful")),
        )
        .join(touch, touch.c.touch_no == outbox.c.touch_no)
        .join(customer, customer.c.customer_no == touch.c.customer_no)
        .outerjoin(offer_code, offer_code.c.code_no == touch.c.code_no)
        .where(QUEUED, outbox.c.channel == channel, outbox.c.due_s <= now_s)
        .order_by(outbox.c.due_s, outbox.c.touch_no)
        .limit(limit)
        .with_for_update(of=outbox, skip_locked=True)
    )
    return connection.execute(query).all()


def _drop_forbidden(connection: sa.Connection, rows: Sequence[Any], now_s: int, ended: Tally) -> list[Any]:
    """Fail the touches whose customer has since opted out; consent may go while a touch waits for morning."""
    doubtful = {row.customer_no for row in rows if row.doubtful}
    if not doubtful:
        return list(rows)
    people = gate_load.find_people(connection, doubtful)
    gate_load.load_permissions(connection, people, set())
    ready, barred = [], dict[str, list[int]]()
    for row in rows:
        why = None
        if row.doubtful:
            why = people[row.customer_no].barred(row.channel, row.purpose, row.consent_required)
        if why is None:
            ready.append(row)
        else:
            barred.setdefault(why.value, []).append(row.touch_no)
    for reason, numbers in barred.items():
        moved = ends.settle(connection, numbers, "failed", ("queued",), now_s, reason)
        _count(ended, "failed", moved, {row.touch_no: row.plan for row in rows})
    return ready


def _record(
    connection: sa.Connection,
    sheet: ChannelSheet,
    lease: str,
    done: Sequence[tuple[LeasedTouch, SendResult]],
    now_s: int,
) -> Tally:
    """Record what a group of calls came to, or that a message could not be written at all; return what ended.

    An answer that comes late still settles an ``unknown``; it never touches what another worker has leased.
    """
    again: list[Row] = []
    ends_of: dict[tuple[str, str], list[int]] = {}
    for one, result in done:
        due_s = _retry_due(sheet, one, now_s) if result.outcome == "refused" else None
        if due_s is not None:
            again.append((one.touch_no, due_s, result.detail))
            continue
        state: str = "failed" if result.outcome == "refused" else result.outcome
        ends_of.setdefault((state, result.detail), []).append(one.touch_no)
    _queue_again(connection, lease, again)
    plans, ended = {one.touch_no: one.plan for one, _ in done}, Tally()
    for (state, detail), numbers in ends_of.items():
        moved = ends.settle(connection, numbers, state, _ENDS[state], now_s, detail, under=lease)
        _count(ended, state, moved, plans)
    dead = [
        Suppression(
            customer_no=one.customer_no,
            reason="hard_bounce",
            at=from_s(now_s),
            channel=one.channel,
            note=result.detail,
        )
        for one, result in done
        if result.suppress
    ]
    suppress(connection, dead)
    return ended


_ENDS: Mapping[str, tuple[str, ...]] = {
    "accepted": ("sending", "unknown"),
    "failed": ("leased", "sending", "unknown"),
    "unknown": ("sending",),
}


def _retry_due(sheet: ChannelSheet, one: LeasedTouch, now_s: int) -> int | None:
    """Return when a refused touch may be tried again; None when its attempts or its time are over."""
    attempts = one.attempts + 1
    due_s = now_s + retry_delay_s(one.touch_key, attempts, sheet.retry_s)
    return None if attempts >= sheet.attempts_max or due_s >= one.expires_s else due_s


def _queue_again(connection: sa.Connection, lease: str, rows: list[Row]) -> None:
    free: dict[str, Any] = {"lease": None, "lease_until_s": None, "sent_s": None}
    numbers = [row[0] for row in rows]
    moved = set(ends.move(connection, numbers, "queued", ("sending", "unknown"), under=lease, **free))
    update_rows(
        connection, outbox, ("touch_no",), ("due_s", "detail"), [row for row in rows if row[0] in moved]
    )


def _next_due(connection: sa.Connection, channel: str, now: datetime) -> datetime | None:
    """Return the next instant at which a claim can find something, not before ``now``."""
    queued = sa.select(sa.func.min(outbox.c.due_s)).where(QUEUED, outbox.c.channel == channel)
    lapsing = sa.select(sa.func.min(outbox.c.lease_until_s)).where(UNDER_WAY, outbox.c.channel == channel)
    found = [connection.execute(query).scalar_one() for query in (queued, lapsing)]
    instants = [from_s(value) for value in found if value is not None]
    return max(now, min(instants)) if instants else None
