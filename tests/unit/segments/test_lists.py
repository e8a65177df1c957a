"""Lists from files of ids."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from koipond.ingest.ports import PersonKeys
from koipond.kernel import InputError
from koipond.segments.lists import bring_list
from koipond.testing.groups import MemoryLists

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Finder:
    """Knows shop ids that are numbers."""

    def find(self, people: Sequence[PersonKeys]) -> list[int | None]:
        return [int(p.shop_id) if p.shop_id and p.shop_id.isdigit() else None for p in people]


def people(*ids: str) -> list[PersonKeys]:
    return [PersonKeys(source="shop", shop_id=one) for one in ids]


def test_every_line_becomes_a_member_a_repetition_or_a_stranger() -> None:
    store = MemoryLists()
    result = bring_list("guests", people("7", "x", "3", "7", "y"), Finder(), store, author="li", now=NOW)
    assert result.to_dict() == {
        "key": "guests",
        "read": 5,
        "members": 2,
        "repeated": 1,
        "strangers": 2,
        "stranger_lines": (2, 5),
    }
    assert list(store.list_members("guests")) == [3, 7]


def test_a_list_of_strangers_a_bad_key_and_a_missing_author_are_refused() -> None:
    store = MemoryLists()
    with pytest.raises(InputError, match="none of the 2 lines of list 'guests' is a customer"):
        bring_list("guests", people("x", "y"), Finder(), store, author="li", now=NOW)
    with pytest.raises(InputError, match=r"'My List' is no key.*name the author"):
        bring_list("My List", people("1"), Finder(), store, author=" ", now=NOW)
    assert store.lists() == []


def test_lines_that_hold_more_than_an_id_are_named() -> None:
    """B26."""
    with pytest.raises(InputError, match=r"lines hold more than an id \(line 1, 2\)"):
        bring_list(
            "guests", people("customer_id,reason", "c1;spam"), Finder(), MemoryLists(), author="li", now=NOW
        )
