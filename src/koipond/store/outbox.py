"""The outbox on the store (发件箱; port `koipond.outreach.ports.Outbox`).

queued → leased → sending → accepted. The intent to send is committed before the call, after a last look at
whether the touch may still go (`last_look`); a call without a recorded answer is ``unknown`` after a crash
and never made again by itself. What a sender claimed is its own until its lease ends; before the intent it
then goes back to ``queued``. Sources: design §7, ops §2, decisions/0012.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from koipond.outreach.backoff import retry_delay_s
from koipond.outreach.model import LATE, QuietHours, TouchState
from koipond.outreach.ports import Advance, ChannelSheet, Claim, LeasedTouch, Response, SendResult
from koipond.store import answers, ends, leases
from koipond.store.bulk import Row, any_of, update_rows
from koipond.store.clock_ahead import bring_back
from koipond.store.consents import Suppression, suppress
from koipond.store.engine import Database
from koipond.store.in_force import ALL, CHANNEL, STRATEGY, RuleBook, Rules, paused_scopes
from koipond.store.instants import from_s, to_s
from koipond.store.last_look import LastLook, Tally
from koipond.store.outbox_counts import OutboxCounts
from koipond.store.quiet_history import note_quiet
from koipond.store.rate import Bucket
from koipond.store.senders import Sender, remaining_s, standing
from koipond.store.tables import customer, offer_code, outbox, touch
from koipond.store.tables.outreach import QUEUED, UNDER_WAY
from koipond.store.terms import Terms

_SWEEP_ROWS = 5_000  # abandoned rows put right by one claim


class StoredOutbox(OutboxCounts):
    """The outbox of one workspace, as one sender works through it under the ``terms`` of its settings."""

    def __init__(
        self, database: Database, terms: Terms, *, sender: Sender, book: RuleBook | None = None
    ) -> None:
        self._db = database
        self._terms = terms
        self._sender = sender
        self._book = book or RuleBook()
        self._noted: QuietHours | None = None  # which are obeyed

    def claim(self, sheet: ChannelSheet, limit: int, now: datetime) -> Claim:
        """Claim at most ``limit`` due touches under the sender's lease. What has expired, waits for the
        morning or was left by a sender that has ended is put right on the way; what is paused stays."""
        lease = self._sender.lease(now)
        with self._db.write() as connection:
            if leases.stands(connection, lease, "sender"):
                return self._claim(connection, sheet, lease, limit, now)
        self._sender.lost()  # stopped for too long: the next claim is under another lease
        return Claim(lease=lease, touches=[], examined=1, wake_at=now)

    def _claim(
        self, connection: sa.Connection, sheet: ChannelSheet, lease: str, limit: int, now: datetime
    ) -> Claim:
        now_s, machine_s = to_s(now), self._sender.now_s(now)
        rules = self._book.rules(connection)
        terms = rules.under(self._terms)
        if self._noted != terms.quiet:
            note_quiet(connection, terms.quiet, now_s)
            self._noted = terms.quiet
        ended: Tally = Counter()
        others = standing(connection, lease, machine_s, self._sender.is_alive)
        swept = recover(connection, sheet, {lease, *(one.lease for one in others)}, now_s, ended)
        bring_back(connection, sheet.channel, now_s)
        paused = _paused(connection, rules, sheet.channel)
        bucket = Bucket(connection, sheet.channel, sheet.account, sheet.rate, now) if sheet.rate else None
        wanted = limit if bucket is None else min(limit, bucket.tokens)
        found = _due(connection, sheet.channel, now_s, wanted, paused)
        ready = _defer(connection, _expire(connection, found, rules, terms, now_s, ended), sheet, terms, now)
        ends.move(connection, [row.touch_no for row in ready], "leased", ("queued",), lease=lease)
        if bucket is not None:
            bucket.take(len(ready))
        wake_at = _next_due(connection, sheet.channel, now, paused)
        if bucket is not None and wake_at is not None:
            wake_at = max(wake_at, bucket.next_at() if bucket.tokens == 0 else now)
        if others and (left_s := _waits_for_others(connection, sheet, lease, others, machine_s)):
            ends_at = now + timedelta(seconds=left_s)
            wake_at = ends_at if wake_at is None else min(wake_at, ends_at)
        touches = [LeasedTouch._make(_leased(row)) for row in ready]
        touches = _with_ends(touches, rules, terms)
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
        """Record ``done`` and commit the intent to send those of ``begin`` that may still go, in one
        transaction. Nothing may go once the claim's lease has ended."""
        now_s = to_s(now)
        with self._db.write() as connection:
            stands = bool(begin) and leases.stands(connection, claim.lease, "sender")
            ended = _record(connection, sheet, claim.lease, done, now_s)
            if not stands:
                return Advance(may_go=[], ended=ended)
            rules = self._book.rules(connection)
            look = LastLook(connection, sheet, rules.under(self._terms), rules, now)
            may_go = look.take(claim.lease, begin)
            ended.update(look.ended)
        return Advance(may_go=[one for one in begin if one.touch_no in may_go], ended=ended)

    def release(self, claim: Claim) -> int:
        """Give back what was claimed and not begun, such as when a worker stops; return how many."""
        numbers = [one.touch_no for one in claim.touches]
        if not numbers:
            return 0
        with self._db.write() as connection:
            return len(ends.move(connection, numbers, "queued", ("leased",), under=claim.lease, lease=None))

    def close(self) -> None:
        """Give the sender's lease back; what it had claimed goes to the next sender at once."""
        self._sender.close()

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

    def next_due(self, channel: str, now: datetime) -> datetime | None:
        """Return when the next touch of ``channel`` that is not paused is due; None when nothing waits."""
        with self._db.read() as connection:
            paused = _paused(connection, self._book.rules(connection), channel)
            return _next_due(connection, channel, now, paused)


