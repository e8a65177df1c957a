"""`verify` folds again what was heard before each intent: of a person, of linked customers, at an address."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from koipond.facts.people import PersonRef
from koipond.outreach.model import FrequencyCap
from koipond.store import Store, Suppression

from .outreach_scene import send
from .people_scene import NOON, broken, gate, meet, say

HOUR = timedelta(hours=1)
SENT_AT = NOON + timedelta(minutes=20)


def sent(store: Store, one: PersonRef, **more: bool) -> None:
    assert gate(store, one, **more) == "touch"
    assert len(send(store, SENT_AT)) == 1
    assert broken(store) == {}


def plant(store: Store, sql: str, **values: int) -> None:
    with store.database.write() as connection:
        connection.execute(sa.text(sql), {"minute": int((NOON + timedelta(minutes=1)).timestamp()), **values})


NO = (
    "INSERT INTO consent_log (customer_no, channel, purpose, granted, at_s, source, text_version, proof,"
    " recorded_s, heard_no) VALUES (:who, :channel, '*', FALSE, :minute, 't', '', '', :heard, 99)"
)


def test_a_no_heard_after_a_later_stamped_yes_is_seen(store: Store) -> None:
    one = meet(store, "a", email="x@example.org")
    say(store, one.customer_no, False, NOON - HOUR, NOON - HOUR)
    say(store, one.customer_no, True)
    sent(store, one)
    plant(store, "UPDATE consent_log SET heard_no = 99 WHERE granted = FALSE")
    assert "had said no" in broken(store)["consent_at_intent"]


@pytest.mark.parametrize(
    ("channel", "minutes", "seen"), [("*", 1, True), ("email", 1, True), ("sms", 1, False), ("*", 60, False)]
)
def test_a_no_of_a_co_holder_is_seen_when_it_had_been_heard(
    store: Store, channel: str, minutes: int, seen: bool
) -> None:
    one = meet(store, "a", email="x@example.org")
    other = meet(store, "b", email="x@example.org")
    sent(store, one)
    heard = int((NOON + timedelta(minutes=minutes)).timestamp())
    with store.database.write() as connection:
        values = {"who": other.customer_no, "heard": heard, "channel": channel, "minute": heard}
        connection.execute(sa.text(NO), values)
    assert ("consent_at_intent" in broken(store)) == seen


def test_a_co_holder_who_was_not_known_yet_is_no_breach(store: Store) -> None:
    one, other = meet(store, "a", email="x@example.org"), meet(store, "b", email="x@example.org")
    say(store, other.customer_no, False, channel="sms")
    sent(store, one)
    plant(store, "UPDATE consent_log SET channel = '*'")
    assert "consent_at_intent" in broken(store)
    later = int((NOON + HOUR).timestamp())
    plant(store, "UPDATE identifier SET seen_s = :later WHERE customer_no = :who", later=later, who=2)
    assert "consent_at_intent" not in broken(store)


@pytest.mark.parametrize(
    ("reason", "seen"), [("complaint", True), ("operator", True), ("erased", True), ("unfriended", False)]
)
def test_a_suppression_at_the_address_is_seen(store: Store, reason: str, seen: bool) -> None:
    one, other = meet(store, "a", email="x@example.org"), meet(store, "b", email="x@example.org")
    sent(store, one)
    at = NOON + timedelta(minutes=1)
    store.consents.suppress(
        [Suppression(customer_no=other.customer_no, reason=reason, at=at, channel="email")]  # type: ignore[arg-type]
    )
    assert ("shared_addresses" in broken(store)) == seen


def test_a_yes_of_a_linked_customer_opens_and_its_absence_is_seen(store: Store) -> None:
    one = meet(store, "a", email="x@example.org", verified=True)
    other = meet(store, "b", email="x@example.org", verified=True)
    say(store, other.customer_no, True)
    sent(store, one, consent_required=True)
    plant(store, "UPDATE consent_log SET purpose = 'profiling'")
    assert "without consent" in broken(store)["consent_at_intent"]


CAP = FrequencyCap(key="one", touches_max=1, days=14, window="rolling_days")


@pytest.mark.parametrize(
    ("sql", "seen"),
    [
        ("UPDATE identifier SET address_hash = 'same'", True),
        ("UPDATE identifier SET address_hash = 'same', seen_s = :later", False),
        ("UPDATE identifier SET address_hash = 'same', kind = 'phone'", False),
    ],
)
def test_a_cap_that_an_inbox_broke_is_seen(store: Store, sql: str, seen: bool) -> None:
    """B03: each customer kept the cap, the address they share did not."""
    people = [meet(store, "a", email="x@example.org"), meet(store, "b", email="y@example.org")]
    assert [gate(store, one, caps=(CAP,), occurrence=str(n)) for n, one in enumerate(people)] == ["touch"] * 2
    assert broken(store) == {}
    plant(store, sql + " WHERE :minute > 0", later=int((NOON + HOUR).timestamp()))
    assert ("inbox_caps" in broken(store)) == seen
