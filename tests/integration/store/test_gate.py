from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from koipond.facts.people import PersonKeys
from koipond.kernel import InputError, hash_bucket
from koipond.outreach.model import BudgetLine, FrequencyCap, GateCandidate, GateDecision, QuietHours, Reason
from koipond.outreach.ports import ChannelSheet, SendResult
from koipond.store import ConsentStatement, PersonFlags, Store, Suppression

PLACE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)  # 12:00 in Shanghai
CAP = FrequencyCap(key="week", touches_max=3, days=7)


@pytest.fixture
def people(store: Store) -> dict[int, str]:
    refs = store.identity.resolve([PersonKeys(source="s", shop_id=str(n)) for n in range(40)], NOON)
    return {ref.customer_no: ref.customer_uid for ref in refs}


@pytest.fixture
def ask(people: dict[int, str]) -> Callable[..., GateCandidate]:
    def build(customer_no: int = 1, **changes: Any) -> GateCandidate:
        one = GateCandidate(
            customer_no=customer_no,
            customer_uid=people[customer_no],
            strategy="recall",
            strategy_version=1,
            play="gentle",
            occurrence="2026-03-02",
            variant="",
            channel="sandbox",
            purpose="marketing",
            content="c1",
            due_at=NOON,
            expires_at=NOON + timedelta(days=1),
            cost_fen=5,
            caps=(CAP,),
            budgets=(),
            consent_required=False,
            address_required=False,
            re_entry_days=0,
            duplicate_content_days=0,
            holdout_global_rate=0.0,
            holdout_strategy_rate=0.0,
            holdout_salt="salt",
        )
        return replace(one, **changes)

    return build


Ask = Callable[..., GateCandidate]


def admit(store: Store, *candidates: GateCandidate, now: datetime = NOON) -> list[GateDecision]:
    return store.gate(PLACE).admit(candidates, now, "p1")


def reasons(decisions: list[GateDecision]) -> list[str]:
    return [f"{d.reason}:{d.detail}".rstrip(":") if d.reason else "touch" for d in decisions]


def count(store: Store, table: str) -> int:
    with store.database.read() as connection:
        return int(connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())


def taken(store: Store) -> dict[str, int]:
    with store.database.read() as connection:
        return {
            r[0]: r[1] for r in connection.execute(sa.text("SELECT scope, taken_fen FROM budget")) if r[1]
        }


def test_a_clean_candidate_becomes_a_queued_touch(store: Store, ask: Ask) -> None:
    (decision,) = admit(store, ask())
    assert decision.touch_key is not None
    assert decision.due_at == NOON
    (record,) = store.touches.of(1)
    assert (record.touch_key, record.state, record.plan) == (decision.touch_key, "queued", "p1")


@pytest.mark.parametrize(
    ("waits", "reason"),
    [
        ({"re_entry_days": 9, "duplicate_content_days": 9}, "re_entry"),
        ({"re_entry_days": 0, "duplicate_content_days": 9}, "duplicate_content:recall"),
        ({"re_entry_days": 0, "duplicate_content_days": 0}, "re_entry"),
    ],
)
def test_what_another_plan_has_had_is_lost_with_a_reason_and_takes_nothing(
    store: Store, ask: Ask, waits: dict[str, int], reason: str
) -> None:
    store.codes.add("ten", ["A", "B"])
    budgets = (BudgetLine(scope="b", limit_fen=100),)
    one = ask(budgets=budgets, code_list="ten", offer_cost_fen=10, **waits)
    staff = ask(2, **waits)
    gate = store.gate(PLACE)
    first = gate.admit([one, staff], NOON, "p1")
    store.people.set_flags([PersonFlags(customer_no=2, staff=True)])
    before = taken(store), count(store, "touch"), store.codes.stock(NOON)[0].issued
    assert reasons(gate.admit([one, staff], NOON, "p2")) == [reason, "staff"]
    assert reasons(gate.admit([one, staff], NOON, "p2")) == [reason, "staff"]
    again = gate.admit([one, staff], NOON, "p1")  # killed and sent once more
    assert again == first
    assert [[d.new for d in found] for found in (first, again)] == [[True, True], [False, False]]
    assert (taken(store), count(store, "touch"), store.codes.stock(NOON)[0].issued) == before


