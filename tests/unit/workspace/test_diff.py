"""Diff, apply steps and canonical export."""

from dataclasses import replace
from pathlib import Path

import pytest

from koipond.kernel import RefusedError
from koipond.rules import default_catalog
from koipond.workspace import Definition, load_folder
from koipond.workspace.diff import apply_steps, desired, diff, restored
from koipond.workspace.export import export_files
from koipond.workspace.playbooks import SHIPPED, add_playbook, settings_text
from koipond.workspace.ports import Applied


class Counter:
    """A `MemberCounter` that knows one number a segment."""

    def __init__(self, counts: dict[str, int]) -> None:
        self.counts = counts

    def count(self, segment: Definition) -> int | None:
        return self.counts.get(segment.key)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = settings_text(key="demo", name="Demo", zone="Asia/Shanghai", currency="CNY")
    (tmp_path / "koipond.yaml").write_text(text)
    for name in SHIPPED:
        add_playbook(tmp_path, name)
    return tmp_path


def apply_all(folder: Path) -> list[Applied]:
    steps = apply_steps(diff(load_folder(folder), []))
    return [
        Applied(kind=s.kind, key=s.key, version=1, fingerprint=s.fingerprint, body=s.body or {})
        for s in steps
    ]


def edit(folder: Path, file: str, before: str, after: str) -> None:
    text = (folder / file).read_text()
    assert before in text
    (folder / file).write_text(text.replace(before, after))


def test_applied_folder_has_no_diff(folder: Path) -> None:
    assert diff(load_folder(folder), apply_all(folder)).changes == ()


def test_comments_and_layout_change_nothing(folder: Path) -> None:
    applied = apply_all(folder)
    edit(folder, "strategies/dormant_recall.yaml", "owner: crm-team", "# who answers\nowner:   'crm-team'")
    assert diff(load_folder(folder), applied).changes == ()


def test_changed_value_is_named_with_before_after_customers_and_approvers(folder: Path) -> None:
    applied = apply_all(folder)
    edit(folder, "strategies/dormant_recall.yaml", "total_fen: 1000000", "total_fen: 2000000")
    edit(folder, "strategies/dormant_recall.yaml", "owner: crm-team", "owner: growth")
    (change,) = diff(load_folder(folder), applied, Counter({"past_own_cycle": 417})).changes
    assert (change.action, change.kind, change.key, change.version) == (
        "change",
        "strategy",
        "dormant_recall",
        2,
    )
    assert [(f.path, f.before, f.after) for f in change.fields] == [
        ("budget.total_fen", 1_000_000, 2_000_000),
        ("owner", "crm-team", "growth"),
    ]
    assert change.customers == 417
    assert change.owners == ("crm-team", "growth")


def test_changed_template_needs_the_owner_of_the_strategy_that_uses_it(folder: Path) -> None:
    applied = apply_all(folder)
    edit(folder, "strategies/high_value_care.yaml", "owner: crm-team", "owner: vip-desk")
    applied = apply_all(folder)
    edit(folder, "templates/high_value_care.yaml", "subject: A direct line", "subject: One direct line")
    (change,) = diff(load_folder(folder), applied).changes
    assert (change.kind, change.owners, change.customers) == ("template", ("vip-desk",), None)


def test_deleted_file_is_an_archive(folder: Path) -> None:
    applied = apply_all(folder)
    (folder / "strategies/high_value_care.yaml").unlink()
    (step,) = apply_steps(diff(load_folder(folder), applied))
    assert (step.action, step.kind, step.key, step.body) == ("archive", "strategy", "high_value_care", None)


def test_unreadable_file_is_not_taken_for_a_deleted_one(folder: Path) -> None:
    applied = apply_all(folder)
    edit(folder, "strategies/high_value_care.yaml", "holdout_rate: 0.10\n", "")
    found = diff(load_folder(folder), applied)
    assert found.changes == ()
    with pytest.raises(RefusedError):
        apply_steps(found)


def test_objects_of_the_console_are_neither_archived_nor_overwritten(folder: Path) -> None:
    applied = [
        Applied(kind="segment", key=k, version=3, fingerprint="0", body={"key": k}, managed_by="console")
        for k in ("high_value", "made_in_console")
    ]
    found = diff(load_folder(folder), applied)
    assert [f.code for f in found.findings] == ["owned_by_console"]
    assert not [c for c in found.changes if c.key in ("high_value", "made_in_console")]


def test_export_of_what_was_applied_is_a_zero_diff(folder: Path, tmp_path: Path) -> None:
    applied = apply_all(folder)
    out = tmp_path / "out"
    for file, text in export_files((a.kind, a.key, a.body) for a in applied).items():
        (out / file).parent.mkdir(parents=True, exist_ok=True)
        (out / file).write_text(text)
    again = load_folder(out)
    assert again.findings == ()
    assert diff(again, applied).changes == ()
    assert export_files((k, key, body) for (k, key), (body, _) in desired(again)) == export_files(
        (a.kind, a.key, a.body) for a in applied
    )


def test_restored_definitions_are_the_loaded_ones_with_their_versions(folder: Path) -> None:
    loaded = {name: definition.value for name, definition in load_folder(folder).definitions.items()}
    again = {k: d.value for k, d in restored(apply_all(folder), default_catalog("CNY")).items()}
    versioned = {name for name in again if name[0] in ("segment", "strategy")}
    assert {again[name].version for name in versioned} == {1}
    assert {k: replace(v, version=0) if k in versioned else v for k, v in again.items()} == loaded


def test_exported_segment_begins_with_what_it_is(folder: Path) -> None:
    body = {"rule": "grade = core", "owner": "crm", "key": "core", "name": {"en": "Core"}}
    text = export_files([("segment", "core", body)])["segments/core.yaml"]
    assert [line.partition(":")[0] for line in text.splitlines()] == ["key", "owner", "name", "  en", "rule"]