def _with_ends(touches: list[LeasedTouch], rules: Rules, terms: Terms) -> list[LeasedTouch]:
    """Say of each code when it really ends: a text must not promise a later day."""
    if all(one.code_list is None for one in touches):
        return touches
    found = []
    for one in touches:
        end_s = one.code_expires_s
        if one.code_list is not None:
            end_s = rules.code_end_s(one.code_list, end_s, one.code_issued_s, terms.place)
        found.append(one if end_s == one.code_expires_s else one._replace(code_expires_s=end_s))
    return found


def _defer(
    connection: sa.Connection, rows: Sequence[Any], sheet: ChannelSheet, terms: Terms, now: datetime
) -> list[Any]:
    """Move the touches whose hour is quiet to its end; return the others."""
    starts: dict[tuple[str | None, str], datetime] = {}
    moved: list[Row] = []
    ready = []
    for row in rows:
        kind = (row.zone, row.purpose)
        if kind not in starts:
            starts[kind] = terms.start(sheet, *kind, now)
        if starts[kind] > now:
            moved.append((row.touch_no, to_s(starts[kind])))
        else:
            ready.append(row)
    update_rows(connection, outbox, ("touch_no",), ("due_s",), moved)
    return ready


def _paused(connection: sa.Connection, rules: Rules, channel: str) -> frozenset[str] | None:
    """Return the strategies whose touches are held back; None = every touch of ``channel`` is."""
    scopes = paused_scopes(connection)
    if ALL in scopes or f"{CHANNEL}{channel}" in scopes:
        return None
    own = {scope.removeprefix(STRATEGY) for scope in scopes if scope.startswith(STRATEGY)}
    return rules.paused | own


def _count(ended: Tally, state: str, moved: Sequence[int], plans: Mapping[int, str]) -> None:
    ended.update((plans[number], TouchState(state)) for number in moved)


def recover(
    connection: sa.Connection, sheet: ChannelSheet, standing_: set[str], now_s: int, ended: Tally
) -> int:
    """Put right what senders left whose lease does not stand any more: before the intent back to the queue,
    after it ``unknown``. Adds to ``ended`` what it settled; returns how many it looked at.
    """
    held = sa.select(outbox.c.lease).where(UNDER_WAY, outbox.c.lease > "").distinct()
    lapsed = sorted(set(connection.scalars(held)) - standing_)
    if not lapsed:
        return 0
    columns = outbox.c.touch_no, outbox.c.state, touch.c.plan
    query = sa.select(*columns).join(touch, touch.c.touch_no == outbox.c.touch_no)
    query = query.where(UNDER_WAY, any_of(connection, outbox.c.lease, lapsed))
    query = query.where(outbox.c.channel == sheet.channel)
    query = query.limit(_SWEEP_ROWS).with_for_update(of=outbox, skip_locked=True)
    rows = connection.execute(query).all()
    again = [row.touch_no for row in rows if row.state == "leased"]
    open_ = [row.touch_no for row in rows if row.state == "sending"]
    ends.move(connection, again, "queued", ("leased",), lease=None)
    if sheet.idempotent:
        free: dict[str, Any] = {"lease": None, "sent_s": None}
        ends.move(connection, open_, "queued", ("sending",), **free)
    else:
        moved = ends.settle(connection, open_, "unknown", ("sending",), now_s, "no answer was recorded")
        _count(ended, "unknown", moved, {row.touch_no: row.plan for row in rows})
    return len(rows)


def _waits_for_others(
    connection: sa.Connection,
    sheet: ChannelSheet,
    own: str,
    others: Sequence[leases.HeldLease],
    machine_s: int,
) -> int | None:
    """Return in how many seconds something that another sender has claimed may be free; None = nothing."""
    held = sa.select(outbox.c.lease).where(UNDER_WAY, outbox.c.lease > "", outbox.c.lease != own)
    claimed = set(connection.scalars(held.where(outbox.c.channel == sheet.channel).distinct()))
    return remaining_s([one for one in others if one.lease in claimed], machine_s)


