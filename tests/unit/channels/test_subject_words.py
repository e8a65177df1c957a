"""A subject is shown as it was written, also when a value in it looks like an encoded word (RFC 2047)."""

import email
import email.policy
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koipond.channels.mime import build
from koipond.outreach.ports import Message
from koipond.outreach.templates import Template, render

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOSTILE = (
    "=?utf-8?q?You_owe_us=0D=0ABcc:_a@b.example?=",
    "=?utf-8?b?WW91IG93ZSB1cw==?=",
    "=?UTF-8?Q?=E4=BD=A0?= =?UTF-8?Q?=E5=A5=BD?=",
    "=?us-ascii*en?q?free?=",
    "你好 =?utf-8?q?free?=",
)


def written(subject: str) -> tuple[bytes, str]:
    """Return the message as it goes out, and the subject a mail program shows."""
    message = Message(key="0" * 32, address="li@mail.example", subject=subject, text="Hello")
    raw = build(
        message, to="li@mail.example", sender="a@b.example", sender_name="Koi", domain="b.example", now=NOW
    )
    return raw, str(email.message_from_bytes(raw, policy=email.policy.default)["Subject"])


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_that_looks_like_an_encoded_word_is_shown_as_it_stands(value: str) -> None:
    texts = {"en": {"subject": "For {{ trait.first_name }}", "text": "Hello"}}
    template = Template(key="hello", texts=texts, required=frozenset(), fallbacks={})  # type: ignore[arg-type]
    done = render(template, "en", {"trait": {"first_name": value}})
    raw, shown = written(done.subject)
    assert shown == f"For {value}"
    assert value.encode() not in raw


@given(
    st.lists(st.sampled_from(["=?", "?=", "utf-8", "?q?", "?b?", "QQ==", "=41", " ", "a", "你"]), max_size=20)
)
def test_whatever_the_subject_it_comes_back(parts: list[str]) -> None:
    subject = " ".join("".join(parts).split())
    assert written(subject)[1] == subject


def test_plain_subjects_stay_plain() -> None:
    assert b"Subject: Hello = you? yes\r\n" in written("Hello = you? yes")[0]
