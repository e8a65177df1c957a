"""Strategies and plays as values (运营策略, 打法). Pure. Source: design §4; S30, S36, S44.

A play has exactly four slots: audience 人群包, offer 利益点, script 话术, landing 承接链路. Each slot holds
one content or several variants (an A/B test); a customer keeps a variant for the life of the strategy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import product
from typing import Generic, Literal, TypeVar

from koipond.budgets import Budget
from koipond.kernel import fingerprint
from koipond.outreach.model import FrequencyCap

EVERYONE = "everyone_reachable"
"""The audience of all who can be reached, those who refuse profiling too; plain texts only (design §7)."""

CHANNELS = ("sandbox", "email")
"""Channels that this version can send by; others are refused when a definition is checked."""

MetricName = Literal["conversion", "orders_per_customer", "revenue_per_customer_fen"]
LayerName = Literal["lifecycle", "rfm_cell", "grade", "aipl"]
DEFAULT_BREAKDOWN: LayerName = "lifecycle"
GuardrailName = Literal["complaint_rate", "unsubscribe_rate", "unfriend_rate"]
Purpose = Literal["marketing", "transactional"]
SLOTS = ("audience", "offer", "script", "landing")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot(Generic[T]):
    """The content of one slot by variant name; without an A/B test the only variant is called ``""``."""

    variants: Mapping[str, T]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeList:
    """An offer: one code of a list imported from the brand's own shop (券码). Costs are per customer."""

    key: str
    cost_fen: int
    value_fen: int
    expires_on: date | None = None
    valid_days: int | None = None
    name: Mapping[str, str] = field(default_factory=dict)

    def last_day(self, issued_on: date) -> date | None:
        """Return the last local day on which a code issued on ``issued_on`` is good."""
        days = [] if self.valid_days is None else [date.fromordinal(issued_on.toordinal() + self.valid_days)]
        return min([*days, *([self.expires_on] if self.expires_on else [])], default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the customer gets: nothing, or a code of ``code_list``; never dearer than ``cost_cap_fen``."""

    code_list: str | None = None
    cost_cap_fen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """Where the touch leads (承接链路)."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One combination of variants of a play: what a customer really gets."""

    name: str
    choice: tuple[str, str, str, str]  # name of the variant in each of SLOTS
    audience: str
    offer: Offer
    script: str
    landing: Landing


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """One way to touch one audience. ``channels`` in order of preference."""

    key: str
    audience: Slot[str]
    offer: Slot[Offer]
    script: Slot[str]
    landing: Slot[Landing]
    channels: tuple[str, ...]
    purpose: Purpose = "marketing"

    def arms(self) -> tuple[Arm, ...]:
        """Return every combination of variants. Its name joins the names of the slots under test."""
        return tuple(
            Arm(
                name="+".join(filter(None, (audience, offer, script, landing))),
                choice=(audience, offer, script, landing),
                audience=self.audience.variants[audience],
                offer=self.offer.variants[offer],
                script=self.script.variants[script],
                landing=self.landing.variants[landing],
            )
            for audience, offer, script, landing in product(
                self.audience.variants, self.offer.variants, self.script.variants, self.landing.variants
            )
        )

    def tested(self) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """Return (place in SLOTS, variant names) of each slot under test."""
        slots = (self.audience.variants, self.offer.variants, self.script.variants, self.landing.variants)
        return tuple((place, tuple(names)) for place, names in enumerate(slots) if len(names) > 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What the strategy is to move, counted in the ``window_days`` after the arm was drawn."""

    primary: MetricName
    window_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrail:
    """A rate that must not rise above ``rate_max`` of the touched."""

    metric: GuardrailName
    rate_max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """A campaign (活动类, S30): who answers for it, what it moves, what it may cost, whom it leaves in peace.

    ``priority``: the higher one gets the customer when two compete. ``caps`` hold in addition to the contact
    policy. ``breakdown``: the layer its report is broken down by, named before anybody sees a result (S57).
    ``re_entry_days``: how long after a touch of this strategy the same customer may get the next.
    """

    key: str
    owner: str
    metric: Metric
    plays: tuple[Play, ...]
    budget: Budget
    holdout_rate: float
    caps: tuple[FrequencyCap, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    starts_on: date | None = None
    ends_on: date | None = None
    review_on: date | None = None
    priority: int = 50
    re_entry_days: int = 30
    paused: bool = False
    breakdown: LayerName = DEFAULT_BREAKDOWN
    name: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    version: int = 0  # applied version; 0 while it is only a file

    def runs_on(self, day: date) -> bool:
        """Say whether the strategy touches anybody on local day ``day``."""
        started = self.starts_on is None or self.starts_on <= day
        return not self.paused and started and (self.ends_on is None or day <= self.ends_on)


def content_of(arm: Arm, template_content: str) -> str:
    """Fingerprint what a customer would get: words, offer and link, without personal values."""
    return fingerprint([template_content, arm.offer.code_list, arm.landing.url])


def contents(strategies: Sequence[Strategy]) -> tuple[str, ...]:
    """Return the template keys that ``strategies`` use, sorted."""
    return tuple(sorted({arm.script for s in strategies for play in s.plays for arm in play.arms()}))