def test_the_store_tells_who_holds_a_good_code_and_whose_has_expired(store: Store, ask: Ask) -> None:
    store.codes.add("ten", ["A"], NOON + timedelta(days=1))
    store.codes.add("ten", ["B", "C"])
    store.codes.add("other", ["D"])
    admit(store, *(ask(n, code_list="ten") for n in (1, 2)), ask(3, code_list="other"))
    assert store.codes.people(["ten", "none"], NOON) == {"ten": ([1, 2], []), "none": ([], [])}
    later = NOON + timedelta(days=1)
    assert store.codes.people(["ten"], later) == {"ten": ([2], [1])}
    again = [ask(n, code_list="ten", occurrence="2", due_at=later, expires_at=later) for n in (1, 2, 4)]
    assert reasons(admit(store, *again, now=later)) == ["budget:code_list:ten", "touch", "touch"]


def test_each_code_of_a_file_has_its_own_end_and_all_or_none_are_added(store: Store) -> None:
    later = NOON + timedelta(days=1)
    assert store.codes.add("ten", ["A", "B", "C"], ends=[later, None, NOON]).new == 3
    assert store.codes.stock(NOON)[0].left == 2
    assert store.codes.stock(later)[0].left == 1
    with pytest.raises(InputError, match="line 2 is empty"):
        store.codes.add("ten", ["D", ""], ends=[later, None])
    assert store.codes.add("ten", ["D"], ends=[later]).new == 1, "nothing of the file that was refused"


def test_a_touch_that_failed_has_still_used_up_its_occurrence_for_other_plans(store: Store, ask: Ask) -> None:
    one = ask(re_entry_days=9, duplicate_content_days=9)
    gate, box = store.gate(PLACE), store.outbox(PLACE)
    gate.admit([one], NOON, "p1")
    sheet = ChannelSheet(channel="sandbox")
    claim = box.claim(sheet, 1, NOON)
    (touch,) = claim.touches
    result = SendResult(key=touch.touch_key, outcome="failed", detail="no such user")
    box.advance(sheet, claim, done=[(touch, result)], now=NOON)
    assert reasons(gate.admit([one], NOON, "p2")) == ["re_entry"]
    assert count(store, "touch") == 1


def test_the_same_candidate_again_finds_its_touch_and_changes_nothing(store: Store, ask: Ask) -> None:
    store.codes.add("ten", ["A", "B"])
    one = ask(
        budgets=(BudgetLine(scope="b", limit_fen=100),), code_list="ten", offer_cost_fen=10, re_entry_days=9
    )
    first = admit(store, one, one, ask(2, holdout_strategy_rate=1.0))
    again = admit(store, one, ask(2, holdout_strategy_rate=1.0), now=NOON + timedelta(hours=1))
    assert first[0] == first[1] == again[0]
    assert reasons(again[1:]) == ["holdout:recall"]
    assert [count(store, table) for table in ("touch", "outbox", "assignment", "held_out")] == [1, 1, 2, 1]
    assert taken(store) == {"b": 15}
    assert store.codes.stock(NOON)[0].issued == 1


def test_each_customer_check_says_its_reason_in_the_order_of_the_checks(store: Store, ask: Ask) -> None:
    store.people.set_flags([PersonFlags(customer_no=1, staff=True), PersonFlags(customer_no=3, minor=True)])
    store.consents.suppress(
        [
            Suppression(customer_no=1, reason="complaint", at=NOON),
            Suppression(customer_no=2, reason="hard_bounce", at=NOON, channel="email"),
            Suppression(customer_no=4, reason="hard_bounce", at=NOON, channel="sms"),
        ]
    )
    mail = {"channel": "email", "address_required": True, "consent_required": True}
    store.identity.resolve([PersonKeys(source="s", shop_id="4", email="e@example.org")], NOON)
    decisions = admit(
        store,
        ask(1, **mail),
        ask(2, **mail),
        ask(3, **mail),
        ask(4, **mail),
        ask(5, **mail),
        ask(3, purpose="transactional", occurrence="t"),
        ask(6, holdout_strategy_rate=1.0),
        ask(6, holdout_strategy_rate=1.0, holdout_global_rate=1.0, strategy="other"),
    )
    assert reasons(decisions) == [
        "staff",
        "suppressed:hard_bounce",
        "minor",
        "no_address:email",
        "no_consent:email:marketing",
        "touch",
        "holdout:recall",
        "holdout:global",
    ]


