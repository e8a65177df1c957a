"""Two minutes of fuzzing in every run of the suite (R3): the same cases each time, former finds first."""

from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz.run import cpu_s, limited, parts, regressions

CASES = {"imports": 60, "workspaces": 60, "pages": 400}
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
    assert sum(count for what, count in seen.items() if what.startswith("imports: kept")) > 5
    assert seen["pages: status 200"] > 20
