"""Kills at durable steps in short: some commands, some kills, one way on each; `make crash-steps` runs all.

In a process of its own: children are forked from it, and nothing may be open then. Which kills are chosen
follows from the steps alone (`Scenario.quick`), so two runs of the same code choose the same.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.steps.scenes import SCENARIOS

ROOT = Path(__file__).resolve().parents[2]
FINISH_S = 600.0


@pytest.mark.slow
def test_a_command_killed_at_a_durable_step_and_run_again_leaves_what_it_always_leaves(
    store_kind: str, store_variable: str | None, tmp_path: Path
) -> None:
    report = tmp_path / "steps.json"
    command = [sys.executable, "-m", "tests.crash.steps.run", "--quick", "--way", "turn"]
    command += ["--store", store_kind, "--json", str(report)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=FINISH_S)
    assert report.exists(), ended.stdout + ended.stderr
    found = json.loads(report.read_text())
    assert [line for one in found for line in one["breaks"]] == []
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert {one["scenario"] for one in found} == {one.key for one in SCENARIOS if one.quick}
    assert sum(one["runs"] for one in found) >= 5
