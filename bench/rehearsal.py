"""Rehearsals (BAR-R4): does the report's interval hold the planted effect as often as it says?

    PYTHONPATH=src python bench/rehearsal.py [--reduced 500] [--whole 20] [--idle 200] [--jobs 2]
        [--first-seed 1] [--go-on] [--minutes 5]

Reduced: 2,000 customers, 60 days, half of them case C1 (variant against variant, +20 %), half C4 (coupon
against the hold-out, +25 %); whole: 20,000 customers, 90 days, planned daily. Idle: C4 with an effect of 0,
planned weekly and its report read at each plan day (always-valid intervals) and at the planned end.

Bars: 0.95 inside the Wilson interval of the coverage; false positives of the looks at most nominal; a reduced
rehearsal in at most 2 s, a whole one in at most 120 s on 2 cores. One process a rehearsal at a time, one
thread each. Each rehearsal is a line of bench/results/rehearsal.jsonl; `--go-on` keeps what is there, and
`--minutes` starts none after so many, so that a long run can be made in pieces.
Writes bench/results/rehearsal.json.
"""

import argparse
import json
import multiprocessing
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from koipond.experiments.proportions import wilson
from koipond.rehearsal.run import rehearse
from koipond.rehearsal.scenario import REDUCED, WHOLE, Scenario, scenario

RESULTS = Path(__file__).parent / "results"
Z = 1.959963984540054
NOMINAL = 0.05
LOOKS_EVERY_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One rehearsal to play: ``kind`` reduced, whole or idle."""

    kind: str
    case: str
    seed: int

    @property
    def key(self) -> str:
        return f"{self.kind} {self.case} {self.seed}"


def tasks(reduced: int, whole: int, idle: int, first_seed: int = 1) -> list[Task]:
    """Return what to play, both cases in turn; whole ones last."""
    cases = ("C1", "C4")
    made = [Task(kind="reduced", case=cases[n % 2], seed=first_seed + n // 2) for n in range(reduced)]
    made += [Task(kind="idle", case="C4", seed=10_000 + n) for n in range(idle)]
    return made + [Task(kind="whole", case=cases[n % 2], seed=1 + n // 2) for n in range(whole)]


def played(task: Task) -> Scenario:
    """Return the scenario of ``task``."""
    found = scenario(task.case)
    return found if task.kind != "idle" else replace(found, effects={"": 0.0}, truth=0.0)


def play(task: Task) -> dict[str, Any]:
    """Play one rehearsal and return what is kept of it."""
    wall, cpu = time.perf_counter(), time.process_time()
    horizon = {"reduced": REDUCED, "whole": WHOLE}.get(task.kind) or replace(
        REDUCED, plan_every_days=LOOKS_EVERY_DAYS
    )
    looks = LOOKS_EVERY_DAYS if task.kind == "idle" else None
    made = rehearse(played(task), task.seed, horizon=horizon, peek_every_days=looks)
    answer = made.to_dict()
    kept = ("truth", "estimate", "low", "high", "covered", "low_above_zero", "population", "breaks")
    final = made.report["effects"][0]["absolute"] if made.report["effects"] else None
    return {
        "key": task.key,
        "kind": task.kind,
        "case": task.case,
        **{name: answer[name] for name in kept},
        "final": final,
        "looks": [[look.low, look.high] for look in made.peeks[:-1]],  # the last one is the final report
        "wall_s": round(time.perf_counter() - wall, 3),
        "cpu_s": round(time.process_time() - cpu, 3),
    }


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return coverage with Wilson's interval, power, bias and cost of ``rows``."""
    n, held = len(rows), sum(row["covered"] for row in rows)
    low, high = wilson(held, n, z=Z)
    errors = [row["estimate"] - row["truth"] for row in rows if row["estimate"] is not None]
    return {
        "rehearsals": n,
        "coverage": round(held / n, 4),
        "wilson": [round(low, 4), round(high, 4)],
        "nominal_inside": low <= 1 - NOMINAL <= high,
        "low_above_zero": round(sum(row["low_above_zero"] for row in rows) / n, 4),
        "mean_error": round(statistics.fmean(errors), 4),
        "mean_error_se": round(statistics.stdev(errors) / len(errors) ** 0.5, 4) if n > 1 else None,
        "breaks": sum(row["breaks"] for row in rows),
        "cpu_s_median": round(statistics.median(row["cpu_s"] for row in rows), 2),
        "wall_s_median": round(statistics.median(row["wall_s"] for row in rows), 2),
    }


def idle_summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return how often an effect was found where there is none: at any look, and at the planned end."""

    def wrong(low: float, high: float) -> bool:
        return not low <= 0 <= high

    early = sum(any(wrong(*look) for look in row["looks"]) for row in rows)
    final = sum(wrong(row["final"]["low"], row["final"]["high"]) for row in rows if row["final"])
    n = len(rows)
    low, high = wilson(early, n, z=Z)
    return {
        "rehearsals": n,
        "looks_each": statistics.median(len(row["looks"]) for row in rows),
        "false_positives_of_looks": round(early / n, 4),
        "wilson": [round(low, 4), round(high, 4)],
        "at_most_nominal": low <= NOMINAL,
        "false_positives_at_the_end": round(final / n, 4),
    }


def run(wanted: Sequence[Task], jobs: int, log: Path, minutes: float) -> None:
    """Play ``wanted`` in order until ``minutes`` are over, and append a line for each to ``log``."""
    context = multiprocessing.get_context("spawn")
    waiting, ends_s = iter(wanted), time.monotonic() + minutes * 60
    done = 0
    with log.open("a") as out, ProcessPoolExecutor(jobs, mp_context=context) as pool:
        running = {pool.submit(play, task) for task in islice(waiting, jobs)}
        while running:
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for row in (future.result() for future in finished):
                done += 1
                out.write(json.dumps(row) + "\n")
                out.flush()
                said = "holds" if row["covered"] else "misses"
                print(f"{done}/{len(wanted)} {row['key']}: {said}, {row['cpu_s']} s CPU", flush=True)
                if time.monotonic() < ends_s:
                    running |= {pool.submit(play, task) for task in islice(waiting, 1)}


def report(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the summaries by kind and case."""
    made: dict[str, Any] = {}
    for kind in ("reduced", "whole"):
        mine = [row for row in rows if row["kind"] == kind]
        for case in sorted({row["case"] for row in mine}):
            made[f"{kind} {case}"] = summary([row for row in mine if row["case"] == case])
        if mine:
            made[kind] = summary(mine)
    if idle := [row for row in rows if row["kind"] == "idle"]:
        made["idle"] = idle_summary(idle)
    return made


def main() -> None:
    """Play, summarise, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--reduced", type=int, default=500)
    parser.add_argument("--whole", type=int, default=20)
    parser.add_argument("--idle", type=int, default=200)
    parser.add_argument("--first-seed", type=int, default=1, help="of the reduced ones")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--go-on", action="store_true")
    parser.add_argument("--minutes", type=float, default=24 * 60.0)
    given = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    log = RESULTS / "rehearsal.jsonl"
    if not given.go_on:
        log.unlink(missing_ok=True)
    wanted = tasks(given.reduced, given.whole, given.idle, given.first_seed)
    known = {json.loads(line)["key"] for line in log.read_text().splitlines()} if log.exists() else set()
    run([task for task in wanted if task.key not in known], given.jobs, log, given.minutes)
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    result = report(rows)
    (RESULTS / "rehearsal.json").write_text(json.dumps(result, indent=1))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
