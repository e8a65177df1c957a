"""What is in force (现行规则): the newest applied settings, strategies and offers, pauses, plans, as the gate
and the intent read them in the transaction that acts, whatever the process that asks was started with."""

import json
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from koipond.budgets import CODE_LIST, Budget
from koipond.kernel import Message, day_bounds, day_of
from koipond.outreach.model import Reason
from koipond.store.bulk import listed
from koipond.store.contact_rules import ContactHistory, ContactRules, contact_rules
from koipond.store.instants import from_s, to_s
from koipond.store.tables import definition, definition_apply, pause, plan
from koipond.store.terms import Terms
from koipond.workspace.model import WORKSPACE

ALL = "all"
CHANNEL = "channel:"
STRATEGY = "strategy:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What the applied definition of a strategy says about when it runs, how, and what it may cost.

    ``plays``: play → the channels it goes out on.
    """

    paused: bool
    starts_on: date | None
    ends_on: date | None
    budget: Budget
    plays: Mapping[str, frozenset[str]]

    def lacks(self, play: str, channel: str) -> str | None:
        """Return what of ``play`` on ``channel`` this definition does not have; None when it has both."""
        channels = self.plays.get(play)
        if channels is None:
            return Message("play {play}", play=play)
        return (
            None
            if channel in channels
            else Message("channel {channel} in play {play}", channel=channel, play=play)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Applied definitions as of the apply ``number``.

    ``contact``: the workspace's settings, None when none were ever applied; ``budgets``: (strategy, version)
    → what its touches were admitted under; ``last_days``: offer → the last local day of its codes and for how
    many days after its issue one is good, None = no end; ``history``: the settings as of each apply.
    """

    number: int = 0
    contact: ContactRules | None = None
    strategies: Mapping[str, Running] = field(default_factory=dict)
    archived: frozenset[str] = frozenset()
    budgets: Mapping[tuple[str, int], Budget] = field(default_factory=dict)
    last_days: Mapping[str, tuple[date | None, int | None]] = field(default_factory=dict)
    history: ContactHistory | None = None

    def under(self, terms: Terms, approved_no: int | None = None) -> Terms:
        """Return ``terms``, which a process was started with, under the settings applied by now; for what was
        approved under the apply ``approved_no`` the stricter of then and now."""
        now = terms if self.contact is None else self.contact.terms(terms)
        then = None if approved_no is None or self.history is None else self.history.at(approved_no)
        return now if then is None else then.and_then(now)

    @property
    def assumed(self) -> Mapping[str, str] | None:
        """Channel → segment whose consent is assumed; None when no settings were ever applied."""
        return None if self.contact is None else self.contact.assumed

    @property
    def paused(self) -> frozenset[str]:
        """Strategies that their definition pauses."""
        return frozenset(key for key, one in self.strategies.items() if one.paused)

    def over(self, strategy: str, day: date) -> bool:
        """Say whether ``strategy`` never touches anybody again from local ``day`` on.

        One that was never applied has no rule to break: nobody has said that it ends.
        """
        if strategy in self.archived:
            return True
        found = self.strategies.get(strategy)
        return found is not None and found.ends_on is not None and found.ends_on < day

    def lacks(self, strategy: str, play: str, channel: str) -> str | None:
        """Return what ``strategy`` has no more of ``play`` on ``channel``; None when nothing is missing."""
        found = self.strategies.get(strategy)
        return None if found is None else found.lacks(play, channel)

    def starts_on(self, strategy: str) -> date | None:
        """Return the first local day of ``strategy``, None when it has none."""
        found = self.strategies.get(strategy)
        return None if found is None else found.starts_on

    def not_running(self, strategy: str, day: date) -> str | None:
        """Return why ``strategy`` touches nobody on local ``day``; None when it runs."""
        if strategy in self.paused:
            return Message("{scope} is paused by its definition", scope=STRATEGY + strategy)
        started = self.starts_on(strategy)
        if started is not None and started > day:
            return Message(
                "{scope} starts on {started}",
                scope=STRATEGY + strategy,
                started=started.isoformat(),
            )
        return Message("{scope} has ended", scope=STRATEGY + strategy) if self.over(strategy, day) else None

    def code_end_s(
        self, code_list: str, expires_s: int | None, issued_s: int | None, place: ZoneInfo
    ) -> int | None:
        """Return the first second in which a code is no good any more, None when it has no end: its own end,
        its offer's last day, and the days it is good for after its issue, whichever comes first."""
        until, valid_days = self.last_days.get(code_list, (None, None))
        days = [] if until is None else [until]
        if valid_days is not None and issued_s is not None:
            days.append(day_of(from_s(issued_s), place) + timedelta(days=valid_days))
        ends = [to_s(day_bounds(day, place)[1]) for day in days]
        return min([*ends, *([] if expires_s is None else [expires_s])], default=None)

    def over_code(self, row: "Coded", place: ZoneInfo, now_s: int) -> str | None:
        """Return which list's code it is that ``row`` tells and that is no good any more; None when it is."""
        if row.code_list is None:
            return None
        end_s = self.code_end_s(row.code_list, row.code_expires_s, row.code_issued_s, place)
        return None if end_s is None or end_s > now_s else f"{Reason.BUDGET}:{CODE_LIST}{row.code_list}"


