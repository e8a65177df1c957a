"""A no belongs to the address (同址): who else holds it is not reached there either.

Whoever holds an address of one person under another number, in whichever source, verified or not, is a
co-holder. Their refusals and suppressions count on the channels that use that kind of address.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from koipond.outreach.consent import ALL, Place, Standing, combine
from koipond.outreach.gate import Person
from koipond.store import consent_log
from koipond.store.bulk import any_of, group, listed
from koipond.store.cipher import ERASED_CIPHER
from koipond.store.tables import consent, identifier, people_verdict, suppression
from koipond.store.tables.records import UNREAL

KINDS: Mapping[str, str] = {"email": "email", "sms": "phone", "voice": "phone", "whatsapp": "phone"}
"""Channel → kind of identifier it reaches people by."""
CONFIRMED_UNREAL = "unreal"
"""What bars whom `koipond quality confirm` leaves out; it lasts until `koipond quality clear`."""
CARRIED = ("complaint", "hard_bounce", "erased", "operator")
"""Reasons of suppressions that belong to the address; who left one chat may stay in another."""


def load_permissions(
    connection: sa.Connection,
    people: Mapping[int, Person],
    kinds: Collection[str] = (),
    shared: Collection["Shared"] | None = None,
) -> None:
    """Load suppressions, consents and which of ``kinds`` of addresses there are: of all members of a person,
    and what co-holders of those addresses have refused. No kinds: of every kind. Whom an operator confirmed
    as unreal is suppressed everywhere. ``shared``: their co-holders, when they are known already.
    """
    barred = sa.select(suppression.c.customer_no, suppression.c.channel, suppression.c.reason)
    for number, channel, reason in _of(connection, barred, suppression.c.customer_no, people):
        people[number].suppressed.setdefault(channel, reason)
    for number, _ in unreal_people(connection, people):
        people[number].suppressed["*"] = CONFIRMED_UNREAL
    shared = co_holders(connection, people, kinds) if shared is None else shared
    for carried in carried_suppressions(connection, shared):
        carried.person.suppressed.setdefault(carried.channel, carried.reason)
    refusals = _refusals(connection, shared)
    members = group(people, lambda number: id(people[number]))
    exact = {number for linked in members.values() if len(linked) > 1 for number in linked}
    exact |= {number for linked in members.values() for number in linked if id(people[number]) in refusals}
    _load_states(connection, people, people.keys() - exact)
    _load_logs(connection, people, exact, refusals)


def unreal_people(connection: sa.Connection, people: Collection[int]) -> list[tuple[int, int]]:
    """Return whom of ``people`` an operator confirmed as unreal, and when that was first said."""
    number = people_verdict.c.customer_no
    query = sa.select(number, sa.func.min(people_verdict.c.at_s)).where(UNREAL).group_by(number)
    return [(row[0], row[1]) for row in connection.execute(query.where(any_of(connection, number, people)))]


class Shared(NamedTuple):
    """An address of ``kind`` that customer ``other``, who is not ``person``, holds too."""

    person: Person
    kind: str
    other: int


class Carried(NamedTuple):
    """A suppression of a co-holder that counts for ``person`` on ``channel``."""

    person: Person
    channel: str
    reason: str
    at_s: int


def co_holders(
    connection: sa.Connection, people: Mapping[int, Person], kinds: Collection[str] = ()
) -> list[Shared]:
    """Note which addresses of ``kinds`` ``people`` have (no kinds: of every kind), and return who else holds
    any of their addresses."""
    _note_addresses(connection, people, kinds or set(KINDS.values()))
    sharing = set(connection.scalars(SHARING, {"customers": list(people)}))
    rows = connection.execute(_SHARED, {"customers": list(sharing)}) if sharing else ()
    return [
        Shared(people[number], kind, other)
        for number, kind, other in rows
        if people.get(other) is not people[number]
    ]


_mine, _theirs = identifier.alias(), identifier.alias()
_SAME = (_theirs.c.address_hash == _mine.c.address_hash) & (_theirs.c.customer_no != _mine.c.customer_no)
SHARING = sa.select(_mine.c.customer_no).where(
    listed(_mine.c.customer_no, "customers"),
    sa.exists(sa.select(sa.literal(1)).where(_SAME).offset(0).correlate(_mine)),
)
"""Which of ``customers`` share an address. Almost nobody does; to ask here what each holder refused would
cost every candidate. The offset keeps it a look-up an address: after a large import, before PostgreSQL has
counted the table anew, it would join the whole of it with itself (150 µs a customer at 100,000)."""
_SHARED = (
    sa.select(_mine.c.customer_no, _mine.c.kind, _theirs.c.customer_no)
    .join(_theirs, _SAME)
    .where(listed(_mine.c.customer_no, "customers"))
)
"""Number, kind of the address, the other one; asked of the few who share any."""
_ADDRESSES = sa.select(identifier.c.customer_no, identifier.c.kind).where(
    listed(identifier.c.customer_no, "customers"),
    listed(identifier.c.kind, "kinds"),
    identifier.c.cipher != ERASED_CIPHER,
)


def _note_addresses(connection: sa.Connection, people: Mapping[int, Person], kinds: Collection[str]) -> None:
    given = {"customers": list(people), "kinds": sorted(kinds)}
    for number, kind in connection.execute(_ADDRESSES, given):
        people[number].addresses.add(kind)


def carried_suppressions(connection: sa.Connection, shared: Collection[Shared]) -> Iterator[Carried]:
    """Yield the suppressions of co-holders that belong to the address."""
    others = {one.other for one in shared}
    if not others:
        return
    rows = sa.select(suppression).where(
        suppression.c.reason.in_(CARRIED), any_of(connection, suppression.c.customer_no, others)
    )
    barred = group(connection.execute(rows), lambda row: row.customer_no)
    for person, kind, other in shared:
        for row in barred.get(other, ()):
            for channel in on_channels(row.channel, kind):
                yield Carried(person, channel, row.reason, row.at_s)


_Refusals = dict[int, list[tuple[Place, Standing]]]


def _refusals(connection: sa.Connection, shared: Collection[Shared]) -> _Refusals:
    """Return person (its id) → places that co-holders of an address refused."""
    others = {one.other for one in shared}
    if not others:
        return {}
    columns = (consent.c[name] for name in ("customer_no", "channel", "purpose", *Standing._fields))
    rows = sa.select(*columns).where(~consent.c.granted, any_of(connection, consent.c.customer_no, others))
    said = group(connection.execute(rows), lambda row: row.customer_no)
    found: _Refusals = {}
    for person, kind, other in shared:
        for row in said.get(other, ()):
            state = Standing(*row[3:])
            places = [((channel, row.purpose), state) for channel in on_channels(row.channel, kind)]
            found.setdefault(id(person), []).extend(places)
    return found


def on_channels(channel: str, kind: str) -> Iterator[str]:
    """Yield those channels which ``channel`` (or all) names and which use addresses of ``kind``."""
    for name, used in KINDS.items():
        if used == kind and channel in (name, ALL):
            yield name


def _load_states(connection: sa.Connection, people: Mapping[int, Person], numbers: Collection[int]) -> None:
    """Load the states of people of one number, as they stand."""
    columns = (consent.c[name] for name in ("customer_no", "channel", "purpose", *Standing._fields))
    for number, channel, purpose, *held in _of(
        connection, sa.select(*columns), consent.c.customer_no, numbers
    ):
        people[number].consents[channel, purpose] = Standing(*held)


def _load_logs(
    connection: sa.Connection, people: Mapping[int, Person], numbers: Collection[int], refusals: _Refusals
) -> None:
    """Read the log of people whose state rests on several numbers; the order of hearing decides."""
    if not numbers:
        return
    said = consent_log.statements_of(connection, numbers)
    for linked in group(numbers, lambda number: id(people[number])).values():
        person = people[linked[0]]
        own = [one for number in linked for one in said.get(number, ())]
        person.consents.update(combine(own, refusals.get(id(person), ())))


def _of(
    connection: sa.Connection, query: Any, column: sa.ColumnElement[Any], numbers: Collection[int]
) -> list[Any]:
    return list(connection.execute(query.where(any_of(connection, column, list(numbers)))))
