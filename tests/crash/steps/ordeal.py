"""One scenario under kills: the command dies at each durable step, is run again, and the end is compared.

Two ways on after a kill, each from a copy of what the kill left: `same` runs the command again at once on the
same machine; `moved` first runs another command, on a machine of another name, 61 seconds later: no
lease of the dead may hold anything then.

A kill takes nothing back that was written, forced to disk or not. So two kills between which no byte of the
folder changed, no mail was taken and nothing was committed leave the same: one of them is done, the other
counted as its twin. Before and after an fsync is always such a pair.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from tests.crash.steps.compare import differences, lost_touches, of_senders, told_wrong
from tests.crash.steps.look import State, beside, counted_back, files_broken, state_of
from tests.crash.steps.runner import KILLED, LAPSE, NOW, Ended, Place, Runner
from tests.crash.steps.scenes import Scenario
from tests.crash.steps.shim import When

Way = Literal["same", "moved"]
WAYS: tuple[Way, ...] = ("same", "moved")
OTHER_HOST = "another-machine"
BETWEEN = ("look-on",)
"""What somebody else does first in the `moved` way: opens the workspace and runs the store's checks."""
SAID_BETWEEN = {"dead_imports"}
"""Checks that may break then: it is said that an import never ended. Anything else is a finding."""
SENDER_LAPSE = timedelta(seconds=61)
"""After this long a dead sender's touches go back to the queue."""


@dataclass(frozen=True)
class Kill:
    """Where the command dies. ``done``: with every byte as the undisturbed run leaves it."""

    step: int
    when: When
    name: str
    done: bool


@dataclass
class Outcome:
    """What became of one scenario on one store. ``runs``: commands run again after a kill and compared."""

    scenario: str
    store: str
    steps: tuple[str, ...]
    kills: int = 0
    twins: int = 0
    runs: int = 0
    breaks: list[str] = field(default_factory=list)


def ordeal(
    runner: Runner,
    scenario: Scenario,
    ways: tuple[Way, ...] = WAYS,
    *,
    every: int = 1,
    in_turn: bool = False,
    twins: bool = False,
    told: Callable[[int, int], None] = lambda done, all_: None,
) -> Outcome:
    """Kill ``scenario`` before and after each of its durable steps.

    ``every``: each so many-th kill alone. ``in_turn``: one of the ``ways`` on after each kill, on PostgreSQL
    the other one first. ``twins``: also kills that leave what the one before left. ``told`` hears how many
    are done.
    """
    place, mails = _start(runner, scenario), len(runner.mail.keys())
    ended = runner.run(place, scenario.command, count=True)
    if ended.code != 0:
        raise AssertionError(f"{scenario.key} ends with {ended.code} undisturbed\n{ended.said}")
    wanted, broken = _look(runner, place, runner.mail.keys()[mails:])
    runner.drop(place)
    found = Outcome(scenario=scenario.key, store=runner.store, steps=ended.steps, breaks=broken)
    kills = list(_kills(ended, twins=twins))
    found.twins = 2 * len(ended.steps) - len(kills)
    chosen, first = kills[::every], int(runner.store == "postgresql")
    for turn, kill in enumerate(chosen):
        mine = (ways[(turn + first) % len(ways)],) if in_turn else ways
        found.kills += 1
        found.runs += len(mine)
        name = f"{scenario.key} killed {kill.when} step {kill.step} ({kill.name})"
        found.breaks += [f"{name}, {line}" for line in _one(runner, scenario, wanted, kill, mine)]
        told(turn + 1, len(chosen))
    return found


def _kills(ended: Ended, *, twins: bool) -> Iterator[Kill]:
    left = None
    for step, (name, seen) in enumerate(zip(ended.steps, ended.seen, strict=True), 1):
        whens: tuple[When, When] = ("before", "after")
        for when, leaves in zip(whens, seen, strict=True):
            if twins or leaves != left:
                yield Kill(step, when, name, done=leaves == ended.seen[-1][1])
            left = leaves


def _start(runner: Runner, scenario: Scenario) -> Place:
    place = runner.copy(runner.stage(scenario.stage))
    for path, text in scenario.first.items():
        file = place.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return place


