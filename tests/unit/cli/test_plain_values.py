"""Values of definitions as `diff` and `apply` print them."""

from typing import Any

import pytest

from koipond.cli.definitions import plain_value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"type": "date"}, "{type: date}"),
        ({"zh": "券", "en": "Code"}, "{zh: 券, en: Code}"),
        ([{"channel": "email"}, 2], "[{channel: email}, 2]"),
        (True, "true"),
        (None, "null"),
        (0.1, "0.1"),
        (30, "30"),
        ("orders.count(ever) >= 1", "orders.count(ever) >= 1"),
        ([], "[]"),
    ],
)
def test_a_value_is_printed_as_its_file_would_have_it(value: Any, said: str) -> None:
    assert plain_value(value) == said
