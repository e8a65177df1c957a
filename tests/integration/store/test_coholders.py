"""A no belongs to the address, whoever told it and however it was told; merged people are one."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from koipond.facts.people import PersonKeys
from koipond.outreach.model import FrequencyCap
from koipond.outreach.ports import Response
from koipond.store import Store, Suppression, rotation, upkeep
from koipond.store.tables import identifier, workspace_setting

from .people_scene import NOON, PLACE, ask, broken, gate, meet, say

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("verified", [False, True])
@pytest.mark.parametrize("source", ["s", "another shop"])
def test_who_else_holds_the_address_is_not_reached_there(store: Store, source: str, verified: bool) -> None:
    first = meet(store, "a", email="x@example.org")
    second = meet(store, "b", email="x@example.org", phone="+8613800000001", source=source, verified=verified)
    say(store, second.customer_no, True)
    assert gate(store, second, occurrence="0") == "touch"
    say(store, first.customer_no, False)
    assert gate(store, second) == "no_consent"
    assert gate(store, second, consent_required=True) == "no_consent"
    assert gate(store, second, "sms") == "touch", "the phone is theirs alone"
    say(store, second.customer_no, True, NOON + HOUR, NOON + HOUR)
    assert gate(store, second, occurrence="2") == "touch", "they said yes later themselves"
    assert gate(store, first, occurrence="2") == "no_consent", "which opens nothing for others"


@pytest.mark.parametrize("channel", ["*", "email"])
@pytest.mark.parametrize("reason", ["complaint", "hard_bounce", "erased", "operator"])
def test_a_suppression_at_the_address_counts_for_all_who_hold_it(
    store: Store, channel: str, reason: str
) -> None:
    first, second = meet(store, "a", email="x@example.org"), meet(store, "b", email="x@example.org")
    store.consents.suppress(
        [Suppression(customer_no=first.customer_no, reason=reason, at=NOON, channel=channel)]  # type: ignore[arg-type]
    )
    assert gate(store, second) == "suppressed"
    assert gate(store, second, "sms") == "touch"


def test_who_left_a_chat_may_stay_in_another(store: Store) -> None:
    first, second = meet(store, "a", email="x@example.org"), meet(store, "b", email="x@example.org")
    gone = Suppression(customer_no=first.customer_no, reason="unfriended", at=NOON, channel="email")
    store.consents.suppress([gone])
    assert gate(store, second) == "touch"


def test_a_no_to_everything_shuts_channels_added_later_and_a_later_yes_opens_its_place(store: Store) -> None:
    one = meet(store, "a", email="x@example.org")
    say(store, one.customer_no, True)
    say(store, one.customer_no, False, channel="*", purpose="*")
    assert {gate(store, one, name) for name in ("email", "sms", "line", "sandbox")} == {"no_consent"}
    assert gate(store, one, purpose="transactional") == "no_consent"
    say(store, one.customer_no, True, NOON + HOUR, NOON + HOUR)
    assert gate(store, one, occurrence="2") == "touch"
    assert gate(store, one, "sms", occurrence="3") == "no_consent"


def test_a_no_of_a_merged_customer_counts_in_the_order_of_hearing(store: Store) -> None:
    """A14: the yes of one number is stamped later and was heard before the no of the other."""
    first = meet(store, "a", email="x@example.org", verified=True)
    second = meet(store, "b", email="x@example.org", verified=True)
    say(store, first.customer_no, True, NOON + 6 * HOUR, NOON + 7 * HOUR)
    say(store, second.customer_no, False, NOON, NOON)
    assert gate(store, first) == "no_consent"
    assert gate(store, second) == "no_consent"
    say(store, second.customer_no, True, NOON + 5 * HOUR, NOON + 8 * HOUR)
    assert gate(store, first) == "no_consent", "given before the grant that the no had heard of"
    say(store, second.customer_no, True, NOON + 7 * HOUR, NOON + 8 * HOUR)
    assert gate(store, first) == "touch"


def test_co_holders_are_found_during_and_after_a_rotation(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 3)
    people = [meet(store, str(n), email=f"{n % 5}@example.org") for n in range(20)]
    for n in range(5):
        say(store, people[n].customer_no, False)
    turns = iter([True, True, False])
    rewrite = rotation._rewrite

    def stop(*arguments: object) -> int:
        if not next(turns):
            raise KeyboardInterrupt
        return rewrite(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(rotation, "_rewrite", stop)
    with pytest.raises(KeyboardInterrupt):
        rotation.rotate(store.database, rotation.with_new_key(store.keys))
    assert {gate(store, one) for one in people} == {"no_consent"}


def test_rows_of_earlier_releases_get_their_address_when_the_store_is_opened(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "CHUNK", 3)
    people = [meet(store, str(n), email=f"{n % 4}@example.org") for n in range(12)]
    for n in range(4):
        say(store, people[n].customer_no, False)
    with store.database.write() as connection:
        connection.execute(sa.update(identifier).values(address_hash=None))
        connection.execute(sa.delete(workspace_setting))
        connection.exec_driver_sql("UPDATE consent SET granted = NOT granted")
    assert "addresses" in broken(store)
    assert "consents" in broken(store)
    upkeep.bring_up(store.database, store.keys)
    assert broken(store) == {}
    assert {gate(store, one) for one in people} == {"no_consent"}


@pytest.mark.parametrize("words", ["STOP", "stop.", "TD", "退订", "Berhenti"])
def test_a_reply_that_says_stop_is_an_opt_out_of_every_number_of_the_person(store: Store, words: str) -> None:
    first = meet(store, "a", email="x@example.org", verified=True)
    second = meet(store, "b", email="x@example.org", verified=True)
    say(store, first.customer_no, True)
    assert gate(store, first) == "touch"
    [record] = store.touches.of(first.customer_no)
    ahead = NOON + 48 * HOUR
    said = [Response(touch_key=record.touch_key, kind="replied", at=ahead, detail=words)]
    store.outbox(PLACE).respond(said, NOON + HOUR)
    assert gate(store, first, occurrence="2") == "no_consent"
    assert [one.granted for one in store.consents.history([second.customer_no])] == [False]
    [held] = [one for one in store.consents.history([first.customer_no]) if not one.granted]
    assert held.at == NOON + HOUR, "an answer stamped ahead counts from its receipt"


def test_an_ordinary_reply_is_none(store: Store) -> None:
    one = meet(store, "a", email="x@example.org")
    assert gate(store, one) == "touch"
    [record] = store.touches.of(one.customer_no)
    said = Response(touch_key=record.touch_key, kind="replied", at=NOON, detail="thank you, no sugar please")
    store.outbox(PLACE).respond([said], NOON)
    assert gate(store, one, occurrence="2") == "touch"


CAP = FrequencyCap(key="one", touches_max=1, days=14, window="rolling_days")


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"caps": (CAP,)}, "frequency_cap"),
        ({"re_entry_days": 14}, "re_entry"),
        ({"duplicate_content_days": 14}, "duplicate_content"),
    ],
)
def test_two_records_of_one_address_are_one_inbox(
    store: Store, changes: dict[str, Any], reason: str, together: bool
) -> None:
    """B03: within a batch and from one to the next; what goes elsewhere is each one's own."""
    one = meet(store, "a", email="x@example.org", phone="+8613800000001")
    other = meet(store, "b", email="x@example.org", phone="+8613800000002", source="another shop")
    alone = meet(store, "c", email="y@example.org")
    people = [one, other, alone]
    asked = [ask(who, **changes) for who in people]
    parts = [asked] if together else [[candidate] for candidate in asked]
    admitted = store.gate(PLACE).admit
    found = [decision for part in parts for decision in admitted(part, NOON, "p1")]
    assert [decision.reason for decision in found] == [None, reason, None]
    elsewhere = gate(store, other, "sms", play="other", content="d", **changes)
    assert elsewhere == ("touch" if reason == "duplicate_content" else reason), "he has read the mail as well"
    assert broken(store) == {}


