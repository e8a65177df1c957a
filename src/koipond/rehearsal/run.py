"""Rehearse (排演): months of the real code on a virtual clock, against customers whose true responses are known.

Each virtual day at 10:00: orders, refresh, and on plan days plan → approve → gate → outbox → sandbox; what the
channel accepted works as planted; answers come back as facts. At the end the lift report is read like any
other. One thread, no machine clock, deterministic by seed. Source: design §9.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from koipond.bootstrap import App
from koipond.channels.sandbox import SandboxChannel
from koipond.experiments.effect import Effect, Relative
from koipond.insights.lift import LiftReport
from koipond.kernel import VirtualClock
from koipond.rehearsal.brand import SimulatedBrand
from koipond.rehearsal.scenario import WHOLE, Horizon, Scenario
from koipond.rehearsal.stage import AUTHOR, morning, open_stage
from koipond.rehearsal.world import Planted, World, brand_time
from koipond.worker.planning import admit_plan, plan_touches
from koipond.worker.refreshing import refresh_workspace
from koipond.worker.reporting import report_dict, strategy_report
from koipond.worker.sending import send_due

FIRST_DAY = date(2026, 1, 5)
METRIC = "conversion"
_WINDOW = re.compile(r"window_days: (\d+)")
_ENDS = re.compile(r"^ends_on:.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peek:
    """One look at the running report: the interval it printed on ``day``."""

    day: date
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What came out: the planted ``truth``, what the report says of it, the report and what happened.

    ``breaks``: invariants of the store that did not hold at the end, none unless the product is broken.
    """

    scenario: str
    seed: int
    truth: float
    found: Relative
    report: Mapping[str, Any]
    horizon: Horizon
    touches: int
    orders: int
    breaks: int
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
            "seed": self.seed,
            "customers": self.horizon.customers,
            "days": self.horizon.days,
            "population": self.report["population"],
            "touches": self.touches,
            "orders": self.orders,
            "breaks": self.breaks,
            "as_of": self.report["as_of"],
            "definition_version": self.report["definition_version"],
            "report": dict(self.report),
        }


def rehearse(
    played: Scenario, seed: int, *, horizon: Horizon = WHOLE, peek_every_days: int | None = None
) -> Rehearsal:
    """Play ``played`` with the customers that ``seed`` draws; equal arguments give equal results.

    ``peek_every_days`` also reads the report while it runs, as an impatient operator would.
    """
    clock = VirtualClock(datetime.combine(FIRST_DAY, time(), UTC) - timedelta(days=2))
    with open_stage(_dated(played, horizon), seed=seed, clock=clock) as app:
        run = _begin(app, clock, played, seed, horizon)
        try:
            for day in run.days():
                run.work(day)
                if peek_every_days and (day - FIRST_DAY).days % peek_every_days == 0:
                    run.peek(day)
            return run.result()
        finally:
            run.world.channel.close()


@dataclass(slots=True, kw_only=True)
class _Run:
    app: App
    clock: VirtualClock
    played: Scenario
    seed: int
    horizon: Horizon
    world: World
    peeks: list[Peek] = field(default_factory=list)

    @property
    def last_plan(self) -> int:
        """The last day, counted from 0, whose touches have their whole window before the report."""
        return self.horizon.days - self.world.planted.window_days

    def days(self) -> Iterator[date]:
        """Yield the days on which something is done."""
        worked = {*range(0, self.last_plan + 1, self.horizon.plan_every_days), self.horizon.days}
        if self.horizon.plan_every_days == 1:
            worked |= {*range(self.horizon.days)}
        for number in sorted(worked):
            yield FIRST_DAY + timedelta(days=number)

    def work(self, day: date) -> None:
        now = self.clock.move_to(morning(day, self.app.zone))
        self.world.buy_until(now)
        send_due(self.app, [self.world.channel])  # what was deferred, and the answers since
        self.world.meet_touches(now)
        refresh_workspace(self.app, None)
        if (day - FIRST_DAY).days <= self.last_plan:
            self.touch()
            self.world.meet_touches(now)

    def touch(self) -> None:
        """Plan, approve, admit and send the day's touches."""
        app = self.app
        plan = plan_touches(app, [self.played.strategy], None)
        app.store.plans.approve(plan.plan, AUTHOR, app.clock.now())
        admit_plan(app, plan.plan)
        send_due(app, [self.world.channel])

    def peek(self, day: date) -> None:
        report, _ = self.read_report()
        effect = self.effect(report)
        if effect is not None:
            self.peeks.append(Peek(day=day, low=effect.low, high=effect.high))

    def read_report(self) -> tuple[LiftReport, date]:
        with self.app.reading() as (reader, day):
            report = strategy_report(self.app, reader, self.played.strategy, day, rehearsed=True)
        return report, day

    def effect(self, report: LiftReport) -> Effect | None:
        if self.played.against == "holdout":
            return report.effect(METRIC)
        return report.variants.effect(self.played.treated, METRIC) if report.variants else None

    def result(self) -> Rehearsal:
        report, day = self.read_report()
        effect = self.effect(report)
        checks = self.app.store.checks.all(self.app.zone, self.clock.now())
        return Rehearsal(
            scenario=self.played.key,
            seed=self.seed,
            truth=self.played.truth,
            found=effect.relative if effect else Relative(estimate=None, low=None, high=None, method="none"),
            report=report_dict(self.app, report, day),
            horizon=self.horizon,
            touches=self.world.touches,
            orders=self.world.orders,
            breaks=sum(check.breaks for check in checks),
            peeks=tuple(self.peeks),
        )


def _begin(app: App, clock: VirtualClock, played: Scenario, seed: int, horizon: Horizon) -> _Run:
    """Make the customers known on the eve of the first day."""
    from dataclasses import replace

    strategy = app.runtime.strategies[played.strategy]
    parameters = replace(played.parameters, customers=horizon.customers)
    brand = SimulatedBrand(parameters, start=brand_time(morning(FIRST_DAY, app.zone)), seed=seed)
    planted = Planted(
        strategy=strategy.key, effects=played.effects, window_days=strategy.metric.window_days
    )
    world = World(app=app, brand=brand, channel=SandboxChannel(None), planted=planted)
    world.enter(parameters)
    for play in strategy.plays:
        for offer in play.offer.variants.values():
            if offer.code_list is not None:
                codes = [f"KOI{n:06d}" for n in range(horizon.customers)]
                app.store.codes.add(offer.code_list, codes)
    return _Run(app=app, clock=clock, played=played, seed=seed, horizon=horizon, world=world)


def _dated(played: Scenario, horizon: Horizon) -> dict[str, str]:
    """Return the scenario's files with the strategy's end on the last day whose window is over at the report.

    The planned end has then passed when the report is read: one look, a fixed-horizon interval (design §8).
    """
    path = f"strategies/{played.strategy}.yaml"
    window = int(_WINDOW.findall(played.files[path])[0])
    ends = FIRST_DAY + timedelta(days=horizon.days - window)
    return {**played.files, path: _ENDS.sub(f"ends_on: {ends}", played.files[path])}
