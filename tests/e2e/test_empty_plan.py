"""A plan of nobody says why and what to run, and cannot be approved as if it had been sent."""

from pathlib import Path

from tests.e2e.conftest import Koipond
from tests.e2e.test_code_tables import begin


def test_a_plan_before_the_first_refresh_says_so_and_is_not_approved(
    koipond: Koipond, tmp_path: Path
) -> None:
    begin(koipond, tmp_path)
    code, plan = koipond("plan")
    assert (code, plan["considered"]) == (0, 0)
    assert any("never_refreshed" in note and "koipond refresh" in note for note in plan["notes"])
    code, refused = koipond("approve", "latest", "--by", "t")
    assert code == 3
    assert "no candidates" in refused["message"]
    assert "koipond refresh" in refused["message"]
    assert koipond("plans")[1]["plans"][0]["status"] == "draft"
    assert koipond("send", "latest")[0] == 3


def test_a_pause_does_not_hide_that_nobody_is_in_the_audience(koipond: Koipond, tmp_path: Path) -> None:
    begin(koipond, tmp_path)
    assert koipond("refresh")[0] == 0
    assert koipond("pause", "all", "--by", "t")[0] == 0
    notes = koipond("plan")[1]["notes"]
    assert any("paused" in note for note in notes)
    assert any("nobody is in the audience" in note for note in notes)
