"""Budgets and quotas at the intent (真实发送日的预算): a touch counts on the local day on which it really
goes, and only what the budgets now in force still cover goes.

At the gate a touch took its share of the day it was due. Its hour, its retries or a pause may have moved it:
then the share moves too, by a conditional update, or the touch waits for a day that has room.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from koipond.budgets import Budget, daily_scope, day_of_scope, on_day, total_scope
from koipond.kernel import day_of, stable_json
from koipond.outreach.gate import quota_scope
from koipond.outreach.model import Reason
from koipond.outreach.ports import LeasedTouch
from koipond.store import gate_load
from koipond.store.bulk import Row, any_of, listed, update_rows
from koipond.store.ends import DEAD, add_taken
from koipond.store.in_force import Rules
from koipond.store.tables import budget, outbox, touch
from koipond.store.terms import Terms

QUOTA = "quota:"
_FUNDS = sa.select(budget.c.scope, budget.c.taken_fen, budget.c.limit_fen).where(
    listed(budget.c.scope, "scopes")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """What touches of one kind hold, what they have to hold today, and under which limits.

    ``stopped``: the budget that was set to nothing since they were admitted; ``customer_limit``: what one
    customer may cost now, where that was something else at the gate.
    """

    held: Mapping[str, int]
    wanted: Mapping[str, int]
    limits: Mapping[str, int]
    moves: Mapping[str, int]  # scope → how much more (or less) it takes
    stopped: str | None
    customer_limit: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRoom:
    """Why a touch does not go: ``another_day`` may have room, else none ever has."""

    reason: str
    another_day: bool


@dataclass(slots=True)
class RealDay:
    """The money side of one group handed over. Ask `room` for each touch in order, then `write` once."""

    connection: sa.Connection
    rules: Rules
    terms: Terms
    now: datetime
    _today: date = field(init=False)
    _shares: dict[tuple[Any, ...], _Share] = field(default_factory=dict)
    _taken: dict[str, int] = field(default_factory=dict)
    _kept: dict[str, int] = field(default_factory=dict)  # scope → limit on record, for what has no rule
    _spent: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    _changes: dict[str, int] = field(default_factory=dict)
    _limits: dict[str, int] = field(default_factory=dict)
    _moved: list[Row] = field(default_factory=list)
    _easy: bool = False

    def load(self, rows: Sequence[LeasedTouch]) -> bool:
        """Read what ``rows`` need to be decided; lock it when anything has to move or no longer fits, and
        say whether it has."""
        self._today = day_of(self.now, self.terms.place)
        for row in rows:
            place = _kind(row)
            if place not in self._shares:
                self._shares[place] = self._make(*place)
        found = self._shares.values()
        scopes = {scope for one in found for scope in (*one.held, *one.wanted)}
        if scopes:
            self._read(scopes)
        plain = all(not one.moves and one.stopped is None and one.customer_limit is None for one in found)
        self._easy = plain and not self._any_over()
        if not self._easy:
            self._taken = dict(gate_load.lock_funds(self.connection, scopes).taken)
            self._load_spent(rows)
        return not self._easy

    def room(self, row: LeasedTouch) -> NoRoom | None:
        """Say whether ``row`` may go today, taking its share of today when it does."""
        if self._easy:
            return None
        share = self._shares[_kind(row)]
        if share.stopped is not None:
            self._give_up(row, share)
            return NoRoom(reason=share.stopped, another_day=False)
        full = self._full(share) or self._customer_over(row, share)
        if full is None:
            self._move(row, share, share.wanted, share.moves)
        elif full.another_day:
            self._put_off(row, share)
        else:
            self._give_up(row, share)
        return full

    def write(self) -> None:
        """Write what has moved to today."""
        add_taken(self.connection, self._changes)
        for scope, limit in sorted(self._limits.items()):
            self.connection.execute(sa.update(budget).where(budget.c.scope == scope).values(limit_fen=limit))
        update_rows(self.connection, outbox, ("touch_no",), ("shares",), self._moved)

    def _make(
        self, text: str, strategy: str, version: int, channel: str, amount: int, approved_no: int | None
    ) -> _Share:
        held: dict[str, int] = json.loads(text)
        wanted = {on_day(s, self._today): n for s, n in held.items() if not s.startswith(QUOTA)}
        limits: dict[str, int] = {}
        running = self.rules.strategies.get(strategy)
        if running is not None:
            lines = self._lines(strategy, version, running.budget)
            own = (total_scope(strategy), daily_scope(strategy, self._today))
            wanted = {scope: n for scope, n in wanted.items() if scope not in own or scope in lines}
            wanted = {**wanted, **{scope: wanted.get(scope, amount) for scope in lines}}
            limits.update(lines)
        terms = self.rules.under(self.terms, approved_no)
        if (quota := terms.quotas.get(channel)) is not None:
            scope = quota_scope(channel, self.now, self.terms.place)
            wanted[scope], limits[scope] = 1, quota
        both = sorted({*held, *wanted})
        moves = {s: wanted.get(s, 0) - held.get(s, 0) for s in both if wanted.get(s, 0) != held.get(s, 0)}
        return _Share(
            held=held,
            wanted=wanted,
            limits=limits,
            moves=moves,
            stopped=self._stopped(strategy, version),
            customer_limit=self._customer_limit(strategy, version),
        )

    def _lines(self, strategy: str, version: int, budget: Budget) -> dict[str, int]:
        """Return the budgets of ``strategy`` today: the smaller of what is in force and what was approved."""
        found = dict(budget.lines(strategy, self._today))
        then = self.rules.budgets.get((strategy, version))
        for scope, limit in () if then is None else then.lines(strategy, self._today):
            found[scope] = min(limit, found.get(scope, limit))
        return found

    def _read(self, scopes: set[str]) -> None:
        rows = self.connection.execute(_FUNDS, {"scopes": scopes}).all()
        self._taken = {row.scope: row.taken_fen for row in rows}
        self._kept = {_undated(row.scope): row.limit_fen for row in rows}

    def _any_over(self) -> bool:
        limits = ((scope, limit) for one in self._shares.values() for scope, limit in one.limits.items())
        return any(self._taken.get(scope, 0) > limit for scope, limit in limits)

    def _full(self, share: _Share) -> NoRoom | None:
        """Return the budget or quota that does not cover ``share``; one that could never cover it first."""
        found = None
        for scope, amount in share.wanted.items():
            more = share.moves.get(scope, 0)
            limit = share.limits.get(scope)
            if limit is None and more > 0:
                limit = self._kept.get(_undated(scope))
            if limit is None or self._taken.get(scope, 0) + more <= limit:
                continue
            another_day = day_of_scope(scope) is not None and amount <= limit
            found = NoRoom(reason=_reason(scope), another_day=another_day)
            if not another_day:
                return found
        return found

    def _put_off(self, row: LeasedTouch, share: _Share) -> None:
        """Give back what ``row``, which goes on another day, holds of today: who goes today may have it. What
        has no rule by which it would be taken again stays held."""
        today = {s: n for s, n in share.held.items() if s in share.limits and day_of_scope(s) is not None}
        kept = {scope: amount for scope, amount in share.held.items() if scope not in today}
        self._move(row, share, kept, {scope: -amount for scope, amount in today.items()})

    def _move(
        self, row: LeasedTouch, share: _Share, holds: Mapping[str, int], moves: Mapping[str, int]
    ) -> None:
        """Note that ``row`` ``holds`` from now on, which takes ``moves`` more (or less) of each."""
        if not moves:
            return
        for scope, more in moves.items():
            self._taken[scope] = self._taken.get(scope, 0) + more
            self._changes[scope] = self._changes.get(scope, 0) + more
            limit = share.limits.get(scope, self._kept.get(_undated(scope)))
            if more > 0 and limit is not None:
                self._limits[scope] = limit
        self._moved.append((row.touch_no, stable_json(dict(holds))))

    def _give_up(self, row: LeasedTouch, share: _Share) -> None:
        """Count what ``row`` gives back, so that the next touch finds the room."""
        for scope, amount in share.held.items():
            self._taken[scope] = self._taken.get(scope, 0) - amount
        if spent := self._spent.get((row.customer_no, row.strategy)):
            spent[0] -= row.cost_fen

    def _stopped(self, strategy: str, version: int) -> str | None:
        """Return which budget was set to nothing since the touch was admitted: that stops what costs nothing
        as well."""
        now = self.rules.strategies.get(strategy)
        then = self.rules.budgets.get((strategy, version))
        if now is None or then is None or now.budget == then:
            return None
        names = {"total_fen": total_scope(strategy), "per_day_fen": "per_day"}
        for name, scope in {**names, "per_customer_fen": "per_customer"}.items():
            if getattr(now.budget, name) == 0 and getattr(then, name) != 0:
                return f"{Reason.BUDGET}:{scope}"
        return None

    def _load_spent(self, rows: Sequence[LeasedTouch]) -> None:
        """Read what customers have cost the strategies whose limit per customer has changed meanwhile."""
        asked = {
            (row.customer_no, row.strategy)
            for row in rows
            if self._shares[_kind(row)].customer_limit is not None
        }
        if not asked:
            return
        people = gate_load.find_people(self.connection, {number for number, _ in asked})
        columns = touch.c.customer_no, touch.c.strategy
        query = (
            sa.select(*columns, sa.func.sum(touch.c.cost_fen + touch.c.offer_cost_fen))
            .join(outbox, outbox.c.touch_no == touch.c.touch_no)
            .where(any_of(self.connection, touch.c.customer_no, list(people)))
            .where(any_of(self.connection, touch.c.strategy, {key for _, key in asked}))
            .where(outbox.c.state.not_in(DEAD))
            .group_by(*columns)
        )
        shared: dict[tuple[int, str], list[int]] = {}
        for number, strategy, spent in self.connection.execute(query):
            shared.setdefault((people[number].root_no, strategy), [0])[0] += int(spent)
        for number, strategy in asked:
            self._spent[number, strategy] = shared.setdefault((people[number].root_no, strategy), [0])

    def _customer_limit(self, strategy: str, version: int) -> int | None:
        """Return the limit per customer now in force, where it is another than at the gate."""
        now = self.rules.strategies.get(strategy)
        then: Budget | None = self.rules.budgets.get((strategy, version))
        if now is None or (then is not None and then.per_customer_fen == now.budget.per_customer_fen):
            return None
        return now.budget.per_customer_fen

    def _customer_over(self, row: LeasedTouch, share: _Share) -> NoRoom | None:
        limit = share.customer_limit
        if limit is None or self._spent[row.customer_no, row.strategy][0] <= limit:
            return None
        return NoRoom(reason=f"{Reason.BUDGET}:per_customer", another_day=False)


def _kind(row: LeasedTouch) -> tuple[str, str, int, str, int, int | None]:
    """Return what of a touch decides on its money."""
    return row.shares, row.strategy, row.strategy_version, row.channel, row.cost_fen, row.approved_no


def _undated(scope: str) -> str:
    return scope if day_of_scope(scope) is None else scope.rpartition(":")[0]


def _reason(scope: str) -> str:
    if scope.startswith(QUOTA):
        return f"{Reason.PLATFORM_QUOTA}:{scope.split(':')[1]}"
    return f"{Reason.BUDGET}:{scope}"