def test_gates_at_once_meet_at_the_address(store: Store) -> None:
    """Each of two gates has one of the two holders of each address: together they admit one touch of each."""
    keys = [
        PersonKeys(source=source, shop_id=f"{source}{n}", email=f"{n}@example.org")
        for source in ("s", "t")
        for n in range(60)
    ]
    people = store.identity.resolve(keys, NOON)
    for turn in range(4):
        cap = FrequencyCap(key="one", touches_max=turn + 1, days=14)
        halves = [people[:60], people[60:][::-1]]
        asked = [[ask(one, caps=(cap,), occurrence=str(turn)) for one in half] for half in halves]
        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(lambda part: store.gate(PLACE).admit(part, NOON, "p1"), asked))
        admitted = [one.customer_no for part in found for one in part if one.reason is None]
        assert len(admitted) == 60
        assert {one.reason for part in found for one in part} == {None, "frequency_cap"}
    assert broken(store) == {}


def test_a_touch_elsewhere_does_not_count_for_the_inbox(store: Store) -> None:
    one = meet(store, "a", email="x@example.org", phone="+8613800000001")
    other = meet(store, "b", email="x@example.org", phone="+8613800000002")
    assert gate(store, one, "sms", caps=(CAP,)) == "touch"
    assert gate(store, other, caps=(CAP,)) == "touch"


def test_a_linked_customers_address_is_one_inbox_too(store: Store) -> None:
    first = meet(store, "a", email="x@example.org", verified=True)
    linked = meet(store, "b", email="x@example.org", phone="+8613800000001", verified=True)
    assert linked.customer_no != first.customer_no
    other = meet(store, "c", phone="+8613800000001", source="another shop")
    assert gate(store, first, "sms", caps=(CAP,)) == "touch"
    assert gate(store, other, "sms", caps=(CAP,)) == "frequency_cap"
