"""Rehearse (预演): months of the real code on a virtual clock, against customers whose responses are known.

Each virtual day at 10:00: orders, refresh, and on plan days plan → approve → gate → outbox → sandbox; what
the channel accepted works as planted; answers come back as facts. At the end the lift report is read like any
other. One thread, no machine clock, deterministic by seed. Source: design §9.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import yaml

from koipond.bootstrap import App
from koipond.channels.sandbox import SandboxChannel
from koipond.experiments.effect import Effect
from koipond.experiments.relative import Relative
from koipond.insights.lift_model import LiftReport
from koipond.insights.words import Language
from koipond.kernel import InputError, Message, VirtualClock
from koipond.rehearsal.brand import SimulatedBrand
from koipond.rehearsal.facts import brand_time
from koipond.rehearsal.scenario import WHOLE, Horizon, Scenario
from koipond.rehearsal.stage import AUTHOR, dated, morning, open_stage
from koipond.rehearsal.world import Planted, World
from koipond.worker.planning import admit_plan, plan_touches
from koipond.worker.refreshing import refresh_workspace
from koipond.worker.reporting import report_dict, strategy_report
from koipond.worker.sending import IDLE_WAIT, send_due
from koipond.worker.syncing import sync_facts

METRIC = "conversion"
Watch = Callable[["Progress"], None]
"""Is told after each day that was worked."""
WAITS_MAX = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a rehearsal is: the ``day`` just worked is number ``done`` of ``days``, counted from 0."""

    day: date
    done: int
    days: int
    orders: int
    touches: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Peek:
    """One look at the running report: the interval it printed on ``day``."""

    day: date
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What came out: the planted ``truth``, what the report says of it, the report and what happened.

    ``breaks``: invariants of the store that did not hold at the end, none unless the product is broken;
    ``curbed``: so many buy by themselves that less than the asked effect could be planted.
    """

    scenario: str | None
    strategy: str
    seed: int
    truth: float
    found: Relative
    report: Mapping[str, Any]
    horizon: Horizon
    touches: int
    orders: int
    breaks: int
    curbed: bool = False
    peeks: tuple[Peek, ...] = ()

    @property
    def covered(self) -> bool:
        """Whether the printed interval holds the truth."""
        low, high = self.found.low, self.found.high
        return low is not None and high is not None and low <= self.truth <= high

    @property
    def low_above_zero(self) -> bool:
        """Whether the report found that there is an effect at all."""
        return self.found.low is not None and self.found.low > 0

    def to_dict(self) -> dict[str, Any]:
        """Return the command contract of `rehearse`, then what explains it."""
        return {
            "scenario": self.scenario,
            "truth": self.truth,
            "estimate": self.found.estimate,
            "low": self.found.low,
            "high": self.found.high,
            "covered": self.covered,
            "low_above_zero": self.low_above_zero,
            "strategy": self.strategy,
            "seed": self.seed,
            "customers": self.horizon.customers,
            "days": self.horizon.days,
            "population": self.report["population"],
            "touches": self.touches,
            "orders": self.orders,
            "breaks": self.breaks,
            "curbed": self.curbed,
            "as_of": self.report["as_of"],
            "definition_version": self.report["definition_version"],
            "report": dict(self.report),
        }


def rehearse(
    played: Scenario,
    seed: int,
    *,
    horizon: Horizon = WHOLE,
    peek_every_days: int | None = None,
    language: Language | None = None,
    watch: Watch | None = None,
) -> Rehearsal:
    """Play ``played`` with the customers that ``seed`` draws; equal arguments give equal results.

    ``peek_every_days`` also reads the report while it runs, as an impatient operator would; ``watch`` is told
    of each day. Raises InputError
    when the days are too few for one outcome window, or nobody ever came into the strategy's audience;
    FindingsError when its files are wrong.
    """
    last_plan = _last_plan(played, horizon)
    files = dated(played.files, played.strategy, played.first_day + timedelta(days=last_plan))
    clock = VirtualClock(datetime.combine(played.first_day, time(), UTC) - timedelta(days=2))
    with open_stage(files, seed=seed, clock=clock) as app, ExitStack() as stack:
        run = _begin(app, clock, played, seed, horizon, last_plan)
        for channel in run.world.channels.values():
            stack.callback(channel.close)
        for number in run.days():
            run.work(number)
            if peek_every_days and number and number % peek_every_days == 0:
                run.peek()
            if watch is not None:
                watch(run.progress(number))
        return run.result(language)


def _last_plan(played: Scenario, horizon: Horizon) -> int:
    """Return the last day, counted from 0, whose touches have their whole window before the report.

    It is the strategy's planned end, so the report is one look at a fixed horizon (design §8).
    """
    body = yaml.safe_load(played.files[f"strategies/{played.strategy}.yaml"])
    window = int(body["metric"]["window_days"])
    if horizon.days < window:
        raise InputError(
            "strategy '{strategy}' is judged over {window} days; rehearse at least that many",
            strategy=played.strategy,
            window=window,
        )
    return horizon.days - window


@dataclass(slots=True, kw_only=True)
class _Run:
    app: App
    clock: VirtualClock
    played: Scenario
    seed: int
    horizon: Horizon
    last_plan: int
    world: World
    peeks: list[Peek] = field(default_factory=list)

    def days(self) -> list[int]:
        """Return the days that are worked, counted from 0: each plan day, and the day of the report.

        With a plan every day, the days between the strategy's end and its report are worked as well.
        """
        every, last = self.horizon.plan_every_days, self.horizon.days
        until = last if every == 1 else self.last_plan + 1
        return [*range(0, until, every), last]

    def progress(self, number: int) -> Progress:
        return Progress(
            day=self.played.first_day + timedelta(days=number),
            done=number,
            days=self.horizon.days,
            orders=self.world.orders,
            touches=self.world.touches,
        )

    def work(self, number: int) -> None:
        day = self.played.first_day + timedelta(days=number)
        self.clock.move_to(morning(day, self.app.zone))
        self.world.buy_until(self.clock.now())
        self.send()  # what was deferred, and the answers since
        refresh_workspace(self.app, None)
        if number <= self.last_plan:
            plan = plan_touches(self.app, [self.played.strategy], None)
            if plan.considered:  # there is nothing to approve in an empty one
                self.app.store.plans.approve(plan.plan, AUTHOR, self.clock.now())
                admit_plan(self.app, plan.plan)
            self.send()

    def send(self) -> None:
        """Send what is due, waiting for rate limits, and let it work."""
        for _ in range(WAITS_MAX):
            done = send_due(self.app, [*self.world.channels.values()])
            self.world.meet_touches(self.clock.now())
            if done.wake_at is None or done.wake_at - self.clock.now() > IDLE_WAIT:
                return
            self.clock.move_to(max(done.wake_at, self.clock.now()))

    def peek(self) -> None:
        """Read the report as `koipond report` would now, and keep its interval once there is one."""
        with self.app.warehouse.write("report") as writer:
            if sync_facts(self.app, writer):
                writer.publish()
        effect = self.effect(self.read_report(None)[0])
        if effect is not None:
            now = self.clock.now().astimezone(self.app.zone)
            self.peeks.append(Peek(day=now.date(), low=effect.low, high=effect.high))

    def read_report(self, language: Language | None) -> tuple[LiftReport, date]:
        with self.app.reading() as (reader, day):
            strategy = self.played.strategy
            report = strategy_report(self.app, reader, strategy, day, language=language, rehearsed=True)
        return report, day

    def effect(self, report: LiftReport) -> Effect | None:
        if self.played.against == "holdout":
            return report.effect(METRIC)
        return report.variants.effect(self.played.treated, METRIC) if report.variants else None

    def result(self, language: Language | None) -> Rehearsal:
        if not self.world.base:
            raise InputError(
                "nobody came into the audience of '{strategy}': simulated customers have "
                "orders only, no events, tags or lists",
                strategy=self.played.strategy,
            )
        report, day = self.read_report(language)
        effect = self.effect(report)
        checks = self.app.store.checks.all(self.app.zone, self.clock.now())
        truth = self.played.truth
        if truth is not None and self.world.curbed:
            raise InputError("the case's effect cannot be planted on so few customers: more --customers")
        return Rehearsal(
            scenario=self.played.key,
            strategy=self.played.strategy,
            seed=self.seed,
            truth=self.world.planted_buyers / self.world.base if truth is None else truth,
            found=effect.relative
            if effect
            else Relative(estimate=None, low=None, high=None, method=Message("none")),
            report=report_dict(self.app, report, day),
            horizon=self.horizon,
            touches=self.world.touches,
            orders=self.world.orders,
            breaks=sum(check.breaks for check in checks),
            curbed=self.world.curbed,
            peeks=tuple(self.peeks),
        )


def _begin(
    app: App, clock: VirtualClock, played: Scenario, seed: int, horizon: Horizon, last_plan: int
) -> _Run:
    """Make the customers known on the eve of the first day."""
    strategy = app.definitions.strategies[played.strategy]
    start = brand_time(morning(played.first_day, app.zone))
    brand = SimulatedBrand(replace(played.parameters, customers=horizon.customers), start=start, seed=seed)
    used = sorted({channel for play in strategy.plays for channel in play.channels})
    world = World(
        app=app,
        brand=brand,
        channels={key: SandboxChannel(None, app.sheets[key]) for key in used},
        planted=Planted(
            strategy=strategy.key, effects=played.effects, window_days=strategy.metric.window_days
        ),
    )
    world.enter(played.reach)
    offers = {o.code_list for play in strategy.plays for o in play.offer.variants.values()} - {None}
    for code_list in sorted(filter(None, offers)):
        app.store.codes.add(code_list, [f"KOI{n:06d}" for n in range(horizon.customers)])
    return _Run(
        app=app, clock=clock, played=played, seed=seed, horizon=horizon, last_plan=last_plan, world=world
    )
