"""The touch plan as values (触达计划): what is asked, what comes out. Pure. Source: design §7.

A candidate is one (customer, play). Its outcome is the number of a **reason** in the order of the checks (0 =
a touch) and the number of its **detail**: which cap, which channel, which strategy; 0 where there is none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Protocol

import pyarrow as pa

from koipond.facts.ports import IbisTable
from koipond.kernel import InputError
from koipond.outreach.model import ContactPolicy, Reason
from koipond.outreach.ports import ChannelSheet
from koipond.outreach.templates import Template
from koipond.strategy.model import CodeList, Strategy

MAX_PLAYS = 200
MAX_LISTS = 400
ORDER: Mapping[Reason, int] = MappingProxyType({reason: place + 1 for place, reason in enumerate(Reason)})
"""Reason → its place in the order of the checks, from 1."""

SAME_INBOX = -1
"""Detail of who lost to another customer at the same address; others name the strategy that comes first."""
TOTAL, DAY, CUSTOMER = 0, 1, 2
LISTS = 3 * MAX_PLAYS  # details of a budget: those of strategies come first, then code lists


def budget_detail(strategy: int, scope: int) -> int:
    """Number the budget ``scope`` (TOTAL, DAY, CUSTOMER) of the strategy at place ``strategy``."""
    return strategy * 3 + scope


def list_detail(number: int) -> int:
    """Number the code list ``number`` among the budgets."""
    return LISTS + number


CANDIDATES = pa.schema(
    {
        "plan": pa.string(),
        "customer_no": pa.int32(),
        "strategy": pa.string(),
        "strategy_version": pa.int32(),
        "play": pa.string(),
        "reason": pa.string(),  # null = a touch
        "detail": pa.string(),
        "variant": pa.string(),
        "channel": pa.string(),
        "language": pa.string(),
        "drew": pa.bool_(),  # reached the hold-out check, so its arm is drawn (design §8)
        "due_s": pa.int64(),
        "cost_fen": pa.int64(),
        "offer_cost_fen": pa.int64(),
        "values": pa.string(),  # JSON of the personal template values, as stored; touches only
        # what the gate is to be told of the customer, as the policy stood; touches only
        "cap_group": pa.int16(),  # -1 exempt, 0 the default caps, else a capped group
        "agreed": pa.bool_(),  # the gate must see his consent: it is not assumed
        "policy": pa.string(),  # fingerprint of that policy
    }
)
"""Columns of the dataset `candidates`: one row a candidate, whole for 35 days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who is in a segment. ``members`` has a column ``customer_no`` without repeats, None = never computed.

    ``stale`` says why it must not be used for sending, and what to do; empty when it may.
    """

    members: IbisTable | None
    stale: str = ""


class AudienceReader(Protocol):
    """Segments as last refreshed."""

    def audience(self, segment: str) -> Audience:
        """Return the members of ``segment`` and whether they are fresh."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesLeft:
    """A code list as the store has it: ``left`` codes may be issued; customers who hold one that is good, and
    those whose own has expired: they get no other of this list.
    """

    left: int
    held: Sequence[int] = ()
    lapsed: Sequence[int] = ()

    @property
    def issued(self) -> int:
        """How many codes customers hold."""
        return len(self.held) + len(self.lapsed)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What to plan and under which rules. ``salt`` draws arms; from ``now`` on touches may go out.

    ``codes``: code list → its codes; a list that is not in it is not limited.
    """

    plan: str
    as_of: date
    now: datetime
    zone: str
    salt: str
    strategies: tuple[Strategy, ...]
    templates: Mapping[str, Template]
    template_versions: Mapping[str, int] = field(default_factory=dict)
    offers: Mapping[str, CodeList] = field(default_factory=dict)
    codes: Mapping[str, CodesLeft] = field(default_factory=dict)
    policy: ContactPolicy = field(default_factory=ContactPolicy)
    channels: Mapping[str, ChannelSheet] = field(default_factory=dict)
    global_holdout_rate: float | None = None  # None = the default of science D6
    default_margin_bp: int | None = None
    language: str = "zh"
    currency: str = "CNY"
    brand: str = ""
    definition_version: int = 0
    only_customer: int | None = None  # plan for one customer, for `why`
    beside: tuple[int, ...] = ()  # and for those who share an address with him, who may come first there
    # who has had, or was held out of, this day's turn already, whatever the version of the strategy
    had: Mapping[tuple[str, str], Sequence[int]] = field(default_factory=dict)  # strategy, play
    held_out: Mapping[tuple[str, str, str], Sequence[int]] = field(default_factory=dict)  # and by which scope
    paused: Mapping[str, str] = field(
        default_factory=dict
    )  # all | channel:KEY | strategy:KEY → since, by whom

    def __post_init__(self) -> None:
        plays = sum(len(strategy.plays) for strategy in self.strategies)
        if not 1 <= plays <= MAX_PLAYS:
            raise InputError(
                "a plan takes 1 to {max_plays} plays, not {plays}; name fewer strategies",
                max_plays=MAX_PLAYS,
                plays=plays,
            )
        if len(self.codes) > MAX_LISTS:
            raise InputError(
                "a plan takes at most {max_lists} code lists, not {count}",
                max_lists=MAX_LISTS,
                count=len(self.codes),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Candidates left in peace for one reason in detail."""

    strategy: str
    play: str
    reason: Reason
    detail: str
    candidates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayCount:
    """What one play comes to: of ``considered`` candidates, ``touches`` (``deferred`` of them) at a cost."""

    strategy: str
    play: str
    considered: int
    touches: int
    deferred: int
    cost_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every candidate and its outcome. ``candidates`` is a table with the columns of CANDIDATES."""

    plan: str
    as_of: date
    definition_version: int
    warehouse_version: int
    customers: int
    plays: tuple[PlayCount, ...]
    losses: tuple[Loss, ...]
    notes: tuple[str, ...]  # what an operator must know first, with the command that mends it
    candidates: IbisTable
    left_out: int = 0  # people confirmed as unreal: in no audience

    @property
    def considered(self) -> int:
        """Candidates in all: touches and losses."""
        return sum(play.considered for play in self.plays)

    @property
    def touches(self) -> int:
        """Candidates that become a touch, now or deferred."""
        return sum(play.touches for play in self.plays)

    @property
    def waterfall(self) -> tuple[tuple[Reason, int], ...]:
        """Losses by reason, in the order of the checks."""
        sums: dict[Reason, int] = {}
        for loss in self.losses:
            sums[loss.reason] = sums.get(loss.reason, 0) + loss.candidates
        return tuple((reason, sums[reason]) for reason in Reason if reason in sums)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan's numbers as plain values (command contract of `plan`)."""
        return {
            "plan": self.plan,
            "as_of": self.as_of.isoformat(),
            "definition_version": self.definition_version,
            "warehouse_version": self.warehouse_version,
            "considered": self.considered,
            "customers": self.customers,
            "touches": self.touches,
            "deferred": sum(play.deferred for play in self.plays),
            "waterfall": [{"reason": str(reason), "candidates": n} for reason, n in self.waterfall],
            "cost_fen": sum(play.cost_fen for play in self.plays),
            "plays": [_plain(play) for play in self.plays],
            "losses": [_plain(loss) for loss in self.losses],
            "notes": list(self.notes),
            "left_out": self.left_out,
        }


def _plain(value: Loss | PlayCount) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
