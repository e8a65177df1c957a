"""The send loop (发送循环): claim, write the message, commit the intent, call the channel, record the answer.

Rule (design §7): the intent to send is committed before the call; a call whose answer was never recorded is
``unknown`` and is not made again by itself.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from koipond.bootstrap import App
from koipond.kernel import KoipondError
from koipond.outreach.model import TouchState
from koipond.outreach.ports import (
    Answering,
    Channel,
    Claim,
    Ended,
    LeasedTouch,
    MayGoOn,
    Message,
    Outbox,
    Preparing,
    SendOutcome,
    SendResult,
    UnusableAddressError,
)
from koipond.outreach.templates import TemplateError, render
from koipond.store.code_days import last_day
from koipond.store.outbox_counts import UnderWay
from koipond.store.pauses import Pause
from koipond.strategy.variables import offer_until
from koipond.worker.planning import admit_plan
from koipond.worker.syncing import tell_facts
from koipond.worker.watching import WatchedChannel, watched

CLAIM = 1_000
LIFE_S = 15.0
"""How long after the last look a message may be begun: a sender that was stopped sends nothing stale."""
ASKED_MAX = 10_000
IDLE_WAIT = timedelta(minutes=5)
"""Longest wait for one touch that `until_idle` accepts: rate limits and leases, not quiet hours."""
ROUNDS_MAX = 100_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCount:
    """What one run of the loop did. ``wake_at``: when the next touch is due, None when nothing waits.

    ``outcomes``: what channels and texts answered; ``ended``: what this run itself brought to an end;
    ``down``: channel that cannot be reached → why; its touches wait, with their attempts.
    """

    outcomes: Mapping[SendOutcome, int]
    ended: Ended
    wake_at: datetime | None
    down: Mapping[str, str] = field(default_factory=dict)

    def of(self, outcome: SendOutcome) -> int:
        """Return how many touches ended so."""
        return self.outcomes.get(outcome, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSent:
    """What became of a plan's touches: by this run, and as counted in the outbox after it.

    ``touches``: how many the plan came to; ``ended``: state → touches this run itself brought there, whatever
    other processes did meanwhile; ``deferred``: those it admitted and that wait; ``after``: where all stand;
    ``blocked_by``: the gate's reasons of this run; ``closed``: channel that this machine cannot send on →
    touches that wait for it, until they expire; ``problems``: state, what the channel or the last look at the
    customer said, touches; ``claimed``: what other senders hold until their lease ends; ``paused``: what is
    held back; ``moved``: strategies changed since the plan, which goes with the version that was approved.
    """

    plan: str
    touches: int
    ended: Mapping[TouchState, int]
    deferred: int
    after: Mapping[TouchState, int]
    blocked_by: Mapping[str, int]
    wake_at: datetime | None
    closed: Mapping[str, int]
    problems: Sequence[tuple[str, str, int]] = ()
    claimed: Sequence[UnderWay] = ()
    paused: Sequence[Pause] = ()
    moved: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the command contract of `send`: what this run did, the whole plan under ``total``.

        ``deferred`` touches wait for their hour or a retry: those of this run did not wait before it.
        """
        return {
            "plan": self.plan,
            **ends_of(self.ended),
            "deferred": self.deferred,
            "blocked": sum(self.blocked_by.values()),
            "total": total_of(self.touches, self.after),
            "blocked_by": dict(self.blocked_by),
            "closed": dict(self.closed),
            "moved": [
                {"strategy": key, "version": version, "applied": applied}
                for key, (version, applied) in self.moved.items()
            ],
            "claimed": [
                {
                    "touches": one.touches,
                    "host": one.host,
                    "pid": one.pid,
                    "until": one.until.isoformat() if one.until else None,
                }
                for one in self.claimed
            ],
            "paused": [
                {"scope": p.scope, "since": p.since.isoformat(), "by": p.author, "reason": p.reason}
                for p in self.paused
            ],
            "problems": [
                {"state": state, "detail": said, "touches": count} for state, said, count in self.problems
            ],
            "wake_at": self.wake_at.isoformat() if self.wake_at else None,
        }


_WAITING = (TouchState.PLANNED, TouchState.QUEUED, TouchState.LEASED, TouchState.SENDING)
_LOST = (TouchState.FAILED, TouchState.EXPIRED)


def total_of(touches: int, states: Mapping[TouchState, int]) -> dict[str, int]:
    """Return what the ``touches`` of a plan that the gate has seen came to; they add up to them."""
    ends = ends_of(states)
    return {**ends, "blocked": max(touches - sum(ends.values()), 0)}


