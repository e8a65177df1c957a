"""`make crash-steps`: every command killed at every durable step, on both stores.

    python -m tests.crash.steps.run [--only KEY …] [--store sqlite|postgresql|both] [--every N] [--quick]

Exit code 1 when anything differs from an undisturbed run. Figures: kills and differences a command.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from tests.crash.steps.ordeal import Outcome, Way, ordeal
from tests.crash.steps.runner import opened, warm_up
from tests.crash.steps.scenes import SCENARIOS

SHOWN = 6


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill every command at every durable step.")
    parser.add_argument("--only", nargs="*", help="keys of scenarios")
    parser.add_argument("--store", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--way", choices=["same", "moved", "both"], default="both")
    parser.add_argument("--every", type=int, default=1, help="kill at every n-th place alone")
    parser.add_argument("--quick", action="store_true", help="the short selection of scenarios")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    warm_up()
    stores = ["sqlite", "postgresql"] if options.store == "both" else [options.store]
    ways: tuple[Way, ...] = ("same", "moved") if options.way == "both" else (options.way,)
    chosen = [one for one in SCENARIOS if not options.quick or one.quick]
    if options.only:
        chosen = [one for one in SCENARIOS if one.key in options.only]
    found: list[Outcome] = []
    for store in stores:
        with tempfile.TemporaryDirectory() as scratch, opened(Path(scratch) / "steps", store) as runner:
            for scenario in chosen:
                began = time.perf_counter()
                one = ordeal(runner, scenario, ways, options.every)
                found.append(one)
                _say(one, time.perf_counter() - began)
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n")
    print(f"{sum(one.kills for one in found)} kills, {sum(len(one.breaks) for one in found)} differences")
    return 1 if any(one.breaks for one in found) else 0


def _say(one: Outcome, seconds: float) -> None:
    print(
        f"{one.store:10} {one.scenario:18} steps {len(one.steps):3} kills {one.kills:4}"
        f" differences {len(one.breaks):4} ({seconds:.0f} s)",
        flush=True,
    )
    for line in one.breaks[:SHOWN]:
        print("  BROKEN", line[:1500], flush=True)


if __name__ == "__main__":
    sys.exit(main())