def test_consent_of_the_channel_and_purpose_opens_the_gate_until_it_is_withdrawn(
    store: Store, ask: Ask
) -> None:
    def say(granted: bool, purpose: Any = "marketing", hour: int = 0) -> None:
        at = NOON + timedelta(hours=hour)
        said = ConsentStatement(
            customer_no=1, channel="email", purpose=purpose, granted=granted, at=at, source="form"
        )
        store.consents.append([said], NOON)

    one = ask(channel="email", consent_required=True)
    say(True, purpose="transactional")
    assert reasons(admit(store, one)) == ["no_consent:email:marketing"]
    say(True)
    assert reasons(admit(store, one)) == ["touch"]
    say(False, hour=1)
    assert reasons(admit(store, replace(one, occurrence="next"))) == ["no_consent:email:marketing"]


@pytest.mark.parametrize("required", [True, False], ids=["required", "assumed or none"])
def test_a_refusal_recorded_after_the_plan_shuts_the_gate_whatever_the_consent_mode(
    store: Store, ask: Ask, required: bool
) -> None:
    def say(granted: bool, hour: int) -> None:
        at = NOON + timedelta(hours=hour)
        place = {"customer_no": 1, "channel": "email", "purpose": "marketing"}
        store.consents.append([ConsentStatement(**place, granted=granted, at=at, source="form")], NOON)

    say(True, 0)
    one, other = (ask(n, channel="email", consent_required=required) for n in (1, 2))
    say(False, 1)
    silent = "no_consent:email:marketing" if required else "touch"
    assert reasons(admit(store, one, other)) == ["no_consent:email:marketing", silent]
    elsewhere = ask(1, channel="sandbox", consent_required=False)
    assert reasons(admit(store, elsewhere)) == ["touch"]  # another channel was not refused


def test_the_cap_counts_touches_of_one_batch_too(store: Store, ask: Ask) -> None:
    many = [ask(1, occurrence=str(n)) for n in range(5)] + [ask(2)]
    assert reasons(admit(store, *many)) == ["touch"] * 3 + ["frequency_cap:week"] * 2 + ["touch"]


def test_a_rolling_cap_opens_when_the_first_touch_leaves_its_window(store: Store, ask: Ask) -> None:
    cap = FrequencyCap(key="one", touches_max=1, days=7)
    first = ask(caps=(cap,), expires_at=NOON + timedelta(seconds=1))
    admit(store, first)
    for wait, expected in (
        (timedelta(days=7, seconds=-1), "frequency_cap:one"),
        (timedelta(days=7), "touch"),
    ):
        late = NOON + wait
        one = replace(first, occurrence=str(wait), due_at=late, expires_at=late + timedelta(hours=1))
        if expected == "touch":
            one = replace(one, due_at=late + timedelta(seconds=1))
        assert reasons(admit(store, one, now=late)) == [expected]


def test_a_touch_that_waits_counts_for_one_that_is_asked_later_but_due_sooner(store: Store, ask: Ask) -> None:
    cap = FrequencyCap(key="one", touches_max=1, days=3)
    tomorrow = {"due_at": NOON + timedelta(days=1), "expires_at": NOON + timedelta(days=2)}
    asked = [ask(caps=(cap,), **tomorrow), ask(caps=(cap,), occurrence="now")]
    assert reasons(admit(store, *asked)) == ["touch", "frequency_cap:one"]