def ends_of(states: Mapping[TouchState, int]) -> dict[str, int]:
    """Return how many touches were sent, failed, are unknown or wait."""
    other = {*_WAITING, *_LOST, TouchState.UNKNOWN}
    return {
        "sent": sum(count for state, count in states.items() if state not in other),
        "failed": sum(states.get(state, 0) for state in _LOST),
        "unknown": states.get(TouchState.UNKNOWN, 0),
        "deferred": sum(states.get(state, 0) for state in _WAITING),
    }


def send_plan(app: App, key: str, *, until_idle: bool = False) -> PlanSent:
    """Admit the approved plan ``key`` and send what is due; tell the warehouse what happened.

    ``until_idle`` also waits for touches that are due within `IDLE_WAIT`. Raises RefusedError when nobody
    approved the plan.
    """
    outbox = app.outbox()
    waited = ends_of(outbox.counts(key))["deferred"]
    admitted = admit_plan(app, key)
    with app.channels() as channels:
        opened = {channel.sheet.channel for channel in channels}
        done = send_due(app, channels)
        ended = Counter(done.ended)
        for _ in range(ROUNDS_MAX if until_idle else 0):
            if done.wake_at is None or done.wake_at - app.clock.now() > IDLE_WAIT:
                break
            app.clock.wait_until(done.wake_at)
            done = send_due(app, channels)
            ended.update(done.ended)
    tell_facts(app, "send")
    after, waiting = outbox.counts(key), outbox.waiting(key)
    now, wakes = app.clock.now(), [done.wake_at]
    wakes += [outbox.next_due(channel, now) for channel in done.down]
    return PlanSent(
        plan=key,
        touches=int(app.store.plans.get(key).summary.get("touches", 0)),
        ended={state: count for (plan, state), count in ended.items() if plan == key},
        deferred=min(admitted.new, max(ends_of(after)["deferred"] - waited, 0)),
        after=after,
        blocked_by=admitted.blocked,
        moved=admitted.moved,
        wake_at=min((at for at in wakes if at), default=None),
        closed={on: count for on, count in waiting.items() if on not in opened},
        problems=[
            *(("queued", why, waiting[channel]) for channel, why in done.down.items() if channel in waiting),
            *outbox.problems(key),
        ],
        claimed=outbox.under_way(key),
        paused=app.store.pauses.all(),
    )


def send_due(app: App, channels: Sequence[Channel], stopped: Callable[[], bool] = lambda: False) -> SendCount:
    """Record what ``channels`` tell, send everything that is due on them now, record what they tell then.

    ``stopped`` ends the work after the group that is being sent; what was leased goes back to the queue.
    """
    app.public_url  # noqa: B018  # one that mail cannot carry is refused before anything is claimed
    outbox = app.outbox()
    outcomes: Counter[SendOutcome] = Counter()
    ended: Counter[tuple[str, TouchState]] = Counter()
    wakes = []
    down: dict[str, str] = {}
    try:
        for channel in map(watched, channels):
            collect(app, outbox, channel)  # who has just opted out is not written to
            ended.update(ask_provider(app, channel.inner))
            channel.look()
            wake_at = _send_on(app, outbox, channel, stopped, outcomes, ended)
            collect(app, outbox, channel)
            ended.update(ask_provider(app, channel.inner))  # what a sender that died had handed over
            if channel.down is None:
                wakes.append(wake_at)
            else:
                down[channel.sheet.channel] = channel.down
    finally:
        outbox.close()
    wake_at = min((at for at in wakes if at), default=None)
    return SendCount(outcomes=outcomes, ended=ended, wake_at=wake_at, down=down)


def _send_on(
    app: App,
    outbox: Outbox,
    channel: WatchedChannel,
    stopped: Callable[[], bool],
    outcomes: Counter[SendOutcome],
    ended: Counter[tuple[str, TouchState]],
) -> datetime | None:
    """Send what is due on ``channel`` until nothing is; return when to look again."""

    def halted() -> bool:
        return channel.down is not None or stopped()

    claim = None
    for _ in range(ROUNDS_MAX):
        limit = 0 if halted() else CLAIM  # a sweep: what dead workers left is put right all the same
        claim = outbox.claim(channel.sheet, limit, app.clock.now())
        ended.update(claim.ended)
        if not claim.examined or halted():
            outbox.release(claim)
            break
        outcomes.update(_send_claim(app, outbox, channel, claim, halted, ended))
    return None if claim is None else claim.wake_at


def ask_provider(app: App, channel: Channel) -> Ended:
    """Settle the unknown touches of ``channel`` by what its provider has, where it can be asked."""
    if not isinstance(channel, Answering):
        return {}
    open_ = app.store.unknowns.all(ASKED_MAX, channel.sheet.channel)
    if not open_:
        return {}
    told = channel.query([one.key for one in open_])
    return app.store.unknowns.settle(told, detail="asked the provider", now=app.clock.now())


