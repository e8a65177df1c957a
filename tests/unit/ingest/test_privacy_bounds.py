"""Texts made to take long: identifiers are looked for in time in proportion, and none is left unread."""

import time

import pytest

from koipond.ingest.privacy import MASK, holds, masked


@pytest.mark.parametrize("text", ["%" + "25" * 20_000 + "41", "&amp;" * 5_000 + "#64;", "%25" * 5_000])
def test_escapes_in_escapes_are_read_to_a_depth(text: str) -> None:
    start = time.process_time()
    assert not holds(masked(text))
    assert time.process_time() - start < 2


HOSTILE = {
    **{
        "ones": "1 " * 400_000,
        "numbers": "12345678 " * 100_000,
        "ats": "a@" * 200_000,
        "brackets": "[ " * 100_000,
    },
    **{
        "escaped": "%41" * 100_000,
        "domains": "a@" + "b." * 200_000,
        "codes": "DE89 " * 60_000,
        "words": "nik no " * 50_000,
    },
    **{
        "base64": "MTM4MTIzNDU2Nzg/" * 5_000,
        "exponents": "1e10 " * 80_000,
        "quotes": '"' * 200_000 + "@a.com",
    },
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_long_text_takes_time_in_proportion(name: str) -> None:
    start = time.process_time()
    holds(HOSTILE[name], region="GB")
    assert time.process_time() - start < 10


def test_of_very_many_numbers_none_stays_unread() -> None:
    text = "1 " * 5_000 + "13812345678"
    assert masked("seen: " + text) == f"seen: {MASK}"


def test_escapes_in_escapes_that_go_too_deep_are_covered() -> None:
    assert masked("user%" + "25" * 12 + "40example.com") == MASK
    assert masked("13800138000 and user%40example.com, order 536365") == f"{MASK} and {MASK} order 536365"