def test_a_calendar_cap_counts_the_local_day(store: Store, ask: Ask) -> None:
    cap = FrequencyCap(key="day", touches_max=1, window="calendar_day")
    evening = datetime(2026, 3, 2, 11, tzinfo=UTC)  # 19:00 in Shanghai
    morning = datetime(2026, 3, 3, 1, tzinfo=UTC)  # 09:00 the next day there, the same day in UTC+0 minus
    first = ask(caps=(cap,), due_at=evening, expires_at=evening + timedelta(hours=1))
    again = replace(first, occurrence="again", due_at=evening + timedelta(minutes=5))
    next_day = replace(first, occurrence="next", due_at=morning, expires_at=morning + timedelta(hours=1))
    assert reasons(admit(store, first, again, next_day, now=evening)) == [
        "touch",
        "frequency_cap:day",
        "touch",
    ]


def test_caps_of_other_channels_and_purposes_do_not_count(store: Store, ask: Ask) -> None:
    mail = FrequencyCap(key="mail", touches_max=1, channel="email")
    service = FrequencyCap(key="service", touches_max=1, days=1, purpose="transactional")
    asked = [
        ask(channel="email", caps=(mail,)),
        ask(channel="sms", occurrence="2", caps=(mail,)),
        ask(channel="email", occurrence="3", caps=(mail,)),
        ask(purpose="transactional", occurrence="4", caps=(service,)),
        ask(purpose="transactional", occurrence="5", caps=(service,)),
    ]
    assert reasons(admit(store, *asked)) == [
        "touch",
        "touch",
        "frequency_cap:mail",
        "touch",
        "frequency_cap:service",
    ]


def test_re_entry_waits_after_a_touch_of_the_same_strategy(store: Store, ask: Ask) -> None:
    admit(store, ask(expires_at=NOON + timedelta(hours=1)))
    asked = [ask(occurrence="2", re_entry_days=30), ask(occurrence="2", strategy="other", re_entry_days=30)]
    assert reasons(admit(store, *asked)) == ["re_entry", "touch"]
    later = NOON + timedelta(days=30, hours=1, seconds=1)
    again = ask(occurrence="3", re_entry_days=30, due_at=later, expires_at=later + timedelta(hours=1))
    assert reasons(admit(store, again, now=later)) == ["touch"]


def test_equal_content_is_not_sent_twice_in_thirty_days_whatever_the_strategy(store: Store, ask: Ask) -> None:
    admit(store, ask())
    asked = [
        ask(strategy="other", duplicate_content_days=30),
        ask(strategy="other", content="c2", duplicate_content_days=30),
    ]
    assert reasons(admit(store, *asked)) == ["duplicate_content:recall", "touch"]


def test_touches_of_another_tool_count_for_caps_and_content(store: Store, ask: Ask) -> None:
    import pyarrow as pa

    from koipond.facts.schemas import FACTS

    row = dict.fromkeys(FACTS["touches"].names)
    old = int((NOON - timedelta(days=1)).timestamp())
    base = row | {"customer_no": 1, "channel": "sms", "purpose": "marketing", "content": "c1", "at_s": old}
    rows = pa.Table.from_pylist([base | {"touch_key": f"x{n}"} for n in range(3)], schema=FACTS["touches"])
    assert store.touches.import_touches(rows, import_no=1, now=NOON) == 3
    assert store.touches.import_touches(rows, import_no=2, now=NOON) == 0
    asked = [ask(), ask(duplicate_content_days=30)]
    assert reasons(admit(store, *asked)) == ["frequency_cap:week", "duplicate_content"]
    assert store.touches.void_import(1, NOON) == 3
    assert reasons(admit(store, ask())) == ["touch"]


