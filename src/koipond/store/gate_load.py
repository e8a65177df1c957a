"""Load and lock what the gate decides on: a few statements a batch, however many candidates.

Locks are taken in one order (customers by number, budgets by scope, codes by number), so gates of several
processes wait for each other. Co-holders of an address are known, and locked, after those: where two gates
then wait for each other the database ends one, which begins anew.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from koipond.kernel import BusyError
from koipond.outreach.caps import Slot, lookback_s
from koipond.outreach.gate import Funds, Person, Stock, Touched
from koipond.outreach.model import GateCandidate
from koipond.store.bulk import Row, any_of, upsert_rows
from koipond.store.coholders import Shared
from koipond.store.coholders import load_permissions as load_permissions
from koipond.store.ends import DEAD
from koipond.store.people import roots_of
from koipond.store.tables import (
    assignment,
    budget,
    customer,
    held_out,
    offer_code,
    outbox,
    past_touch,
    touch,
)

_DAY_S = 86_400
_TRIES = 5


def load_inboxes(people: Mapping[int, Person], shared: Iterable[Shared]) -> None:
    """Note whose slots count for whom: those of the co-holders of an address, as they grow in the batch."""
    for person, kind, other in shared:
        slots = people[other].slots
        if person.slots is slots:  # linked meanwhile: one person
            continue
        held = person.inboxes.setdefault(kind, [])
        if all(one is not slots for one in held):
            held.append(slots)


def lock_people(connection: sa.Connection, customer_nos: Collection[int]) -> dict[int, Person]:
    """Lock the persons of ``customer_nos`` and return customer → person, all linked customers included."""
    for _ in range(_TRIES):
        roots = roots_of(connection, customer_nos)
        people = _lock_roots(connection, set(roots.values()))
        if people is not None:
            return _add_members(connection, people)
    raise BusyError("customers are being linked at this moment; try again")


def find_people(connection: sa.Connection, customer_nos: Collection[int]) -> dict[int, Person]:
    """Return customer → person without locking, for a last look before sending."""
    roots = roots_of(connection, customer_nos)
    query = sa.select(customer).where(any_of(connection, customer.c.customer_no, set(roots.values())))
    return _add_members(connection, {row.customer_no: _person(row) for row in connection.execute(query)})


def _lock_roots(connection: sa.Connection, roots: set[int]) -> dict[int, Person] | None:
    """Lock ``roots``; None when one of them was linked to an older customer meanwhile."""
    query = (
        sa.select(customer)
        .where(any_of(connection, customer.c.customer_no, roots))
        .order_by(customer.c.customer_no)
        .with_for_update(key_share=True)  # new consents and identifiers may be written meanwhile
    )
    rows = connection.execute(query).all()
    if any(row.survivor_no is not None for row in rows):
        return None
    return {row.customer_no: _person(row) for row in rows}


def _person(row: Any) -> Person:
    return Person(root_no=row.customer_no, staff=row.staff, minor=row.minor, zone=row.zone)


def _add_members(connection: sa.Connection, people: dict[int, Person]) -> dict[int, Person]:
    query = sa.select(
        customer.c.customer_no, customer.c.survivor_no, customer.c.staff, customer.c.minor, customer.c.zone
    ).where(any_of(connection, customer.c.survivor_no, list(people)))
    for number, root, staff, minor, place in connection.execute(query).all():
        person = people[number] = people[root]
        person.staff |= staff
        person.minor |= minor
        person.zone = person.zone or place
    return people


def load_arms(connection: sa.Connection, people: Mapping[int, Person], since_s: int) -> None:
    """Load recorded arms, and who was held out since; a person is held out when any member was."""
    columns = assignment.c.customer_no, assignment.c.scope, assignment.c.salt, assignment.c.arm
    for number, scope, salt, arm in _of(connection, sa.select(*columns), columns[0], people):
        arms = people[number].arms
        if arms.get((scope, salt)) != "holdout":
            arms[scope, salt] = arm
    waits = sa.select(held_out.c.customer_no, held_out.c.strategy, held_out.c.at_s)
    for number, strategy, at_s in _of(
        connection, waits.where(held_out.c.at_s > since_s), held_out.c.customer_no, people
    ):
        people[number].held_out.append((strategy, at_s))


def load_slots(connection: sa.Connection, people: Mapping[int, Person], since_s: int) -> None:
    """Load the touches whose cap slot is taken and that may have gone out after ``since_s``."""
    until = sa.func.coalesce(outbox.c.sent_s, outbox.c.expires_s)
    start = sa.func.coalesce(outbox.c.sent_s, outbox.c.due_s)
    ours = (
        sa.select(
            touch.c.customer_no,
            touch.c.channel,
            touch.c.purpose,
            touch.c.strategy,
            touch.c.content,
            start,
            until,
        )
        .join(outbox, outbox.c.touch_no == touch.c.touch_no)
        .where(until > since_s, outbox.c.state.not_in(DEAD))
    )
    at = past_touch.c.at_s
    past = sa.select(
        *(past_touch.c[name] for name in ("customer_no", "channel", "purpose", "strategy", "content")), at, at
    ).where(at > since_s)
    for query, column in ((ours, touch.c.customer_no), (past, past_touch.c.customer_no)):
        for number, *slot in _of(connection, query, column, people):
            people[number].slots.append(Slot(*slot))


def load_touches(
    connection: sa.Connection, people: Mapping[int, Person], candidates: Sequence[GateCandidate]
) -> None:
    """Load the touches that ``candidates`` may have become already, and who was held out of them."""
    occurrences = {one.occurrence for one in candidates}
    names = ("customer_no", "strategy", "play", "occurrence", "touch_key", "plan")
    query = (
        sa.select(*(touch.c[name] for name in names), outbox.c.due_s)
        .join(outbox, outbox.c.touch_no == touch.c.touch_no)
        .where(any_of(connection, touch.c.occurrence, occurrences))
    )
    for number, *place, key, plan, due_s in _of(connection, query, touch.c.customer_no, people):
        people[number].touches[place[0], place[1], place[2]] = Touched(key, due_s, plan)
    columns = (held_out.c[name] for name in ("customer_no", "strategy", "play", "occurrence", "scope"))
    held = sa.select(*columns).where(any_of(connection, held_out.c.occurrence, occurrences))
    for number, strategy, play, occurrence, scope in _of(connection, held, held_out.c.customer_no, people):
        people[number].held_places[strategy, play, occurrence] = scope


CodeEnd = Callable[[str, int | None, int | None], int | None]
"""(list, its own end, when it was issued) → the first second in which a code is no good any more."""


def load_spending(
    connection: sa.Connection,
    people: Mapping[int, Person],
    candidates: Sequence[GateCandidate],
    code_end: CodeEnd,
) -> None:
    """Load what each person has cost each strategy with a limit per customer, and the codes they hold."""
    strategies = {one.strategy for one in candidates if one.per_customer_limit_fen is not None}
    if strategies:
        columns = touch.c.customer_no, touch.c.strategy
        query = (
            sa.select(*columns, sa.func.sum(touch.c.cost_fen + touch.c.offer_cost_fen))
            .join(outbox, outbox.c.touch_no == touch.c.touch_no)
            .where(any_of(connection, touch.c.strategy, strategies), outbox.c.state.not_in(DEAD))
            .group_by(*columns)
        )
        for number, strategy, spent in _of(connection, query, columns[0], people):
            held = people[number].spent_fen
            held[strategy] = held.get(strategy, 0) + int(spent)
    lists = {one.code_list for one in candidates if one.code_list is not None}
    if lists:
        names = ("customer_no", "list_key", "code_no", "expires_s", "issued_s")
        codes = sa.select(*(offer_code.c[name] for name in names))
        codes = codes.where(any_of(connection, offer_code.c.list_key, lists))
        for number, key, code_no, *times in _of(connection, codes, offer_code.c.customer_no, people):
            people[number].codes[key] = (code_no, code_end(key, *times))


def lock_funds(connection: sa.Connection, scopes: Collection[str]) -> Funds:
    """Lock the budgets of ``scopes``, making those that are new, and return what they have given."""
    if not scopes:
        return Funds({})
    new: list[Row] = [(scope, 0, 0) for scope in sorted(scopes)]
    upsert_rows(connection, budget, ("scope", "taken_fen", "limit_fen"), new, "ON CONFLICT DO NOTHING")
    query = sa.select(budget.c.scope, budget.c.taken_fen).where(any_of(connection, budget.c.scope, scopes))
    rows = connection.execute(query.order_by(budget.c.scope).with_for_update()).all()
    return Funds({row.scope: row.taken_fen for row in rows})


def lock_stock(
    connection: sa.Connection,
    candidates: Sequence[GateCandidate],
    now_s: int,
    code_end: CodeEnd,
    *,
    lock: bool = True,
) -> dict[str, Stock]:
    """Lock as many unissued codes of each list as ``candidates`` could take: of those that outlive all of
    them, and of those that end before the last one is due. Without ``lock`` only look at them."""
    wanted: dict[str, int] = {}
    last_s = max((int(one.due_at.timestamp()) for one in candidates), default=0)
    last_s = max(last_s, now_s) + _DAY_S  # quiet hours move a touch by a day at most
    for one in candidates:
        if one.code_list is not None:
            wanted[one.code_list] = wanted.get(one.code_list, 0) + 1
    stock = {}
    for key in sorted(wanted):
        free = (
            sa.select(offer_code.c.code_no, offer_code.c.expires_s)
            .where(offer_code.c.list_key == key, offer_code.c.customer_no.is_(None))
            .order_by(offer_code.c.code_no)
            .limit(wanted[key])
        )
        if lock:
            free = free.with_for_update(skip_locked=True)
        soon = sa.and_(offer_code.c.expires_s > now_s, offer_code.c.expires_s <= last_s)
        lasting = sa.or_(offer_code.c.expires_s.is_(None), offer_code.c.expires_s > last_s)
        by_end: dict[int | None, deque[int]] = {}
        for query in (free.where(soon), free.where(lasting)):
            for code_no, expires_s in connection.execute(query):
                by_end.setdefault(code_end(key, expires_s, now_s), deque()).append(code_no)
        stock[key] = Stock(by_end)
    return stock


def since(candidates: Sequence[GateCandidate], now_s: int) -> int:
    """Return the instant before which no past touch can matter to ``candidates``."""
    waits = {max(one.re_entry_days, one.duplicate_content_days) * _DAY_S for one in candidates}
    caps = {cap for one in {one.caps for one in candidates} for cap in one}
    return now_s - max([0, *waits, *(lookback_s(cap) for cap in caps)])


def _of(
    connection: sa.Connection, query: Any, column: sa.ColumnElement[Any], people: Mapping[int, Person]
) -> Sequence[Any]:
    return connection.execute(query.where(any_of(connection, column, list(people)))).all()
