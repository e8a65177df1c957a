import socket
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from koipond.channels.email import EmailChannel, EmailSettings
from koipond.kernel import InputError
from koipond.outreach.ports import Message, SendResult, UnusableAddressError

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)


def message(name: str, number: int = 0, **more: object) -> Message:
    base = Message(
        key=f"{number:032x}", address=f"{name}@example.org", subject="你好，小王", text="正文\n第二行"
    )
    return replace(base, **more)  # type: ignore[arg-type]


def outcomes(results: list[SendResult]) -> list[tuple[str, bool]]:
    return [(result.outcome, result.suppress) for result in results]


def test_a_message_arrives_as_it_was_written(channel: EmailChannel, sink: Any) -> None:
    headers = {
        "List-Unsubscribe": "<https://brand.example/unsubscribe/1>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    (result,) = channel.send([message("li", html="<p>正文</p>", headers=headers)], NOW)
    assert result.outcome == "accepted"
    (mail,) = sink.mails
    assert mail["Message-ID"] == f"<{0:032x}@brand.example>"
    assert mail["Subject"] == "你好，小王"
    assert mail["From"] == "锦鲤 Brand <hello@brand.example>"
    assert mail["To"] == "li@example.org"
    assert mail["List-Unsubscribe"] == "<https://brand.example/unsubscribe/1>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Date"] == "Mon, 02 Mar 2026 04:00:00 +0000"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content() == "正文\n第二行"
    assert html.get_content() == "<p>正文</p>"


def test_each_answer_of_the_server_has_its_outcome(channel: EmailChannel, sink: Any) -> None:
    names = ["ok", "hard", "old", "full", "policy", "later", "spam", "busy"]
    results = channel.send([message(name, n) for n, name in enumerate(names)], NOW)
    assert [result.key for result in results] == [f"{n:032x}" for n in range(len(names))]
    assert outcomes(results) == [
        ("accepted", False),
        ("failed", True),
        ("failed", True),
        ("failed", False),
        ("failed", False),
        ("refused", False),
        ("failed", False),
        ("refused", False),
    ]
    assert len(sink.mails) == 1


def test_no_answer_after_the_text_is_unknown_and_before_it_a_refusal(
    channel: EmailChannel, sink: Any
) -> None:
    assert outcomes(channel.send([message("silent"), message("gone", 1)], NOW)) == [
        ("unknown", False),
        ("refused", False),
    ]
    assert len(sink.mails) == 1  # the server had it: sending again would be a second mail
    assert outcomes(channel.send([message("ok", 2)] * 20, NOW)) == [("accepted", False)] * 20


def test_connections_are_reused(channel: EmailChannel, sink: Any) -> None:
    for _ in range(3):
        channel.send([message("ok", n) for n in range(40)], NOW)
    assert len(sink.mails) == 120
    assert 1 <= len(sink.sessions) <= 8


def test_a_server_that_is_not_there_refuses_everything(settings: EmailSettings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        channel = EmailChannel(replace(settings, port=taken.getsockname()[1]))
        assert outcomes(channel.send([message("ok"), message("ok", 1)], NOW)) == [("refused", False)] * 2
        channel.close()


def test_a_server_that_restarts_is_found_again(
    settings: EmailSettings, sink: Any, server: Controller
) -> None:
    channel = EmailChannel(replace(settings, connections=1))
    assert outcomes(channel.send([message("ok")], NOW)) == [("accepted", False)]
    server.stop()
    assert outcomes(channel.send([message("ok")], NOW)) == [("refused", False)]
    again = Controller(sink, hostname="127.0.0.1", port=settings.port)
    again.start()
    assert outcomes(channel.send([message("ok")], NOW)) == [("accepted", False)]
    channel.close()
    again.stop()


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "nobody",
        "a@b@c",
        "a b@example.org",
        "x\r\nBcc: y@example.org",
        "<a>@example.org",
        "李@例.中国",
    ],
)
def test_an_address_that_mail_cannot_carry_fails_and_reaches_nobody(
    channel: EmailChannel, sink: Any, address: str | None
) -> None:
    (result,) = channel.send([replace(message("x"), address=address)], NOW)
    assert (result.outcome, result.suppress) == ("failed", True)
    assert sink.mails == []


def test_nothing_a_customer_wrote_becomes_a_header(channel: EmailChannel, sink: Any) -> None:
    channel.send([message("li", subject="Hi\r\nBcc: all@example.org", text=".\r\nQUIT\r\n")], NOW)
    (mail,) = sink.mails
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Hi Bcc: all@example.org"
    assert mail.get_content() == ".\r\nQUIT\r\n"


def test_mail_comes_back_to_an_address_that_names_the_touch(
    settings: EmailSettings, sink: Any, tmp_path: Path
) -> None:
    channel = EmailChannel(replace(settings, bounces=tmp_path / "mail"))
    channel.send([message("li", 7, headers={"List-Unsubscribe": "<https://brand.example/u>"})], NOW)
    assert sink.senders == [f"bounces+{7:032x}@brand.example"]
    assert sink.mails[0]["List-Unsubscribe"].endswith(f"<mailto:unsubscribe+{7:032x}@brand.example>")
    assert channel.collect(NOW) == []
    channel.close()


def test_what_was_not_begun_in_time_is_withheld(channel: EmailChannel, sink: Any) -> None:
    """A sender that was stopped sends nothing stale: it is asked right before each message."""
    results = channel.send([message("late"), message("later", 1)], NOW, lambda: False)
    assert outcomes(results) == [("withheld", False), ("withheld", False)]
    assert sink.mails == []
    assert outcomes(channel.send([message("ok", 2)], NOW)) == [("accepted", False)]


def test_a_message_whose_time_runs_out_in_its_envelope_is_taken_back(
    channel: EmailChannel, sink: Any
) -> None:
    asked: list[bool] = []

    def once() -> bool:
        asked.append(True)
        return len(asked) == 1

    assert outcomes(channel.send([message("late")], NOW, once)) == [("withheld", False)]
    assert sink.mails == []
    assert outcomes(channel.send([message("ok", 1)], NOW)) == [("accepted", False)]


@pytest.mark.parametrize(
    ("more", "dead"),
    [
        ({"headers": {"List-Unsubscribe": "<https://锦鲤.example/u>"}}, False),
        ({"address": None}, True),
        ({"address": "a@b@c.example"}, True),
    ],
)
def test_what_cannot_be_built_is_known_before_any_intent(
    channel: EmailChannel, more: dict[str, Any], dead: bool
) -> None:
    """A13."""
    with pytest.raises(InputError) as told:
        channel.prepare(message("x", **more), NOW)
    assert isinstance(told.value, UnusableAddressError) is dead


def test_a_prepared_message_goes_out_as_it_was_built(channel: EmailChannel, sink: Any) -> None:
    ready = channel.prepare(message("li"), NOW)
    assert ready.wire.startswith(b"Message-ID: ")
    assert outcomes(channel.send([ready], NOW)) == [("accepted", False)]
    (mail,) = sink.mails
    assert mail["To"] == "li@example.org"
