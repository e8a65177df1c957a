"""A plan for another day than the last refresh (decision 0004): what a refresh on that day would say."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Koipond
from tests.e2e.test_app_first_afternoon import start

REFRESHED = "2026-03-14"
RULES = {
    "long_ago": "days_since_last_purchase between 12 and 40",
    "past_own_cycle": "at_risk or lifecycle = dormant",
    "nested": "segment long_ago and not segment past_own_cycle",
    "bought_lately": "orders.count(last 9 days) >= 1",
}
SEGMENT = """\
key: {key}
owner: crm-team
name: {{zh: 一, en: One, id: Satu}}
rule: {rule}
stale_after_days: 3
"""
STRATEGY = """\
key: care_{key}
owner: crm-team
kind: campaign
name: {{zh: 一, en: One, id: Satu}}
metric: {{primary: conversion, window_days: 30}}
holdout_rate: 0.1
budget: {{total_fen: 100000, per_customer_fen: 100}}
review_on: 2026-12-31
plays:
  - key: only
    audience: {key}
    offer: none
    script: {{variants: {{news: recall_news, reminder: recall_reminder}}}}
    landing: {{url: "https://shop.example/"}}
    channels: [sandbox]
"""


@pytest.fixture
def brand(koipond: Koipond, orders_csv: Path) -> Koipond:
    """A brand refreshed in the middle of its quarter, with a strategy for each segment."""
    start(koipond, orders_csv)
    folder = orders_csv.parent / "brand"
    for file in (folder / "strategies").glob("*.yaml"):
        file.unlink()
    for key, rule in RULES.items():
        (folder / "segments" / f"{key}.yaml").write_text(SEGMENT.format(key=key, rule=rule))
        (folder / "strategies" / f"care_{key}.yaml").write_text(STRATEGY.format(key=key))
    code, answer = koipond("apply")
    assert code == 0, answer
    assert koipond("refresh", "--as-of", REFRESHED)[0] == 0
    return koipond


def numbers(plan: dict[str, Any]) -> dict[str, Any]:
    return {name: plan[name] for name in ("considered", "customers", "touches", "waterfall", "plays")}


@pytest.mark.parametrize("day", ["2026-03-11", "2026-03-15", "2026-03-17"])
def test_a_plan_says_what_it_would_say_after_a_refresh_on_its_day(brand: Koipond, day: str) -> None:
    before, there = brand("plan", "--as-of", day)[1], brand("plan", "--as-of", REFRESHED)[1]
    counts = {key: brand("segments", "count", f"segment {key}", "--as-of", day)[1]["count"] for key in RULES}
    assert brand("refresh", "--as-of", day)[1]["reason"] in ("incremental", "many_changes", "day_went_back")
    after = brand("plan", "--as-of", day)[1]
    assert numbers(before) == numbers(after)
    assert {p["strategy"].removeprefix("care_"): p["considered"] for p in after["plays"]} == counts
    assert numbers(there) != numbers(after)  # the days differ, so equality says something


def test_members_too_old_to_be_trusted_are_stale_and_touch_nobody(brand: Koipond) -> None:
    plan = brand("plan", "--as-of", "2026-03-18")[1]
    assert plan["touches"] == 0
    assert [row["reason"] for row in plan["waterfall"]] == ["stale_segment"]
    assert "koipond refresh" in plan["notes"][0]


@pytest.mark.parametrize("day", ["2026-03-11", "2026-03-17"])
def test_why_agrees_with_the_plan_of_the_day(brand: Koipond, day: str) -> None:
    plan = brand("plan", "care_nested", "care_long_ago", "--as-of", day)[1]["plan"]
    for customer in ("m0", "m1", "m3", "m8"):
        computed = brand("why", customer, "--as-of", day)[1]
        planned = {p["strategy"]: p["outcome"] for p in brand("why", customer, "--plan", plan)[1]["plays"]}
        members = {segment["segment"]: segment["member"] for segment in computed["segments"]}
        for key in ("nested", "long_ago"):
            considered = planned[f"care_{key}"] != "not_in_audience"
            assert considered == members[key], (customer, key)
