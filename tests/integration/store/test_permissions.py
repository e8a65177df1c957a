"""What the warehouse is told of permissions is what the gate decides on (B01, B03), on both stores."""

import random
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from koipond.facts.people import PersonRef
from koipond.outreach.ports import HeldSuppression
from koipond.store import Store, Suppression
from koipond.testing.plans import Brand, plan_of, play, request_of, strategy

from .people_scene import NOON, PLACE, ask, gate, meet, say

HOUR = timedelta(hours=1)
KINDS = {"email": "email", "sms": "phone"}
CHANNELS = ("email", "sms", "sandbox")
JUDGED = ("suppressed", "no_address", "no_consent")


def told(store: Store, number: int) -> dict[tuple[str, str], bool]:
    """Return what the copy says of a customer."""
    rows = store.consents.current().to_pylist()
    return {(r["channel"], r["purpose"]): r["granted"] for r in rows if r["customer_no"] == number}


def barred(store: Store, number: int) -> set[tuple[str, str]]:
    rows = store.consents.export_suppressions().to_pylist()
    return {(row["channel"], row["reason"]) for row in rows if row["customer_no"] == number}


@pytest.mark.parametrize("verified", [(True, False), (False, True), (False, False)])
def test_the_copy_holds_the_no_of_the_address_until_they_say_yes_later(
    store: Store, verified: tuple[bool, bool]
) -> None:
    """B01, both ways round: the list or the orders may say of the address that it was proven."""
    first = meet(store, "a", email="x@example.org", verified=verified[0])
    other = meet(store, email="x@example.org", verified=verified[1], source="list")
    say(store, first.customer_no, True)
    if other == first:
        other = meet(store, "b", email="x@example.org")
    say(store, other.customer_no, False, NOON + HOUR, NOON + HOUR)
    assert told(store, first.customer_no)["email", "marketing"] is False
    [held] = [one for one in store.permissions.of(first.customer_no).consents if one[0] == "email"][:1]
    assert (held.granted, held.own) == (False, False)
    say(store, first.customer_no, True, NOON + 2 * HOUR, NOON + 2 * HOUR)
    assert told(store, first.customer_no)["email", "marketing"] is True
    assert told(store, other.customer_no)["email", "marketing"] is False


def test_a_no_that_is_undone_or_lifted_leaves_the_copy(store: Store) -> None:
    first, second = meet(store, "a", email="x@example.org"), meet(store, "b", email="x@example.org")
    say(store, first.customer_no, True)
    before = store.consents.current(), store.consents.export_suppressions()
    bounced = Suppression(customer_no=second.customer_no, reason="hard_bounce", at=NOON, channel="email")
    store.consents.suppress([bounced])
    assert barred(store, first.customer_no) == {("email", "hard_bounce")}
    assert store.permissions.of(first.customer_no).suppressions == (
        HeldSuppression("email", "hard_bounce", int(NOON.timestamp()), own=False),
    )
    store.consents.lift(second.customer_no, "hard_bounce", "email")
    assert (store.consents.current(), store.consents.export_suppressions()) == before


def test_merged_numbers_are_told_as_the_one_person_they_are(store: Store) -> None:
    """One number says yes to a place, the other no to all: the copy of neither is looser than the gate."""
    first = meet(store, "a", email="x@example.org", verified=True)
    second = meet(store, "b", email="x@example.org", verified=True)
    say(store, first.customer_no, True)
    say(store, second.customer_no, False, NOON + HOUR, NOON + HOUR, channel="*", purpose="*")
    assert gate(store, first) == "no_consent"
    for one in (first, second):
        assert told(store, one.customer_no)["email", "marketing"] is False
    [link] = store.people.links(second.customer_no)
    store.people.unmerge(link.link_no, "anna", NOON)
    said = told(store, first.customer_no)["email", "marketing"]
    assert said is (gate(store, first, occurrence="2") == "touch")


