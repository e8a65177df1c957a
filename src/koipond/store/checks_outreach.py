"""Invariants of what was sent (发送不变量): whom, when and under which rules, by the instant of each intent.

Every touch that went out is looked at once more with what the store knew then: hours, consent, flags, the day
whose budgets and quotas it holds, codes, plans and pauses. Reading only. Rule: decisions/0012.
"""

import json
from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from koipond.budgets import day_of_scope
from koipond.kernel import Message, day_of, local_time, zone
from koipond.outreach.quiet import is_quiet
from koipond.store.checks_intent import GRACE_S, SENT, consent_at_intent, suppressed_at_address
from koipond.store.checks_rules import running_at_intent
from koipond.store.contact_rules import ContactHistory
from koipond.store.ends import SHARES
from koipond.store.instants import from_s, to_s
from koipond.store.quiet_history import quiet_history
from koipond.store.tables import (
    audit_log,
    customer,
    lease,
    offer_code,
    outbox,
    people_verdict,
    plan,
    suppression,
)
from koipond.store.tables import touch as touch_
from koipond.store.tables.outreach import UNDER_WAY
from koipond.store.tables.records import UNREAL

Find = Callable[[sa.Connection], Iterator[str]]
_BATCH = 20_000
_HANGING = timedelta(minutes=5)


def outreach_checks(place: ZoneInfo, now: datetime, machine_now: datetime) -> list[tuple[str, Find]]:
    """Return the checks by name; days are those of ``place``, leases run on the machine's clock."""
    long_ago_s = to_s(now - _HANGING), to_s(machine_now - _HANGING)
    return [
        ("quiet_hours", lambda c: _quiet(c, place)),
        ("permissions", _permissions),
        ("consent_at_intent", consent_at_intent),
        ("shared_addresses", suppressed_at_address),
        ("days", lambda c: _days(c, place)),
        ("sent_codes", _sent_codes),
        ("twin_codes", _twin_codes),
        ("stops", _stops),
        ("running", lambda c: running_at_intent(c, place)),
        ("plans", _plans),
        ("leases", lambda c: _senders(c, *long_ago_s)),
    ]


def _sent(*columns: Any) -> sa.Select[Any]:
    return (
        sa.select(*columns).join(outbox, outbox.c.touch_no == touch_.c.touch_no).where(SENT)
    ).execution_options(yield_per=_BATCH)