def collect(app: App, outbox: Outbox, channel: Channel) -> int:
    """Record what the channel tells; return how many answers were new."""
    new = 0
    for _ in range(ROUNDS_MAX):
        told = channel.collect(app.clock.now())
        if not told:
            break
        new += outbox.respond(told, app.clock.now())
    return new


def _send_claim(
    app: App,
    outbox: Outbox,
    channel: WatchedChannel,
    claim: Claim,
    stopped: Callable[[], bool],
    ended: Counter[tuple[str, TouchState]],
) -> Counter[SendOutcome]:
    outcomes: Counter[SendOutcome] = Counter()
    written, done = _write(app, channel, claim.touches)
    for some in _groups(written, channel.sheet.group_size):
        if stopped():
            break
        group, unbuilt = _prepare(channel.inner, some, app.clock.now())
        done += unbuilt
        until_s = app.elapsed_s() + LIFE_S  # from before the look on, however long its commit takes
        step = outbox.advance(
            channel.sheet, claim, done=done, begin=[touch for touch, _ in group], now=app.clock.now()
        )
        ended.update(step.ended)
        outcomes.update(result.outcome for _, result in done)
        keys = {touch.touch_key for touch in step.may_go}
        messages = [message for touch, message in group if touch.touch_key in keys]
        answers = _call(channel, messages, app.clock.now(), _within(app, until_s))
        done = list(zip(step.may_go, answers, strict=True))
    ended.update(outbox.advance(channel.sheet, claim, done=done, now=app.clock.now()).ended)
    if stopped():
        outbox.release(claim)
    outcomes.update(result.outcome for _, result in done)
    return outcomes


def _prepare(
    channel: Channel, group: Sequence[tuple[LeasedTouch, Message]], now: datetime
) -> tuple[list[tuple[LeasedTouch, Message]], list[tuple[LeasedTouch, SendResult]]]:
    """Return ``group`` as it goes out, and the results of those that cannot be built: nothing was begun."""
    if not isinstance(channel, Preparing):
        return list(group), []
    ready: list[tuple[LeasedTouch, Message]] = []
    failed: list[tuple[LeasedTouch, SendResult]] = []
    for touch, message in group:
        try:
            ready.append((touch, channel.prepare(message, now)))
        except KoipondError as error:
            dead = isinstance(error, UnusableAddressError)
            failed.append((touch, replace(_failed(touch, str(error)), suppress=dead)))
    return ready, failed


def _within(app: App, until_s: float) -> MayGoOn:
    return lambda: app.elapsed_s() < until_s


def _failed(touch: LeasedTouch, detail: str) -> SendResult:
    return SendResult(key=touch.touch_key, outcome="failed", detail=detail[:500])


def _call(
    channel: Channel, messages: Sequence[Message], now: datetime, may_go_on: MayGoOn
) -> list[SendResult]:
    """Hand ``messages`` over. A channel that breaks down may have sent some of them: nobody knows."""
    if not messages:
        return []
    try:
        return channel.send(messages, now, may_go_on)
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"[:500]
        return [SendResult(key=message.key, outcome="unknown", detail=detail) for message in messages]


def _write(
    app: App, channel: Channel, touches: Sequence[LeasedTouch]
) -> tuple[list[tuple[LeasedTouch, Message]], list[tuple[LeasedTouch, SendResult]]]:
    """Return the messages of ``touches``, and the results of those that cannot be written."""
    kind = channel.sheet.address_kind
    addresses = app.store.people.addresses([t.customer_no for t in touches], kind) if kind else {}
    written: list[tuple[LeasedTouch, Message]] = []
    failed: list[tuple[LeasedTouch, SendResult]] = []
    for touch in touches:
        if kind and touch.customer_no not in addresses:
            failed.append((touch, _failed(touch, "no address")))
            continue
        try:
            written.append((touch, write_message(app, touch, addresses.get(touch.customer_no))))
        except (TemplateError, KoipondError) as error:
            failed.append((touch, _failed(touch, str(error))))
    return written, failed


def write_message(app: App, touch: LeasedTouch, address: str | None) -> Message:
    """Return the message of ``touch``, from the version of its template that the plan froze.

    Raises TemplateError when a variable has no value.
    """
    template = app.template(touch.template, touch.template_version)
    link = app.unsubscribe_url(touch.touch_key)
    values = {**touch.values, "unsubscribe": {"url": link}}
    if touch.code is not None:
        values["offer"] = {**_offer(app, touch), "code": touch.code}
    done = render(template, touch.language, values)
    headers = {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return Message(
        key=touch.touch_key,
        address=address,
        subject=done.subject,
        text=done.text,
        html=done.html,
        language=touch.language,
        headers=headers,
    )


def _offer(app: App, touch: LeasedTouch) -> dict[str, object]:
    end_s = touch.code_expires_s
    return offer_until(touch.values, None if end_s is None else last_day(end_s, app.zone))


def _groups(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
