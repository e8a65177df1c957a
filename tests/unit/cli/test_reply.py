from datetime import date

import pytest

from koipond.cli.reply import parse_day, say
from koipond.kernel import InputError


def test_a_day_is_four_two_and_two_digits() -> None:
    assert parse_day("2026-02-28") == date(2026, 2, 28)
    assert parse_day(None) is None


@pytest.mark.parametrize(
    "text",
    [
        "20260228",
        "2026-W09-6",
        "2026-2-8",
        "2026-02-30",
        "",
        "soon",
        "２０２６-02-28",
        "0001-01-01",
        "9999-12-31",
    ],
)
def test_every_other_way_to_write_a_day_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"--until .*YYYY-MM-DD"):
        parse_day(text, "--until")


def test_an_answer_without_its_stamp_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError, match="definition_version"):
        say({"as_of": None}, str, as_json=True)
