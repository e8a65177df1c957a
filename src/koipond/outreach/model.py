"""Words of outreach (触达): why a candidate is not touched, which states a touch has, what the gate is asked.

These reasons and states are the only ones (design §7); channels and plans map theirs onto them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal


class Reason(StrEnum):
    """Why a candidate is left in peace, in the order of the checks."""

    NOT_RUNNING = "not_running"
    STALE_SEGMENT = "stale_segment"
    STAFF = "staff"
    SUPPRESSED = "suppressed"
    MINOR = "minor"
    NO_ADDRESS = "no_address"
    NO_CONSENT = "no_consent"
    HOLDOUT = "holdout"
    RE_ENTRY = "re_entry"
    DUPLICATE_CONTENT = "duplicate_content"
    TEMPLATE_ERROR = "template_error"
    FREQUENCY_CAP = "frequency_cap"
    PRIORITY_LOST = "priority_lost"
    PLATFORM_QUOTA = "platform_quota"
    BUDGET = "budget"
    NEGATIVE_MARGIN = "negative_margin"
    STAFF_CAPACITY = "staff_capacity"


class TouchState(StrEnum):
    """Where a touch stands."""

    PLANNED = "planned"
    QUEUED = "queued"
    LEASED = "leased"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    REPLIED = "replied"
    COMPLAINED = "complained"
    FAILED = "failed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"


LATE = "late"
"""Said of a touch that expired because the time in which it could go was over."""

CapWindow = Literal["rolling_days", "calendar_day", "calendar_week", "calendar_month"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyCap:
    """At most ``touches_max`` counted touches of ``purpose`` in the window (频次上限, S43).

    ``rolling_days``: in the ``days`` times 24 hours before the send. Calendar windows: in the local day,
    ISO week or month of the send, in the customer's zone, else the workspace's. ``channel`` None = all.
    """

    key: str
    touches_max: int
    window: CapWindow = "rolling_days"
    days: int = 7
    channel: str | None = None
    purpose: str = "marketing"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Local hours in which no marketing touch starts; they only move ``due_at`` (免打扰时段)."""

    start_hour: int = 20
    end_hour: int = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPolicy:
    """The rules every touch of a workspace obeys (触达规则).

    ``capped_groups``: segment key → caps that replace the default for its members (白名单, S43).
    ``exempt_segments``: members have no caps. ``assumed_consent``: channel → segment with a written basis.
    """

    caps: tuple[FrequencyCap, ...] = (FrequencyCap(key="all_channels", touches_max=3, days=7),)
    transactional_caps: tuple[FrequencyCap, ...] = (
        FrequencyCap(key="transactional", touches_max=10, days=1, purpose="transactional"),
    )
    quiet: QuietHours = QuietHours()
    capped_groups: Mapping[str, tuple[FrequencyCap, ...]] = field(default_factory=dict)
    exempt_segments: Sequence[str] = ()
    assumed_consent: Mapping[str, str] = field(default_factory=dict)
    duplicate_content_days: int = 30

    def default_caps(self, purpose: str) -> tuple[FrequencyCap, ...]:
        """Return the caps for ``purpose`` of whoever is in no group."""
        caps = self.caps if purpose == "marketing" else self.transactional_caps
        return tuple(cap for cap in caps if cap.purpose == purpose)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLine:
    """One hard cap on money: ``scope`` such as ``strategy:recall`` or one day of it."""

    scope: str
    limit_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCandidate:
    """One touch the plan wants, as the gate is asked for it. The gate alone decides (design §7).

    ``occurrence`` tells runs of the same play apart (unique with version, play and customer). ``caps``
    are the caps that hold for this customer; ``content`` fingerprints the content without personal values.
    """

    customer_no: int
    customer_uid: str
    strategy: str
    strategy_version: int
    play: str
    occurrence: str
    variant: str
    channel: str
    purpose: str
    content: str
    due_at: datetime
    expires_at: datetime
    cost_fen: int
    caps: tuple[FrequencyCap, ...]
    budgets: tuple[BudgetLine, ...]
    consent_required: bool
    address_required: bool
    re_entry_days: int
    duplicate_content_days: int
    # held out globally when (bucket of scope "global" - start) mod 10,000 < round(rate x 10,000), where start
    # moves with the rotation; by the strategy when its bucket < round(rate x 10,000); a recorded arm wins
    holdout_global_rate: float
    holdout_strategy_rate: float
    holdout_salt: str
    holdout_global_start: int = 0
    consent_assumed: str = ""  # segment whose consent is assumed where the customer gave none; empty = none
    code_list: str | None = None  # offer: a code of this list is issued in the same transaction
    offer_cost_fen: int = 0
    per_customer_limit_fen: int | None = None
    template: str = ""  # applied template key
    template_version: int = 0
    language: str = "zh"
    values: Mapping[str, object] = field(default_factory=dict)  # template variables, frozen at the plan


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision:
    """What the gate did with one candidate: a touch (``touch_key``), or a reason with its detail."""

    customer_no: int
    play: str
    touch_key: str | None
    reason: Reason | None
    detail: str = ""  # the cap's key, the winning strategy, the budget's scope
    due_at: datetime | None = None
    new: bool = field(default=False, compare=False)  # this very call made the touch; else it stood already
