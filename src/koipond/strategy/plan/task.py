"""A plan's work, laid out before any query: plays with their arms, contents, caps and instants. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from koipond.kernel import InputError, day_bounds, day_of, epoch_day, listed, zone
from koipond.outreach.model import FrequencyCap
from koipond.outreach.ports import ChannelSheet
from koipond.outreach.quiet import next_allowed
from koipond.strategy.model import Arm, Play, Strategy, content_of
from koipond.strategy.plan.model import PlanRequest

DAY_S = 86_400
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmTask:
    """One arm of a play: what it says and costs."""

    arm: Arm
    content: str
    offer_cost_fen: int
    required: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayTask:
    """One play, numbered; the lower ``rank`` gets the customer when several want him."""

    number: int
    rank: int
    strategy: Strategy
    play: Play
    arms: tuple[ArmTask, ...]
    channels: tuple[ChannelSheet, ...]
    runs: bool
    stopped: str = ""  # what an operator has paused: all, its strategy, or every channel of it

    @property
    def cost_max_fen(self) -> int:
        """What the dearest touch of this play costs."""
        return max(c.cost_fen for c in self.channels) + max(a.offer_cost_fen for a in self.arms)


def play_tasks(request: PlanRequest) -> tuple[PlayTask, ...]:
    """Return the plays of ``request``; raise InputError for an unknown channel, template or offer."""
    wanted = [(s, play) for s in request.strategies for play in s.plays]
    by_priority = sorted(wanted, key=lambda pair: (-pair[0].priority, pair[0].key, pair[1].key))
    ranks = {(s.key, play.key): rank for rank, (s, play) in enumerate(by_priority)}
    return tuple(
        PlayTask(
            number=number,
            rank=ranks[(strategy.key, play.key)],
            strategy=strategy,
            play=play,
            arms=tuple(_arm(request, arm) for arm in play.arms()),
            channels=tuple(_known(request.channels, key, "channel") for key in _open(request, play)),
            runs=strategy.runs_on(request.as_of) and not stopped,
            stopped=stopped,
        )
        for number, (strategy, play) in enumerate(wanted)
        for stopped in [_stopped(request, strategy, play)]
    )


def _open(request: PlanRequest, play: Play) -> tuple[str, ...]:
    """Return the channels of ``play`` that are not paused; all of them when every one is."""
    open_ = tuple(key for key in play.channels if f"channel:{key}" not in request.paused)
    return open_ or play.channels


def _stopped(request: PlanRequest, strategy: Strategy, play: Play) -> str:
    """Return the pause that stops ``play``, empty when none does."""
    for scope in ("all", f"strategy:{strategy.key}"):
        if scope in request.paused:
            return scope
    channels = [f"channel:{key}" for key in play.channels]
    return channels[0] if all(scope in request.paused for scope in channels) else ""


def _arm(request: PlanRequest, arm: Arm) -> ArmTask:
    template = _known(request.templates, arm.script, "template")
    offer = arm.offer.code_list
    return ArmTask(
        arm=arm,
        content=content_of(arm, template.content),
        offer_cost_fen=_known(request.offers, offer, "offer").cost_fen if offer else 0,
        required=tuple(path for path in template.required if path.startswith(("customer.", "trait."))),
    )


def _known(found: Mapping[str, T], key: str, what: str) -> T:
    if key not in found:
        raise InputError(
            "there is no {what} '{key}'; known are {found}",
            what=what,
            key=key,
            found=listed(sorted(found)),
        )
    return found[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class CapTask:
    """One frequency cap, numbered; ``counter`` numbers the count it is held against."""

    number: int
    cap: FrequencyCap
    counter: int


def cap_tasks(request: PlanRequest) -> tuple[CapTask, ...]:
    """Return every cap that may hold for somebody, each with its counter; equal counts share one."""
    counters: dict[tuple[object, ...], int] = {}
    tasks: list[CapTask] = []
    for cap in dict.fromkeys(_caps(request)):
        counted = (cap.window, cap.days if cap.window == "rolling_days" else 0, cap.channel, cap.purpose)
        tasks.append(CapTask(number=len(tasks), cap=cap, counter=counters.setdefault(counted, len(counters))))
    return tuple(tasks)


def _caps(request: PlanRequest) -> Iterator[FrequencyCap]:
    yield from request.policy.caps
    yield from request.policy.transactional_caps
    for caps in request.policy.capped_groups.values():
        yield from caps
    for strategy in request.strategies:
        yield from strategy.caps


def window_start_s(cap: FrequencyCap, now: datetime, place: ZoneInfo) -> int:
    """Return the first second that ``cap`` counts: touches from then up to ``now`` hold a slot."""
    if cap.window == "rolling_days":
        return int(now.timestamp()) - cap.days * DAY_S + 1
    day = day_of(now, place)
    if cap.window == "calendar_week":
        day -= timedelta(days=day.weekday())
    elif cap.window == "calendar_month":
        day = day.replace(day=1)
    return int(day_bounds(day, place)[0].timestamp())


def places(request: PlanRequest, names: tuple[str, ...]) -> tuple[ZoneInfo, ...]:
    """Return the workspace's zone and then those of customers; an unknown name stands for the workspace's."""
    home = zone(request.zone)
    found = [home]
    for name in names:
        try:
            found.append(zone(name))
        except InputError:
            found.append(home)
    return tuple(found)


def send_on(request: PlanRequest) -> date:
    """Return the local day on which the plan's marketing goes out first: quiet hours may move it on."""
    place = zone(request.zone)
    return day_of(next_allowed(request.now, request.policy.quiet, place), place)


def as_of_day(request: PlanRequest) -> int:
    """Return the observation day as whole days since 1970."""
    return epoch_day(request.as_of)
