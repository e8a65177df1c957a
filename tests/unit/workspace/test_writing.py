"""A file of the workspace is written whole or not at all."""

import os
from pathlib import Path

import pytest

from koipond.workspace.writing import write_whole


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    write_whole(tmp_path / "x.yaml", "one: 一\n")
    write_whole(tmp_path / "x.yaml", "two: 二\n")
    assert (tmp_path / "x.yaml").read_text(encoding="utf-8") == "two: 二\n"
    assert [path.name for path in tmp_path.iterdir()] == ["x.yaml"]


def test_a_full_disk_leaves_what_was_there_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A41: nothing is half-written."""
    write_whole(tmp_path / "x.yaml", "one: 1\n")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for name in ("x.yaml", "new.yaml"):
        with pytest.raises(OSError, match="No space"):
            write_whole(tmp_path / name, "two: 2\n")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"x.yaml": "one: 1\n"}