def scene(store: Store, seed: int) -> list[PersonRef]:
    """Some people at few addresses, proven or not, who say yes and no about everything."""
    draw = random.Random(seed)
    people = []
    for number in range(30):
        email = draw.choice([None, f"{draw.randrange(9)}@example.org"])
        phone = draw.choice([None, f"+86138000000{draw.randrange(10, 19)}"])
        source, verified = draw.choice(["s", "t"]), draw.random() < 0.3
        people.append(meet(store, str(number), email=email, phone=phone, source=source, verified=verified))
    for turn in range(60):
        place = {
            "channel": draw.choice([*CHANNELS, "*"]),
            "purpose": draw.choice(["marketing", "marketing", "transactional", "*"]),
        }
        at, heard = NOON + draw.randrange(70) * HOUR, NOON + turn * HOUR
        say(store, draw.choice(people).customer_no, draw.random() < 0.6, at, heard, **place)
    for one in draw.sample(people, 4):
        reason: Any = draw.choice(["complaint", "hard_bounce", "erased", "operator", "unfriended"])
        channel = draw.choice(["email", "sms", "*"])
        gone = Suppression(customer_no=one.customer_no, reason=reason, at=NOON, channel=channel)
        store.consents.suppress([gone])
    return people


def copies(store: Store, people: list[PersonRef]) -> Brand:
    """Return the warehouse as the store tells it."""
    uids = {one.customer_no: one.customer_uid for one in people}
    brand = Brand().add("customers", *({"customer_no": n, "customer_uid": uid} for n, uid in uids.items()))
    told = {
        "consents": store.consents.current(),
        "suppressions": store.consents.export_suppressions(),
        "identity_links": store.people.export_links(),
        "reachable": store.people.export_reachable(KINDS),
    }
    for dataset, table in told.items():
        if table.num_rows:
            brand.add(dataset, *table.to_pylist())
    return brand


@pytest.mark.parametrize("seed", range(6))
def test_the_plan_gives_the_reason_the_gate_gives(store: Store, tmp_path: Path, seed: int) -> None:
    people = scene(store, seed)
    roots = {store.people.survivor(one.customer_no) for one in people}
    request = request_of(*(strategy(name, play(channels=(name,))) for name in CHANNELS))
    planned = {
        (row["customer_no"], row["strategy"]): row["reason"] if row["reason"] in JUDGED else None
        for row in plan_of(copies(store, people), tmp_path, request).rows
    }
    asked = [
        ask(
            one,
            channel,
            strategy=channel,
            address_required=channel in KINDS,
            consent_required=channel in KINDS,
        )
        for one in people
        for channel in CHANNELS
        if one.customer_no in roots
    ]
    decided = store.gate(PLACE).admit(asked, NOON, "p1")
    answers = {
        (one.customer_no, one.channel): None if said.reason is None else str(said.reason)
        for one, said in zip(asked, decided, strict=True)
    }
    assert planned == answers
    found = Counter(answers.values())
    assert len(found) == 4, f"the scene shows too little: {found}"
    over = store.permissions.barred(asked)
    seen = {place: str(said.reason) for place, said in enumerate(decided) if said.reason is not None}
    assert {place: str(reason) for place, reason in over.items() if seen[place] != "no_address"} == {
        place: reason for place, reason in seen.items() if reason != "no_address"
    }


def test_whoever_shares_nothing_is_not_looked_at_one_by_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    whole = store.consents.current
    people = [meet(store, str(n), email=f"{n}@example.org") for n in range(9)]
    people += [meet(store, "x", email="8@example.org")]
    for one in people:
        say(store, one.customer_no, one.customer_no % 2 == 0)
    from koipond.store import permissions

    find = permissions.find_people

    def spy(connection: Any, numbers: Any) -> Any:
        looked.extend(numbers)
        return find(connection, numbers)

    monkeypatch.setattr(permissions, "find_people", spy)
    whole()
    assert sorted(looked) == sorted([people[8].customer_no, people[9].customer_no])