def _quiet(connection: sa.Connection, place: ZoneInfo) -> Iterator[str]:
    """No marketing touch was sent in the quiet hours, as applied then, of where its customer lives."""
    noted, applied = quiet_history(connection), ContactHistory(connection)
    starts = [since_s for since_s, _ in noted]

    @lru_cache(maxsize=100_000)
    def quiet(quarter: int, own: str | None, apply_no: int | None) -> bool:
        rules = None if apply_no is None else applied.at(apply_no)
        if rules is None and not noted:
            return False
        then = max(bisect_right(starts, quarter * 900 + 899) - 1, 0)
        hours = noted[then][1] if rules is None else rules.quiet
        return is_quiet(from_s(quarter * 900), hours, place if own is None else zone(own))

    query = _sent(touch_.c.touch_key, outbox.c.sent_s, outbox.c.apply_no, customer.c.zone)
    query = query.join(customer, customer.c.customer_no == touch_.c.customer_no)
    for row in connection.execute(query.where(touch_.c.purpose == "marketing")):
        if quiet(row.sent_s // 900, row.zone, row.apply_no):  # every zone's offset is quarters of an hour
            yield Message(
                "touch {touch_key} was sent in the quiet hours, at {from_s}",
                touch_key=row.touch_key,
                from_s=f"{local_time(from_s(row.sent_s), place)} {place.key}",
            )


def _permissions(connection: sa.Connection) -> Iterator[str]:
    """Nobody was sent anything after he was known to be staff, a minor, suppressed or unreal."""
    marketing = touch_.c.purpose == "marketing"
    for member, same in _members():
        known = sa.or_(
            member.c.staff & (member.c.staff_s < outbox.c.sent_s - GRACE_S),
            member.c.minor & marketing & (member.c.minor_s < outbox.c.sent_s - GRACE_S),
        )
        flagged = _sent(touch_.c.touch_key, member.c.staff).join(member, same).where(known)
        for row in connection.execute(flagged):
            yield Message(
                "touch {touch_key} was sent to {staff}",
                touch_key=row.touch_key,
                staff=Message("staff") if row.staff else Message("a minor"),
            )
        barred = (
            _sent(touch_.c.touch_key, suppression.c.reason)
            .join(member, same)
            .join(suppression, suppression.c.customer_no == member.c.customer_no)
            .where(suppression.c.channel.in_(("*", touch_.c.channel)))
            .where(suppression.c.at_s < outbox.c.sent_s - GRACE_S)
        )
        for row in connection.execute(barred):
            yield Message(
                "touch {touch_key} was sent to somebody suppressed ({reason})",
                touch_key=row.touch_key,
                reason=row.reason,
            )
        unreal = (
            _sent(touch_.c.touch_key)
            .join(member, same)
            .join(people_verdict, people_verdict.c.customer_no == member.c.customer_no)
            .where(UNREAL, people_verdict.c.at_s < outbox.c.sent_s - GRACE_S)
            .distinct()  # by how many rules, whatever
        )
        for key in connection.scalars(unreal):
            yield Message("touch {key} was sent to somebody confirmed as unreal", key=key)


def _members() -> list[tuple[Any, sa.ColumnElement[bool]]]:
    """Return customers, and how a touch's customer is joined to those of the same person: itself, and whoever
    is linked to it. Two equal joins: one of both by OR could not use an index."""
    itself, linked = customer.alias(), customer.alias()
    return [
        (itself, itself.c.customer_no == touch_.c.customer_no),
        (linked, linked.c.survivor_no == touch_.c.customer_no),
    ]


def _days(connection: sa.Connection, place: ZoneInfo) -> Iterator[str]:
    """What a touch holds of a day's budget or quota is of the day on which it really went."""

    @lru_cache(maxsize=100_000)
    def day(quarter: int) -> str:
        return day_of(from_s(quarter * 900), place).isoformat()

    @lru_cache(maxsize=10_000)
    def days(shares: str) -> frozenset[str]:
        found = (day_of_scope(scope) for scope in json.loads(shares))
        return frozenset(one.isoformat() for one in found if one is not None)

    query = _sent(touch_.c.touch_key, outbox.c.sent_s, SHARES.label("shares"))
    for row in connection.execute(query.where(outbox.c.heard_seq.is_not(None))):
        if days(row.shares) - {day(row.sent_s // 900)}:
            held = ", ".join(sorted(days(row.shares)))
            yield Message(
                "touch {touch_key} counts on {held} but went on {day}",
                touch_key=row.touch_key,
                held=held,
                day=day(row.sent_s // 900),
            )


def _sent_codes(connection: sa.Connection) -> Iterator[str]:
    """No touch told a code that was dead when it was sent."""
    query = _sent(touch_.c.touch_key).join(offer_code, offer_code.c.code_no == touch_.c.code_no)
    for key in connection.scalars(query.where(offer_code.c.expires_s <= outbox.c.sent_s)):
        yield Message("touch {key} told a code that was dead when it was sent", key=key)


def _twin_codes(connection: sa.Connection) -> Iterator[str]:
    """No two people were dealt codes that read alike."""
    issued = offer_code.c.customer_no.is_not(None) & (offer_code.c.code_key != "")
    numbers = sa.func.min(offer_code.c.code_no), sa.func.max(offer_code.c.code_no)
    query = sa.select(*numbers).where(issued).group_by(offer_code.c.code_key)
    for first, last in connection.execute(query.having(sa.func.count() > 1)):
        yield Message("codes {first} and {last} read alike and were both issued", first=first, last=last)


def _stops(connection: sa.Connection) -> Iterator[str]:
    """Nothing was sent of a withdrawn plan, or of what was paused, after the operator had said so."""
    gone = sa.select(plan.c.plan_no, plan.c.ended_s).where(plan.c.status == "withdrawn")
    for number, ended_s in connection.execute(gone).all():
        query = _sent(touch_.c.touch_key).where(touch_.c.plan == f"p{number}")
        for key in connection.scalars(query.where(outbox.c.sent_s > ended_s + GRACE_S)):
            yield Message(
                "touch {key} was sent after its plan p{number} was withdrawn", key=key, number=number
            )
    for scope, from_, until_s in _pauses(connection):
        window = outbox.c.sent_s > from_ + GRACE_S
        if until_s is not None:
            window &= outbox.c.sent_s < until_s
        kind, _, key = scope.partition(":")
        if kind in ("channel", "strategy"):
            window &= touch_.c[kind] == key
        for touch_key in connection.scalars(_sent(touch_.c.touch_key).where(window)):
            yield Message(
                "touch {touch_key} was sent while {scope} was paused", touch_key=touch_key, scope=scope
            )


def _pauses(connection: sa.Connection) -> list[tuple[str, int, int | None]]:
    """Return (scope, from, until) of every pause there was, from the audit log."""
    query = sa.select(audit_log.c.action, audit_log.c.subject, audit_log.c.at_s)
    query = query.where(audit_log.c.action.in_(("pause", "resume"))).order_by(audit_log.c.seq)
    found: list[tuple[str, int, int | None]] = []
    open_: dict[str, int] = {}
    for action, scope, at_s in connection.execute(query):
        if action == "pause":
            open_[scope] = at_s
        elif scope in open_:
            found.append((scope, open_.pop(scope), at_s))
    return [*found, *((scope, at_s, None) for scope, at_s in open_.items())]


def _plans(connection: sa.Connection) -> Iterator[str]:
    """No plan was approved or sent without a finished summary."""
    columns = plan.c.plan_no, plan.c.status, plan.c.summary, plan.c.approved_s
    for row in connection.execute(sa.select(*columns).order_by(plan.c.plan_no)).all():
        unfinished = row.status in ("making", "unfinished")
        if row.status in ("draft", "approved", "sent") and row.summary == "{}":
            yield Message(
                "plan p{plan_no} is {status} without a summary",
                plan_no=row.plan_no,
                status=Message(row.status),
            )
        elif unfinished and row.approved_s is not None:
            yield Message("plan p{plan_no} was approved and never finished", plan_no=row.plan_no)
        elif unfinished:
            touches = sa.select(sa.func.count()).where(touch_.c.plan == f"p{row.plan_no}")
            if count := int(connection.execute(touches).scalar_one()):
                yield Message(
                    "plan p{plan_no} was never finished and has {count} touches",
                    plan_no=row.plan_no,
                    count=count,
                )


def _senders(connection: sa.Connection, before_s: int, machine_before_s: int) -> Iterator[str]:
    """No touch is under way of a sender that ended long ago: whoever sends next puts it right."""
    gone = lease.c.lease.is_(None) & (sa.func.coalesce(outbox.c.sent_s, outbox.c.due_s) <= before_s)
    query = (
        sa.select(touch_.c.touch_key, outbox.c.state)
        .join(touch_, touch_.c.touch_no == outbox.c.touch_no)
        .outerjoin(lease, lease.c.lease == outbox.c.lease)
        .where(UNDER_WAY, sa.or_(gone, lease.c.until_s <= machine_before_s))
        .order_by(touch_.c.touch_no)
    )
    for row in connection.execute(query):
        yield Message(
            "touch {touch_key} is {state} under a sender that has ended",
            touch_key=row.touch_key,
            state=Message(row.state),
        )