def _expire(
    connection: sa.Connection, rows: Sequence[Any], rules: Rules, terms: Terms, now_s: int, ended: Tally
) -> list[Any]:
    """Let the touches whose time is over expire, each with why it did not go; return the others."""
    late: dict[str, list[int]] = {}
    for row in rows:
        if row.expires_s <= now_s:
            why = rules.over_code(row, terms.place, now_s) or LATE
            late.setdefault(why, []).append(row.touch_no)
    for why, numbers in sorted(late.items()):
        moved = ends.settle(connection, numbers, "expired", ("queued",), now_s, why)
        _count(ended, "expired", moved, {row.touch_no: row.plan for row in rows})
    return [row for row in rows if row.expires_s > now_s]


_COLUMNS: Mapping[str, sa.ColumnElement[Any]] = {
    "customer_uid": customer.c.customer_uid,
    "code": offer_code.c.code,
    "due_s": outbox.c.due_s,
    "expires_s": outbox.c.expires_s,
    "attempts": outbox.c.attempts,
    "cost_fen": touch.c.cost_fen + touch.c.offer_cost_fen,
    "shares": ends.SHARES,
    "code_list": offer_code.c.list_key,
    "code_expires_s": offer_code.c.expires_s,
    "code_issued_s": offer_code.c.issued_s,
}
_LEASED = [
    (_COLUMNS[name] if name in _COLUMNS else touch.c[name]).label(name) for name in LeasedTouch._fields
]
_leased = itemgetter(slice(len(_LEASED)))  # by position: by name it took a third of a claim's time


def _due(
    connection: sa.Connection, channel: str, now_s: int, limit: int, paused: frozenset[str] | None
) -> Sequence[Any]:
    """Lock the next due touches; of those that are ``paused`` only what has expired."""
    if limit <= 0:
        return []
    query = (
        sa.select(*_LEASED, customer.c.zone)
        .join(touch, touch.c.touch_no == outbox.c.touch_no)
        .join(customer, customer.c.customer_no == touch.c.customer_no)
        .outerjoin(offer_code, offer_code.c.code_no == touch.c.code_no)
        .where(QUEUED, outbox.c.channel == channel, outbox.c.due_s <= now_s)
        .order_by(outbox.c.due_s, outbox.c.touch_no)
        .limit(limit)
        .with_for_update(of=outbox, skip_locked=True)
    )
    if paused is None:
        query = query.where(outbox.c.expires_s <= now_s)
    elif paused:
        held = any_of(connection, touch.c.strategy, sorted(paused))
        query = query.where(sa.or_(~held, outbox.c.expires_s <= now_s))
    return connection.execute(query).all()


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
    withheld: list[Row] = []
    ends_of: dict[tuple[str, str], list[int]] = {}
    for one, result in done:
        due_s = _retry_due(sheet, one, now_s) if result.outcome == "refused" else None
        if due_s is not None:
            again.append((one.touch_no, due_s, result.detail))
            continue
        if result.outcome == "withheld":
            withheld.append((one.touch_no, one.attempts, result.detail))
            continue
        state: str = "failed" if result.outcome == "refused" else result.outcome
        ends_of.setdefault((state, result.detail), []).append(one.touch_no)
    _queue_again(connection, lease, again, "due_s")
    _queue_again(connection, lease, withheld, "attempts")
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


def _queue_again(connection: sa.Connection, lease: str, rows: list[Row], column: str) -> None:
    """Put touches back into the queue that were not handed over; ``rows``: touch, ``column``, detail."""
    free: dict[str, Any] = {"lease": None, "sent_s": None, "heard_seq": None, "apply_no": None}
    numbers = [row[0] for row in rows]
    moved = set(ends.move(connection, numbers, "queued", ("sending", "unknown"), under=lease, **free))
    kept = [row for row in rows if row[0] in moved]
    update_rows(connection, outbox, ("touch_no",), (column, "detail"), kept)


def _next_due(
    connection: sa.Connection, channel: str, now: datetime, paused: frozenset[str] | None
) -> datetime | None:
    """Return the next instant at which a claim can find something, not before ``now``; a paused touch can
    only expire."""
    mine = sa.and_(QUEUED, outbox.c.channel == channel)
    due, over = sa.select(sa.func.min(outbox.c.due_s)), sa.select(sa.func.min(outbox.c.expires_s))
    queries = [due.where(mine)]
    if paused is None:
        queries = [over.where(mine)]
    elif paused:
        held = any_of(connection, touch.c.strategy, sorted(paused))
        both = touch.c.touch_no == outbox.c.touch_no
        queries = [due.join(touch, both).where(mine, ~held), over.join(touch, both).where(mine, held)]
    found = [connection.execute(query).scalar_one() for query in queries]
    instants = [from_s(value) for value in found if value is not None]
    return max(now, min(instants)) if instants else None
