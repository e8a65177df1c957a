"""Kills at durable steps in short: some commands, some steps, both ways on; `make crash-steps` runs all.

In a process of its own: children are forked from it, and nothing may be open then.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EVERY = {"sqlite": 11, "postgresql": 23}
FINISH_S = 900.0


@pytest.mark.slow
@pytest.mark.skipif(
    os.environ.get("KOIPOND_CRASH_STEPS") != "1",
    reason="its comparison is not settled for imports of orders and consents: `make crash-steps`",
)
def test_a_command_killed_at_a_durable_step_and_run_again_leaves_what_it_always_leaves(
    store_kind: str, store_variable: str | None, tmp_path: Path
) -> None:
    report = tmp_path / "steps.json"
    command = [sys.executable, "-m", "tests.crash.steps.run", "--quick", "--store", store_kind]
    command += ["--every", str(EVERY[store_kind]), "--json", str(report)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=FINISH_S)
    assert report.exists(), ended.stdout + ended.stderr
    found = json.loads(report.read_text())
    assert [line for one in found for line in one["breaks"]] == []
    assert sum(one["kills"] for one in found) >= 5
