"""One scenario under kills: the command dies at each durable step, is run again, and the end is compared.

Two ways on after a kill: `same` runs the command again at once on the same machine; `moved` first runs
another command, on a machine of another name, 61 seconds later: no lease of the dead may hold anything then.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from tests.crash.steps.look import State, differences, state_of, strays
from tests.crash.steps.runner import KILLED, LAPSE, NOW, Ended, Place, Runner
from tests.crash.steps.scenes import Scenario
from tests.crash.steps.shim import When

Way = Literal["same", "moved"]
OTHER_HOST = "another-machine"
BETWEEN = ("verify",)
"""What somebody else runs first in the `moved` way."""

SENDER_LAPSE = timedelta(seconds=61)
"""After this long a dead sender's touches go back to the queue."""

LOST = frozenset({"state", "detail", "attempts", "sent_s", "ended_s", "at_s", "due_s", "kind"})
"""What may differ of a touch whose answer a kill has lost."""


@dataclass
class Outcome:
    """What became of one scenario on one store."""

    scenario: str
    store: str
    steps: tuple[str, ...]
    kills: int = 0
    breaks: list[str] = field(default_factory=list)


def ordeal(
    runner: Runner, scenario: Scenario, ways: tuple[Way, ...] = ("same", "moved"), every: int = 1
) -> Outcome:
    """Kill ``scenario`` before and after each of its durable steps (each ``every``-th of them)."""
    place = _start(runner, scenario)
    ended = runner.run(place, scenario.command, count=True)
    if ended.code != 0:
        raise AssertionError(f"{scenario.key} ends with {ended.code} undisturbed\n{ended.said}")
    wanted, broken = _look(runner, place)
    found = Outcome(scenario=scenario.key, store=runner.store, steps=ended.steps, breaks=broken)
    runner.drop(place)
    kills = [(k, when) for k in range(1, len(ended.steps) + 1) for when in _WHENS]
    for turn, (kill_at, when) in enumerate(kills[::every]):
        for way in ways if every == 1 else (ways[turn % len(ways)],):
            found.kills += 1
            name = f"{scenario.key} killed {when} step {kill_at} ({ended.steps[kill_at - 1]}), {way}"
            for line in _one(runner, scenario, wanted, kill_at, when, way):
                found.breaks.append(f"{name}: {line}")
    return found


_WHENS: tuple[When, ...] = ("before", "after")


def _start(runner: Runner, scenario: Scenario) -> Place:
    place = runner.copy(runner.stage(scenario.stage))
    for path, text in scenario.first.items():
        file = place.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return place


def _look(runner: Runner, place: Place, late: timedelta = timedelta()) -> tuple[State, list[str]]:
    """Return what is there, and the promises that do not hold."""
    state, broken = runner.ask(place, lambda folder: (state_of(folder), _promises(folder, late)), late=late)
    return state, broken


def _one(
    runner: Runner, scenario: Scenario, wanted: State, kill_at: int, when: When, way: Way
) -> Iterator[str]:
    place, mails = _start(runner, scenario), len(runner.mail.keys())
    try:
        ended = runner.run(place, scenario.command, kill_at=kill_at, when=when)
        if ended.code != KILLED:
            yield f"it ended with {ended.code} instead of dying\n{ended.said}"
            return
        late, host = (LAPSE, OTHER_HOST) if way == "moved" else (timedelta(), None)
        if way == "moved" and scenario.stage:
            between = runner.run(place, BETWEEN, late=late, host=host)
            if between.code not in (0, 1):  # 1: it says that an import never ended, as it must
                yield f"{' '.join(BETWEEN)} ended with {between.code}: {_last(between)}"
        again = runner.run(place, scenario.command, late=late, host=host)
        if again.code not in scenario.again:
            yield f"run again it ended with {again.code}: {_last(again)}"
        if scenario.unknown_max:  # what the dead had leased is taken up when its lease is over
            last = runner.run(place, scenario.command, late=late + SENDER_LAPSE, host=host)
            if last.code not in scenario.again:
                yield f"run a third time it ended with {last.code}: {_last(last)}"
        found, broken = _look(runner, place, late)
        yield from broken
        yield from _compared(scenario, wanted, found, clock=not late and not scenario.unknown_max)
        yield from _twice(runner.mail.keys()[mails:])
    except AssertionError as error:
        yield str(error)
    finally:
        runner.drop(place)


def _compared(scenario: Scenario, wanted: State, found: State, *, clock: bool) -> Iterator[str]:
    if scenario.unknown_max:
        lost = sum('"state": "unknown"' in row for row in found["store.outbox"])
        if lost > scenario.unknown_max:
            yield f"{lost} touches are unknown; a kill may lose {scenario.unknown_max}"
        left = sum('"state": "queued"' in row or '"state": "leased"' in row for row in found["store.outbox"])
        if left:
            yield f"{left} touches were left behind"
        ignored = {"store.outbox": LOST, "store.touch_event": LOST}
        skipped = {"warehouse.touches", "warehouse.responses", "sandbox.count", "store.touch_event"}
        skipped |= {"warehouse.fact_changes"}  # a touch told twice is noted as changed twice
        wanted = {name: rows for name, rows in wanted.items() if name not in skipped}
        found = {name: rows for name, rows in found.items() if name not in skipped}
    else:
        ignored = {}
    yield from differences(wanted, found, ignore=ignored, clock=clock)


def _promises(folder: Path, late: timedelta) -> list[str]:
    """Say which invariant is broken, which file no version names, and what lease stands a minute later."""
    import socket

    from koipond.bootstrap import open_app
    from koipond.kernel import BusyError
    from koipond.settings import SystemClock

    with open_app(folder, say_unapplied=False) as app:
        checks = app.store.checks.all(app.zone, app.clock.now())
        broken = [f"verify: {one.name}: {one.detail}" for one in checks if one.breaks]
        broken += [f"unnamed file {name}" for name in strays(app)]
        SystemClock.now = lambda self: NOW + late + LAPSE  # type: ignore[method-assign]
        socket.gethostname = lambda: OTHER_HOST
        try:
            with app.warehouse.write("look"):
                pass
        except BusyError as error:
            broken.append(f"a lease stands in the way a minute later: {error}")
    return broken


def _twice(keys: list[str]) -> Iterator[str]:
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        yield f"mail {key} went out twice"


def _last(ended: Ended) -> str:
    lines: list[Any] = ended.said.strip().splitlines()
    return str(lines[-1]) if lines else ""
