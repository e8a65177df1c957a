import os
import subprocess
import sys
from pathlib import Path

from koipond.rehearsal.scratch import PREFIX, scratch_folder
from koipond.warehouse.holder import this_machine

KILLED = """
import os, signal, sys
from pathlib import Path
from koipond.rehearsal.scratch import scratch_folder

with scratch_folder(Path(sys.argv[1])) as folder:
    (folder / "facts").write_text("rows")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_folder_goes_with_the_rehearsal_whatever_ended_it(tmp_path: Path) -> None:
    try:
        with scratch_folder(tmp_path) as folder:
            (folder / "facts").write_text("rows")
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert list(tmp_path.iterdir()) == []


def test_what_a_killed_rehearsal_left_is_removed_by_the_next_and_nobody_elses(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    [left] = tmp_path.iterdir()
    elsewhere = tmp_path / left.name.replace(this_machine(), "another-machine~0123456789ab~1")
    elsewhere.mkdir()
    (tmp_path / f"{PREFIX}notes").mkdir()
    with scratch_folder(tmp_path) as first, scratch_folder(tmp_path) as second:
        assert not left.exists()
        assert sorted(tmp_path.iterdir()) == sorted([elsewhere, first, second, tmp_path / f"{PREFIX}notes"])
        assert f"-{os.getpid()}-" in first.name
