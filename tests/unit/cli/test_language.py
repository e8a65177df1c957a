"""In which language a command speaks."""

import json
from pathlib import Path
from typing import get_args

import pytest

from koipond.cli.app import main
from koipond.cli.language import language_of, language_written
from koipond.cli.planning import REASONS, STATUSES
from koipond.cli.segments import FRESHNESS
from koipond.kernel import InputError, speak
from koipond.outreach.model import Reason
from koipond.segments.segment_state import StaleCode
from koipond.store.plans import PlanStatus


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KOIPOND_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "koipond.yaml").write_text("key: shop\nlanguage: id  # Bahasa\n", encoding="utf-8")
    return tmp_path


def test_the_workspace_says_it(shop: Path) -> None:
    assert language_of(["plan"], shop) == "id"


def test_what_is_asked_for_comes_first(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert language_of(["why", "1", "--language", "zh"], shop) == "zh"
    assert language_of(["why", "1", "--language=en"], shop) == "en"
    monkeypatch.setenv("KOIPOND_LANGUAGE", "zh")
    assert language_of(["plan"], shop) == "zh"


def test_outside_a_workspace_the_terminal_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert language_of([], tmp_path) == "en"
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert language_of([], tmp_path) == "zh"
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")  # not spoken here: the next one
    assert language_of([], tmp_path) == "zh"


def test_a_report_an_explanation_and_a_rehearsal_keep_that_order(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert language_written("zh", shop) == "zh"
    assert language_written(None, shop) == "id"
    assert language_written(None, tmp_path / "elsewhere") == "en"
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert language_written(None, tmp_path / "elsewhere") == "zh"
    assert language_written(None, shop) == "id"
    monkeypatch.setenv("KOIPOND_LANGUAGE", "en")
    assert language_written(None, shop) == "en"
    assert language_written("id", shop) == "id"
    with pytest.raises(InputError, match="--language fr: use zh, en, id"):
        language_written("fr", shop)


def test_help_in_chinese_is_not_cut_off(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOIPOND_LANGUAGE", "zh")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    for command in (["init"], ["import"], ["rehearse"], ["report"]):
        assert main([*command, "--help"]) == 0
        said = capsys.readouterr().out
        lines = [line.rstrip("│ \n") for line in said.splitlines()]
        assert not [line for line in lines if line.endswith("…")], said
    speak("en")


def test_what_machines_read_stays_english(shop: Path) -> None:
    assert language_of(["plan", "--json"], shop) == "en"


@pytest.mark.parametrize(
    ("language", "said", "help_said"),
    [
        ("zh", "不是工作区", "命令"),
        ("id", "bukan ruang kerja", "Perintah"),
        ("en", "is no workspace", "Commands"),
    ],
)
def test_errors_and_help_are_said_in_it(
    language: str,
    said: str,
    help_said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("KOIPOND_LANGUAGE", language)
    try:
        assert main(["-C", str(tmp_path), "plans"]) == 2
        assert said in capsys.readouterr().err
        assert main(["-C", str(tmp_path), "plans", "--json"]) == 2
        assert "is no workspace" in json.loads(capsys.readouterr().out)["message"]
    finally:
        speak("en")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["plan", "--frob"], "没有选项 --frob"),
        (["import"], "缺少"),
        (["preview", "p1", "--limit", "0"], "不能小于 1"),
        (["frob"], "没有命令"),
    ],
)
def test_a_misused_command_line_is_answered_in_it(
    given: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("KOIPOND_LANGUAGE", "zh")
    try:
        assert main(["-C", str(tmp_path), *given]) == 2
        assert said in capsys.readouterr().err
    finally:
        speak("en")


def test_every_state_and_reason_of_the_program_has_its_word() -> None:
    assert set(REASONS) == {str(reason) for reason in Reason}
    assert set(STATUSES) == set(get_args(PlanStatus))
    assert set(FRESHNESS) == {"fresh", *get_args(StaleCode)}
