"""From a plan to the gate: what is asked, and that the gate agrees with the plan."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from koipond.budgets import Budget
from koipond.facts.people import PersonKeys
from koipond.kernel import hash_bucket
from koipond.outreach.model import ContactPolicy, FrequencyCap, GateCandidate, Reason
from koipond.outreach.templates import Template, render
from koipond.store import Store, memory_keys
from koipond.strategy.model import CodeList, Landing, Offer, Slot
from koipond.strategy.plan import (
    Audience,
    PlanRequest,
    drawn_arms,
    gate_candidates,
    gather,
    make_plan,
    preview_touches,
)
from koipond.testing.plans import AS_OF, NOW, Brand, Segments, play, request_of, strategy, uid

HELLO = "{{ customer.last_purchase_on }} {{ offer.value }} {{ offer.expires_on }} {{ landing.url }}"


def asked(brand: Brand, request: PlanRequest, folder: Path, chunk: int = 5_000) -> list[list[GateCandidate]]:
    brand.segments.setdefault("everybody", [row["customer_no"] for row in brand.facts["customers"]])
    with brand.reader(folder) as reader:
        segments = Segments(reader, brand)
        rows = make_plan(reader, segments, request).candidates
        return list(gate_candidates(gather(reader, segments, request), rows, chunk=chunk))


def test_gate_is_asked_for_every_touch_with_all_it_needs(tmp_path: Path) -> None:
    cap = FrequencyCap(key="own", touches_max=1, days=14)
    ten = play(offer=Offer(code_list="ten"), landing=Landing(url="https://shop.example/x"))
    recall = strategy(
        "recall", ten, caps=(cap,), re_entry_days=60, version=3, ends_on=AS_OF, holdout_rate=0.0,
        budget=Budget(total_fen=9_000, per_day_fen=2_000, per_customer_fen=1_500),
    )  # fmt: skip
    profile = [{"customer_no": 1, "last_purchase_day": 20_500, "value_365d_fen": 5}]
    hello = Template(
        key="hello",
        texts={"zh": {"text": HELLO}},
        required=("customer.last_purchase_on",),
    )  # fmt: skip
    codes = {"ten": CodeList(key="ten", cost_fen=1_000, value_fen=1_250, valid_days=14, name={"zh": "券"})}
    request = request_of(
        recall, templates={"hello": hello}, offers=codes, template_versions={"hello": 7}, brand="Pond"
    )
    ((one,),) = asked(Brand(profile=profile).people(1), request, tmp_path)
    assert (one.customer_no, one.customer_uid, one.strategy_version, one.play) == (1, uid(1), 3, "main")
    assert (one.occurrence, one.due_at) == ("2026-03-10", NOW)
    assert one.expires_at == NOW.replace(hour=16)  # midnight of the strategy's last day in Shanghai
    assert [cap.key for cap in one.caps] == ["all_channels", "own"]
    assert [(line.scope, line.limit_fen) for line in one.budgets] == [
        ("strategy:recall", 9_000),
        ("strategy:recall:2026-03-10", 2_000),
    ]
    assert (one.offer_cost_fen, one.code_list, one.per_customer_limit_fen) == (1_000, "ten", 1_500)
    assert (one.re_entry_days, one.duplicate_content_days, one.template_version) == (60, 30, 7)
    assert (one.consent_required, one.address_required) == (False, False)
    assert (
        render(hello, one.language, one.values).text == "2026-02-16 ¥12.50 2026-03-24 https://shop.example/x"
    )


def test_candidates_come_in_chunks_and_losses_do_not(tmp_path: Path) -> None:
    brand = Brand().people(*range(1, 24)).people(24, staff=True)
    assert [len(part) for part in asked(brand, request_of(), tmp_path, chunk=10)] == [10, 10, 3]


def test_caps_asked_for_are_those_of_the_customers_group(tmp_path: Path) -> None:
    nine = FrequencyCap(key="nine", touches_max=9)
    policy = ContactPolicy(capped_groups={"vip": (nine,)}, exempt_segments=("board",))
    brand = Brand(segments={"vip": [1], "board": [2]}).people(1, 2, 3)
    (part,) = asked(brand, request_of(policy=policy), tmp_path)
    caps = {one.customer_no: [cap.key for cap in one.caps] for one in part}
    assert caps == {1: ["nine"], 2: [], 3: ["all_channels"]}


def test_touch_expires_two_days_after_it_is_due(tmp_path: Path) -> None:
    ((one,),) = asked(Brand().people(1), request_of(), tmp_path)
    assert one.expires_at - one.due_at == timedelta(hours=48)


def test_arms_are_recorded_for_all_who_reached_the_check_touched_or_not(tmp_path: Path) -> None:
    numbers = range(1, 201)
    held = {n for n in numbers if hash_bucket("brand", "recall", uid(n)) < 1_000}
    free = sorted(set(numbers) - held)
    brand = Brand().people(*numbers).people(201, staff=True)
    for days in (1, 2, 3):
        brand.touch(free[0], days)  # lost to a cap, after its arm was drawn
    brand.segments["everybody"] = [*numbers, 201]
    with brand.reader(tmp_path) as reader:
        segments, request = Segments(reader, brand), request_of(strategy(holdout_rate=0.10, version=2))
        plan = make_plan(reader, segments, request)
        rows = reader.frame(drawn_arms(gather(reader, segments, request), plan.candidates)).to_pylist()
    arms = {row["customer_no"]: row["arm"] for row in rows}
    assert arms == {n: "holdout" if n in held else "touch" for n in numbers}
    assert {(row["scope"], row["play"], row["plan"], row["strategy_version"]) for row in rows} == {
        ("recall", "main", "p1", 2)
    }


def test_globally_held_out_candidate_has_no_arm_of_the_strategy(tmp_path: Path) -> None:
    brand = Brand().people(*range(1, 101))
    with brand.reader(tmp_path) as reader:
        brand.segments["everybody"] = list(range(1, 101))
        segments, request = Segments(reader, brand), request_of(global_holdout_rate=0.3)
        plan = make_plan(reader, segments, request)
        rows = reader.frame(drawn_arms(gather(reader, segments, request), plan.candidates)).to_pylist()
    assert {row["arm"] for row in rows} == {"touch"}
    assert len(rows) == plan.touches < 100


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'store.db'}", memory_keys(b"test"))
    yield opened
    opened.close()


def test_gate_admits_what_the_plan_wants_and_draws_the_same_arms(tmp_path: Path, store: Store) -> None:
    """The same people in both planes: each planned touch is admitted, each held-out one held out."""
    keys = [PersonKeys(source="shop", shop_id=str(n)) for n in range(150)]
    refs = store.identity.resolve(keys, NOW)
    brand = Brand()
    for ref in refs:
        brand.add("customers", {"customer_no": ref.customer_no, "customer_uid": ref.customer_uid})
    templates = {name: Template(key=name, texts={"zh": {"text": name}}) for name in ("a", "b")}
    split = play(script=Slot(variants={"new": "a", "old": "b"}))
    brand.segments["everybody"] = [ref.customer_no for ref in refs]
    request = request_of(
        strategy("recall", split, holdout_rate=0.2, version=1), templates=templates, global_holdout_rate=None
    )
    with brand.reader(tmp_path / "warehouse") as reader:
        segments = Segments(reader, brand)
        plan = make_plan(reader, segments, request)
        known = gather(reader, segments, request)
        rows = reader.frame(plan.candidates).to_pylist()
        parts = list(gate_candidates(known, plan.candidates))
        store.arms.record(
            reader.frame(drawn_arms(known, plan.candidates)), salt="brand", occurrence="2026-03-10", now=NOW
        )
    gate = store.gate(place=ZoneInfo("Asia/Shanghai"))
    decisions = [one for part in parts for one in gate.admit(part, NOW, "p1")]
    assert len(decisions) == plan.touches > 80
    assert {one.reason for one in decisions} == {None}
    held = [row for row in rows if row["reason"] == "holdout"]
    template = parts[0][0]
    uids = {ref.customer_no: ref.customer_uid for ref in refs}
    forced = [
        replace(template, customer_no=row["customer_no"], customer_uid=uids[row["customer_no"]])
        for row in held
    ]
    assert len(forced) > 20
    refused = gate.admit(forced, NOW, "p1")
    assert [(one.reason, one.detail) for one in refused] == [(Reason.HOLDOUT, row["detail"]) for row in held]


def test_plan_of_a_later_day_asks_for_another_occurrence(tmp_path: Path) -> None:
    later = replace(request_of(), as_of=date(2026, 3, 11), now=NOW + timedelta(days=1))
    ((one,),) = asked(Brand().people(1), later, tmp_path)
    assert one.occurrence == "2026-03-11"


def test_gate_must_see_consent_unless_it_was_assumed(tmp_path: Path) -> None:
    brand = Brand(segments={"old": [1, 2]}).people(1, 2)
    brand.add("reachable", *({"customer_no": n, "channel": "email"} for n in (1, 2)))
    brand.add("consents", {"customer_no": 1, "channel": "email", "purpose": "marketing", "granted": True})
    policy = ContactPolicy(assumed_consent={"email": "old"})
    (part,) = asked(brand, request_of(strategy("s", play(channels=("email",))), policy=policy), tmp_path)
    assert {one.customer_no: one.consent_required for one in part} == {1: True, 2: False}
    assert {one.customer_no: one.consent_assumed for one in part} == {1: "", 2: "old"}


def test_of_whom_it_is_assumed_no_more_the_gate_must_see_consent(tmp_path: Path) -> None:
    """The segment was another when the plan was made: who is not in the present one is asked for."""
    brand = Brand(segments={"old": [1, 2], "new": [2, 3]}).people(1, 2)
    brand.add("reachable", *({"customer_no": n, "channel": "email"} for n in (1, 2)))
    brand.segments.setdefault("everybody", [1, 2])
    request = request_of(
        strategy("s", play(channels=("email",))), policy=ContactPolicy(assumed_consent={"email": "old"})
    )
    after = replace(request, policy=ContactPolicy(assumed_consent={"email": "new"}))
    with brand.reader(tmp_path) as reader:
        segments = Segments(reader, brand)
        rows = make_plan(reader, segments, request).candidates
        (part,) = gate_candidates(gather(reader, segments, after), rows)
    found = {one.customer_no: (one.consent_required, one.consent_assumed) for one in part}
    assert found == {1: (True, ""), 2: (False, "new")}


class NotAsked:
    """Segments that nobody may look at."""

    def audience(self, segment: str) -> Audience:
        raise AssertionError(f"segment '{segment}' was looked at")


def told(brand: Brand, request: PlanRequest, folder: Path, *, less: tuple[str, ...] = ()) -> list[object]:
    """Plan, then ask again of rows without the columns ``less``; of all columns without any segment."""
    brand.segments.setdefault("everybody", [row["customer_no"] for row in brand.facts["customers"]])
    with brand.reader(folder) as reader:
        segments = Segments(reader, brand)
        rows = make_plan(reader, segments, request).candidates.drop(*less)
        known = gather(reader, segments if less else NotAsked(), request)
        parts = list(gate_candidates(known, rows))
    return sorted((one for part in parts for one in part), key=lambda one: one.customer_no)


def test_rows_tell_the_gate_all_and_those_of_an_earlier_release_are_told_the_same(tmp_path: Path) -> None:
    """Sending needs neither segments nor profile: who is capped how and of whom a yes is assumed was kept."""
    nine = FrequencyCap(key="nine", touches_max=9)
    policy = ContactPolicy(
        capped_groups={"vip": (nine,)}, exempt_segments=("board",), assumed_consent={"email": "old"}
    )
    brand = Brand(segments={"vip": [1, 4], "board": [2], "old": [1, 2, 3]}).people(1, 2, 3, 4)
    brand.add("reachable", *({"customer_no": n, "channel": "email"} for n in (1, 2, 3, 4)))
    yes = {"channel": "email", "purpose": "marketing", "granted": True}
    brand.add("consents", *({"customer_no": n, **yes} for n in (3, 4)))
    request = request_of(strategy("s", play(channels=("email",))), policy=policy)
    new = told(brand, request, tmp_path / "new")
    assert [(one.customer_no, len(one.caps), one.consent_assumed) for one in new] == [
        (1, 1, "old"),
        (2, 0, "old"),
        (3, 1, ""),
        (4, 1, ""),
    ]
    assert [cap.key for cap in new[0].caps] == ["nine"]
    assert told(brand, request, tmp_path / "old", less=("cap_group", "agreed", "policy")) == new


def test_groups_of_another_policy_are_looked_at_again(tmp_path: Path) -> None:
    """The policy gained a group before the first in order: the numbers in the rows mean others now."""
    one_, nine = FrequencyCap(key="one", touches_max=1), FrequencyCap(key="nine", touches_max=9)
    brand = Brand(segments={"vip": [1], "able": [2], "everybody": [1, 2]}).people(1, 2)
    request = request_of(policy=ContactPolicy(capped_groups={"vip": (nine,)}))
    after = replace(request, policy=ContactPolicy(capped_groups={"vip": (nine,), "able": (one_,)}))
    with brand.reader(tmp_path) as reader:
        segments = Segments(reader, brand)
        rows = make_plan(reader, segments, request).candidates
        (part,) = gate_candidates(gather(reader, segments, after), rows)
    assert {one.customer_no: [cap.key for cap in one.caps] for one in part} == {1: ["nine"], 2: ["one"]}


def test_a_yes_to_another_purpose_leaves_consent_assumed(tmp_path: Path) -> None:
    """Else the gate would look for a yes to marketing, which the plan rightly did without."""
    brand = Brand(segments={"old": [1, 2]}).people(1, 2)
    brand.add("reachable", *({"customer_no": n, "channel": "email"} for n in (1, 2)))
    yes = {"channel": "email", "granted": True}
    brand.add("consents", {"customer_no": 1, "purpose": "transactional", **yes})
    brand.add("consents", {"customer_no": 2, "purpose": "*", **yes})
    policy = ContactPolicy(assumed_consent={"email": "old"})
    (part,) = asked(brand, request_of(strategy("s", play(channels=("email",))), policy=policy), tmp_path)
    assert {one.customer_no: one.consent_required for one in part} == {1: False, 2: True}


def test_preview_shows_real_customers_what_they_would_get(tmp_path: Path) -> None:
    profile = [{"customer_no": n, "last_purchase_day": 20_500 + n} for n in (1, 2, 3)]
    text = "{{ customer.last_purchase_on }} {{ offer.code }} {{ unsubscribe.url }}"
    hello = Template(key="hello", texts={"zh": {"text": text}}, required=("customer.last_purchase_on",))
    brand = Brand(profile=profile).people(1, 2, 3).people(4, staff=True)
    request = request_of(strategy("s", play(offer=Offer(code_list="ten"))), templates={"hello": hello})
    brand.segments["everybody"] = [1, 2, 3, 4]
    with brand.reader(tmp_path) as reader:
        segments = Segments(reader, brand)
        plan = make_plan(reader, segments, request)
        shown = preview_touches(gather(reader, segments, request), plan.candidates, count=2)
    texts = {one.customer_no: one.message.text if one.message else one.problem for one in shown}
    assert texts == {1: "2026-02-17 ×××××××× https://…", 2: "2026-02-18 ×××××××× https://…"}
