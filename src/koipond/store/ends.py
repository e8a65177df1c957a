"""How touches end (触达结果): states, events, and what a touch that never went out gives back.

Every function works inside the caller's transaction on touches the caller holds.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from koipond.store.bulk import Row, any_of, insert_rows, listed, update_rows
from koipond.store.tables import budget, offer_code, outbox, touch, touch_event

DEAD = ("failed", "expired")  # states in which a touch holds no cap slot, budget or code
SHARES = sa.func.coalesce(outbox.c.shares, touch.c.shares)
"""What a touch holds of budgets and quotas: since it moved to another day, other than at the gate."""


def move(
    connection: sa.Connection,
    touch_nos: Collection[int],
    state: str,
    among: Sequence[str],
    *,
    under: str | None = None,
    **values: Any,
) -> list[int]:
    """Set ``state`` of those of ``touch_nos`` that stand in one of ``among``; return them.

    ``under``: only while that lease stands, or nobody's does; what another worker holds is left alone.
    """
    if not touch_nos:
        return []
    update = _moving(tuple(among), under is not None, tuple(values))
    given = {"touches": touch_nos, "new_state": state, **({} if under is None else {"under": under})}
    return list(connection.scalars(update, {**given, **{f"new_{name}": one for name, one in values.items()}}))


@lru_cache(maxsize=64)
def _moving(among: tuple[str, ...], is_leased: bool, names: tuple[str, ...]) -> sa.Executable:
    mine = listed(outbox.c.touch_no, "touches") & outbox.c.state.in_(among)
    if is_leased:
        mine &= sa.func.coalesce(outbox.c.lease, sa.bindparam("under")) == sa.bindparam("under")
    new: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in ("state", *names)}
    return sa.update(outbox).where(mine).values(new).returning(outbox.c.touch_no)


def log(connection: sa.Connection, touch_nos: Sequence[int], kind: str, at_s: int, detail: str = "") -> None:
    """Note that ``touch_nos`` came to ``kind``; facts are made of these events."""
    rows: list[Row] = [(number, kind, at_s, detail) for number in touch_nos]
    insert_rows(connection, touch_event, ("touch_no", "kind", "at_s", "detail"), rows)


def settle(
    connection: sa.Connection,
    touch_nos: Collection[int],
    state: str,
    among: Sequence[str],
    at_s: int,
    detail: str = "",
    *,
    under: str | None = None,
) -> list[int]:
    """Bring touches to ``state`` and out of their lease, note it, and give back what a dead touch holds."""
    free: dict[str, Any] = {"lease": None, "detail": detail}
    moved = move(connection, touch_nos, state, among, under=under, **free)
    log(connection, moved, state, at_s, detail)
    if state in DEAD:
        give_back(connection, moved)
    return moved


def give_back(connection: sa.Connection, touch_nos: Collection[int]) -> None:
    """Free budgets, quotas and codes of touches that did not go out; the state has freed the cap slot."""
    if not touch_nos:
        return
    mine = any_of(connection, touch.c.touch_no, touch_nos)
    query = sa.select(SHARES, sa.func.count()).join(outbox, outbox.c.touch_no == touch.c.touch_no)
    freed: dict[str, int] = {}
    for shares, count in connection.execute(query.where(mine).group_by(SHARES)):
        for scope, amount in json.loads(shares).items():
            freed[scope] = freed.get(scope, 0) - amount * count
    add_taken(connection, freed)
    _free_codes(connection, touch_nos)


def taken_by_living(connection: sa.Connection) -> dict[str, int]:
    """Return budget → what all touches that may go out, or went, have taken of it."""
    living = (
        sa.select(SHARES, sa.func.count())
        .join(outbox, outbox.c.touch_no == touch.c.touch_no)
        .where(outbox.c.state.not_in(DEAD))
        .group_by(SHARES)
    )
    taken: dict[str, int] = {}
    for shares, count in connection.execute(living):
        for scope, amount in json.loads(shares).items():
            taken[scope] = taken.get(scope, 0) + amount * count
    return taken


def add_taken(connection: sa.Connection, changes: Mapping[str, int]) -> None:
    """Add ``changes`` to what budgets have given, in the order in which everybody locks them."""
    for scope, amount in sorted(changes.items()):
        if amount:
            change = sa.update(budget).where(budget.c.scope == scope)
            connection.execute(change.values(taken_fen=budget.c.taken_fen + amount))


def _free_codes(connection: sa.Connection, touch_nos: Collection[int]) -> None:
    """Free the codes issued with ``touch_nos``, unless a living touch has told the customer the same code."""
    issued = offer_code.c.customer_no.is_not(None) & any_of(connection, offer_code.c.touch_no, touch_nos)
    codes = connection.execute(sa.select(offer_code.c.code_no, offer_code.c.customer_no).where(issued)).all()
    if not codes:
        return
    told = (
        sa.select(touch.c.code_no, sa.func.min(touch.c.touch_no))
        .join(outbox, outbox.c.touch_no == touch.c.touch_no)
        .where(any_of(connection, touch.c.customer_no, {row.customer_no for row in codes}))
        .where(any_of(connection, touch.c.code_no, {row.code_no for row in codes}))
        .where(outbox.c.state.not_in(DEAD))
        .group_by(touch.c.code_no)
    )
    heirs = {row[0]: row[1] for row in connection.execute(told)}
    update_rows(connection, offer_code, ("code_no",), ("touch_no",), list(heirs.items()))
    loose = {row.code_no for row in codes} - heirs.keys()
    free = sa.update(offer_code).where(any_of(connection, offer_code.c.code_no, loose))
    connection.execute(free.values(customer_no=None, touch_no=None, issued_s=None))
