"""Two minutes of fuzzing in every run of the suite (R3): the same cases each time, former finds first."""

from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz.run import ACCEPTED, cpu_s, limited, parts, regressions

CASES = {"imports": 42, "workspaces": 40, "rules": 60, "pages": 200}
ACCEPTED_MIN = {"imports": 0.6, "rules": 0.4, "workspaces": 0.1, "pages": 0.1}
"""The least share of cases that are read to their end: what is refused at once tries little."""
SUITE_CPU_S = 100


@pytest.mark.slow
def test_nothing_from_outside_breaks_a_promise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    seen: Counter[str] = Counter()
    start = cpu_s()
    with parts(tmp_path) as made:
        for part, seed in regressions():
            made[part](seed)
        for seed in range(max(CASES.values())):
            for part, count in CASES.items():
                if seed < count and cpu_s() - start < SUITE_CPU_S:
                    with limited():
                        seen[f"{part}: {made[part](1_000_000 + seed)}"] += 1
    for part, least in ACCEPTED_MIN.items():
        mine = {what: count for what, count in seen.items() if what.startswith(f"{part}: ")}
        done = sum(count for what, count in mine.items() if what.endswith(ACCEPTED))
        assert done >= least * sum(mine.values()), mine
