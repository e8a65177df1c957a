"""One suite for the ports of lists and manual tags, run on each adapter."""

from datetime import UTC, datetime
from typing import Any

import pytest

from koipond.kernel import InputError
from koipond.segments.ports import ListStore, TagChange, TagStore
from koipond.store import Store
from koipond.testing.groups import MemoryLists, MemoryTags

NOW = datetime(2026, 1, 1, 3, tzinfo=UTC)
LATER = datetime(2026, 1, 2, 3, tzinfo=UTC)
DAY = 20_454


@pytest.fixture
def lists(store_or_fake: Store | None) -> ListStore:
    return MemoryLists() if store_or_fake is None else store_or_fake.lists


@pytest.fixture
def tags(store_or_fake: Store | None) -> TagStore:
    return MemoryTags() if store_or_fake is None else store_or_fake.tags


def test_a_list_is_replaced_whole_and_counts_customers_once(lists: ListStore) -> None:
    lists.replace_list("guests", [3, 1, 3], author="li", now=NOW)
    lists.replace_list("guests", [2, 1], author="wang", now=LATER)
    assert sorted(lists.list_members("guests")) == [1, 2]
    (entry,) = lists.lists()
    assert (entry.key, entry.member_count, entry.author, entry.at) == ("guests", 2, "wang", LATER)


def test_a_list_nobody_brought_is_refused(lists: ListStore) -> None:
    with pytest.raises(InputError, match="there is no list 'guests'"):
        lists.list_members("guests")


def change(value: str | None, **rest: Any) -> TagChange:
    base = {"customer_no": 1, "tag_group": "purpose", "author": "li", "reason": "said so"}
    return TagChange(**{**base, "value": value, **rest})


def standing(tags: TagStore) -> list[tuple[int, str, int, int | None]]:
    return [(tag.customer_no, tag.value, tag.from_day, tag.until_day) for tag in tags.manual_tags()]


def test_values_of_a_group_join_each_other_unless_it_is_exclusive(tags: TagStore) -> None:
    assert tags.change_tags([change("gift"), change("self_use")], exclusive=False, day=DAY, now=NOW) == 2
    assert standing(tags) == [(1, "gift", DAY, None), (1, "self_use", DAY, None)]
    assert tags.change_tags([change("resale")], exclusive=True, day=DAY + 1, now=LATER) == 1
    assert standing(tags) == [(1, "resale", DAY + 1, None)]


def test_the_same_tag_again_alters_nothing_but_a_new_end_does(tags: TagStore) -> None:
    tags.change_tags([change("gift")], exclusive=True, day=DAY, now=NOW)
    assert tags.change_tags([change("gift")], exclusive=True, day=DAY + 1, now=LATER) == 0
    assert tags.change_tags([change("gift", until_day=DAY + 9)], exclusive=True, day=DAY + 1, now=LATER) == 1
    assert standing(tags) == [(1, "gift", DAY, DAY + 9)]


def test_taking_a_group_off_leaves_its_history_newest_first(tags: TagStore) -> None:
    tags.change_tags([change("gift"), change("gift", customer_no=2)], exclusive=True, day=DAY, now=NOW)
    assert tags.change_tags([change(None, reason="asked to")], exclusive=True, day=DAY + 1, now=LATER) == 1
    assert tags.change_tags([change(None)], exclusive=True, day=DAY + 2, now=LATER) == 0
    assert standing(tags) == [(2, "gift", DAY, None)]
    history = tags.tag_history(1, limit=5)
    assert [(act.change.value, act.change.reason, act.day, act.at) for act in history] == [
        (None, "asked to", DAY + 1, LATER),
        ("gift", "said so", DAY, NOW),
    ]
    assert len(tags.tag_history(1, limit=1)) == 1
