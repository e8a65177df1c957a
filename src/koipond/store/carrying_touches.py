"""What went out stays gone (已发不重发): what the store put aside has sent, told to the copy brought back.

A copy knows nothing of what was sent after it was made, and may hold a plan that was sent whole since. So
each touch that has gone, or may have, comes over with its cap slot, what it holds of budgets, its code and
its arm; one that waits in the copy and ended since ends here too. Touches are matched by their key, people by
our opaque id of them, plans by their number and the instant they were made.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from koipond.store import counters, ends
from koipond.store.arms import ARM_COLUMNS
from koipond.store.bulk import Row, any_of, group, insert_rows, update_rows, upsert_rows
from koipond.store.carrying_codes import Told, carry_codes
from koipond.store.ends import DEAD
from koipond.store.tables import assignment, budget, customer, outbox, plan, touch, touch_event

WAITING = ("planned", "queued", "leased")
"""States of touches that nobody has begun to send."""
_PART = 5_000
_TOUCH = tuple(column.name for column in touch.columns)
_OUTBOX = tuple(column.name for column in outbox.columns if column.name not in touch.columns)
_STANDS = ("state", "due_s", "expires_s", "sent_s", "attempts", "detail", "shares")
_OPEN = ("draft", "approved")


@dataclass(slots=True)
class CarriedTouches:
    """How many touches were told to the copy, how many of them it had as waiting or not at all; ``unknown``:
    touches of people it has never heard of."""

    gone: int = 0
    ended: int = 0
    unknown: int = 0


@dataclass(slots=True)
class _Copy:
    """The copy, and what it has of the names that the other store uses."""

    connection: sa.Connection
    now_s: int
    plans: set[tuple[str, int]]
    made: Mapping[str, int]  # plan of the other store → when it was made
    told: CarriedTouches = field(default_factory=CarriedTouches)

    def plan(self, key: str) -> str:
        """Return ``key`` when the copy has that plan, else nothing: its numbers are given out again."""
        return key if (key, self.made.get(key, -1)) in self.plans else ""


def carry_touches(present: sa.Connection, connection: sa.Connection, now_s: int) -> CarriedTouches:
    """Tell the store of ``connection`` what ``present`` has sent, in the caller's transaction."""
    copy = _Copy(connection, now_s, set(_plans(connection).items()), _plans(present))
    limits = dict(tuple(row) for row in present.execute(sa.select(budget.c.scope, budget.c.limit_fen)))
    for rows in _touches(present):
        _carry_part(copy, present, rows)
    for arms in _arms(present):
        _carry_arms(copy, arms)
    if copy.told.gone:
        _count_budgets(connection, limits)
    return copy.told


def carry_touches_if_readable(
    present: sa.Connection, connection: sa.Connection, now_s: int
) -> CarriedTouches | None:
    """Do `carry_touches`; when ``present`` breaks off, nothing of it stays and None is returned."""
    try:
        with connection.begin_nested():
            return carry_touches(present, connection, now_s)
    except sa.exc.DatabaseError:
        return None


def has_open_plans(connection: sa.Connection) -> bool:
    """Say whether a plan stands there that may be sent, and may have been."""
    found = sa.select(plan.c.plan_no).where(plan.c.status.in_(_OPEN)).limit(1)
    return connection.execute(found).one_or_none() is not None


def _plans(connection: sa.Connection) -> dict[str, int]:
    return {f"p{number}": at for number, at in connection.execute(sa.select(plan.c.plan_no, plan.c.made_s))}


def _touches(present: sa.Connection) -> Iterator[Sequence[Any]]:
    """Yield every touch that does not wait, with its outbox row and its customer's opaque id."""
    last = 0
    query = (
        sa.select(touch, *(outbox.c[name] for name in _OUTBOX), customer.c.customer_uid)
        .join(outbox, outbox.c.touch_no == touch.c.touch_no)
        .join(customer, customer.c.customer_no == touch.c.customer_no)
        .where(outbox.c.state.not_in(WAITING))
        .order_by(touch.c.touch_no)
        .limit(_PART)
    )
    while rows := present.execute(query.where(touch.c.touch_no > last)).all():
        yield rows
        last = rows[-1].touch_no


def _arms(present: sa.Connection) -> Iterator[Sequence[Any]]:
    last = 0
    query = (
        sa.select(assignment, customer.c.customer_uid)
        .join(customer, customer.c.customer_no == assignment.c.customer_no)
        .order_by(assignment.c.seq)
        .limit(_PART)
    )
    while rows := present.execute(query.where(assignment.c.seq > last)).all():
        yield rows
        last = rows[-1].seq


def _carry_part(copy: _Copy, present: sa.Connection, rows: Sequence[Any]) -> None:
    here = _here(copy.connection, [row.touch_key for row in rows])
    _end(copy, [(here[row.touch_key][0], row) for row in rows if _ended_since(row, here)])
    gone = [row for row in rows if row.state not in DEAD]
    held = [(here[row.touch_key][0], row) for row in gone if row.touch_key in here]
    moved = [(number, row) for number, row in held if here[row.touch_key][1] in (*WAITING, *DEAD)]
    _move(copy, moved)
    people = _known(copy.connection, {row.customer_uid for row in gone})
    lacking = [row for row in gone if row.touch_key not in here]
    fresh = [row for row in lacking if row.customer_uid in people]
    copy.told.unknown += len(lacking) - len(fresh)
    made = _insert(copy, fresh, people)
    again = [(number, row) for number, row in moved if here[row.touch_key][1] in DEAD]
    told = [
        Told(number, people[row.customer_uid], row.code_no)
        for number, row in (*made, *again)
        if row.code_no is not None and row.customer_uid in people
    ]
    carry_codes(present, copy.connection, told)
    _carry_events(copy, present, {row.touch_no: number for number, row in (*moved, *made)})
    unsure = [number for number, row in (*moved, *made) if row.state == "sending"]
    ends.log(copy.connection, unsure, "unknown", copy.now_s)
    copy.told.gone += len(moved) + len(made)


