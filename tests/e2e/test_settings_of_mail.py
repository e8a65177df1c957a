"""No setting begins a header of its own: refused by `check` and `apply`, in the environment at once (A37)."""

from pathlib import Path

import pytest

from koipond.cli.app import main
from tests.e2e.conftest import Koipond

LINE_ENDS = [
    "\\r\\nBcc: x@evil.example",
    "\\nBcc: x@evil.example",
    "\\u2028Bcc: x",
    "\\x85Bcc: x",
    "\\0x",
    "%0d%0aBcc: x",
]


@pytest.mark.parametrize("end", LINE_ENDS)
def test_a_brand_name_of_two_lines_is_refused(koipond: Koipond, tmp_path: Path, end: str) -> None:
    folder = tmp_path / "brand"
    assert koipond("init", folder)[0] == 0
    file = folder / "koipond.yaml"
    file.write_text(file.read_text().replace('name: "brand"', f'name: "Brand{end}"'))
    assert "Brand" in file.read_text()
    code, found = koipond("check")
    assert code == 1
    assert [one["code"] for one in found["findings"]] == ["bad_value"]
    assert koipond("apply")[0] in (1, 2, 3)
    assert koipond("verify")[0] == 0  # what was applied holds, the file has no effect


@pytest.mark.parametrize("end", LINE_ENDS)
def test_a_subject_of_two_lines_is_refused(koipond: Koipond, tmp_path: Path, end: str) -> None:
    folder = tmp_path / "brand"
    assert koipond("init", folder)[0] == 0
    (folder / "templates").mkdir(exist_ok=True)
    (folder / "templates" / "hello.yaml").write_text(
        f'key: hello\ntexts:\n  en:\n    subject: "Hi{end}"\n    text: Hello\n'
    )
    code, found = koipond("check")
    assert code == 1
    assert "bad_value" in [one["code"] for one in found["findings"]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KOIPOND_PUBLIC_URL", "https://crm.example\r\nBcc: x@evil.example"),
        ("KOIPOND_PUBLIC_URL", "https://crm.example/>, <https://evil.example"),
        ("KOIPOND_PUBLIC_URL", "https://crm.example/%0d%0aBcc:x"),
        ("KOIPOND_PUBLIC_URL", "crm.example"),
        ("KOIPOND_PUBLIC_URL", "javascript:alert(1)"),
        ("KOIPOND_PUBLIC_URL", "https://crm.example:99999"),
        ("KOIPOND_MAIL_FROM", "me@brand.example\nBcc: x@evil.example"),
        ("KOIPOND_SMTP_URL", "smtp://u:p%0d%0aRCPT@mail.example:25"),
        ("KOIPOND_SMTP_URL", "smtp://mail.example\r\n:25"),
        ("KOIPOND_THREADS", "many"),
    ],
)
def test_a_setting_of_the_environment_is_refused_before_anything_is_done(
    koipond: Koipond, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    assert koipond("init", tmp_path / "brand")[0] == 0
    monkeypatch.setenv(name, value)
    code, found = koipond("check")
    assert code == 1
    assert name in found["findings"][0]["message"]
    code, said = koipond("verify")
    assert code == 2
    assert name in said["message"]


def test_a_mistake_of_ours_is_one_line_with_a_code_and_its_trace_is_kept_without_values(
    koipond: Koipond, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "brand"
    assert koipond("init", folder)[0] == 0

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of planted.marker@x.example")

    monkeypatch.setattr("koipond.store.verify.StoredChecks.all", broken)
    assert main(["-C", str(folder), "verify"]) == 70
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "ZeroDivisionError" in said.err
    assert "planted.marker" not in said.err
    log = folder / ".koipond" / "errors.log"
    assert "ZeroDivisionError" in log.read_text()
    assert "planted.marker" not in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600
