"""One mailbox, one account, one order: however a file writes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koipond.ingest.spellings import former_spellings, normal_email, plain_id, unguarded


@pytest.mark.parametrize(
    ("texts", "email"),
    [
        (
            [
                "bo@bücher.example",
                "BO@BÜCHER.example.",
                "bo@xn--bcher-kva.example",
                "bo@bu\u0308cher。example",
            ],
            "bo@xn--bcher-kva.example",
        ),
        (["cy@example.com.", "cy@example.com", "cy@example.com..", "'cy@example.com"], "cy@example.com"),
        (["ｅｅ@example.com", "ee＠ｅｘａｍｐｌｅ．ｃｏｍ", "e\u200be@exam\u200cple.com"], "ee@example.com"),
        (['"bo"@x.example', '"b\\o"@x.example', "bo@x.example"], "bo@x.example"),
        (["a@i❤️.example", "a@xn--i-7iq.example"], "a@xn--i-7iq.example"),
        (["x@straße.example", "x@xn--strae-oqa.example"], "x@xn--strae-oqa.example"),
        (["a@نامه\u200cای.example"], "a@xn--mgba3gch31f060k.example"),
        (["李@例子.example", "李@xn--fsqu00a.example"], "李@xn--fsqu00a.example"),
        (["o'neil@x.example"], "o'neil@x.example"),
        (["a@。。", "@bücher.example", "a@b.example，c@d.example", "ü"], None),
    ],
)
def test_every_spelling_of_a_mailbox_is_one_address(texts: list[str], email: str | None) -> None:
    assert {normal_email(text) for text in texts} == {email}


@pytest.mark.parametrize(
    "text",
    [
        "007",
        "'007",
        "007.0",
        "007.00",
        "‘007",
        "’007’",
        "'007'",
        "`007",
        "００７",
        "\u200b007\ufeff",
        '="007"',
        "'00７.0",
        "''007",
        "٠٠٧",
        "\u2060０0\u200d7",
    ],
)
def test_every_spelling_of_an_id_is_one_id(text: str) -> None:
    assert plain_id(text) == "007"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("V1.0", "V1.0"),
        ("1.5", "1.5"),
        ("O'Neil", "O'Neil"),
        ("A\u00a01", "A 1"),
        ("ＡＢ－１", "AB-1"),
        ("Cafe\u0301", "Café"),
        ("'", ""),
        ("\u200b", ""),
    ],
)
def test_ids_keep_what_is_theirs(text: str, plain: str) -> None:
    assert plain_id(text) == plain


@given(
    st.text(alphabet=st.sampled_from("ab07.@'‘`=\"\\ü０ß。＠\u200b\u200cé\u0301❤Ａ,； \u00a0"), max_size=12)
)
def test_what_is_spelled_anew_stays(text: str) -> None:
    assert plain_id(plain_id(text)) == plain_id(text)
    assert unguarded(unguarded(text)) == unguarded(text)
    email = normal_email(text)
    assert email is None or normal_email(email) == email


def test_former_spellings_lead_to_the_one_of_now() -> None:
    for address in ("bo@xn--bcher-kva.example", "cy@example.com"):
        former = former_spellings("email", address)
        assert address not in former
        assert {normal_email(one) for one in former} == {address}
    assert "bo@bücher.example" in former_spellings("email", "bo@xn--bcher-kva.example")
    assert {plain_id(one) for one in former_spellings("shop_id", "007")} == {"007"}
