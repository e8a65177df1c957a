"""Checks on consents, imports and erased people (授权核查): what must hold, read a second time and slowly.

The second reading of the log does not use `koipond.outreach.consent`: it tries every yes against every no.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from koipond.ingest.words import word_table
from koipond.kernel import Message
from koipond.store.bulk import any_of
from koipond.store.cipher import ADDRESSES, ERASED_CIPHER
from koipond.store.erasure import ERASED
from koipond.store.tables import (
    consent,
    consent_log,
    customer_list_member,
    identifier,
    import_batch,
    lease,
    manual_tag,
    outbox,
    suppression,
    touch,
)

ALL = "*"
_BATCH = 20_000
_LOG = ("customer_no", "channel", "purpose", "granted", "at_s", "recorded_s", "heard_no")


def consent_states(connection: sa.Connection) -> Iterator[str]:
    """What holds of each customer is what the log says when it is read again."""
    columns = [consent_log.c[name] for name in _LOG]
    log = sa.select(*columns).where(consent_log.c.void_s.is_(None)).order_by(columns[0])
    state = sa.select(*(consent.c[n] for n in _LOG[:4])).order_by(consent.c.customer_no)
    held = groupby(connection.execution_options(yield_per=_BATCH).execute(state), key=lambda row: row[0])
    said = groupby(connection.execution_options(yield_per=_BATCH).execute(log), key=lambda row: row[0])
    yield from _differences(held, said)


def _differences(held: Any, said: Any) -> Iterator[str]:
    """Walk through both, which are in order of customers, and tell where they differ."""
    end = (2**62, iter(()))
    mine, theirs = next(held, end), next(said, end)
    while (number := min(mine[0], theirs[0])) != end[0]:
        states, rows = {}, []
        if mine[0] == number:
            states = {(row[1], row[2]): row[3] for row in mine[1]}
            mine = next(held, end)
        if theirs[0] == number:
            rows = list(theirs[1])
            theirs = next(said, end)
        expected = _second_reading(rows)
        for channel, purpose in sorted(states.keys() | expected.keys()):
            place = (channel, purpose)
            if states.get(place) != expected.get(place):
                yield (
                    Message(
                        "customer {number}, {channel}, {purpose}: {spoken} is in force, the log "
                        "says {other_spoken}",
                        number=number,
                        channel=channel,
                        purpose=purpose,
                        spoken=_spoken(states.get(place)),
                        other_spoken=_spoken(expected.get(place)),
                    )
                )


def _spoken(granted: bool | None) -> str:
    return "nothing" if granted is None else "yes" if granted else "no"


def _second_reading(rows: Sequence[Any]) -> dict[tuple[str, str], bool]:
    found = {}
    places = {(row.channel, row.purpose) for row in rows}
    if len(rows) > 1:
        places = {
            (c, p) for c in {ALL, *(one for one, _ in places)} for p in {ALL, *(one for _, one in places)}
        }
    for channel, purpose in places:
        mine = [row for row in rows if row.channel in (channel, ALL) and row.purpose in (purpose, ALL)]
        noes = [row for row in mine if not row.granted]
        if not mine:
            continue
        found[channel, purpose] = not noes or any(
            all(_heard(yes) > _heard(no) and _instant(no, mine) < yes.at_s for no in noes)
            and yes.at_s <= yes.recorded_s
            for yes in mine
            if yes.granted
        )
    return found


def _heard(row: Any) -> tuple[int, int, bool]:
    return row.heard_no, row.at_s, not row.granted


def _instant(no: Any, rows: Sequence[Any]) -> int:
    stamps: list[int] = [no.at_s, *(row.at_s for row in rows if _heard(row) < _heard(no))]
    return max(stamps)


def statements_without_effect(connection: sa.Connection) -> Iterator[str]:
    """Every statement in force names a channel and a purpose that something is sent on, or all."""
    for column, table in ((consent_log.c.channel, "channel"), (consent_log.c.purpose, "purpose")):
        known = {ALL, *word_table(table).values()}
        query = sa.select(column, sa.func.count()).where(consent_log.c.void_s.is_(None)).group_by(column)
        for word, count in connection.execute(query.order_by(column)):
            if word not in known:
                yield Message(
                    "{count} statements name the {table} '{word}', which nothing is sent on",
                    count=count,
                    table=table,
                    word=word,
                )


def unfinished_grants(connection: sa.Connection) -> Iterator[str]:
    """No grant of an import that did not end is in force."""
    query = (
        sa.select(import_batch.c.import_no, import_batch.c.outcome, sa.func.count())
        .join(consent_log, consent_log.c.import_no == import_batch.c.import_no)
        .where(consent_log.c.void_s.is_(None), consent_log.c.granted)
        .where(sa.or_(import_batch.c.outcome.is_(None), import_batch.c.outcome != "done"))
        .group_by(import_batch.c.import_no, import_batch.c.outcome)
        .order_by(import_batch.c.import_no)
    )
    for import_no, outcome, count in connection.execute(query):
        yield Message(
            "{count} grants of import {import_no} are in force, which is {outcome}",
            count=count,
            import_no=import_no,
            outcome=outcome or "not ended",
        )


def dead_imports(connection: sa.Connection, machine_s: int) -> Iterator[str]:
    """No import was left half-way by a process that is gone."""
    outcome = import_batch.c.outcome
    alive = sa.exists().where(lease.c.lease == import_batch.c.lease, lease.c.until_s > machine_s)
    query = sa.select(import_batch.c.import_no, import_batch.c.kind, import_batch.c.file)
    query = query.where(sa.or_(outcome.is_(None), outcome == "published"), ~alive)
    for import_no, kind, file in connection.execute(query.order_by(import_batch.c.import_no)):
        yield Message(
            "import {import_no} ({kind}, {file}) never ended; import the file again",
            import_no=import_no,
            kind=kind,
            file=file,
        )


def erased_people(connection: sa.Connection) -> Iterator[str]:
    """Of erased people nothing is left that names them, and nothing goes out to them."""
    erased = sa.select(suppression.c.customer_no).where(suppression.c.reason == ERASED)
    numbers = connection.scalars(erased).all()
    waiting = sa.select(touch.c.customer_no).join(outbox, outbox.c.touch_no == touch.c.touch_no)
    left = {
        Message("an identifier"): sa.select(identifier.c.customer_no).where(
            identifier.c.cipher != ERASED_CIPHER
        ),
        Message("a touch that waits"): waiting.where(outbox.c.state == "queued"),
        Message("the words of a message"): sa.select(touch.c.customer_no).where(touch.c.variables != "{}"),
        Message("a place in a list"): sa.select(customer_list_member.c.customer_no),
        "a tag": sa.select(manual_tag.c.customer_no),
    }
    for what, query in left.items():
        column = query.selected_columns[0]
        for number in connection.scalars(query.where(any_of(connection, column, numbers)).distinct()):
            yield Message("customer {number} was erased and has {what}", number=number, what=what)


def unhashed_addresses(connection: sa.Connection) -> Iterator[str]:
    """Every address is hashed, so that whoever shares it is found."""
    query = sa.select(identifier.c.customer_no).where(
        identifier.c.kind.in_(ADDRESSES),
        identifier.c.address_hash.is_(None),
        identifier.c.cipher != ERASED_CIPHER,
    )
    for number in connection.scalars(query.distinct().order_by(identifier.c.customer_no)):
        yield Message("customer {number} has an address whose co-holders cannot be found", number=number)
