"""What the gate would say of everybody (生效授权): for the copies in the warehouse, for `why` and previews.

Almost everybody's permissions are their own rows. Only of people who are several customers or share an
address, and of whose circle somebody said no, the gate's own functions decide. Each customer of such a
person gets what holds for the whole person, so that a reader of the copies needs neither links nor addresses.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from koipond.outreach.consent import combine, find
from koipond.outreach.gate import Person
from koipond.outreach.model import GateCandidate, Reason
from koipond.outreach.ports import HeldConsent, HeldSuppression, Permissions
from koipond.store import consent_log
from koipond.store.bulk import Row, any_of, chunks, group
from koipond.store.coholders import (
    CONFIRMED_UNREAL,
    carried_suppressions,
    co_holders,
    load_permissions,
    unreal_people,
)
from koipond.store.engine import Database
from koipond.store.gate_load import find_people
from koipond.store.people import ROOT
from koipond.store.tables import consent, customer, identifier, suppression

CHUNK = 5_000


class StoredPermissions:
    """What may be sent to whom, looked at without asking the gate for a touch."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def barred(self, asked: Sequence[GateCandidate]) -> dict[int, Reason]:
        """Return place in ``asked`` → what of its customer forbids the touch at this moment."""
        with self._db.read() as connection:
            people = find_people(connection, {one.customer_no for one in asked})
            load_permissions(connection, people, set())
        found = {
            place: people[one.customer_no].barred(one.channel, one.purpose, one.consent_required)
            for place, one in enumerate(asked)
        }
        return {place: reason for place, reason in found.items() if reason is not None}

    def of(self, customer_no: int) -> Permissions:
        """Return what holds for the person ``customer_no`` belongs to, and whose word it is."""
        with self._db.read() as connection:
            people = find_people(connection, {customer_no})
            load_permissions(connection, people, set())
            said = consent_log.statements_of(connection, people)
            own = combine(one for statements in said.values() for one in statements)
            barred = sorted(set(_suppressions(connection, people)))
        consents = []
        for place, held in sorted(people[customer_no].consents.items()):
            mine = find(own, *place)
            theirs = not held.granted and (mine is None or mine.granted)
            consents.append(HeldConsent(*place, held.granted, held.at_s, not theirs))
        suppressions = tuple(one for _, one in barred)
        return Permissions(consents=tuple(consents), suppressions=suppressions)


class Effective(NamedTuple):
    """Rows for customers whose own ones do not tell what holds; they replace those of ``customers``."""

    customers: list[int]
    rows: list[Row]


def effective_consents(connection: sa.Connection) -> Effective:
    """Return what holds for customers of whose circle somebody refused something (FACTS ``consents``)."""
    numbers: list[int] = []
    rows: list[Row] = []
    for people in _circles(connection):
        load_permissions(connection, people, set())
        numbers += people
        rows += [
            (number, *place, held.granted, held.at_s)
            for number, person in people.items()
            for place, held in person.consents.items()
        ]
    return Effective(numbers, rows)


def effective_suppressions(connection: sa.Connection) -> Effective:
    """Return what bars customers of whose circle somebody is suppressed (FACTS ``suppressions``)."""
    numbers: list[int] = []
    rows: list[Row] = []
    for people in _circles(connection):
        numbers += people
        members = group(people, lambda number: people[number].root_no)  # noqa: B023
        found = {(root, one[:3]) for root, one in _suppressions(connection, people)}
        rows += [(number, *held) for root, held in sorted(found) for number in members[root]]
    return Effective(numbers, rows)


def _suppressions(
    connection: sa.Connection, people: Mapping[int, Person]
) -> Iterator[tuple[int, HeldSuppression]]:
    """Yield the root of a person and what bars it, said of any of its numbers or of a co-holder."""
    columns = [suppression.c[name] for name in ("customer_no", "channel", "reason", "at_s")]
    mine = any_of(connection, columns[0], list(people))
    for number, channel, reason, at_s in connection.execute(sa.select(*columns).where(mine)):
        yield people[number].root_no, HeldSuppression(channel, reason, at_s, own=True)
    for number, at_s in unreal_people(connection, people):
        yield people[number].root_no, HeldSuppression("*", CONFIRMED_UNREAL, at_s, own=True)
    for person, channel, reason, at_s in carried_suppressions(connection, co_holders(connection, people)):
        yield person.root_no, HeldSuppression(channel, reason, at_s, own=False)


def _circles(connection: sa.Connection) -> Iterator[dict[int, Person]]:
    """Yield the people, whole, who are several customers or share an address, where somebody said no.

    The work grows with the number of noes: of everybody else nothing is looked at.
    """
    noes = sa.union(
        sa.select(consent.c.customer_no).where(~consent.c.granted), sa.select(suppression.c.customer_no)
    ).subquery()
    said_no = sa.select(noes.c.customer_no)
    linked = sa.select(customer.c.survivor_no).where(customer.c.survivor_no.is_not(None))
    merged = sa.select(ROOT).where(customer.c.customer_no.in_(said_no), ROOT.in_(linked))
    held = sa.select(identifier.c.address_hash).where(
        identifier.c.address_hash.is_not(None), identifier.c.customer_no.in_(said_no)
    )
    several = sa.func.min(identifier.c.customer_no) < sa.func.max(identifier.c.customer_no)
    address = identifier.c.address_hash
    shared = sa.select(address).where(address.in_(held)).group_by(address).having(several)
    near = sa.select(identifier.c.customer_no).where(address.in_(shared))
    sharing = sa.select(ROOT).where(customer.c.customer_no.in_(near))
    roots = set(connection.scalars(merged)) | set(connection.scalars(sharing))
    for part in chunks(sorted(roots), CHUNK):
        yield find_people(connection, part)
