"""The touch plan: each check, its order, and what a plan says of itself."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from koipond.budgets import Budget
from koipond.experiments.assignment import arms_of_shares
from koipond.kernel import InputError, hash_bucket
from koipond.outreach.model import ContactPolicy, FrequencyCap, QuietHours
from koipond.outreach.ports import ChannelSheet
from koipond.outreach.templates import Template
from koipond.strategy.model import Landing, Offer, Slot, content_of
from koipond.strategy.plan import CodesLeft
from koipond.testing.plans import AS_OF, NOW, NOW_S, Brand, Planned, play, request_of, strategy, uid

Run = Callable[..., Planned]


def email_for(*numbers: int) -> list[dict[str, Any]]:
    return [{"customer_no": n, "channel": "email"} for n in numbers]


def consent_for(*numbers: int, channel: str = "email", granted: bool = True) -> list[dict[str, Any]]:
    row = {"channel": channel, "purpose": "marketing", "granted": granted}
    return [{"customer_no": n, **row} for n in numbers]


def by_email(**fields: Any) -> Any:
    return request_of(strategy("recall", play(channels=("email",))), **fields)


def test_everybody_in_the_audience_is_a_candidate_and_nobody_else(planned: Run) -> None:
    brand = Brand(segments={"everybody": [1, 3]}).people(1, 2, 3)
    assert planned(brand).why() == {1: None, 3: None}


def test_staff_and_minors_get_no_marketing(planned: Run) -> None:
    brand = Brand().people(1).people(2, staff=True).people(3, minor=True)
    assert planned(brand).why() == {1: None, 2: "staff", 3: "minor"}


def test_minors_are_served_by_transactional_messages(planned: Run) -> None:
    request = request_of(strategy("receipt", play(purpose="transactional")))
    assert planned(Brand().people(3, minor=True), request).why() == {3: None}


def test_who_refuses_profiling_is_in_no_segment(planned: Run) -> None:
    brand = Brand(segments={"everybody": [1, 2]}).people(1).people(2, profiling_refused=True)
    assert planned(brand).why() == {1: None}


def test_plain_play_for_everyone_reachable_considers_them_too(planned: Run) -> None:
    brand = Brand().people(1).people(2, profiling_refused=True).people(3)
    brand.add("reachable", *email_for(1, 2)).add("consents", *consent_for(1, 2))
    request = request_of(strategy("news", play(audience="everyone_reachable", channels=("email",))))
    assert planned(brand, request).why() == {1: None, 2: None}


def test_address_comes_before_consent(planned: Run) -> None:
    brand = Brand().people(1, 2, 3, 4)
    brand.add("reachable", *email_for(2, 3, 4)).add("consents", *consent_for(1, 3))
    brand.add("consents", *consent_for(4, granted=False))
    expected = {
        1: "no_address:email",
        2: "no_consent:email:marketing",
        3: None,
        4: "no_consent:email:marketing",
    }
    assert planned(brand, by_email()).why() == expected


def test_consent_is_bound_to_channel_and_purpose(planned: Run) -> None:
    brand = (
        Brand()
        .people(1, 2)
        .add("reachable", *email_for(1, 2))
        .add("consents", *consent_for(1, channel="sms"))
    )
    brand.add("consents", {"customer_no": 2, "channel": "email", "purpose": "transactional", "granted": True})
    assert set(planned(brand, by_email()).why().values()) == {"no_consent:email:marketing"}


def test_a_refusal_shuts_a_channel_that_needs_no_consent(planned: Run) -> None:
    brand = Brand().people(1, 2, 3)
    brand.add("consents", *consent_for(2, channel="sandbox", granted=False), *consent_for(3, granted=False))
    assert planned(brand).why() == {1: None, 2: "no_consent:sandbox:marketing", 3: None}


def test_a_no_to_everything_shuts_each_channel_but_where_a_later_yes_stands(planned: Run) -> None:
    """A25: ``*`` is what `all` in any language was stored as."""
    brand = Brand().people(1, 2, 3).add("reachable", *email_for(1, 2, 3))
    brand.add("consents", *consent_for(1, 2, channel="*", granted=False), *consent_for(2, 3))
    brand.add("consents", {"customer_no": 3, "channel": "*", "purpose": "*", "granted": False})
    refused = "no_consent:email:marketing"
    assert planned(brand, by_email()).why() == {1: refused, 2: None, 3: None}
    assert planned(brand).why() == dict.fromkeys((1, 2, 3), "no_consent:sandbox:marketing")


def test_assumed_consent_holds_for_its_segment_but_not_against_a_refusal(planned: Run) -> None:
    brand = Brand(segments={"old_members": [1, 2]}).people(1, 2, 3).add("reachable", *email_for(1, 2, 3))
    brand.add("consents", *consent_for(2, granted=False))
    policy = ContactPolicy(assumed_consent={"email": "old_members"})
    refused = "no_consent:email:marketing"
    assert planned(brand, by_email(policy=policy)).why() == {1: None, 2: refused, 3: refused}


def test_suppression_holds_on_its_channel_or_on_all(planned: Run) -> None:
    brand = (
        Brand().people(1, 2, 3).add("reachable", *email_for(1, 2, 3)).add("consents", *consent_for(1, 2, 3))
    )
    brand.add("suppressions", {"customer_no": 1, "channel": "*", "reason": "erased"})
    brand.add("suppressions", {"customer_no": 2, "channel": "sms", "reason": "hard_bounce"})
    brand.add("suppressions", {"customer_no": 3, "channel": "email", "reason": "hard_bounce"})
    assert planned(brand, by_email()).why() == {1: "suppressed:email", 2: None, 3: "suppressed:email"}


def test_first_open_channel_in_order_of_preference_is_taken(planned: Run) -> None:
    brand = Brand().people(1, 2, 3).add("reachable", *email_for(1), {"customer_no": 2, "channel": "sms"})
    brand.add("consents", *consent_for(1), *consent_for(2, channel="sms"))
    request = request_of(strategy("recall", play(channels=("email", "sms"))))
    result = planned(brand, request)
    assert [(r["customer_no"], r["reason"], r["channel"]) for r in result.rows][:2] == [
        (1, None, "email"),
        (2, None, "sms"),
    ]


def test_reason_is_that_of_the_channel_that_came_furthest(planned: Run) -> None:
    brand = Brand().people(1).add("reachable", *email_for(1)).touch(1, 1, channel="email")
    brand.add("consents", *consent_for(1))
    cap = FrequencyCap(key="mail", touches_max=1, channel="email")
    request = request_of(
        strategy("recall", play(channels=("email", "sms"))), policy=ContactPolicy(caps=(cap,))
    )
    assert planned(brand, request).why() == {1: "frequency_cap:mail"}


def test_not_running_and_stale_take_everybody_and_say_how_to_mend_it(planned: Run) -> None:
    ended = planned(Brand().people(1, 2), request_of(strategy(ends_on=AS_OF - timedelta(days=1))))
    assert ended.why() == {1: "not_running", 2: "not_running"}
    assert "koipond apply" in ended.plan.notes[0]
    stale = planned(Brand(stale={"everybody": "too_old: 3 days old; run: koipond refresh"}).people(1))
    assert stale.why() == {1: "stale_segment:everybody"}
    assert "koipond refresh" in stale.plan.notes[0]


def test_plan_that_loses_everybody_to_one_reason_says_so_first(planned: Run) -> None:
    brand = Brand().people(1, 2).add("reachable", *email_for(1, 2))
    (note,) = planned(brand, by_email()).plan.notes
    assert note.startswith("all 2 candidates end at no_consent: ")
    assert note.endswith("run: koipond import consents FILE")


def test_strategy_hold_out_is_drawn_by_hash_and_keeps_a_recorded_arm(planned: Run) -> None:
    numbers = range(1, 401)
    held = {n for n in numbers if hash_bucket("brand", "recall", uid(n)) < 1_000}
    brand = Brand().people(*numbers)
    result = planned(brand, request_of(strategy(holdout_rate=0.10)))
    assert {n for n, why in result.why().items() if why == "holdout:recall"} == held
    assert 20 < len(held) < 60
    kept, moved = sorted(held)[0], min(set(numbers) - held)
    brand.add("assignments", {"scope": "recall", "customer_no": kept, "arm": "touch"})
    brand.add("assignments", {"scope": "recall", "customer_no": moved, "arm": "holdout"})
    again = planned(brand, request_of(strategy(holdout_rate=0.10))).why()
    assert (again[kept], again[moved]) == (None, "holdout:recall")


def test_global_hold_out_comes_first_and_spares_transactional_messages(planned: Run) -> None:
    brand = Brand().people(*range(1, 201))
    marketing = planned(brand, request_of(strategy(holdout_rate=0.5), global_holdout_rate=None)).why()
    held = {n for n, why in marketing.items() if why == "holdout:global"}
    assert 8 <= len(held) <= 40  # 10 % of so few customers
    served = planned(
        brand, request_of(strategy("receipt", play(purpose="transactional")), global_holdout_rate=None)
    )
    assert set(served.why().values()) == {None}


def test_merged_customer_is_held_out_when_either_was(planned: Run) -> None:
    brand = Brand().people(1, 2).add("identity_links", {"customer_no": 2, "survivor_no": 1})
    brand.add("assignments", {"scope": "recall", "customer_no": 1, "arm": "touch"})
    brand.add("assignments", {"scope": "recall", "customer_no": 2, "arm": "holdout"})
    brand.segments["everybody"] = [1]
    assert planned(brand).why() == {1: "holdout:recall"}


def test_re_entry_waits_for_its_own_strategy_only(planned: Run) -> None:
    brand = Brand().people(1, 2, 3)
    brand.touch(1, 29.9, strategy="recall").touch(2, 30, strategy="recall").touch(3, 1, strategy="other")
    assert planned(brand, request_of(strategy(re_entry_days=30))).why() == {1: "re_entry", 2: None, 3: None}


def test_same_content_is_not_said_twice_whoever_said_it(planned: Run) -> None:
    request = request_of()
    arm = request.strategies[0].plays[0].arms()[0]
    content = content_of(arm, request.templates["hello"].content)
    brand = Brand().people(1, 2).touch(1, 29, strategy="other", content=content).touch(2, 31, content=content)
    assert planned(brand, request).why() == {1: "duplicate_content", 2: None}


def test_missing_required_variable_is_a_template_error(planned: Run) -> None:
    brand = Brand(profile=[{"customer_no": 1, "last_purchase_day": 20_000}, {"customer_no": 2}]).people(1, 2)
    hello = Template(key="hello", texts={"zh": {"text": "x"}}, required=("customer.last_purchase_on",))
    result = planned(brand, request_of(templates={"hello": hello}))
    assert result.why() == {1: None, 2: "template_error:customer.last_purchase_on"}
    assert result.rows[0]["values"] == '{"last_purchase_day":20000}'


def test_rolling_cap_counts_seven_times_24_hours(planned: Run) -> None:
    brand = Brand().people(1, 2)
    for days in (0.1, 3, 6.999):
        brand.touch(1, days)
    for days in (0.1, 3, 7):
        brand.touch(2, days)
    assert planned(brand).why() == {1: "frequency_cap:all_channels", 2: None}


@pytest.mark.parametrize(("window", "ago_s", "full"), [
    ("calendar_day", 12 * 3600, True), ("calendar_day", 12 * 3600 + 1, False),
    ("calendar_week", 36 * 3600, True), ("calendar_week", 36 * 3600 + 1, False),
    ("calendar_month", (9 * 24 + 12) * 3600, True), ("calendar_month", (9 * 24 + 12) * 3600 + 1, False),
])  # fmt: skip
def test_calendar_cap_counts_from_local_midnight(planned: Run, window: Any, ago_s: int, full: bool) -> None:
    """2026-03-10 is a Tuesday; it is noon in Shanghai."""
    policy = ContactPolicy(caps=(FrequencyCap(key="c", touches_max=1, window=window),))
    brand = Brand().people(1).touch(1, ago_s / 86_400)
    assert planned(brand, request_of(policy=policy)).why() == {1: "frequency_cap:c" if full else None}


def test_calendar_day_is_that_of_the_customers_own_zone(planned: Run) -> None:
    policy = ContactPolicy(caps=(FrequencyCap(key="c", touches_max=1, window="calendar_day"),))
    brand = Brand().people(1, 2, 3).touch(1, 13 / 24).touch(2, 13 / 24).touch(3, 13 / 24)
    brand.add("traits", {"customer_no": 2, "name": "zone", "text_value": "America/New_York", "at_s": 1})
    brand.add("traits", {"customer_no": 3, "name": "zone", "text_value": "Mars/Olympus", "at_s": 1})
    # midnight in New York lies at 04:00 UTC, which is now; thirteen hours ago is yesterday everywhere
    assert planned(brand, request_of(policy=policy)).why() == {1: None, 2: None, 3: None}
    brand.touch(2, 0).touch(1, 0.1)
    again = planned(brand, request_of(policy=policy)).why()
    assert again == {1: "frequency_cap:c", 2: "frequency_cap:c", 3: None}


def test_transactional_touches_neither_fill_nor_meet_marketing_caps(planned: Run) -> None:
    brand = Brand().people(1)
    for days in (1, 2, 3, 4):
        brand.touch(1, days, purpose="transactional")
    assert planned(brand).why() == {1: None}
    for days in (1, 2, 3):
        brand.touch(1, days)
    request = request_of(strategy("receipt", play(purpose="transactional")))
    assert planned(brand, request).why() == {1: None}
    assert planned(brand).why() == {1: "frequency_cap:all_channels"}


def test_capped_group_has_its_own_caps_and_exempt_people_none(planned: Run) -> None:
    brand = Brand(segments={"vip": [1], "board": [2]}).people(1, 2, 3)
    for number in (1, 2, 3):
        brand.touch(number, 1)
    one, nine = FrequencyCap(key="one", touches_max=1), FrequencyCap(key="nine", touches_max=9)
    policy = ContactPolicy(caps=(one,), capped_groups={"vip": (nine,)}, exempt_segments=("board",))
    assert planned(brand, request_of(policy=policy)).why() == {1: None, 2: None, 3: "frequency_cap:one"}


def test_cap_of_the_strategy_holds_beside_the_policys(planned: Run) -> None:
    own = FrequencyCap(key="own", touches_max=1, days=14)
    brand = Brand().people(1).touch(1, 10)
    assert planned(brand, request_of(strategy(caps=(own,)))).why() == {1: "frequency_cap:own"}


def test_customer_gets_the_play_of_the_highest_priority(planned: Run) -> None:
    brand = Brand(segments={"a": [1, 2], "b": [2, 3]}).people(1, 2, 3)
    high = strategy("high", play(audience="a"), priority=60)
    low = strategy("low", play(audience="b", landing=Landing(url="/y")), priority=50)
    rows = planned(brand, request_of(low, high)).rows
    found = {(r["customer_no"], r["strategy"]): (r["reason"], r["detail"]) for r in rows}
    assert found == {
        (1, "high"): (None, ""),
        (2, "high"): (None, ""),
        (2, "low"): ("priority_lost", "high"),
        (3, "low"): (None, ""),
    }


def test_play_that_would_fail_takes_nobody_from_another(planned: Run) -> None:
    brand = Brand().people(1, 2).touch(1, 5, strategy="high")
    high = strategy("high", priority=60, re_entry_days=30)
    low = strategy("low", play(landing=Landing(url="/y")))
    found = {
        (r["customer_no"], r["strategy"]): r["reason"] for r in planned(brand, request_of(high, low)).rows
    }
    assert found == {
        (1, "high"): "re_entry",
        (1, "low"): None,
        (2, "high"): None,
        (2, "low"): "priority_lost",
    }


def test_marketing_and_transactional_messages_do_not_compete(planned: Run) -> None:
    receipt = strategy("receipt", play(purpose="transactional", landing=Landing(url="/y")))
    rows = planned(Brand().people(1), request_of(strategy(), receipt)).rows
    assert [row["reason"] for row in rows] == [None, None]


def test_quota_goes_to_the_most_valuable(planned: Run) -> None:
    values = [{"customer_no": n, "value_365d_fen": v} for n, v in ((1, 10), (2, 30), (3, 20), (4, 30))]
    sandbox = ChannelSheet(channel="sandbox", consent="none", quota_per_day=3)
    brand = Brand(profile=values).people(1, 2, 3, 4, 5).touch(9, 0.1)  # one of the three is gone today
    result = planned(brand, request_of(channels={"sandbox": sandbox}))
    lost = "platform_quota:sandbox"
    assert result.why() == {1: lost, 2: None, 3: lost, 4: None, 5: lost}


def test_budget_goes_to_the_most_valuable_until_it_is_used_up(planned: Run) -> None:
    values = [{"customer_no": n, "value_365d_fen": n} for n in range(1, 6)]
    ten = play(offer=Offer(code_list="ten"))
    brand = Brand(profile=values).people(1, 2, 3, 4, 5).touch(9, 40, strategy="recall", cost_fen=1_500)
    budget = Budget(total_fen=4_500, per_day_fen=2_000)
    result = planned(brand, request_of(strategy("recall", ten, budget=budget)))
    day = "budget:strategy:recall:2026-03-10"
    # 5 and 4 use up the day; the gate would find enough in total for the next, and nothing of today
    assert result.why() == {1: day, 2: day, 3: day, 4: None, 5: None}
    assert result.plan.to_dict()["cost_fen"] == 2_000
    assert sum(row["cost_fen"] + row["offer_cost_fen"] for row in result.rows) == 2_000


def test_codes_that_are_left_go_to_the_most_valuable_of_all_plays_that_share_the_list(planned: Run) -> None:
    """Who holds a good code takes no other and costs nothing more; whose code has expired gets no touch."""
    values = [{"customer_no": n, "value_365d_fen": n} for n in range(1, 9)]
    ten = Offer(code_list="ten")
    first = strategy("first", play("p", audience="odd", offer=ten), priority=60)
    second = strategy("second", play("p", audience="even", offer=ten, landing=Landing(url="/2")))
    brand = Brand(profile=values, segments={"odd": [1, 3, 5, 7], "even": [2, 4, 6, 8]}).people(*range(1, 9))
    codes = {"ten": CodesLeft(left=3, held=[1, 2], lapsed=[7])}
    result = planned(brand, request_of(first, second, codes=codes))
    no_code = "budget:code_list:ten"
    assert result.why() == {
        **{1: None, 3: None, 5: None, 7: no_code},  # two of the three codes
        **{2: None, 4: no_code, 6: no_code, 8: None},  # and the third
    }
    assert {row["customer_no"]: row["offer_cost_fen"] for row in result.rows if row["reason"] is None} == {
        **{1: 0, 2: 0},
        **{3: 1_000, 5: 1_000, 8: 1_000},
    }
    assert result.plan.to_dict()["cost_fen"] == 3_000
    assert result.plan.considered == 8


def test_the_code_of_a_linked_customer_is_his_own(planned: Run) -> None:
    ten = strategy("recall", play(offer=Offer(code_list="ten")))
    brand = Brand().people(1, 2).add("identity_links", {"customer_no": 2, "survivor_no": 1})
    assert planned(brand, request_of(ten, codes={"ten": CodesLeft(left=0, held=[2])})).why()[1] is None
    lapsed = request_of(ten, codes={"ten": CodesLeft(left=9, lapsed=[2])})
    assert planned(brand, lapsed).why()[1] == "budget:code_list:ten"


def test_a_variant_without_a_code_and_a_list_nobody_counts_know_no_limit(planned: Run) -> None:
    half = play(offer=Slot(variants={"code": Offer(code_list="ten"), "none": Offer()}))
    request = request_of(strategy("recall", half), codes={"ten": CodesLeft(left=2)})
    rows = planned(Brand().people(*range(1, 31)), request).rows
    by_variant = {
        name: [row["reason"] for row in rows if name in row["variant"]] for name in ("code", "none")
    }
    assert set(by_variant["none"]) == {None}
    assert len(by_variant["code"]) > 2
    assert by_variant["code"] == [None, None] + ["budget"] * (len(by_variant["code"]) - 2)
    whole = strategy("recall", play(offer=Offer(code_list="ten")))
    assert set(planned(Brand().people(1, 2, 3), request_of(whole)).why().values()) == {None}


def test_who_gets_no_code_leaves_the_budget_to_others_and_a_plan_of_nobody_says_so(planned: Run) -> None:
    ten, plain = play("a", offer=Offer(code_list="ten")), play("b", audience="few", channels=("email",))
    brand = Brand(segments={"few": [3]}).people(1, 2, 3)
    brand.add("reachable", *email_for(3)).add("consents", *consent_for(3))
    brand.segments["everybody"] = [1, 2]
    two = strategy("recall", ten, plain, budget=Budget(total_fen=1))
    request = request_of(two, codes={"ten": CodesLeft(left=0)})
    no_code = "budget:code_list:ten"
    assert planned(brand, request).why() == {1: no_code, 2: no_code, 3: None}
    nobody = planned(Brand().people(1), request_of(strategy("recall", ten), codes={"ten": CodesLeft(left=0)}))
    assert any("koipond codes import" in note for note in nobody.plan.notes)


def test_customers_own_budget_counts_what_the_strategy_spent_on_him(planned: Run) -> None:
    ten = play(offer=Offer(code_list="ten"))
    brand = Brand().people(1, 2).touch(1, 90, strategy="recall", cost_fen=1_001)
    brand.touch(2, 90, strategy="other", cost_fen=5_000)
    budget = Budget(total_fen=10**6, per_customer_fen=2_000)
    result = planned(brand, request_of(strategy("recall", ten, budget=budget)))
    assert result.why() == {1: "budget:per_customer", 2: None}


def test_offer_that_an_order_would_not_pay_for_is_refused(planned: Run) -> None:
    """Orders of 50.00 at a margin of 30 % earn 15.00; the offer costs 10.00. Orders of 30.00 earn 9.00."""
    rows = [
        {"customer_no": 1, "orders_365d": 2, "money_365d_fen": 10_000},
        {"customer_no": 2, "orders_365d": 2, "money_365d_fen": 6_000},
        {"customer_no": 3, "orders_365d": 0, "money_365d_fen": 0},
    ]
    ten = strategy("recall", play(offer=Offer(code_list="ten")))
    brand = Brand(profile=rows).people(1, 2, 3)
    assert planned(brand, request_of(ten, default_margin_bp=3_000)).why() == {
        1: None,
        2: "negative_margin",
        3: None,
    }
    assert set(planned(brand, request_of(ten)).why().values()) == {None}


def test_quiet_hours_only_move_the_touch(planned: Run) -> None:
    evening = replace(request_of(), now=NOW + timedelta(hours=10))  # 22:00 in Shanghai
    brand = Brand().people(1, 2)
    brand.add("traits", {"customer_no": 2, "name": "zone", "text_value": "Europe/Paris", "at_s": 1})
    result = planned(brand, evening)
    due = {row["customer_no"]: row["due_s"] - NOW_S for row in result.rows}
    assert due == {1: 21 * 3600, 2: 10 * 3600}
    assert (result.plan.touches, result.plan.to_dict()["deferred"]) == (2, 1)
    awake = replace(evening, policy=ContactPolicy(quiet=QuietHours(start_hour=0, end_hour=0)))
    assert planned(brand, awake).plan.to_dict()["deferred"] == 0


def test_language_is_the_customers_when_the_template_has_it(planned: Run) -> None:
    brand = Brand().people(1, 2, 3)
    brand.add("traits", {"customer_no": 1, "name": "language", "text_value": "en", "at_s": 5})
    brand.add("traits", {"customer_no": 1, "name": "language", "text_value": "zh", "at_s": 4})
    brand.add("traits", {"customer_no": 2, "name": "language", "text_value": "fr", "at_s": 4})
    assert [row["language"] for row in planned(brand).rows] == ["en", "zh", "zh"]


def test_variants_split_customers_evenly_and_for_good(planned: Run) -> None:
    templates = {name: Template(key=name, texts={"zh": {"text": name}}) for name in ("a", "b")}
    split = play(script=Slot(variants={"new": "a", "old": "b"}))
    brand = Brand().people(*range(1, 401))
    request = request_of(strategy("recall", split), templates=templates)
    first = {row["customer_no"]: row["variant"] for row in planned(brand, request).rows}
    assert 150 < sum(variant == "new" for variant in first.values()) < 250
    arms = arms_of_shares("brand", "recall/main/script", {"new": 1.0, "old": 1.0})
    assert first == {number: arms.arm_of(uid(number)) for number in range(1, 401)}
    later = replace(request, as_of=date(2026, 9, 1), now=NOW + timedelta(days=175))
    assert {row["customer_no"]: row["variant"] for row in planned(brand, later).rows} == first


def test_audience_under_test_considers_only_those_drawn_to_each_side(planned: Run) -> None:
    brand = Brand(segments={"a": list(range(1, 201)), "b": []}).people(*range(1, 201))
    split = play(audience=Slot(variants={"wide": "a", "none": "b"}))
    result = planned(brand, request_of(strategy("recall", split)))
    assert 70 < result.plan.considered < 130
    assert {row["variant"] for row in result.rows} == {"wide"}


def test_drawn_candidates_are_those_that_reached_the_hold_out_check(planned: Run) -> None:
    brand = Brand().people(1, 2, 3).people(4, staff=True).touch(2, 1, strategy="recall")
    brand.add("assignments", {"scope": "recall", "customer_no": 3, "arm": "holdout"})
    rows = planned(brand, request_of(strategy(re_entry_days=30))).rows
    assert {row["customer_no"]: row["drew"] for row in rows} == {1: True, 2: True, 3: True, 4: False}


def test_empty_audience_is_a_plan_with_a_note(planned: Run) -> None:
    result = planned(Brand(segments={"everybody": []}).people(1))
    assert (result.plan.considered, result.plan.customers, result.plan.waterfall) == (0, 0, ())
    assert "nobody is in the audience" in result.plan.notes[0]


def test_unknown_channel_names_the_known_ones(planned: Run) -> None:
    with pytest.raises(InputError, match="no channel 'fax'; known are email, sandbox, sms"):
        planned(Brand().people(1), request_of(strategy("recall", play(channels=("fax",)))))


def test_numbers_of_a_plan_keep_the_command_contract(planned: Run) -> None:
    brand = Brand().people(1).people(2, staff=True).people(3, minor=True)
    data = planned(brand).plan.to_dict()
    assert data["waterfall"] == [{"reason": "staff", "candidates": 1}, {"reason": "minor", "candidates": 1}]
    assert (data["considered"], data["customers"], data["touches"], data["deferred"]) == (3, 3, 1, 0)
    assert (data["plan"], data["as_of"], data["cost_fen"]) == ("p1", "2026-03-10", 0)


def at_one_address(*numbers: int, kind: str = "email", inbox_no: int = 1) -> list[dict[str, Any]]:
    return [{"customer_no": n, "kind": kind, "inbox_no": inbox_no} for n in numbers]


def test_an_address_gets_one_message_of_a_plan_and_the_most_valuable_holder_gets_it(planned: Run) -> None:
    """B03: the same for two strategies; by another channel each is reached on his own."""
    brand = Brand().people(1, 2, 3, 4)
    brand.add("reachable", *email_for(1, 2, 3, 4)).add("consents", *consent_for(1, 2, 3, 4))
    brand.add("inboxes", *at_one_address(1, 2, 3), *at_one_address(3, 4, kind="phone", inbox_no=2))
    brand.profile += [{"customer_no": n, "value_365d_fen": 100 * n} for n in (1, 2, 4)]
    lost = "priority_lost:same_address"
    assert planned(brand, by_email()).why() == {1: lost, 2: None, 3: lost, 4: None}
    assert planned(brand).why() == dict.fromkeys((1, 2, 3, 4)), "the sandbox uses no address"


def test_who_loses_an_address_is_left_to_a_play_that_uses_none(planned: Run) -> None:
    """B03: the address goes to the more valuable holder; the other is free for a play on another channel."""
    brand = Brand().people(1, 2)
    brand.add("reachable", *email_for(1, 2)).add("consents", *consent_for(1, 2))
    brand.add("inboxes", *at_one_address(1, 2))
    brand.profile += [{"customer_no": n, "value_365d_fen": n} for n in (1, 2)]
    mail = strategy("mail", play(channels=("email",)), priority=60)
    other = strategy("other", play(landing=Landing(url="/y")))
    rows = planned(brand, request_of(mail, other)).rows
    found = {(row["customer_no"], row["strategy"]): row["reason"] and row["detail"] for row in rows}
    assert found == {
        (1, "mail"): "same_address",
        (1, "other"): None,
        (2, "mail"): None,
        (2, "other"): "mail",
    }


def test_an_address_nobody_takes_is_left_to_the_next(planned: Run) -> None:
    """3 has both addresses and loses one to 4; the other is not used, so 2 gets it."""
    brand = Brand().people(2, 3, 4)
    brand.add("reachable", *email_for(2, 3, 4)).add("consents", *consent_for(2, 3, 4))
    brand.add("inboxes", *at_one_address(3, 4), *at_one_address(2, 3, inbox_no=2))
    brand.profile += [{"customer_no": n, "value_365d_fen": n} for n in (2, 3, 4)]
    assert planned(brand, by_email()).why() == {2: None, 3: "priority_lost:same_address", 4: None}


def test_each_purpose_has_the_address_once(planned: Run) -> None:
    brand = Brand().people(1, 2).add("reachable", *email_for(1, 2)).add("consents", *consent_for(1, 2))
    served = {"channel": "email", "purpose": "transactional", "granted": True}
    brand.add("consents", *({"customer_no": n, **served} for n in (1, 2)))
    brand.add("inboxes", *at_one_address(1, 2))
    receipt = play(purpose="transactional", channels=("email",), landing=Landing(url="/y"))
    request = request_of(strategy("recall", play(channels=("email",))), strategy("receipt", receipt))
    found = {(r["customer_no"], r["strategy"]): r["detail"] for r in planned(brand, request).rows}
    lost = "same_address"
    assert found == {
        (1, "recall"): "",
        (2, "recall"): lost,
        (1, "receipt"): "",
        (2, "receipt"): lost,
    }


def test_of_channels_that_came_equally_far_the_first_preferred_gives_the_reason(planned: Run) -> None:
    request = request_of(strategy("recall", play(channels=("sms", "email"))))
    (row,) = planned(Brand().people(1), request).rows
    assert (row["reason"], row["detail"], row["channel"]) == ("no_address", "sms", "sms")


def test_a_turn_that_was_had_or_held_out_counts_for_its_own_play(planned: Run) -> None:
    """Whose turn of the day is over: by play, and held out by either hold-out."""
    plays = [play(key, landing=Landing(url=f"/{key}"), audience=key) for key in ("p", "q")]
    numbers = [1, 2, 3, 4]
    brand = Brand(segments={"p": numbers, "q": []}).people(*numbers)
    request = request_of(
        strategy("s", *plays),
        had={("s", "p"): [1], ("s", "q"): [4]},
        held_out={("s", "p", "global"): [2], ("s", "p", "s"): [2, 3]},
    )
    assert planned(brand, request).why() == {1: "re_entry", 2: "holdout:global", 3: "holdout:s", 4: None}


def test_a_play_that_stands_still_shows_its_first_arm(planned: Run) -> None:
    split = play(audience=Slot(variants={"one": "a", "two": "b"}), offer=Slot(
        variants={"ten": Offer(code_list="ten"), "none": Offer()}))  # fmt: skip
    numbers = list(range(1, 41))
    brand = Brand(segments={"a": numbers, "b": numbers}).people(*numbers)
    rows = planned(brand, request_of(strategy("s", split, paused=True))).rows
    assert [row["customer_no"] for row in rows] == numbers
    assert {(row["reason"], row["variant"], row["channel"]) for row in rows} == {
        ("not_running", "one+ten", "sandbox")
    }


def test_what_went_to_the_address_counts_for_all_who_hold_it(planned: Run) -> None:
    brand = Brand().people(1, 2, 3, 4)
    brand.add("reachable", *email_for(1, 2, 3, 4)).add("consents", *consent_for(1, 2, 3, 4))
    brand.add("inboxes", *at_one_address(1, 2), *at_one_address(3, 4, inbox_no=2))
    brand.touch(1, 1, channel="email", strategy="other").touch(3, 1, channel="sandbox", strategy="other")
    policy = ContactPolicy(caps=(FrequencyCap(key="one", touches_max=1, days=7),))
    why = planned(brand, by_email(policy=policy)).why()
    assert (why[1], why[2], why[3]) == ("frequency_cap:one", "frequency_cap:one", "frequency_cap:one")
    assert why[4] is None, "what went elsewhere went to one of them"
