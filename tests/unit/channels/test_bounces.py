import mailbox
from datetime import UTC, datetime
from pathlib import Path

import pytest

from koipond.channels.bounces import BounceBox, parse

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
KEY = "0123456789abcdef0123456789abcdef"


def report(kind: str, part: str, to: str = "postmaster@brand.example", original: str = "") -> bytes:
    return (
        f"From: MAILER-DAEMON@mx.example\nTo: {to}\nSubject: returned\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/report; report-type={kind}; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nsorry\n"
        f"--b\nContent-Type: message/{kind}\n\n"
        f"{part}\n--b\nContent-Type: message/rfc822\n\n{original}\n\nhello\n--b--\n"
    ).encode()


def status(action: str, code: str) -> str:
    return (
        "Reporting-MTA: dns; mx.example\n\n"
        f"Final-Recipient: rfc822; li@example.org\nAction: {action}\nStatus: {code}\n"
        "Diagnostic-Code: smtp; said no"
    )


@pytest.mark.parametrize(
    ("action", "code", "kind"),
    [
        ("failed", "5.1.1", "bounced"),
        ("failed", "5.1.10", "bounced"),
        ("failed", "5.2.1", "bounced"),
        ("failed", "5.0.0", "bounced"),
        ("failed", "5.2.2", None),
        ("failed", "5.7.1", None),
        ("failed", "4.4.7", None),
        ("delayed", "4.4.1", None),
        ("delivered", "2.0.0", None),
    ],
)
def test_only_an_address_that_is_dead_counts_as_bounced(action: str, code: str, kind: str | None) -> None:
    raw = report("delivery-status", status(action, code), to=f"bounces+{KEY}@brand.example")
    found = list(parse(raw, NOW))
    assert [(one.touch_key, one.kind) for one in found] == ([(KEY, kind)] if kind else [])


def test_the_touch_is_known_by_the_message_that_came_back_too() -> None:
    raw = report("delivery-status", status("failed", "5.1.1"), original=f"Message-ID: <{KEY}@brand.example>")
    assert [one.touch_key for one in parse(raw, NOW)] == [KEY]


def test_a_feedback_report_is_a_complaint() -> None:
    raw = report("feedback-report", "Feedback-Type: abuse", original=f"Message-ID: <{KEY}@brand.example>")
    assert [(one.touch_key, one.kind) for one in parse(raw, NOW)] == [(KEY, "complained")]


def test_a_mail_to_the_opt_out_address_opts_out() -> None:
    raw = f"From: li@example.org\nTo: <unsubscribe+{KEY}@brand.example>\nSubject: x\n\n".encode()
    assert [(one.touch_key, one.kind) for one in parse(raw, NOW)] == [(KEY, "unsubscribed")]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"To: someone@brand.example\n\nhi",
        f"To: bounces+{KEY}@brand.example\nSubject: I am away\n\nout of office".encode(),
        report("delivery-status", status("failed", "5.1.1"), original="Message-ID: <not-ours@elsewhere>"),
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n--b",
    ],
)
def test_any_other_mail_says_nothing(raw: bytes) -> None:
    assert list(parse(raw, NOW)) == []


def test_mail_is_forgotten_only_when_the_caller_comes_back(tmp_path: Path) -> None:
    raw = report("delivery-status", status("failed", "5.1.1"), to=f"bounces+{KEY}@brand.example")
    mailbox.Maildir(tmp_path / "m", create=True).add(raw)
    box = BounceBox(tmp_path / "m")
    assert len(box.read(NOW)) == 1
    assert len(BounceBox(tmp_path / "m").read(NOW)) == 1  # the first reader died before it recorded it
    assert box.read(NOW) == []
    assert BounceBox(tmp_path / "m").read(NOW) == []
