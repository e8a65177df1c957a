"""`koipond rehearse`: what it says on its way, what a cancelled one leaves, and the same answer twice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from koipond.cli.app import main
from koipond.rehearsal import run, scratch

SHORT = ["rehearse", "--scenario", "C4", "--customers", "300", "--days", "15", "--seed", "3"]


def test_progress_goes_to_stderr_a_line_a_simulated_week(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(SHORT) == 0
    said = capsys.readouterr()
    weeks = [line.split(",")[0] for line in said.err.splitlines()]
    assert [week.partition(": ")[2] for week in weeks] == [f"day {day} of 15" for day in (0, 7, 14, 15)]
    assert weeks[0].startswith("2026-01-05")
    assert "planted: +25.0 %" in said.out


@pytest.mark.slow
def test_json_stands_alone_and_is_the_same_in_another_process(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SHORT, "--json"]) == 0
    here = capsys.readouterr()
    there = subprocess.run(
        [sys.executable, "-m", "koipond.cli", *SHORT, "--json"],
        env={**os.environ, "PYTHONHASHSEED": "7", "TZ": "America/Lima"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (here.err, there.stderr) == ("", "")
    assert there.stdout == here.out
    assert json.loads(here.out)["scenario"] == "C4"


def test_ctrl_c_ends_with_130_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def cancelled(*_: object) -> None:
        assert list(tmp_path.iterdir()), "the scratch folder is in use"
        raise KeyboardInterrupt

    monkeypatch.setattr(scratch, "_MEMORY", tmp_path)
    monkeypatch.setattr(run, "plan_touches", cancelled)
    assert main([*SHORT, "--json"]) == 130
    assert list(tmp_path.iterdir()) == []
