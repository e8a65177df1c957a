"""A whole afternoon in each language: no command is left in English, nothing leaks Python."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from koipond.cli.app import main
from koipond.kernel import speak

Say = Callable[..., str]

_ORDERS = "订单编号,会员手机号,下单时间,实付金额,订单状态\n" + "".join(
    f"A{n},138{10000000 + n // 3},2026-0{1 + n % 9}-1{n % 9} 10:00,{20 + n}.00,"
    f"{'已完成' if n % 7 else '已退款'}\n"
    for n in range(60)
)
_BROKEN = "A99,,2026-03-01 10:00,5.00,已完成\nA98,13900000000,2026-02-30 10:00,5.00,已完成\n"
_COMMANDS: tuple[tuple[str, ...], ...] = (
    ("quality",),
    ("check",),
    ("diff",),
    ("apply",),
    ("refresh",),
    ("layers",),
    ("segments", "list"),
    ("segments", "count", "orders.count(ever) >= 2"),
    ("plan",),
    ("plans",),
    ("preview", "latest"),
    ("approve", "latest", "--by", "anna"),
    ("send", "latest"),
    ("inbox",),
    ("verify",),
    ("doctor",),
    ("leases",),
    ("pauses",),
    ("codes", "list"),
    ("lists", "show"),
    ("touches", "unknown"),
    ("quality", "people"),
    ("why", "1"),
    ("why", "2"),
    ("report", "newcomer_welcome"),
    ("import", "consents", "../c.csv"),
    ("tags", "report"),
    ("segments", "count", 'not bought(category = "护服")'),
    ("pause", "all", "--by", "anna"),
    ("resume", "all", "--by", "anna"),
)
_ENGLISH = re.compile(
    r"\b(the|there|these|their|with|which|would|are|was|were|has|have|been|not|and|for|from|this|that|nobody|"
    r"customers|touches|people|rows|orders|candidates|days|left|kept|sent|failed|is|of|as|by|what|when)\b"
)
_LEAKS = re.compile(r"\bNone\b|\bTrue\b|\bFalse\b|<class|datetime\.|Decimal\(|\{[a-z_]+\}|\(\d+,\)")
_NAMES = re.compile(
    r"(?m:^[a-z_]+ +(?:通过|terpenuhi)\b)|"
    r"koipond [^\n；。，,]*|--[a-z-]+[= ]?\S*|`[^`]*`|“[^”]*”|'[^']*'|\S+@\S+|"
    r"/\S+|\S+\.(?:csv|yaml|json)|"
    r"\b\w+_\w+\b|\b\w+/\w+\b|[A-Za-z]+\((?:[^()]|\([^()]*\))*\)[^\n]*"
)
"""What stays as it is in every language: commands, options, names, paths, rules."""


@pytest.fixture(params=["zh", "id"])
def language(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv("KOIPOND_LANGUAGE", raising=False)
    yield request.param
    speak("en")


@pytest.fixture
def say(
    language: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Say:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "cfg"))
    monkeypatch.chdir(tmp_path)

    def run(*given: str, code: int | None = None, folder: bool = True) -> str:
        capsys.readouterr()
        ended = main([*(("-C", "w") if folder else ()), *given])
        out, err = capsys.readouterr()
        assert ended == code if code is not None else ended in (0, 1, 2), err
        return out + err

    return run


_BARE = re.compile(r"(?:识别为|dibaca sebagai)[：:] \S+\s*$|现有 ?$|: *none\b|\bnone\b", re.MULTILINE)
"""A line that says nothing after its colon, or a list without anything in it left untranslated."""


def assert_spoken(text: str, language: str) -> None:
    """No leak of Python; in Chinese no English sentence outside what stays as it is."""
    assert not _LEAKS.search(text), text
    assert not _BARE.search(text), text
    if language == "zh":
        left = _NAMES.sub("", text)
        assert not (found := _ENGLISH.findall(left)), f"{found} in:\n{text}"


def test_an_afternoon_is_spoken_in_one_language(say: Say, language: str, tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text(_ORDERS + _BROKEN, encoding="gb18030")
    (tmp_path / "c.csv").write_text("手机号,渠道,用途,同意\n13810000001,邮件,,是\n", encoding="utf-8")
    said = [say("init", "w", "--clock", "last_fact", "--language", language, code=0, folder=False)]
    said.append(say("import", "orders", "o.csv", code=0))
    said.append(say("playbook", "add", "newcomer_welcome", "dormant_recall", code=0))
    said += [say(*command) for command in _COMMANDS]
    for text in said:
        assert_spoken(text, language)


_REFUSED: tuple[tuple[str, ...], ...] = (
    ("import", "orders", "gone.csv"),
    ("import", "orders", "bad.csv"),
    ("segments", "count", "orders.count(evr) >= 2 and lifecycle = sleepy"),
    ("plan", "--as-of", "2026-13-01"),
    ("approve", "p9", "--by", "anna"),
    ("why", "nobody@example.com"),
    ("report", "unknown_one"),
    ("rehearse", "--strategy", "unknown_one"),
    ("tags", "set", "1", "unknown_one", "x"),
    ("import", "orders", "o.csv", "--date-format", "%Q"),
    ("segments", "count", "member and orders.count(evr) > 1 and sku"),
    ("codes", "import", "no_list", "bad.csv"),
)


def test_errors_are_spoken_in_one_language(say: Say, language: str, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("colour,size\nred,1\nblue,2\n", encoding="utf-8")
    (tmp_path / "o.csv").write_text(_ORDERS, encoding="utf-8")
    say("init", "w", "--clock", "last_fact", "--language", language, code=0, folder=False)
    assert "koipond import orders FILE" in say("refresh", code=2), "B24"
    say("import", "orders", "o.csv", code=0)
    say("refresh", code=0)
    for given in _REFUSED:
        ended = say(*given, code=2)
        assert ended.lstrip().startswith("koipond: ")
        assert_spoken(ended, language)
