"""Faults around keys, disks and files of a workspace leave nothing half-made (A30, A41 and neighbours)."""

import os
from pathlib import Path

import pytest

from koipond.store.keys import ENVIRONMENT, key_file
from tests.e2e.conftest import Koipond
from tests.e2e.test_app_first_afternoon import MAPS


def full(_handle: int) -> None:
    raise OSError(28, "No space left on device")


def test_an_init_on_a_full_disk_leaves_no_workspace(
    koipond: Koipond, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        code, answer = koipond("init")
    assert (code, answer["error"]) == (2, "disk_full")
    assert not (tmp_path / "brand" / "koipond.yaml").exists()
    assert koipond("init")[0] == 0


def test_a_playbook_on_a_full_disk_leaves_no_half_of_a_file(
    koipond: Koipond, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert koipond("init")[0] == 0
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        code, answer = koipond("playbook", "add", "dormant_recall")
    assert (code, answer["error"]) == (2, "disk_full")
    assert not [file for file in (tmp_path / "brand").rglob("*.yaml") if not file.read_text()]
    assert koipond("check")[0] == 0
    assert koipond("playbook", "add", "dormant_recall")[0] == 0
    assert koipond("apply")[0] == 0


def test_doctor_names_a_damaged_store_instead_of_ending(koipond: Koipond, tmp_path: Path) -> None:
    assert koipond("init")[0] == 0
    (tmp_path / "brand" / ".koipond" / "store.sqlite").write_bytes(b"no database" * 1000)
    code, answer = koipond("doctor")
    assert code == 1
    [problem] = answer["problems"]
    assert "the store is damaged" in problem["problem"]
    assert "koipond restore BACKUP --replace" in problem["fix"]


def test_keys_of_the_environment_are_not_rotated_into_nowhere(
    koipond: Koipond, tmp_path: Path, orders_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new key that is kept in memory alone would close every address for good."""
    assert koipond("init", "--clock", "last_fact")[0] == 0
    assert koipond("import", "orders", orders_csv, *MAPS)[0] == 0
    text = (tmp_path / "brand" / "koipond.yaml").read_text()
    identity = next(line.split()[1] for line in text.splitlines() if line.startswith("id:"))
    monkeypatch.setenv(ENVIRONMENT, key_file(identity).read_text())
    code, answer = koipond("keys", "rotate")
    assert code == 2
    assert "'retiring'" in answer["message"]
    assert koipond("import", "orders", orders_csv, *MAPS)[0] == 0


def test_a_stopped_rotation_is_said_by_doctor_and_ended_by_its_command(
    koipond: Koipond, orders_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A30, by commands alone: the second rotation is killed after its key is saved."""
    assert koipond("init", "--clock", "last_fact")[0] == 0
    assert koipond("import", "orders", orders_csv, *MAPS)[0] == 0
    assert koipond("keys", "rotate")[0] == 0

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("koipond.store.rotation._put_in_force", killed)
        assert koipond("keys", "rotate")[0] == 130
    assert "koipond keys rotate" in [row["fix"] for row in koipond("doctor")[1]["problems"]]
    more = orders_csv.parent / "more.csv"
    more.write_text("Member,Receipt,Sold at,Paid\nx1,new-1,2026-03-28 10:00:00,10.00\n")
    assert koipond("import", "orders", more, *MAPS)[0] == 0
    assert koipond("import", "orders", orders_csv, *MAPS)[0] == 0
    assert koipond("keys", "rotate")[0] == 0
    assert "koipond keys rotate" not in [row["fix"] for row in koipond("doctor")[1]["problems"]]
    assert koipond("import", "orders", more, *MAPS)[0] == 0
    assert koipond("verify")[0] == 0