def test_no_budget_gives_more_than_it_has(store: Store, ask: Ask) -> None:
    line = (BudgetLine(scope="strategy:recall", limit_fen=17),)
    asked = [ask(n, budgets=line) for n in range(1, 6)]
    assert reasons(admit(store, *asked)) == ["touch"] * 3 + ["budget:strategy:recall"] * 2
    assert taken(store) == {"strategy:recall": 15}
    assert reasons(admit(store, ask(9, budgets=line), ask(10, budgets=line, cost_fen=2))) == [
        "budget:strategy:recall",
        "touch",
    ]
    assert taken(store) == {"strategy:recall": 17}


def test_a_refused_budget_takes_nothing_from_the_others(store: Store, ask: Ask) -> None:
    lines = (BudgetLine(scope="total", limit_fen=100), BudgetLine(scope="day", limit_fen=4))
    assert reasons(admit(store, ask(budgets=lines))) == ["budget:day"]
    assert taken(store) == {}


def test_what_one_customer_may_cost_a_strategy_is_limited(store: Store, ask: Ask) -> None:
    asked = [ask(occurrence=str(n), per_customer_limit_fen=10, caps=()) for n in range(3)]
    assert reasons(admit(store, *asked[:1])) == ["touch"]
    assert reasons(admit(store, *asked[1:])) == ["touch", "budget:per_customer"]


def test_a_customer_holds_one_code_of_a_list_and_pays_for_it_once(store: Store, ask: Ask) -> None:
    store.codes.add("ten", ["A", "B"])
    line = (BudgetLine(scope="b", limit_fen=1_000),)
    offer = {"code_list": "ten", "offer_cost_fen": 100, "budgets": line}
    asked = [ask(1, **offer), ask(2, **offer), ask(3, **offer), ask(1, occurrence="2", **offer)]
    assert reasons(admit(store, *asked)) == ["touch", "touch", "budget:code_list:ten", "touch"]
    assert store.codes.holders("ten") == {"A": 1, "B": 2}
    assert taken(store) == {"b": 2 * 105 + 5}
    (stock,) = store.codes.stock(NOON)
    assert (stock.issued, stock.left) == (2, 0)


def test_a_code_told_in_two_touches_is_freed_only_with_the_last(store: Store, ask: Ask) -> None:
    store.codes.add("ten", ["A"])
    admit(store, ask(code_list="ten"), ask(code_list="ten", occurrence="2"))
    for left in (1, 0):
        box, sheet = store.outbox(PLACE), ChannelSheet(channel="sandbox")
        claim = box.claim(sheet, 1, NOON)
        begun = box.advance(sheet, claim, begin=claim.touches, now=NOON).may_go
        box.advance(
            sheet, claim, done=[(one, SendResult(key="", outcome="failed")) for one in begun], now=NOON
        )
        assert len(store.codes.holders("ten")) == left
        assert [check for check in store.checks.all(PLACE, NOON) if check.breaks] == []


def test_an_expired_code_is_not_issued(store: Store, ask: Ask) -> None:
    store.codes.add("ten", ["A"], expires_at=NOON)
    assert reasons(admit(store, ask(code_list="ten"))) == ["budget:code_list:ten"]


def test_the_platforms_quota_counts_touches_of_a_local_day(store: Store, ask: Ask) -> None:
    gate = store.gate(PLACE, quotas={"sandbox": 2})
    asked = [ask(n) for n in range(1, 5)]
    assert reasons(gate.admit(asked, NOON)) == ["touch", "touch"] + ["platform_quota:sandbox"] * 2
    tomorrow = ask(4, due_at=NOON + timedelta(days=1), expires_at=NOON + timedelta(days=2))
    assert reasons(gate.admit([tomorrow], NOON)) == ["touch"]


def test_arms_follow_the_hash_are_recorded_once_and_stay(store: Store, ask: Ask) -> None:
    asked = [ask(n, holdout_strategy_rate=0.5) for n in range(1, 41)]
    decisions = admit(store, *asked)
    held = {one.customer_no for one in asked if hash_bucket("salt", "recall", one.customer_uid) < 5_000}
    assert {d.customer_no for d in decisions if d.reason is Reason.HOLDOUT} == held
    assert 5 < len(held) < 35
    later = [replace(one, occurrence="2", holdout_strategy_rate=0.0) for one in asked]
    again = admit(store, *later)
    assert {d.customer_no for d in again if d.reason is Reason.HOLDOUT} == held
    assert count(store, "assignment") == 40


