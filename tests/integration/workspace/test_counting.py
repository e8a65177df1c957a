"""What `diff` says of how many customers a change concerns: the rule as the file has it now."""

from pathlib import Path

from koipond.kernel import epoch_day
from koipond.rules import default_catalog
from koipond.segments.scope import Scope
from koipond.testing.plans import AS_OF, Brand
from koipond.workspace import load_folder
from koipond.workspace.counting import ScopeCounter
from koipond.workspace.diff import diff
from koipond.workspace.playbooks import add_playbook, settings_text


def test_new_segments_and_strategies_are_counted_from_their_files(tmp_path: Path) -> None:
    folder = tmp_path / "workspace"
    folder.mkdir()
    settings = settings_text(key="demo", name="Demo", zone="Asia/Shanghai", currency="CNY")
    (folder / "koipond.yaml").write_text(settings)
    add_playbook(folder, "dormant_recall")
    child = "key: child\nowner: crm\nrule: segment past_own_cycle and grade = core\n"
    (folder / "segments/child.yaml").write_text(child)
    (folder / "segments/lost.yaml").write_text("key: lost\nowner: crm\nrule: list gone\n")
    stages = ["dormant", "dormant", "mature", "growth"]
    grades = ["core", "fringe", "core", "core"]
    profile = [
        {"customer_no": n, "lifecycle": stage, "grade": grade, "at_risk": n == 4}
        for n, (stage, grade) in enumerate(zip(stages, grades, strict=True), 1)
    ]
    loaded = load_folder(folder)
    assert loaded.findings == ()
    with Brand(profile=profile).people(1, 2, 3, 4).reader(tmp_path / "warehouse") as reader:
        scope = Scope(reader=reader, as_of_day=epoch_day(AS_OF), catalog=default_catalog("CNY"))
        changes = diff(loaded, [], ScopeCounter(scope, loaded)).changes
    counts = {(change.kind, change.key): change.customers for change in changes}
    assert counts[("segment", "past_own_cycle")] == 3
    assert counts[("strategy", "dormant_recall")] == 3
    assert counts[("template", "recall_news")] == 3
    assert counts[("segment", "child")] == 2
    assert counts[("segment", "lost")] is None
    assert counts[("workspace", "demo")] is None
