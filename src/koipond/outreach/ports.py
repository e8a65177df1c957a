"""Ports of outreach: the gate, the outbox and the channels. Adapters live in `store` and `channels`."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from koipond.kernel import InputError
from koipond.outreach.model import GateCandidate, GateDecision, QuietHours, TouchState

SendOutcome = Literal["accepted", "refused", "failed", "unknown", "withheld"]
"""accepted by the provider · refused before acceptance, may be tried again · failed for good · no answer ·
withheld: its time was over before it was handed over; it goes back to the queue and costs no attempt."""

MayGoOn = Callable[[], bool]
"""Asked right before each message: may it still be handed over? Its looks are stale when too long ago."""


def always() -> bool:
    """Say that there is no hurry."""
    return True


ResponseKind = Literal[
    "delivered", "opened", "clicked", "replied", "complained", "unsubscribed", "unfriended", "bounced"
]


class Gate(Protocol):
    """The contact gate (触达闸门): the only door to a touch."""

    def admit(self, candidates: Sequence[GateCandidate], now: datetime, plan: str = "") -> list[GateDecision]:
        """Decide on each of ``candidates``, in order; a touch is durable when this returns.

        The same candidate of the same ``plan`` again returns its touch and changes nothing; of another plan
        it is lost, because its occurrence is used up.
        """
        ...


class HeldConsent(NamedTuple):
    """What holds at a place. ``own``: by their own word; else somebody at the same address said no."""

    channel: str
    purpose: str
    granted: bool
    at_s: int
    own: bool


class HeldSuppression(NamedTuple):
    """What bars a channel. ``own``: recorded of them; else of somebody at the same address."""

    channel: str
    reason: str
    at_s: int
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What the gate knows of one person's permissions: all merged customers and co-holders together."""

    consents: tuple[HeldConsent, ...] = ()
    suppressions: tuple[HeldSuppression, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """A token bucket: on average ``touches_max`` in ``seconds``, at most ``burst`` at once."""

    touches_max: int
    seconds: int = 1
    burst: int | None = None  # touches_max unless said


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSheet:
    """What a channel can do and costs (能力表). The plan, the gate and the outbox obey it.

    ``quota_per_day`` is the platform's, per local day; ``hours`` those in which nothing may be sent;
    ``receipts`` what it tells afterwards; ``confirmed_by`` who says that a touch went out; ``idempotent``:
    the provider drops a message whose key it has seen, so an unanswered call may be made again.
    """

    channel: str
    account: str = "default"
    cost_fen: int = 0
    address_kind: str | None = None  # identifier it needs: phone, email; None = none
    consent: Literal["required", "none"] = "required"
    quota_per_day: int | None = None
    rate: RateLimit | None = None
    hours: QuietHours | None = None
    receipts: tuple[ResponseKind, ...] = ()
    confirmed_by: Literal["provider", "staff"] = "provider"
    idempotent: bool = False
    group_size: int = 20  # messages handed over at once: what a crash can leave unknown
    attempts_max: int = 5
    retry_s: int = 900  # wait before the second attempt; doubles each time


class LeasedTouch(NamedTuple):
    """One touch a worker may send now: all it needs to write the message, and what the last look weighs.

    A tuple: a claim makes thousands, and a frozen dataclass of as many fields costs five times as much.
    """

    touch_no: int
    touch_key: str
    plan: str
    customer_no: int
    customer_uid: str
    strategy: str
    strategy_version: int
    play: str
    variant: str
    channel: str
    purpose: str
    template: str
    template_version: int
    language: str
    variables: str  # JSON: template variables, frozen at the plan
    code: str | None
    due_s: int
    expires_s: int
    attempts: int
    consent_required: bool = True
    consent_assumed: str = ""  # segment by which consent was assumed instead
    cost_fen: int = 0  # message and offer
    shares: str = "{}"  # JSON: what it holds of budgets and quotas
    code_list: str | None = None
    code_expires_s: int | None = None  # the first second in which its code is no good any more
    code_issued_s: int | None = None
    approved_no: int | None = None  # the apply it was approved under

    @property
    def values(self) -> dict[str, object]:
        """The template variables."""
        return dict(json.loads(self.variables))

    @property
    def due_at(self) -> datetime:
        """When it was due."""
        return datetime.fromtimestamp(self.due_s, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A batch under one lease. ``examined`` counts what was looked at, sent or not: 0 = nothing is due.

    ``wake_at``: when more may be claimed, None when nothing waits; ``ended``: what claiming settled on the
    way, such as what had expired.
    """

    lease: str
    touches: Sequence[LeasedTouch]
    examined: int
    wake_at: datetime | None
    ended: "Ended" = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """What one transaction of the outbox did: ``may_go`` may be sent now, ``ended`` was settled."""

    may_go: Sequence[LeasedTouch] = ()
    ended: "Ended" = field(default_factory=dict)


Ended = Mapping[tuple[str, TouchState], int]
"""(plan, state) → touches that this caller itself brought there: what another worker settles is not in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a channel is handed: rendered, addressed, with the touch key as its Message-ID."""

    key: str
    address: str | None
    subject: str = ""
    text: str = ""
    html: str = ""
    language: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    wire: bytes = b""  # as it goes out, once a channel has prepared it


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """What became of one message. ``suppress``: the address is dead, never write to it again;
    ``unreachable``: refused because the channel itself cannot be reached or refuses us, whoever it is for."""

    key: str
    outcome: SendOutcome
    detail: str = ""
    suppress: bool = False
    unreachable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What a customer or a provider said about a touch."""

    touch_key: str
    kind: ResponseKind
    at: datetime
    detail: str = ""


class Outbox(Protocol):
    """The outbox (发件箱): durable touches on their way. States and rules: design §7."""

    def claim(self, sheet: ChannelSheet, limit: int, now: datetime) -> Claim:
        """Lease at most ``limit`` due touches of the channel, within its rate and hours."""
        ...

    def advance(
        self,
        sheet: ChannelSheet,
        claim: Claim,
        *,
        done: Sequence[tuple[LeasedTouch, SendResult]] = (),
        begin: Sequence[LeasedTouch] = (),
        now: datetime,
    ) -> Advance:
        """In one transaction record ``done`` and commit the intent to send ``begin``.

        Those of ``begin`` may be sent whose claim still stands and that nothing forbids now.
        """
        ...

    def release(self, claim: Claim) -> int:
        """Give back what was leased and not begun; return how many."""
        ...

    def respond(self, responses: Sequence[Response], now: datetime) -> int:
        """Record receipts and answers; return how many were new. Opt-outs hold from then on."""
        ...

    def counts(self, plan: str | None = None) -> Mapping[TouchState, int]:
        """Return how many touches (of ``plan``) stand in each state."""
        ...


class Channel(Protocol):
    """The outside world. Calls block; an adapter may own one private event loop in its thread."""

    sheet: ChannelSheet

    def send(
        self, messages: Sequence[Message], now: datetime, may_go_on: MayGoOn = always
    ) -> list[SendResult]:
        """Hand ``messages`` over; one result each, in order. Never raises for a single message.

        What was not begun when ``may_go_on`` says no is ``withheld``.
        """
        ...

    def collect(self, now: datetime) -> Sequence[Response]:
        """Return the receipts and answers that arrived since the last call; none twice on purpose."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...


@runtime_checkable
class Probed(Protocol):
    """A channel that can be asked whether it would take a message, before any is put at stake."""

    def why_down(self) -> str | None:
        """Return why it cannot take a message now, None when it can."""
        ...


class UnusableAddressError(InputError):
    """An address that a channel cannot carry: nothing is ever written to it again."""


@runtime_checkable
class Preparing(Protocol):
    """A channel that builds its messages before the intent to send them is on record."""

    def prepare(self, message: Message, now: datetime) -> Message:
        """Return ``message`` ready to be handed over; raise InputError when it cannot be built."""
        ...


@runtime_checkable
class Answering(Protocol):
    """A channel whose provider can be asked what became of a message."""

    def query(self, keys: Sequence[str]) -> Mapping[str, bool]:
        """Return touch key → whether the provider has the message; keys it cannot tell about are left out."""
        ...