def test_the_global_hold_out_turns_with_its_start_and_spares_transactional_messages(
    store: Store, ask: Ask
) -> None:
    bucket = hash_bucket("salt", "global", ask(1).customer_uid)
    asked = [
        ask(holdout_global_rate=0.05, holdout_global_start=bucket),
        ask(holdout_global_rate=0.05, holdout_global_start=(bucket + 1) % 10_000),
        ask(holdout_global_rate=1.0, purpose="transactional", occurrence="t"),
    ]
    assert reasons(admit(store, *asked)) == ["holdout:global", "touch", "touch"]


def test_a_linked_person_is_held_out_capped_and_barred_as_one(store: Store, ask: Ask) -> None:
    keys = {"source": "s", "phone": "+8613800000001", "verified": True}
    admit(store, ask(2, holdout_strategy_rate=1.0, strategy="held"))
    admit(store, *[ask(2, occurrence=str(n)) for n in range(3)])
    store.identity.resolve([PersonKeys(shop_id="0", **keys), PersonKeys(shop_id="1", **keys)], NOON)
    assert store.people.export_links().num_rows == 1
    assert reasons(admit(store, ask(1, strategy="held"), ask(1, occurrence="9"))) == [
        "holdout:held",
        "frequency_cap:week",
    ]
    assert reasons(admit(store, ask(1, occurrence="0"))) == ["touch"]  # the touch its other self has had
    assert count(store, "touch") == 3
    store.consents.suppress([Suppression(customer_no=2, reason="complaint", at=NOON)])
    assert reasons(admit(store, ask(1, occurrence="10", caps=()))) == ["suppressed:complaint"]


def test_night_only_moves_the_touch_and_in_the_customers_own_zone(store: Store, ask: Ask) -> None:
    store.people.set_flags([PersonFlags(customer_no=2, zone="America/New_York")])
    night = datetime(2026, 3, 2, 14, tzinfo=UTC)  # 22:00 in Shanghai, 09:00 in New York
    asked = {"due_at": night, "expires_at": night + timedelta(days=2)}
    decisions = admit(
        store, ask(1, **asked), ask(2, **asked), ask(3, purpose="transactional", **asked), now=night
    )
    assert [d.due_at for d in decisions] == [datetime(2026, 3, 3, 1, tzinfo=UTC), night, night]


def test_a_customer_nobody_knows_is_bad_input(store: Store, ask: Ask) -> None:
    with pytest.raises(InputError, match="99"):
        admit(store, replace(ask(), customer_no=99))


def test_gates_that_run_at_once_break_nothing(
    open_store: Callable[[], Store], ask: Ask, store: Store
) -> None:
    import threading

    store.codes.add("ten", [f"code{n}" for n in range(12)])
    line = (BudgetLine(scope="strategy:recall", limit_fen=5 * 30 + 100 * 12),)
    asked = [
        ask(
            n,
            occurrence=str(turn),
            budgets=line,
            code_list="ten" if turn else None,
            offer_cost_fen=100 * turn,
        )
        for n in range(1, 41)
        for turn in (0, 1)
    ]
    gates = [open_store().gate(PLACE, quiet=QuietHours(start_hour=0, end_hour=0)) for _ in range(4)]
    answers: list[list[GateDecision]] = [[] for _ in gates]

    def run(place: int) -> None:
        mine = asked[place * 7 :] + asked[: place * 7]
        for start in range(0, len(mine), 20):
            answers[place] += gates[place].admit(mine[start : start + 20], NOON)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(gates))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert [len(answer) for answer in answers] == [80] * 4
    assert [check for check in store.checks.all(PLACE, NOON) if check.breaks] == []
    assert store.codes.stock(NOON)[0].issued <= 12
    assert taken(store)["strategy:recall"] <= line[0].limit_fen
    assert count(store, "touch") == count(store, "outbox") > 12
