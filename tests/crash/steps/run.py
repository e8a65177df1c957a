"""`make crash-steps`: every command killed at every durable step, on both stores.

    python -m tests.crash.steps.run [--command KEY …] [--store sqlite|postgresql|both]
        [--way same|moved|both|turn] [--every N] [--quick] [--twins] [--json FILE [--resume]]

Exit code 1 when anything differs from an undisturbed run. ``--json`` keeps what was found after each command;
with ``--resume`` those are not run again. Figures: steps, kills, kills that leave what the one before left,
commands run again and compared, differences.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.crash.steps.ordeal import WAYS, Outcome, Way, ordeal
from tests.crash.steps.runner import Runner, opened, warm_up
from tests.crash.steps.scenes import SCENARIOS, Scenario

SHOWN = 6
STORES = ("sqlite", "postgresql")
TELL_EVERY = 10


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.resume and not options.json:
        raise SystemExit("--resume needs --json FILE: what was found is kept there")
    found: list[Outcome] = []
    if options.resume and options.json.exists():
        found = [Outcome(**one) for one in json.loads(options.json.read_text())]
    done = {(one.store, one.scenario) for one in found}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # databases and folders are dropped on the way
    warm_up()
    for store in STORES if options.store == "both" else (options.store,):
        chosen = [one for one in _chosen(options) if (store, one.key) not in done]
        if not chosen:
            continue
        with tempfile.TemporaryDirectory() as scratch, opened(Path(scratch) / "steps", store) as runner:
            for scenario in chosen:
                found.append(_run(runner, scenario, options))
                if options.json:
                    options.json.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n")
    kills, differ = sum(one.kills for one in found), sum(len(one.breaks) for one in found)
    print(f"{kills} kills, {sum(one.runs for one in found)} runs after them, {differ} differences")
    return 1 if differ else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Kill every command at every durable step.")
    parser.add_argument("--command", nargs="+", choices=[one.key for one in SCENARIOS], metavar="KEY")
    parser.add_argument("--store", choices=[*STORES, "both"], default="both")
    parser.add_argument("--way", choices=[*WAYS, "both", "turn"], default="both", help="turn: one each")
    parser.add_argument("--every", type=int, default=1, help="each n-th kill alone")
    parser.add_argument("--quick", action="store_true", help="the short selection of `make test`")
    parser.add_argument("--twins", action="store_true", help="also kills that leave what the last one left")
    parser.add_argument("--json", type=Path, help="keep what was found in this file")
    parser.add_argument("--resume", action="store_true", help="leave out what --json holds already")
    return parser


def _chosen(options: argparse.Namespace) -> list[Scenario]:
    if options.command:
        return [one for one in SCENARIOS if one.key in options.command]
    return [one for one in SCENARIOS if one.quick or not options.quick]


def _run(runner: Runner, scenario: Scenario, options: argparse.Namespace) -> Outcome:
    began = time.perf_counter()
    ways: tuple[Way, ...] = WAYS if options.way in ("both", "turn") else (options.way,)

    def tell(done: int, every: int) -> None:
        if done % TELL_EVERY == 0 and done < every:
            print(f"  {scenario.key}: {done} of {every} kills", file=sys.stderr, flush=True)

    every = scenario.quick if options.quick else options.every
    in_turn = options.way == "turn"
    one = ordeal(runner, scenario, ways, every=every, in_turn=in_turn, twins=options.twins, told=tell)
    _say(one, time.perf_counter() - began)
    return one


def _say(one: Outcome, seconds: float) -> None:
    print(
        f"{one.store:10} {one.scenario:18} steps {len(one.steps):3} kills {one.kills:4} twins {one.twins:4}"
        f" runs {one.runs:4} differences {len(one.breaks):4} ({seconds:.0f} s)",
        flush=True,
    )
    for line in one.breaks[:SHOWN]:
        print("  BROKEN", line[:1500], flush=True)


if __name__ == "__main__":
    sys.exit(main())
