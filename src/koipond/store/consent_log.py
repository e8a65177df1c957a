"""The log of consent and the state that follows from it (授权记录), inside the caller's transaction.

Whoever writes the log holds the counter ``heard_no`` until the commit: statements are heard one after the
other, also by PostgreSQL, and a state is never computed from half of them. Rule: `koipond.outreach.consent`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from koipond.outreach.consent import Place, Standing, Statement, places
from koipond.store import counters
from koipond.store.bulk import Row, any_of, chunks, insert_rows, upsert_rows
from koipond.store.tables import consent, consent_log, import_batch, lease

HEARD = "heard_no"
CHUNK = 20_000
_PLACE = ("customer_no", "channel", "purpose")
_STATE = (*_PLACE, "granted", "at_s", "heard_s", "heard_no")
_LOG = (
    *(*_PLACE, "granted", "at_s", "source", "text_version", "proof", "import_no", "recorded_s"),
    "heard_no",
)
_REPLACE = "ON CONFLICT (customer_no, channel, purpose) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in _STATE[3:]
)


class Said(NamedTuple):
    """A statement to be logged. ``undated``: a no without a time of its own, counted from ``at_s`` = now."""

    customer_no: int
    channel: str
    purpose: str
    granted: bool
    at_s: int
    source: str
    text_version: str = ""
    proof: str = ""
    undated: bool = False


def next_heard(connection: sa.Connection) -> int:
    """Return the next place in the order of hearing; others who write the log wait until the commit."""
    return counters.take(connection, HEARD, 1)


def add(
    connection: sa.Connection,
    said: Sequence[Said],
    *,
    heard_no: int,
    now_s: int,
    import_no: int | None = None,
) -> int:
    """Log ``said`` and bring the states up to date; return how many were new.

    The same statement again changes nothing, unless it is a no where by now a yes holds: a no always counts.
    What an import that never ended has left of the same statements becomes part of ``import_no``.
    """
    twins = _twins(connection, import_no)
    fresh = 0
    for part in chunks(said, CHUNK):
        known = _load(connection, {one.customer_no for one in part})
        new, adopted = _unheard(part, known, twins, of_import=import_no is not None)
        if import_no is not None and adopted:
            _adopt(connection, adopted, import_no)
        rows: list[Row] = [(*one[:8], import_no, now_s, heard_no) for one in new]
        insert_rows(connection, consent_log, _LOG, rows)
        for one in new:
            known[one.customer_no].append(_Logged(0, _statement(one, heard_no, now_s), import_no))
        _write(connection, {one.customer_no: known[one.customer_no] for one in new})
        fresh += len(new)
    return fresh


def count_unheard(connection: sa.Connection, said: Sequence[Said], import_no: int) -> int:
    """Return how many of ``said`` `add` would log as new, or take over from an import that never ended."""
    twins, count = _twins(connection, import_no), 0
    for part in chunks(said, CHUNK):
        known = _load(connection, {one.customer_no for one in part})
        new, adopted = _unheard(part, known, twins, of_import=True)
        dead = _dead(connection, {one.import_no for one in adopted})
        count += len(new) + sum(one.import_no in dead for one in adopted)
    return count


def void(connection: sa.Connection, import_no: int, now_s: int, *, grants_only: bool = False) -> int:
    """Take the statements of an import out of force and read the states anew; return how many.

    With them goes what an import of the same file left that never ended; not so when ``grants_only``.
    """
    counters.take(connection, HEARD, 0)
    mine: sa.ColumnElement[bool] = consent_log.c.void_s.is_(None)
    if grants_only:
        mine &= (consent_log.c.import_no == import_no) & consent_log.c.granted
    else:
        same = {import_no, *_dead(connection, _twins(connection, import_no))}
        mine &= any_of(connection, consent_log.c.import_no, same)
    whom = set(connection.scalars(sa.select(consent_log.c.customer_no).where(mine).distinct()))
    gone = connection.execute(sa.update(consent_log).where(mine).values(void_s=now_s)).rowcount
    reread(connection, whom)
    return gone


def reread(connection: sa.Connection, customer_nos: Collection[int]) -> None:
    """Set the states of ``customer_nos`` to what the log says; the caller holds the counter."""
    for part in chunks(sorted(customer_nos), CHUNK):
        connection.execute(sa.delete(consent).where(any_of(connection, consent.c.customer_no, part)))
        _write(connection, _load(connection, part))


def statements_of(connection: sa.Connection, customer_nos: Collection[int]) -> dict[int, list[Statement]]:
    """Return customer → every statement in force."""
    found = _load(connection, customer_nos)
    return {number: [one.said for one in logged] for number, logged in found.items()}


def heard_of(connection: sa.Connection, import_no: int) -> int:
    """Return the place of an import in the order of hearing; one without a journal entry is heard now."""
    known = sa.select(import_batch.c.heard_no).where(import_batch.c.import_no == import_no)
    found = connection.execute(known).scalar_one_or_none()
    if found is None:
        first = sa.select(sa.func.min(consent_log.c.heard_no)).where(consent_log.c.import_no == import_no)
        found = connection.execute(first).scalar_one()
    counters.take(connection, HEARD, 0)
    return next_heard(connection) if found is None else int(found)


class _Logged(NamedTuple):
    seq: int
    said: Statement
    import_no: int | None


_Known = dict[int, list[_Logged]]


def _load(connection: sa.Connection, customer_nos: Collection[int]) -> _Known:
    names = ("seq", "customer_no", "heard_no", "at_s", "granted", "recorded_s", "channel", "purpose")
    query = sa.select(*(consent_log.c[name] for name in (*names, "import_no"))).where(
        any_of(connection, consent_log.c.customer_no, customer_nos), consent_log.c.void_s.is_(None)
    )
    found: _Known = defaultdict(list)
    for seq, number, *said, import_no in connection.execute(query):
        found[number].append(_Logged(seq, Statement(*said), import_no))
    return found


def _unheard(
    said: Iterable[Said], known: _Known, twins: Collection[int], *, of_import: bool
) -> tuple[list[Said], list[_Logged]]:
    """Return what is new of ``said``, and what stands in the log already."""
    new: dict[tuple[Any, ...], Said] = {}
    same: list[_Logged] = []
    states: dict[int, dict[Place, Standing]] = {}
    for one in said:
        mine = known[one.customer_no]
        found = [logged for logged in mine if _is(one, logged, twins)] if mine else []
        if found and not one.granted and (one.undated or not of_import):
            if one.customer_no not in states:
                states[one.customer_no] = places(logged.said for logged in mine)
            if not _shut(states[one.customer_no], one):
                found = []
        if found:
            same += found
        else:
            new.setdefault(one[:5], one)
    return list(new.values()), same


def _is(one: Said, logged: _Logged, twins: Collection[int]) -> bool:
    """Say whether ``logged`` is the statement ``one``; without a time, that of the same file is."""
    said = logged.said
    if (said.channel, said.purpose, said.granted) != (one.channel, one.purpose, one.granted):
        return False
    return said.at_s == one.at_s or (one.undated and logged.import_no in twins)


def _shut(states: Mapping[Place, Standing], one: Said) -> bool:
    held = states.get((one.channel, one.purpose))
    covered = [
        state
        for (channel, purpose), state in states.items()
        if one.channel in (channel, "*") and one.purpose in (purpose, "*")
    ]
    return held is not None and not any(state.granted for state in covered)


def _twins(connection: sa.Connection, import_no: int | None) -> set[int]:
    """Return the imports of the same file and source as ``import_no``."""
    if import_no is None:
        return set()
    mine = import_batch.alias()
    query = sa.select(import_batch.c.import_no).join(
        mine,
        (mine.c.fingerprint == import_batch.c.fingerprint)
        & (mine.c.source == import_batch.c.source)
        & (mine.c.kind == import_batch.c.kind),
    )
    return set(connection.scalars(query.where(mine.c.import_no == import_no)))


def _adopt(connection: sa.Connection, logged: Sequence[_Logged], import_no: int) -> None:
    dead = _dead(connection, {one.import_no for one in logged}) - {import_no}
    mine = [one.seq for one in logged if one.import_no in dead]
    for part in chunks(mine, CHUNK):
        rows = any_of(connection, consent_log.c.seq, part)
        connection.execute(sa.update(consent_log).where(rows).values(import_no=import_no))


def _dead(connection: sa.Connection, import_nos: Iterable[int | None]) -> set[int]:
    """Return those imports that never ended and never will."""
    numbers = {number for number in import_nos if number is not None}
    if not numbers:
        return set()
    alive = sa.exists().where(lease.c.lease == import_batch.c.lease)
    outcome = import_batch.c.outcome
    left = sa.or_(outcome.is_(None), outcome == "published") & ~alive
    query = sa.select(import_batch.c.import_no).where(sa.or_(outcome.in_(("failed", "cancelled")), left))
    return set(connection.scalars(query.where(any_of(connection, import_batch.c.import_no, numbers))))


def _statement(one: Said, heard_no: int, now_s: int) -> Statement:
    return Statement(heard_no, one.at_s, one.granted, now_s, one.channel, one.purpose)


def _write(connection: sa.Connection, known: Mapping[int, Sequence[_Logged]]) -> None:
    rows: list[Row] = []
    for number, logged in sorted(known.items()):
        held = places(one.said for one in logged)
        rows += (
            (number, *place, state.granted, state.at_s, state.heard_s, state.heard_no)
            for place, state in sorted(held.items())
        )
    upsert_rows(connection, consent, _STATE, rows, _REPLACE)
