"""A no holds for its address, whatever records, sources, proofs, merges and order of import (B01, B03)."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration.store.people_scene import NOON, PLACE, gate, meet, say

from koipond.facts.people import PersonRef
from koipond.store import Store, memory_keys

HOUR = timedelta(hours=1)
ADDRESSES = ("x@example.org", "y@example.org", None)
PHONES = ("+8613800000001", "+8613800000002", None)

record = st.fixed_dictionaries(
    {
        "shop_id": st.sampled_from("abc"),
        "email": st.sampled_from(ADDRESSES),
        "phone": st.sampled_from(PHONES),
        "source": st.sampled_from(("shop", "till")),
        "verified": st.booleans(),
    }
)
refusal = st.fixed_dictionaries(
    {
        "email": st.just("x@example.org"),
        "shop_id": st.sampled_from((None, "a", "d")),
        "source": st.sampled_from(("shop", "till", "newsletter")),
        "verified": st.booleans(),
    }
)


@settings(max_examples=40, deadline=None)
@given(st.lists(record, min_size=1, max_size=6), refusal, st.lists(record, max_size=3), st.booleans())
def test_nobody_is_reached_at_an_address_that_said_no(
    before: list[dict[str, Any]], no: dict[str, Any], after: list[dict[str, Any]], everything: bool
) -> None:
    with Store.open("sqlite://", memory_keys(b"test")) as store:
        _scene(store, before, no, after, everything)


def _scene(
    store: Store,
    before: list[dict[str, Any]],
    no: dict[str, Any],
    after: list[dict[str, Any]],
    everything: bool,
) -> None:
    elsewhere = meet(store, "z", email="z@example.org", source="shop")
    holders: list[PersonRef] = []
    for one in before:
        holders += known(store, one)
    for number in {one.customer_no for one in holders} | {elsewhere.customer_no}:
        say(store, number, True)
    said = meet(store, **no)
    place = {"channel": "*", "purpose": "*"} if everything else {}
    say(store, said.customer_no, False, NOON + HOUR, NOON + HOUR, **place)
    for one in after:
        holders += known(store, one)
    reached = {gate(store, one, occurrence=str(n)) for n, one in enumerate(holders)}
    assert "touch" not in reached
    assert gate(store, elsewhere) == "touch", "whose address nobody refused"
    assert not [check for check in store.checks.all(PLACE, NOON + HOUR) if check.breaks]


def known(store: Store, one: dict[str, Any]) -> list[PersonRef]:
    """Return the customer of a record when it names the address."""
    met = meet(store, **one)
    return [met] if one["email"] == "x@example.org" else []
