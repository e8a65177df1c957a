"""Erased people: nothing names them any more, nobody brings them back, nothing goes out to them."""

import pytest
import sqlalchemy as sa

from koipond.segments.ports import TagChange
from koipond.store import Store
from koipond.store.tables import identifier, touch

from .people_scene import NOON, broken, gate, meet, say


@pytest.fixture
def erased(store: Store) -> Store:
    one = meet(store, "a", email="x@example.org", phone="+8613800000001", verified=True)
    meet(store, "a2", email="x@example.org", verified=True, source="t")
    meet(store, "b", email="y@example.org")
    say(store, one.customer_no, True)
    assert gate(store, one) == "touch"
    store.lists.replace_list("vip", [1, 3], author="li", now=NOON)
    gift = TagChange(
        customer_no=1, tag_group="purpose", value="gift", author="li", reason="x", until_day=None
    )
    store.tags.change_tags([gift], exclusive=False, day=1, now=NOON)
    counted = store.erasure.count([1])
    assert store.people.addresses([1], "email") == {1: "x@example.org"}, "counting changes nothing"
    counts = store.erasure.erase([1], by="anna", now=NOON)
    expected = {"customers": 2, "touches_ended": 1, "messages_emptied": 1, "lists": 1, "tags": 1}
    assert counts.items() >= expected.items()
    assert counts == counted
    return store


def test_nothing_names_them_and_it_is_audited(erased: Store) -> None:
    assert erased.people.identifiers(1) == []
    assert erased.people.addresses([1, 2], "email") == {}
    assert erased.people.export_reachable({"email": "email", "sms": "phone"}).num_rows == 1
    assert list(erased.lists.list_members("vip")) == [3]
    assert erased.tags.manual_tags() == []
    with erased.database.read() as connection:
        assert connection.scalars(sa.select(touch.c.variables)).all() == ["{}"]
    [record] = erased.touches.of(1)
    assert (record.state, record.detail) == ("failed", "erased")
    [entry] = [one for one in erased.audit.entries(9) if one.action == "erase"]
    assert (entry.actor, entry.detail["identifiers"]) == ("anna", 5)
    assert broken(erased) == {}


def test_again_it_changes_nothing(erased: Store) -> None:
    again = erased.erasure.erase([2], by="anna", now=NOON)
    assert {name for name, count in again.items() if count} == {"customers"}
    assert len([one for one in erased.audit.entries(9) if one.action == "erase"]) == 1


@pytest.mark.parametrize("rotations", [0, 1, 2])
def test_a_file_that_names_them_again_brings_nobody_back(erased: Store, rotations: int) -> None:
    for _ in range(rotations):
        erased.rotate_keys()
    before = count(erased)
    for keys in (
        {"shop_id": "a"},
        {"shop_id": "a", "email": "new@example.org"},
        {"shop_id": "a", "phone": "+8613800000001"},
    ):
        assert meet(erased, **keys).customer_no == 1  # type: ignore[arg-type]
    assert meet(erased, "a2", source="t").customer_no == 2
    assert count(erased) == before
    assert erased.people.identifiers(1) == []
    assert [ref.customer_no for ref in erased.people.find("a", "s")] == [1]
    assert broken(erased) == {}


@pytest.mark.parametrize("rotations", [0, 1])
@pytest.mark.parametrize("verified", [False, True])
def test_whoever_else_brings_their_address_is_not_reached_there(
    erased: Store, rotations: int, verified: bool
) -> None:
    for _ in range(rotations):
        erased.rotate_keys()
    other = meet(erased, "c", email="x@example.org", source="u", verified=verified)
    assert other.customer_no > 3
    say(erased, other.customer_no, True)
    assert gate(erased, other) == "suppressed"
    assert gate(erased, other, "sms") == "touch"


@pytest.mark.parametrize("breach", ["identifier", "touch", "list", "tag"])
def test_verify_sees_what_is_left_of_them(erased: Store, breach: str) -> None:
    with erased.database.write() as connection:
        if breach == "identifier":
            connection.execute(sa.update(identifier).values(cipher=b"x"))
        elif breach == "touch":
            connection.execute(sa.update(touch).values(variables='{"name": "王小明"}'))
        elif breach == "list":
            connection.exec_driver_sql("UPDATE customer_list_member SET customer_no = 1")
        else:
            connection.exec_driver_sql(
                "INSERT INTO manual_tag VALUES (1, 'purpose', 'gift', 'li', 'x', 1, NULL, 1)"
            )
    assert "customer 1 was erased" in broken(erased)["erased"]


def test_a_suppression_of_an_operator_is_audited_and_can_be_lifted_but_an_erasure_cannot(
    erased: Store,
) -> None:
    say(erased, 3, True)
    book = erased.erasure
    assert book.suppress([3], "operator", "*", "asked by phone", by="anna", now=NOON) == 1
    assert book.suppress([3], "operator", "*", "asked by phone", by="anna", now=NOON) == 0
    assert book.shown(3)["suppressed"] == [{"channel": "*", "reason": "operator"}]
    assert book.lift([1, 3], None, "*", by="anna", now=NOON) == 1
    assert book.shown(3)["suppressed"] == []
    assert book.shown(1)["suppressed"] == [{"channel": "*", "reason": "erased"}]
    acts = [one.action for one in erased.audit.entries(9)]
    assert acts == ["lift", "suppress", "erase", "tags.change", "list.import"]


def count(store: Store) -> int:
    with store.database.read() as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM identifier")).scalar_one())
