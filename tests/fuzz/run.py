"""Fuzz everything that takes something from outside (R3): `make fuzz MINUTES=60`.

    python -m tests.fuzz.run --minutes 60 [--seed 0] [--part imports]

Each case is a part and a seed; a find is printed with both, and `--part P --seed S --cases 1` shows it again.
What was mended stands in regressions.txt and is run first by the suite.
"""

import argparse
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fuzz import imports, pages, workspaces
from tests.fuzz.values import Draw

CASE_CPU_S = 60
ACCEPTED = ("kept", "put aside", "exit 0", "status 200", "status 303")
"""How cases end that were read to their end."""
REGRESSIONS = Path(__file__).with_name("regressions.txt")
Case = Callable[[int], str]


class TooSlowError(Exception):
    """A case used more CPU than any case may."""


@contextmanager
def parts(folder: Path) -> Iterator[dict[str, Case]]:
    """Yield each part as a function of the seed; it raises for a find."""
    from koipond.bootstrap import open_app

    os.environ["XDG_CONFIG_HOME"] = str(folder / "config")
    made = workspaces.prepare(folder)
    counter = iter(range(10**9))

    def fresh() -> Path:
        place = folder / f"case{next(counter)}"
        place.mkdir()
        return place

    with open_app(made) as app:
        client = pages.client_of(app)
        yield {
            "imports": lambda seed: imports.run(Draw(seed), fresh(), seed),
            "workspaces": lambda seed: workspaces.run(Draw(seed), made, fresh()),
            "rules": lambda seed: workspaces.ask(Draw(seed), made),
            "pages": lambda seed: pages.run(Draw(seed), app, client),
        }


@contextmanager
def limited() -> Iterator[None]:
    """Stop a case after `CASE_CPU_S` seconds of CPU: a hang is a find."""

    def stop(_number: int, _frame: object) -> None:
        raise TooSlowError(f"more than {CASE_CPU_S} s of CPU")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, CASE_CPU_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def cpu_s() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def regressions() -> list[tuple[str, int]]:
    """The cases that once found something."""
    lines = [line.split("#")[0].split() for line in REGRESSIONS.read_text().splitlines()]
    return [(line[0], int(line[1])) for line in lines if line]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=10**9)
    parser.add_argument("--part", default=None)
    given = parser.parse_args()
    end = time.monotonic() + given.minutes * 60
    counts: Counter[str] = Counter()
    finds = 0
    with tempfile.TemporaryDirectory() as name, parts(Path(name)) as made:
        names = [given.part] if given.part else ["imports", "pages", "workspaces", "rules", "pages"]
        for number in range(given.cases):
            if time.monotonic() > end:
                break
            part, seed = names[number % len(names)], given.seed + number
            try:
                with limited():
                    counts[f"{part}: {made[part](seed)}"] += 1
            except Exception:
                finds += 1
                print(f"FOUND --part {part} --seed {seed} --cases 1", flush=True)
                traceback.print_exc()
            if number % 500 == 499:
                print(f"{number + 1:,} cases, {finds} finds", file=sys.stderr, flush=True)
    for what, count in sorted(counts.items()):
        print(f"{count:8,} {what}")
    for part in sorted({what.partition(":")[0] for what in counts}):
        mine = {what: count for what, count in counts.items() if what.startswith(f"{part}: ")}
        done = sum(count for what, count in mine.items() if what.endswith(ACCEPTED))
        print(f"{done / sum(mine.values()):8.0%} of {sum(mine.values()):,} {part} were read to their end")
    print(f"{sum(counts.values()) + finds:,} cases, {finds} finds")
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(main())
