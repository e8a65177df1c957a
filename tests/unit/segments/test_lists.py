"""Lists from files of ids."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import pytest

from koipond.facts.people import ListedPerson, PersonKeys
from koipond.ingest.list_rows import line_people, list_columns
from koipond.ingest.spellings import unguarded
from koipond.kernel import InputError
from koipond.segments.lists import ListResult, bring_list
from koipond.testing.groups import MemoryLists

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Finder:
    """Knows shop ids that are numbers."""

    def find(self, people: Sequence[PersonKeys]) -> list[int | None]:
        return [
            int(p.shop_id) if p.shop_id and len(p.shop_id) == 1 and p.shop_id != "x" else None for p in people
        ]


class Holders:
    """Two customers hold one phone."""

    def holders(self, kind: str, values: Collection[str]) -> dict[str, list[int]]:
        known = {"phone": {"+8613800000001": [4, 5]}, "email": {"a@example.org": [6]}}[kind]
        return {value: known[value] for value in values if value in known}

    def by_uid(self, uids: Collection[str]) -> dict[str, int]:
        return {uid: 8 for uid in uids if uid == "u8"}


def people(*ids: str) -> list[ListedPerson]:
    return list(line_people(enumerate(ids, 1), source="shop", region="CN"))


def bring(key: str, *ids: str, author: str = "li", store: MemoryLists | None = None) -> ListResult:
    return bring_list(key, people(*ids), Finder(), Holders(), store or MemoryLists(), author=author, now=NOW)


def test_every_line_becomes_a_member_a_repetition_or_a_stranger() -> None:
    store = MemoryLists()
    result = bring("guests", "7", "x", "3", "7", "yy", store=store)
    assert result.to_dict() == {
        "key": "guests",
        "read": 5,
        "members": 2,
        "repeated": 1,
        "strangers": 2,
        "nameless": 0,
        "stranger_lines": (2, 5),
    }
    assert list(store.list_members("guests")) == [3, 7]


def test_any_identifier_names_somebody_and_an_address_all_who_hold_it() -> None:
    store = MemoryLists()
    result = bring("guests", "138 0000 0001", "A@example.org", "7", "13800000001", store=store)
    assert (result.members, result.repeated, result.strangers) == (4, 1, 0)
    assert list(store.list_members("guests")) == [4, 5, 6, 7]


def test_a_list_of_strangers_a_bad_key_and_a_missing_author_are_refused() -> None:
    store = MemoryLists()
    with pytest.raises(InputError, match="none of the 2 lines of list 'guests' is a customer"):
        bring("guests", "xx", "yy", store=store)
    with pytest.raises(InputError, match=r"'My List' is no key.*name the author"):
        bring("My List", "1", author=" ", store=store)
    assert store.lists() == []


def test_lines_that_hold_more_than_an_id_are_named() -> None:
    """B26."""
    with pytest.raises(InputError, match=r"lines hold more than an id \(line 1, 2\)"):
        bring("guests", "customer_id,reason", "c1;spam")


@pytest.mark.parametrize(
    ("columns", "told", "found"),
    [
        (("手机号", "备注"), {}, {"phone": "手机号"}),
        (("customer_id", "reason"), {}, {"customer_id": "customer_id"}),
        (("Who", "标签"), {"email": "Who"}, {"email": "Who", "value": "标签"}),
        (("c1",), {}, None),
    ],
)
def test_columns_are_found_by_name_or_told(
    columns: tuple[str, ...], told: dict[str, str], found: dict[str, str] | None
) -> None:
    made = list_columns(columns, told, "l.csv")
    assert (None if made is None else dict(made.columns)) == found


def test_a_table_that_names_nobody_is_refused_with_all_that_is_wrong() -> None:
    with pytest.raises(InputError, match=r"no column says who somebody is.*\n.*a, b"):
        list_columns(("a", "b"), {}, "l.csv")
    with pytest.raises(InputError, match=r"--map shoe=….*--map phone=Z: no column 'Z'"):
        list_columns(("a", "b"), {"shoe": "a", "phone": "Z"}, "l.csv")


@pytest.mark.parametrize("text", ['="007"', "'007", " 007 ", "007"])
def test_guards_of_spreadsheets_come_off(text: str) -> None:
    assert unguarded(text) == "007"


def test_our_own_id_names_its_customer_and_a_line_without_any_id_is_counted_as_such() -> None:
    who = [
        ListedPerson(line=2, keys=PersonKeys(source="s"), uid="u8"),
        ListedPerson(line=3, keys=PersonKeys(source="s")),
        ListedPerson(line=4, keys=PersonKeys(source="s", shop_id="3"), uid="of nobody"),
    ]
    store = MemoryLists()
    made = bring_list("guests", who, Finder(), Holders(), store, author="li", now=NOW)
    assert (made.read, made.members, made.nameless, made.strangers) == (3, 2, 1, 0)
    assert list(store.list_members("guests")) == [3, 8]
    with pytest.raises(InputError, match=r"none of the 1 lines.*1 of them hold no id"):
        bring_list("guests", who[1:2], Finder(), Holders(), store, author="li", now=NOW)
