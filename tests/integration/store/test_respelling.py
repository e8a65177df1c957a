"""A no holds at a mailbox however it is written, also in a store that kept it in another spelling."""

import pytest
import sqlalchemy as sa

from koipond.ingest.spellings import normal_email
from koipond.kernel import stable_json
from koipond.store import Store, respelling, upkeep
from koipond.store.tables import identifier, identity_link, workspace_setting

from .people_scene import NOON, broken, gate, meet, say

PAIRS = [
    ("bo@bücher.example", "bo@xn--bcher-kva.example"),
    ("cy@example.com.", "cy@example.com"),
    ("ｅｅ@example.com", "ee@example.com"),
]


def as_before(store: Store) -> None:
    """Make ``store`` one that the release before opened last."""
    with store.database.write() as connection:
        upkeep_is = workspace_setting.c.name == "upkeep"
        connection.execute(sa.update(workspace_setting).where(upkeep_is).values(value=stable_json("0006")))


def open_again(store: Store) -> None:
    upkeep.bring_up(store.database, store.keys)


@pytest.mark.parametrize(("written", "plain"), PAIRS)
def test_a_no_of_an_older_store_holds_at_the_other_spelling(
    store: Store, written: str, plain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(respelling, "CHUNK", 2)
    assert normal_email(written) == plain
    first, second = meet(store, "a", email=written), meet(store, "b", email=plain)
    others = [meet(store, f"x{n}", email=f"x{n}@example.org") for n in range(5)]
    say(store, first.customer_no, False)
    as_before(store)
    assert gate(store, second) == "touch"
    open_again(store)
    assert gate(store, second, occurrence="2") == "no_consent"
    assert {gate(store, one) for one in others} == {"touch"}
    assert store.people.addresses([first.customer_no], "email") == {first.customer_no: plain}
    assert [ref.customer_no for ref in store.people.find(written, "s")] == [1, 2]
    assert broken(store) == {}


def test_verified_addresses_and_accounts_that_are_one_are_linked(store: Store) -> None:
    one = meet(store, email="bo@bücher.example", verified=True)
    two = meet(store, email="bo@xn--bcher-kva.example", verified=True)
    three, four = meet(store, "'007"), meet(store, "007")
    as_before(store)
    open_again(store)
    assert store.people.members(two.customer_no) == [one.customer_no, two.customer_no]
    assert store.people.members(four.customer_no) == [three.customer_no, four.customer_no]
    assert meet(store, "007").customer_no == three.customer_no
    with store.database.read() as connection:
        held = set(connection.scalars(sa.select(identifier.c.key_hash)))
        assert set(connection.scalars(sa.select(identity_link.c.key_hash))) <= held
    open_again(store)
    assert broken(store) == {}


def test_two_spellings_of_one_customer_become_one(store: Store) -> None:
    one = meet(store, "a", email="cy@example.com.")
    assert meet(store, "a", email="cy@example.com") == one
    assert meet(store, "'a") != one
    as_before(store)
    open_again(store)
    assert sorted(store.people.identifiers(one.customer_no)) == [
        ("email", "cy@example.com", False),
        ("shop_id", "a", False),
        ("shop_id", "a", False),  # of the customer who was a second one until now
    ]


@pytest.mark.parametrize(("written", "plain"), PAIRS[:2])
def test_who_was_erased_under_another_spelling_does_not_come_back(
    store: Store, written: str, plain: str
) -> None:
    gone = meet(store, email=written)
    store.erasure.erase([gone.customer_no], by="operator", now=NOON)
    as_before(store)
    open_again(store)
    assert meet(store, email=plain).customer_no == gone.customer_no
    other = meet(store, "b", email=plain)
    assert gate(store, other) == "suppressed"
    assert store.people.identifiers(gone.customer_no) == []
