"""What a workspace leaves on disk: for its owner alone, and without anybody's address (A38 to A40)."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from koipond.bootstrap.rights import readable_by_others, tighten
from tests.e2e.conftest import Koipond

MARKS = (b"planted.marker", b"13912345678", b"110105194912310021")


def below(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in folder.rglob("*"):
        try:
            if path.is_file() and not path.is_symlink():
                yield path, path.read_bytes()
        except FileNotFoundError:
            continue


def with_marks(folder: Path) -> list[str]:
    return sorted({path.name for path, data in below(folder) if any(mark in data for mark in MARKS)})


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["events", "orders"])
def test_a_killed_import_leaves_no_address_and_the_next_command_no_spill(
    koipond: Koipond, tmp_path: Path, kind: str
) -> None:
    """A39: in every column, under a small memory limit, at the moment it spills, after the kill and later."""
    folder = tmp_path / "brand"
    assert koipond("init", folder)[0] == 0
    file = tmp_path / "many.csv"
    with file.open("w") as out:
        out.write("email,user_id,phone,event,order_id,at,amount,note,staff\n")
        for n in range(250_000):
            mail = f"p{n}@planted.marker.example"
            out.write(f"{mail},u{mail},13912345678,view,{mail},2025-01-01,5,call {mail},{mail}\n")
    environment = {**os.environ, "KOIPOND_MEMORY_LIMIT": "60MB", "KOIPOND_THREADS": "2"}
    command = [sys.executable, "-m", "koipond.cli", "-C", str(folder), "import", kind, str(file)]
    spill = folder / ".koipond" / "warehouse" / "spill"
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        size = 0
        while process.poll() is None and size < 2_000_000:
            size = sum(len(data) for _, data in below(spill))
        assert size >= 2_000_000, "the import never spilled"
        during = with_marks(folder)
        modes = {stat.S_IMODE(path.stat().st_mode) for path, _ in below(spill)}
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert during == []
    assert with_marks(folder) == []
    assert modes == {0o600}
    assert any(spill.iterdir())
    koipond("doctor")
    assert [path for path, data in below(spill) if data] == []


def test_every_file_of_the_state_is_its_owners_alone(
    koipond: Koipond, tmp_path: Path, orders_csv: Path
) -> None:
    """A40."""
    before = os.umask(0o022)
    try:
        folder = tmp_path / "brand"
        assert koipond("init", folder, "--clock", "last_fact")[0] == 0
        assert koipond("import", "orders", orders_csv)[0] == 0
        assert koipond("refresh")[0] == 0
        assert koipond("inbox")[0] == 0
        assert readable_by_others(folder / ".koipond") == []
        assert (folder / ".koipond" / "sandbox.sqlite").exists()
    finally:
        os.umask(before)


def test_files_of_an_earlier_release_are_tightened_and_said_once(
    koipond: Koipond, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "brand"
    assert koipond("init", folder)[0] == 0
    state = folder / ".koipond"
    for path in [state, *state.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert koipond("verify")[0] == 0
    assert readable_by_others(state) == []
    assert caplog.text.count("could be read by others") == 1
    assert koipond("verify")[0] == 0
    assert caplog.text.count("could be read by others") == 1


def test_links_out_of_the_state_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    outside.chmod(0o755)
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / "link").symlink_to(outside)
    tighten(tmp_path / "state")
    assert stat.S_IMODE(outside.stat().st_mode) == 0o755
