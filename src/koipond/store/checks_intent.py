"""Consent at the intent (发送时授权): nobody was sent anything against what the store had heard by then.

Of everybody near a no, that is who said one, whoever is linked to them or holds one of their addresses, every
statement heard before an intent is folded again, as `koipond.outreach.consent` reads them. Reading only.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from koipond.kernel import Message
from koipond.outreach.consent import ALL, Place, Standing, Statement, combine, find, places
from koipond.outreach.gate import Person
from koipond.store.bulk import any_of, chunks, group
from koipond.store.coholders import CARRIED, Shared, carried_suppressions, co_holders, on_channels
from koipond.store.contact_rules import ContactHistory
from koipond.store.ends import DEAD
from koipond.store.gate_load import find_people
from koipond.store.people import ROOT
from koipond.store.tables import consent_log, customer, identifier, identity_link, outbox, suppression
from koipond.store.tables import touch as touch_

GRACE_S = 5  # two clocks are read one after the other before two transactions
CHUNK = 2_000
SENT = sa.and_(outbox.c.sent_s.is_not(None), outbox.c.state.not_in(DEAD))
_TOUCH = ("touch_key", "customer_no", "channel", "purpose", "consent_required")


def consent_at_intent(connection: sa.Connection) -> Iterator[str]:
    """Whoever was sent something had not said no, and had said yes where that was asked."""
    noes = sa.select(consent_log.c.customer_no).where(~consent_log.c.granted)
    for people in _near(connection, noes):
        circle = _Circle(connection, people)
        for touch in _sent_to(connection, people):
            held = find(circle.heard(touch), touch.channel, touch.purpose)
            if held is not None and not held.granted:
                yield Message(
                    "touch {touch_key} was sent to somebody who had said no", touch_key=touch.touch_key
                )
    required = sa.or_(touch_.c.consent_required, *_assumed_no_more(connection))
    for people in _silent(connection, required):
        circle = _Circle(connection, people)
        for touch in _sent_to(connection, people, required):
            if find(circle.heard(touch), touch.channel, touch.purpose) is None:
                yield Message("touch {touch_key} was sent without consent", touch_key=touch.touch_key)


def suppressed_at_address(connection: sa.Connection) -> Iterator[str]:
    """Nobody was sent anything at an address of which another holder had complained, left or been erased."""
    noes = sa.select(suppression.c.customer_no).where(suppression.c.reason.in_(CARRIED))
    for people in _near(connection, noes):
        shared = co_holders(connection, people)
        known = _known_since(connection, shared)
        barred = group(carried_suppressions(connection, shared), lambda one: one.person.root_no)
        since = _since_when_shared(shared, known)
        for touch in _sent_to(connection, people):
            for one in barred.get(people[touch.customer_no].root_no, ()):
                shared_s = since.get((one.person.root_no, one.channel), 0)
                if one.channel == touch.channel and max(one.at_s, shared_s) < touch.sent_s - GRACE_S:
                    yield Message(
                        "touch {touch_key} was sent to an address that is suppressed ({reason})",
                        touch_key=touch.touch_key,
                        reason=one.reason,
                    )
                    break


def _since_when_shared(shared: Sequence[Shared], known: "_Known") -> dict[tuple[int, str], int]:
    """Return person, channel → since which second a co-holder of its address is known, at the latest."""
    found: dict[tuple[int, str], int] = {}
    for one in shared:
        for channel in on_channels(ALL, one.kind):
            place = one.person.root_no, channel
            found[place] = max(found.get(place, 0), _shared_s(known, one))
    return found


@dataclass(frozen=True, slots=True)
class _Said:
    """One statement of the log: until when it was in force, and its place in the order of writing."""

    seq: int
    void_s: int | None
    said: Statement

    def in_force(self, sent_s: int) -> bool:
        return self.void_s is None or self.void_s > sent_s

    def heard_by(self, touch: Any) -> bool:
        """Say whether the intent of ``touch`` had it before it; those of releases before 0.2 noted none and
        are compared by the clock."""
        if touch.heard_seq is None:
            return self.before(touch.sent_s)
        return self.seq <= int(touch.heard_seq)

    def before(self, sent_s: int) -> bool:
        return self.said.heard_s < sent_s - GRACE_S


class _Circle:
    """The statements of people and of the co-holders of their addresses."""

    def __init__(self, connection: sa.Connection, people: Mapping[int, Person]) -> None:
        self._people = people
        shared = co_holders(connection, people)
        others = {one.other for one in shared}
        self._shared = group(shared, lambda one: one.person.root_no)
        self._members = group(people, lambda number: people[number].root_no)
        self._log = _log(connection, people.keys() | others)
        self._known = _known_since(connection, shared)
        linked = [number for members in self._members.values() if len(members) > 1 for number in members]
        self._linked = _linked_since(connection, linked)

    def heard(self, touch: Any) -> dict[Place, Standing]:
        """Return what held for the person of ``touch`` by what had been heard at its intent."""
        root = self._people[touch.customer_no].root_no
        own = [
            one.said
            for number in self._members[root]
            if number == touch.customer_no or self._linked.get(number, 0) < touch.sent_s - GRACE_S
            for one in self._log.get(number, ())
            if one.in_force(touch.sent_s) and one.heard_by(touch)
        ]
        return combine(own, self._refusals(root, touch))

    def _refusals(self, root: int, touch: Any) -> Iterator[tuple[Place, Standing]]:
        for one in self._shared.get(root, ()):
            if _shared_s(self._known, one) >= touch.sent_s - GRACE_S:
                continue
            log = self._log.get(one.other, ())
            said = [row.said for row in log if row.in_force(touch.sent_s) and row.before(touch.sent_s)]
            for (channel, purpose), held in places(said).items():
                if not held.granted:
                    yield from (((name, purpose), held) for name in on_channels(channel, one.kind))


def _near(connection: sa.Connection, noes: Any) -> Iterator[dict[int, Person]]:
    """Yield, whole, the people of ``noes`` and those who share an address with one of them."""
    held = sa.select(identifier.c.address_hash).where(
        identifier.c.address_hash.is_not(None), identifier.c.customer_no.in_(noes)
    )
    near = sa.select(identifier.c.customer_no).where(identifier.c.address_hash.in_(held))
    number = customer.c.customer_no
    yield from _whole(connection, sa.select(ROOT).where(sa.or_(number.in_(noes), number.in_(near))))


_ASSUMED = (touch_.c.channel, touch_.c.consent_assumed, outbox.c.apply_no)
_RESTING = (
    sa.select(*_ASSUMED)
    .join(outbox, outbox.c.touch_no == touch_.c.touch_no)
    .where(SENT, touch_.c.consent_assumed != "", outbox.c.apply_no.is_not(None))
    .distinct()
)


def _assumed_no_more(connection: sa.Connection) -> list[sa.ColumnElement[bool]]:
    """Return which touches rest on a consent that the settings applied at their intent did not assume."""
    resting = connection.execute(_RESTING).all()
    history = ContactHistory(connection)
    found = []
    for channel, segment, apply_no in resting:
        rules = history.at(apply_no)
        if rules is not None and rules.assumed.get(channel) != segment:
            place = zip(_ASSUMED, (channel, segment, apply_no), strict=True)
            found.append(sa.and_(*(column == value for column, value in place)))
    return found


def _silent(connection: sa.Connection, required: sa.ColumnElement[bool]) -> Iterator[dict[int, Person]]:
    """Yield the people who were sent what needs a consent without a yes of their own: few, such as those for
    whom a linked customer said it, or whose import was undone since."""
    said = consent_log.alias()
    mine = sa.and_(said.c.customer_no == touch_.c.customer_no, said.c.void_s.is_(None), said.c.granted)
    mine &= said.c.channel.in_((touch_.c.channel, "*")) & said.c.purpose.in_((touch_.c.purpose, "*"))
    mine &= said.c.seq <= outbox.c.heard_seq
    numbers = (
        sa.select(touch_.c.customer_no)
        .join(outbox, outbox.c.touch_no == touch_.c.touch_no)
        .where(SENT, required, outbox.c.heard_seq.is_not(None), ~sa.exists().where(mine))
    )
    yield from _whole(connection, sa.select(ROOT).where(customer.c.customer_no.in_(numbers)))


def _whole(connection: sa.Connection, roots: Any) -> Iterator[dict[int, Person]]:
    for part in chunks(sorted(set(connection.scalars(roots))), CHUNK):
        yield find_people(connection, part)


def _sent_to(connection: sa.Connection, people: Mapping[int, Person], *more: Any) -> Sequence[Any]:
    columns = (*(touch_.c[name] for name in _TOUCH), outbox.c.heard_seq, outbox.c.sent_s)
    query = sa.select(*columns).join(outbox, outbox.c.touch_no == touch_.c.touch_no)
    query = query.where(SENT, *more, any_of(connection, touch_.c.customer_no, list(people)))
    return connection.execute(query.order_by(touch_.c.touch_no)).all()


def _log(connection: sa.Connection, numbers: Collection[int]) -> dict[int, list[_Said]]:
    names = (
        "customer_no",
        "seq",
        "void_s",
        "heard_no",
        "at_s",
        "granted",
        "recorded_s",
        "channel",
        "purpose",
    )
    query = sa.select(*(consent_log.c[name] for name in names))
    found: dict[int, list[_Said]] = {}
    for number, seq, void_s, *said in connection.execute(
        query.where(any_of(connection, consent_log.c.customer_no, list(numbers)))
    ):
        found.setdefault(number, []).append(_Said(seq, void_s, Statement(*said)))
    return found


_Known = dict[tuple[int, str], int]


def _known_since(connection: sa.Connection, shared: Collection[Shared]) -> _Known:
    """Return customer, kind → when its newest address of that kind was first told, for who shares one."""
    numbers = {number for one in shared for number in (one.other, one.person.root_no)}
    who = identifier.c.customer_no, identifier.c.kind
    query = sa.select(*who, sa.func.max(identifier.c.seen_s)).where(
        identifier.c.address_hash.is_not(None), any_of(connection, identifier.c.customer_no, list(numbers))
    )
    return {(row[0], row[1]): row[2] for row in connection.execute(query.group_by(*who))}


def _shared_s(known: _Known, one: Shared) -> int:
    """Return since which second it is known that both hold the address."""
    return max(known.get((number, one.kind), 0) for number in (one.other, one.person.root_no))


def _linked_since(connection: sa.Connection, numbers: Collection[int]) -> dict[int, int]:
    """Return customer → when it was last found to be a person of several numbers."""
    link = identity_link.c
    query = sa.select(link.customer_no, sa.func.max(link.linked_s)).where(
        link.undone_s.is_(None), any_of(connection, link.customer_no, list(numbers))
    )
    return {row[0]: row[1] for row in connection.execute(query.group_by(link.customer_no))}
