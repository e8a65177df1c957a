"""Nothing that somebody set may begin a header of its own (A37)."""

import pytest

from koipond.channels.mime import build
from koipond.kernel import InputError
from koipond.outreach.header_text import control_in, header_fault, one_line, subject_fault
from koipond.outreach.ports import Message
from koipond.testing.memory import NOW

BREAKS = [
    *("Brand\r\nBcc: x@evil.example", "Brand\nBcc: x@evil.example", "Brand\rBcc: x", "a\x85b", "a\u2028b"),
    *("a\u2029b", "a\x00b", "a\x0bb", "a\x0cb", "a\x1cb", "a\x7fb", "a\x08b", "a\u202eb", "a\u2066b"),
]
ENCODED = [
    *("a%0d%0aBcc: x", "a%0Ab", "a%250ab", "a%00", "a%C2%85b", "a%E2%80%A8b", "=?utf-8?q?a=0D=0ABcc?="),
    *("=?UTF-8?B?QQ0KQmNj?=", "a&#10;b", "a&#x0d;b", "a&#13b", "a&NewLine;b", "a\\r\\nb", "a\\u000ab"),
]
PLAIN = ["Brand", "茶叶 · Kopi & Té", "100% cotton", "50%off", "A=?B", "C:\\new", "Tea (5%)", "👩‍👩‍👧 family"]


@pytest.mark.parametrize("text", BREAKS + ENCODED)
def test_line_ends_and_what_is_decoded_into_them_are_refused(text: str) -> None:
    assert header_fault(text) is not None
    assert subject_fault(text) is not None


@pytest.mark.parametrize("text", [one for one in PLAIN if "\\n" not in one])
def test_plain_names_are_taken(text: str) -> None:
    assert header_fault(text) is None
    assert subject_fault(text + "\n") is None
    assert one_line(text) == text


def test_a_subject_may_hold_tags_over_several_lines_but_no_line_end_in_a_word() -> None:
    assert subject_fault("{% if customer.first_name %}\nHi{% endif %}".replace("\nHi", "Hi")) is None
    assert subject_fault("Hi {{ customer.first_name\n | upcase }}") is None
    assert subject_fault("Hi {{ 'a\nBcc: x' }}") is not None


@pytest.mark.parametrize("text", BREAKS)
def test_a_message_has_the_headers_it_is_meant_to_have(text: str) -> None:
    message = Message(
        key="k", address="a@b.example", subject=text, text="x", language="en", headers={"X-Link": text}
    )
    made = build(
        message, to="a@b.example", sender="me@b.example", sender_name=text, domain="b.example", now=NOW
    )
    head = made.partition(b"\r\n\r\n")[0].decode("ascii")
    names = [line.partition(":")[0] for line in head.split("\r\n") if not line.startswith(" ")]
    assert names == [
        *("Message-ID", "Date", "From", "To", "Subject", "X-Link", "MIME-Version", "Content-Type"),
        "Content-Transfer-Encoding",
    ]
    assert control_in(head.replace("\r\n", "")) is None


def test_an_address_that_mail_cannot_carry_is_refused() -> None:
    from koipond.channels.mime import check_address

    for address in (
        "a\u2028@b.example",
        "a@b\u2028.example",
        "a@b.example\nBcc: x@y.example",
        "a\x85@b.example",
    ):
        with pytest.raises(InputError):
            check_address(address)
