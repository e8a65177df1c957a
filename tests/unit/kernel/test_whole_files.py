"""A file is written whole or not at all, and what a killed writer left beside it goes."""

import os
from pathlib import Path

import pytest

from koipond.kernel.whole_files import write_whole, written_beside


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


def test_the_next_writer_takes_away_what_a_killed_one_left(tmp_path: Path) -> None:
    (tmp_path / ".x.yaml.0123abcd").write_text("half")
    others = {".x.yaml.swp", ".x.yaml.0123abcde", ".other.yaml.0123abcd", "x.yaml.0123abcd"}
    for name in others:
        (tmp_path / name).write_text("somebody's")
    write_whole(tmp_path / "x.yaml", "one: 1\n")
    assert {path.name for path in tmp_path.iterdir()} == {"x.yaml", *others}


def test_the_file_of_a_writer_that_lives_stays(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    with written_beside(path, "slow: 1\n") as fresh:
        write_whole(path, "quick: 1\n")
        assert fresh.read_text() == "slow: 1\n"
        fresh.replace(path)
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {"x.yaml": "slow: 1\n"}