class Coded(Protocol):
    """A touch with the code it tells, if any."""

    @property
    def code_list(self) -> str | None: ...
    @property
    def code_expires_s(self) -> int | None: ...
    @property
    def code_issued_s(self) -> int | None: ...


_NEWEST = sa.select(sa.func.coalesce(sa.func.max(definition_apply.c.apply_no), 0))
_PAUSED = sa.select(pause.c.scope)
_WITHDRAWN = (
    sa.select(plan.c.plan_no, plan.c.status)
    .where(listed(plan.c.plan_no, "plans"))
    .order_by(plan.c.plan_no)
    .with_for_update(read=True)
)


class RuleBook:
    """The applied rules of one store, read anew when somebody has applied something."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: tuple[int, Rules] = (-1, Rules())

    def rules(self, connection: sa.Connection) -> Rules:
        """Return the rules in force in the caller's transaction."""
        number = int(connection.execute(_NEWEST).scalar_one())
        with self._lock:
            if self._read[0] != number:
                self._read = number, _read(connection, number)
            return self._read[1]


_APPLIED = (
    sa.select(*(definition.c[name] for name in ("kind", "key", "version", "body", "archived_no")))
    .where(definition.c.kind.in_(("strategy", "offer", WORKSPACE)))
    .where(definition.c.apply_no <= sa.bindparam("number"))
    .order_by(definition.c.key, definition.c.version)
)


def _read(connection: sa.Connection, number: int) -> Rules:
    """Read what the apply ``number`` left in force, also while another is being committed."""
    strategies: dict[str, Running] = {}
    archived: set[str] = set()
    contact: ContactRules | None = None
    budgets: dict[tuple[str, int], Budget] = {}
    last_days: dict[str, tuple[date | None, int | None]] = {}
    for row in connection.execute(_APPLIED, {"number": number}):
        body = json.loads(row.body)
        over = row.archived_no is not None and row.archived_no <= number
        if row.kind == "offer":
            last_days[row.key] = _day(body, "expires_on"), body.get("valid_days")
        elif row.kind == WORKSPACE:
            contact = contact if over else contact_rules(body)
        else:
            strategies[row.key] = running = running_of(body)
            budgets[row.key, row.version] = running.budget
            (archived.add if over else archived.discard)(row.key)
    return Rules(
        number=number,
        contact=contact,
        strategies={key: one for key, one in strategies.items() if key not in archived},
        archived=frozenset(archived),
        budgets=budgets,
        last_days=last_days,
        history=ContactHistory(connection, number),
    )


def running_of(body: Mapping[str, Any]) -> Running:
    """Return what the ``body`` of a strategy says about its running."""
    return Running(
        paused=bool(body.get("paused")),
        starts_on=_day(body, "starts_on"),
        ends_on=_day(body, "ends_on"),
        budget=Budget(**body["budget"]),
        plays={play["key"]: frozenset(play["channels"]) for play in body["plays"]},
    )


def _day(body: Mapping[str, Any], name: str) -> date | None:
    text = body.get(name)
    return None if text is None else date.fromisoformat(text)


def paused_scopes(connection: sa.Connection) -> frozenset[str]:
    """Return what operators have paused: all, channel:KEY, strategy:KEY."""
    return frozenset(connection.scalars(_PAUSED))


def stops(scopes: Collection[str], channel: str, strategy: str) -> str | None:
    """Return which of the paused ``scopes`` holds back a touch; None when none does."""
    for scope in (ALL, f"{CHANNEL}{channel}", f"{STRATEGY}{strategy}"):
        if scope in scopes:
            return scope
    return None


def approved_under(connection: sa.Connection, key: str) -> int | None:
    """Return the apply under which the plan ``key`` was made, None when it is no plan."""
    number = plan_number(key)
    query = sa.select(plan.c.definition_version).where(plan.c.plan_no == number)
    return connection.execute(query).scalar_one_or_none() if number else None


def withdrawn_plans(connection: sa.Connection, plans: Collection[str]) -> set[str]:
    """Return those of ``plans`` that were withdrawn; holds them as they are until the transaction ends."""
    numbers = {plan_number(key): key for key in plans}
    numbers.pop(0, None)
    if not numbers:
        return set()
    rows = connection.execute(_WITHDRAWN, {"plans": list(numbers)})
    return {numbers[row.plan_no] for row in rows if row.status == "withdrawn"}


def plan_number(key: str) -> int:
    """Return the number of the plan ``key`` (``p7``), 0 when it is none."""
    digits = key.removeprefix("p")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 18 else 0