def _ended_since(row: Any, here: Mapping[str, tuple[int, str]]) -> bool:
    return row.state in DEAD and here.get(row.touch_key, (0, ""))[1] in WAITING


def _here(connection: sa.Connection, keys: Sequence[str]) -> dict[str, tuple[int, str]]:
    query = sa.select(touch.c.touch_key, touch.c.touch_no, outbox.c.state)
    query = query.join(outbox, outbox.c.touch_no == touch.c.touch_no)
    found = connection.execute(query.where(any_of(connection, touch.c.touch_key, keys)))
    return {key: (number, state) for key, number, state in found}


def _known(connection: sa.Connection, uids: set[str]) -> dict[str, int]:
    query = sa.select(customer.c.customer_uid, customer.c.customer_no)
    found = connection.execute(query.where(any_of(connection, customer.c.customer_uid, uids)))
    return {row.customer_uid: row.customer_no for row in found}


def _end(copy: _Copy, ended: list[tuple[int, Any]]) -> None:
    for (state, detail), pairs in group(ended, lambda pair: (pair[1].state, pair[1].detail)).items():
        numbers = [number for number, _ in pairs]
        ends.settle(copy.connection, numbers, state, WAITING, copy.now_s, detail)
        copy.told.ended += len(numbers)


def _stands(row: Any) -> Row:
    """Return how far a touch got; of what was being sent nobody knows whether it went."""
    state = "unknown" if row.state == "sending" else row.state
    sent_s = row.admitted_s if row.sent_s is None else row.sent_s
    return state, row.due_s, row.expires_s, sent_s, row.attempts, row.detail, row.shares


def _move(copy: _Copy, moved: list[tuple[int, Any]]) -> None:
    """Bring touches that the copy holds to where they got. What was heard is numbered anew in the copy, so
    their consent is judged by the clock."""
    rows = [(number, *_stands(row)) for number, row in moved]
    update_rows(copy.connection, outbox, ("touch_no",), _STANDS, rows)
    mine = any_of(copy.connection, outbox.c.touch_no, [number for number, _ in moved])
    copy.connection.execute(sa.update(outbox).where(mine).values(lease=None, heard_seq=None))


def _insert(copy: _Copy, fresh: Sequence[Any], people: Mapping[str, int]) -> list[tuple[int, Any]]:
    """Give the copy touches it has never had; return each with its number there."""
    if not fresh:
        return []
    first = counters.take(copy.connection, "touch_no", len(fresh))
    made = [(first + place, row) for place, row in enumerate(fresh)]
    touches: list[Row] = []
    for number, row in made:
        own = {
            "touch_no": number,
            "customer_no": people[row.customer_uid],
            "plan": copy.plan(row.plan),
            "code_no": None,
        }
        touches.append(tuple(own.get(name, getattr(row, name)) for name in _TOUCH))
    insert_rows(copy.connection, touch, _TOUCH, touches)
    stands: list[Row] = [(number, row.channel, *_stands(row)) for number, row in made]
    insert_rows(copy.connection, outbox, ("touch_no", "channel", *_STANDS), stands)
    return made


def _carry_events(copy: _Copy, present: sa.Connection, numbers: Mapping[int, int]) -> None:
    """Tell what became of the touches: facts are made of it."""
    query = sa.select(touch_event.c.touch_no, touch_event.c.kind, touch_event.c.at_s, touch_event.c.detail)
    query = query.where(any_of(present, touch_event.c.touch_no, list(numbers))).order_by(touch_event.c.seq)
    rows: list[Row] = [(numbers[row[0]], *row[1:]) for row in present.execute(query)]
    columns = ("touch_no", "kind", "at_s", "detail")
    upsert_rows(copy.connection, touch_event, columns, rows, "ON CONFLICT DO NOTHING")


def _carry_arms(copy: _Copy, arms: Sequence[Any]) -> None:
    people = _known(copy.connection, {row.customer_uid for row in arms})
    rows: list[Row] = []
    for row in arms:
        if row.customer_uid in people:
            own = {"customer_no": people[row.customer_uid], "plan": copy.plan(row.plan)}
            rows.append(tuple(own.get(name, getattr(row, name)) for name in ARM_COLUMNS))
    upsert_rows(copy.connection, assignment, ARM_COLUMNS, rows, "ON CONFLICT DO NOTHING")


def _count_budgets(connection: sa.Connection, limits: Mapping[str, int]) -> None:
    """Make what budgets have given what all living touches of the copy took, under the newer limits."""
    taken = ends.taken_by_living(connection)
    held = {row.scope: row.limit_fen for row in connection.execute(sa.select(budget))}
    rows: list[Row] = [
        (scope, amount, max(limits.get(scope, 0), held.get(scope, 0), amount))
        for scope, amount in {**dict.fromkeys(held, 0), **taken}.items()
    ]
    replace = (
        "ON CONFLICT (scope) DO UPDATE SET taken_fen = excluded.taken_fen, limit_fen = excluded.limit_fen"
    )
    upsert_rows(connection, budget, ("scope", "taken_fen", "limit_fen"), rows, replace)