def _look(
    runner: Runner, place: Place, mails: list[str], late: timedelta = timedelta()
) -> tuple[State, list[str]]:
    """Return what is there, and the promises that do not hold."""

    def look(folder: Path) -> tuple[State, list[str]]:
        state, broken = state_of(folder, mails), promises(folder, late)
        return {**state, "files": beside(folder)}, broken

    state, broken = runner.ask(place, look, late=late)
    return state, broken


def _one(
    runner: Runner, scenario: Scenario, wanted: State, kill: Kill, ways: tuple[Way, ...]
) -> Iterator[str]:
    place, before = _start(runner, scenario), len(runner.mail.keys())
    try:
        ended = runner.run(place, scenario.command, kill_at=kill.step, when=kill.when)
        if ended.code != KILLED:
            yield f"it ended with {ended.code} instead of dying\n{ended.said}"
            return
        mails = runner.mail.keys()[before:]
        for way in ways:
            yield from (
                f"{way}: {line}" for line in _go_on(runner, scenario, wanted, place, kill, mails, way)
            )
    finally:
        runner.drop(place)


def _go_on(
    runner: Runner,
    scenario: Scenario,
    wanted: State,
    killed: Place,
    kill: Kill,
    mails: list[str],
    way: Way,
) -> Iterator[str]:
    """Run the command again on a copy of ``killed``, and say what differs then."""
    place, before = runner.copy(killed), len(runner.mail.keys())
    late, host = (LAPSE, OTHER_HOST) if way == "moved" else (timedelta(), None)
    try:
        if way == "moved" and scenario.stage:
            yield from _between(runner.run(place, BETWEEN, late=late, host=host))
        if not (scenario.anew and kill.done):
            again = runner.run(place, scenario.command, late=late, host=host)
            if again.code not in scenario.again:
                yield f"run again it ended with {again.code}: {_last(again)}"
        if scenario.sends:  # what the dead had leased is taken up when its lease is over
            late += SENDER_LAPSE
            last = runner.run(place, scenario.command, late=late, host=host)
            if last.code not in scenario.again:
                yield f"run a third time it ended with {last.code}: {_last(last)}"
        taken = [*mails, *runner.mail.keys()[before:]]
        found, broken = _look(runner, place, taken, late)
        yield from broken
        yield from _compared(scenario, wanted, found, clock=not late)
    except AssertionError as error:
        yield str(error)
    finally:
        runner.drop(place)


def _between(ended: Ended) -> Iterator[str]:
    """Say what the checks found that a kill does not explain."""
    broken = {line.partition(" broken")[0] for line in ended.said.splitlines() if " broken" in line}
    broken -= SAID_BETWEEN
    if ended.code != 0 or broken:
        yield f"{' '.join(BETWEEN)} ended with {ended.code}: {sorted(broken)} {_last(ended)}"


def _compared(scenario: Scenario, wanted: State, found: State, *, clock: bool) -> Iterator[str]:
    if scenario.sends:
        lost = lost_touches(wanted, found)
        if len(lost) > scenario.lost_max:
            yield f"{len(lost)} touches are unknown or failed; a kill may lose {scenario.lost_max}"
        yield from told_wrong(found)
        wanted, found = of_senders(wanted, lost), of_senders(found, lost)
    yield from differences(wanted, found, clock=clock)


def promises(folder: Path, late: timedelta) -> list[str]:
    """Say which invariant is broken, what lease stands a minute later, and which file nobody takes away.

    A killed writer's files wait for the next that publishes: it is played here, after the state was read.
    """
    import socket

    from koipond.bootstrap import open_app
    from koipond.kernel import BusyError
    from koipond.settings import SystemClock

    with open_app(folder, say_unapplied=False) as app:
        checks = app.store.checks.all(app.zone, app.clock.now())
        broken = [f"verify: {one.name}: {one.detail}" for one in checks if one.breaks]
        broken += counted_back(app)
        SystemClock.now = lambda self: NOW + late + LAPSE  # type: ignore[method-assign]
        socket.gethostname = lambda: OTHER_HOST
        try:
            with app.warehouse.write("look") as writer:
                writer.publish()
        except BusyError as error:
            broken.append(f"a lease stands in the way a minute later: {error}")
        return broken + files_broken(app)


def _last(ended: Ended) -> str:
    lines: list[Any] = ended.said.strip().splitlines()
    return str(lines[-1]) if lines else ""
