"""Spill folders live as long as their process, whatever its host is called (A39)."""

import subprocess
import sys
from pathlib import Path

from koipond.warehouse.spill import left_behind, spill_folder, sweep

HOLD = """
import sys, pathlib
from koipond.warehouse import holder, spill
spill.spill_name = lambda: "another-host.7"
folder = spill.spill_folder(pathlib.Path(sys.argv[1]))
(folder / "block.tmp").write_bytes(b"x")
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_folder_goes_when_its_process_was_killed_and_not_before(tmp_path: Path) -> None:
    root = tmp_path / "spill"
    command = [sys.executable, "-c", HOLD, str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert (sweep(root), left_behind(root)) == (0, [])
        assert (root / "another-host.7" / "block.tmp").exists()
        process.kill()
        process.wait()
        assert left_behind(root) == [root / "another-host.7"]
        assert sweep(root) == 1
        assert list(root.iterdir()) == []


def test_our_own_folder_stays_and_is_ours_alone(tmp_path: Path) -> None:
    own = spill_folder(tmp_path / "spill")
    assert spill_folder(tmp_path / "spill") == own
    assert sweep(tmp_path / "spill") == 0
    assert own.stat().st_mode & 0o777 == 0o700
    assert own.parent.stat().st_mode & 0o777 == 0o700
