"""The plan against a second reading of the rules: one candidate at a time, in plain Python.

Every candidate ends as one touch or one reason, considered = touches + losses, no plan breaks a cap, a budget
or a quota, and SQL says of each candidate what the slow reading says.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from koipond.budgets import Budget
from koipond.kernel import hash_bucket
from koipond.outreach.model import ContactPolicy, FrequencyCap
from koipond.outreach.ports import ChannelSheet
from koipond.strategy.model import CodeList, Landing, Offer, Play, Strategy, content_of
from koipond.strategy.plan import CodesLeft, PlanRequest
from koipond.testing.plans import DAY_S, NOW_S, Brand, plan_of, play, request_of, strategy, uid

PEOPLE = tuple(range(1, 9))
CHANNELS = ("sandbox", "email", "sms")
some = st.lists(st.sampled_from(PEOPLE), unique=True, max_size=8)


@st.composite
def brands(draw: Any) -> Brand:
    brand = Brand()
    for number in PEOPLE:
        brand.people(number, staff=draw(st.integers(0, 15)) == 0, minor=draw(st.integers(0, 15)) == 0)
    for channel in ("email", "sms"):
        brand.add("reachable", *({"customer_no": n, "channel": channel} for n in draw(some)))
        given_ = {"channel": channel, "purpose": "marketing", "granted": True}
        brand.add("consents", *({"customer_no": n, **given_} for n in draw(some)))
    groups = st.lists(st.lists(st.sampled_from(PEOPLE), unique=True, min_size=2, max_size=3), max_size=2)
    for number, (kind, people) in enumerate([(k, g) for k in ("email", "phone") for g in draw(groups)]):
        brand.add("inboxes", *({"customer_no": n, "kind": kind, "inbox_no": number} for n in people))
    for number in draw(st.lists(st.sampled_from(PEOPLE), max_size=2)):
        where = draw(st.sampled_from(["*", "email"]))
        brand.add("suppressions", {"customer_no": number, "channel": where, "reason": "complaint"})
    for number in draw(st.lists(st.sampled_from(PEOPLE), max_size=12)):
        brand.touch(
            number,
            draw(st.integers(0, 40)) + draw(st.sampled_from([0.0, 0.25])),
            channel=draw(st.sampled_from(CHANNELS)),
            strategy=draw(st.sampled_from(["s0", "s1", "old"])),
            purpose=draw(st.sampled_from(["marketing", "transactional"])),
            cost_fen=draw(st.sampled_from([0, 5])),
        )
    for number in draw(st.lists(st.sampled_from(PEOPLE), max_size=2, unique=True)):
        arm = draw(st.sampled_from(["touch", "holdout"]))
        brand.add("assignments", {"scope": "s0", "customer_no": number, "arm": arm})
    brand.segments |= {"a": draw(some), "b": draw(some), "vip": draw(some), "board": draw(st.just([1]))}
    values = draw(st.lists(st.integers(0, 3), min_size=len(PEOPLE), max_size=len(PEOPLE)))
    for number, value in zip(PEOPLE, values, strict=True):
        money = {"orders_365d": 1, "money_365d_fen": 100 * value}
        brand.profile.append({"customer_no": number, "value_365d_fen": value, **money})
    return brand


def cap_of(count: int, days: int, channel: str | None) -> FrequencyCap:
    return FrequencyCap(key=f"c{count}_{days}_{channel}", touches_max=count, days=days, channel=channel)


@st.composite
def requests(draw: Any, fewest: int = 1, most: int = 2) -> PlanRequest:
    caps = st.builds(
        lambda n, days, channel: FrequencyCap(
            key=f"c{n}_{days}_{channel}", touches_max=n, days=days, channel=channel
        ),
        st.integers(1, 2),
        st.sampled_from([1, 7, 30]),
        st.sampled_from([None, "email"]),
    )
    made = []
    for number in range(draw(st.integers(fewest, most))):
        plays = [
            play(
                f"p{place}",
                audience=draw(st.sampled_from(["a", "b"])),
                landing=Landing(url=f"/{number}{place}"),
                offer=Offer(code_list=draw(st.sampled_from([None, "ten"]))),
                channels=draw(st.lists(st.sampled_from(CHANNELS), unique=True, min_size=1, max_size=3)),
            )
            for place in range(draw(st.integers(1, 2)))
        ]
        made.append(
            strategy(
                f"s{number}",
                *plays,
                priority=draw(st.sampled_from([50, 60])),
                re_entry_days=draw(st.sampled_from([0, 20])),
                holdout_rate=draw(st.sampled_from([0.0, 0.3])),
                budget=Budget(
                    total_fen=draw(st.sampled_from([30, 10**6])),
                    per_day_fen=draw(st.sampled_from([None, 15])),
                    per_customer_fen=draw(st.sampled_from([None, 12])),
                ),
                caps=tuple(draw(st.lists(caps, max_size=1))),
            )
        )
    policy = ContactPolicy(
        caps=tuple(draw(st.lists(caps, min_size=1, max_size=2, unique_by=lambda cap: cap.key))),
        capped_groups={"vip": tuple(draw(st.lists(caps, max_size=1)))},
        exempt_segments=("board",),
    )
    scarce = draw(st.sampled_from([None, 1]))
    holders = draw(st.lists(st.sampled_from(PEOPLE), unique=True, max_size=3))
    lapsed = draw(st.integers(0, len(holders)))
    codes = CodesLeft(left=draw(st.integers(0, 5)), held=holders[lapsed:], lapsed=holders[:lapsed])
    sheets = (
        ChannelSheet(channel="sandbox", consent="none", quota_per_day=draw(st.sampled_from([None, 2]))),
        ChannelSheet(channel="email", address_kind="email", cost_fen=1),
        ChannelSheet(channel="sms", address_kind="phone", cost_fen=5, quota_per_day=scarce),
    )
    return request_of(
        *made,
        policy=policy,
        channels={sheet.channel: sheet for sheet in sheets},
        offers={"ten": CodeList(key="ten", cost_fen=10, value_fen=10, valid_days=14)},
        codes=draw(st.sampled_from([{}, {"ten": codes}])),
        default_margin_bp=draw(st.sampled_from([None, 1_000])),
        global_holdout_rate=draw(st.sampled_from([0.0, 0.2])),
    )


class SlowReading:
    """The rules of design §7, one candidate at a time."""

    def __init__(self, brand: Brand, request: PlanRequest) -> None:
        self.brand, self.request = brand, request
        self.people = {row["customer_no"]: row for row in brand.facts["customers"]}
        self.value = {row["customer_no"]: row for row in brand.profile}

    def facts(self, dataset: str, number: int, **columns: Any) -> list[Any]:
        rows = self.brand.facts.get(dataset, [])
        return [
            row
            for row in rows
            if row["customer_no"] == number and all(row[name] == value for name, value in columns.items())
        ]

    def outcomes(self) -> dict[tuple[int, str, str], tuple[str | None, str]]:
        """Go play by play in rank, and in each by value: whoever is free and can be paid is taken."""
        wanted = [(s, p) for s in self.request.strategies for p in s.plays]
        wanted.sort(key=lambda pair: (-pair[0].priority, pair[0].key, pair[1].key))
        found: dict[tuple[int, str, str], tuple[str | None, str]] = {}
        taken: dict[int, str] = {}
        inboxes: set[tuple[str, int]] = set()
        kinds = {"email": "email", "sms": "phone"}
        left = self.supplies()
        for s, p in wanted:
            members = self.brand.segments[p.audience.variants[""]] or []
            for number in sorted(PEOPLE, key=lambda n: (-self.value[n]["value_365d_fen"], n)):
                if number not in members:
                    continue
                reason, channel = self.alone(number, s, p)
                if reason is None:
                    mine = {
                        (kinds.get(channel, ""), n) for n in self.held_inboxes(number, kinds.get(channel))
                    }
                    late = self.late(number, s, p, channel)
                    if number in taken:
                        reason = f"priority_lost:{taken[number]}"
                    elif late:
                        reason = late
                    elif mine & inboxes:
                        reason = "priority_lost:same_address"
                    else:
                        reason = self.refused(left, number, s, p, channel)
                    if reason is None:
                        taken[number] = s.key
                        inboxes |= mine
                found[(number, s.key, p.key)] = (reason, channel)
        return found

    def held_inboxes(self, number: int, kind: str) -> list[int]:
        return [row["inbox_no"] for row in self.facts("inboxes", number) if row["kind"] == kind]

    def supplies(self) -> dict[str, int]:
        """Return what is left of every quota, budget and code list."""
        touches, left = self.brand.facts.get("touches", []), {}
        for sheet in self.request.channels.values():
            if sheet.quota_per_day is not None:
                today = sum(r["day"] == 20_522 and r["channel"] == sheet.channel for r in touches)
                left[f"platform_quota:{sheet.channel}"] = max(0, sheet.quota_per_day - today)
        for s in self.request.strategies:
            spent = [r for r in touches if r["strategy"] == s.key]
            total = s.budget.total_fen - sum(r["cost_fen"] for r in spent)
            left[f"budget:strategy:{s.key}"] = max(0, total)
            if s.budget.per_day_fen is not None:
                today = sum(r["cost_fen"] for r in spent if r["day"] == 20_522)
                left[f"budget:strategy:{s.key}:2026-03-10"] = max(0, s.budget.per_day_fen - today)
        return left | {f"budget:code_list:{key}": codes.left for key, codes in self.request.codes.items()}

    def refused(self, left: dict[str, int], number: int, s: Strategy, p: Play, channel: str) -> str | None:
        """Take what a touch needs of ``left``; return the first that has not enough, and take nothing
        then.
        """
        cost = self.cost(number, p, channel)
        asked = {f"platform_quota:{channel}": 1}
        if self.code(number, p) == "new":
            asked["budget:code_list:ten"] = 1
        asked |= {f"budget:strategy:{s.key}": cost, f"budget:strategy:{s.key}:2026-03-10": cost}
        for name, amount in asked.items():
            if name in left and amount > left[name]:
                return name
        for name, amount in asked.items():
            if name in left:
                left[name] -= amount
        return None

    def alone(self, number: int, s: Strategy, p: Play) -> tuple[str | None, str]:
        fails = [(self.channel_fails(number, s, p, channel), channel) for channel in p.channels]
        order = ["", "suppressed", "no_address", "no_consent", "frequency_cap"]
        open_ = [channel for why, channel in fails if not why]
        furthest = max((why for why, _ in fails), key=lambda why: order.index(why.split(":")[0]))
        last = "" if open_ else furthest
        channel = (
            open_[0] if open_ else next(c for why, c in fails if why.split(":")[0] == furthest.split(":")[0])
        )
        checks = [
            ("staff", self.people[number]["staff"]),
            ("suppressed", last.startswith("suppressed")),
            ("minor", self.people[number]["minor"]),
            (last, last.startswith(("no_address", "no_consent"))),
            ("holdout:global", self.held_out_globally(number)),
            (f"holdout:{s.key}", self.held_out(number, s)),
            ("re_entry", s.re_entry_days and self.touched_within(number, s.re_entry_days, strategy=s.key)),
            ("duplicate_content", self.touched_within(number, 30, content=self.content(p))),
            (last, bool(last)),
        ]
        return next((why for why, fails_ in checks if fails_), None), channel

    def content(self, p: Play) -> str:
        return content_of(p.arms()[0], self.request.templates["hello"].content)

    def touched_within(self, number: int, days: int, **columns: Any) -> bool:
        return any(row["at_s"] > NOW_S - days * DAY_S for row in self.had(number, **columns))

    def had(self, number: int, **columns: Any) -> list[Any]:
        """What went to a customer, or to an address of his under another number."""
        found = self.facts("touches", number, **columns)
        kinds = {"email": "email", "sms": "phone"}
        beside = {(kind, other) for kind, other in self.beside(number)}
        for kind, other in sorted(beside):
            rows = self.facts("touches", other, **columns)
            found += [row for row in rows if kinds.get(row["channel"]) == kind]
        return found

    def beside(self, number: int) -> Iterator[tuple[str, int]]:
        for mine in self.facts("inboxes", number):
            for row in self.brand.facts["inboxes"]:
                if row["inbox_no"] == mine["inbox_no"] and row["customer_no"] != number:
                    yield mine["kind"], row["customer_no"]

    def channel_fails(self, number: int, s: Strategy, p: Play, channel: str) -> str:
        for where in ("*", channel):
            if self.facts("suppressions", number, channel=where):
                return "suppressed"
        if channel != "sandbox":
            if not self.facts("reachable", number, channel=channel):
                return "no_address"
            if not self.facts("consents", number, channel=channel, granted=True):
                return "no_consent"
        if number in (self.brand.segments["board"] or []):
            return ""
        group = self.request.policy.capped_groups["vip"]
        rules = group if number in (self.brand.segments["vip"] or []) else self.request.policy.caps
        for cap in (*rules, *s.caps):
            if cap.channel not in (None, channel):
                continue
            columns = {"purpose": "marketing", **({"channel": cap.channel} if cap.channel else {})}
            since = [r for r in self.had(number, **columns) if r["at_s"] > NOW_S - cap.days * DAY_S]
            if len(since) >= cap.touches_max:
                return f"frequency_cap:{cap.key}"
        return ""

    def held_out_globally(self, number: int) -> bool:
        width = round((self.request.global_holdout_rate or 0) * 10_000)
        start = (20_522 // 90) * width % 10_000  # 2026-03-10 is day 20,522
        return (hash_bucket("brand", "global", uid(number)) - start) % 10_000 < width

    def held_out(self, number: int, s: Strategy) -> bool:
        recorded = {row["arm"] for row in self.facts("assignments", number, scope=s.key)}
        drawn = hash_bucket("brand", s.key, uid(number)) < round(s.holdout_rate * 10_000)
        return "holdout" in recorded or (drawn and "touch" not in recorded)

    def code(self, number: int, p: Play) -> str:
        """Say whether the customer needs a new code or has a good or an expired one; '' = no list counts."""
        stock = self.request.codes.get(p.offer.variants[""].code_list or "")
        if stock is None:
            return ""
        return "held" if number in stock.held else "lapsed" if number in stock.lapsed else "new"

    def cost(self, number: int, p: Play, channel: str) -> int:
        offer = 10 if p.offer.variants[""].code_list and self.code(number, p) != "held" else 0
        return offer + self.request.channels[channel].cost_fen

    def late(self, number: int, s: Strategy, p: Play, channel: str) -> str | None:
        cost = self.cost(number, p, channel)
        spent = sum(row["cost_fen"] for row in self.facts("touches", number, strategy=s.key))
        limit = s.budget.per_customer_fen
        if limit is not None and spent + cost > limit and (cost or spent > limit):
            return "budget:per_customer"
        if self.code(number, p) == "lapsed":
            return "budget:code_list:ten"
        margin, row = self.request.default_margin_bp, self.value[number]
        if margin is not None and cost * row["orders_365d"] * 10_000 > row["money_365d_fen"] * margin:
            return "negative_margin"
        return None


@contextmanager
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="plan"))
    try:
        yield path
    finally:
        shutil.rmtree(path)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(brands(), requests())
def test_plan_says_what_the_slow_reading_says(brand: Brand, request: PlanRequest) -> None:
    says_the_same(brand, request)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(brands(), requests(fewest=3, most=6))
def test_plan_of_several_strategies_says_what_the_slow_reading_says(
    brand: Brand, request: PlanRequest
) -> None:
    says_the_same(brand, request)


@pytest.mark.parametrize("count", [20, 100])
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(data=st.data())
def test_plan_of_many_strategies_says_what_the_slow_reading_says(count: int, data: Any) -> None:
    """More than one word of a set, and most plays find hardly anybody free."""
    brand, request = data.draw(brands()), data.draw(requests(fewest=count, most=count))
    for number in range(0, count, 7):
        brand.touch(PEOPLE[number % len(PEOPLE)], 3, strategy=f"s{number}")
        arm = {"scope": f"s{number}", "customer_no": PEOPLE[-number % len(PEOPLE)], "arm": "touch"}
        brand.add("assignments", arm)
    says_the_same(brand, request)


def says_the_same(brand: Brand, request: PlanRequest) -> None:
    with folder() as path:
        made = plan_of(brand, path, request)
    slow = SlowReading(brand, request).outcomes()
    fast = {}
    for row in made.rows:
        why = row["reason"]
        if why in ("frequency_cap", "holdout", "priority_lost", "platform_quota", "budget"):
            why = f"{why}:{row['detail']}"
        channel = row["channel"] if row["reason"] is None else None
        assert (row["customer_no"], row["strategy"], row["play"]) not in fast
        fast[(row["customer_no"], row["strategy"], row["play"])] = (why, channel)
    assert fast == {key: (why, channel if why is None else None) for key, (why, channel) in slow.items()}
    assert made.plan.considered == made.plan.touches + sum(n for _, n in made.plan.waterfall) == len(fast)
    no_limit_is_broken(brand, request, made.rows)


def no_limit_is_broken(brand: Brand, request: PlanRequest, rows: list[dict[str, Any]]) -> None:
    """Send the plan in the mind, and count afterwards."""
    touches = [row for row in rows if row["reason"] is None]
    assert max(Counter(row["customer_no"] for row in touches).values(), default=0) <= 1
    slow = SlowReading(brand, request)
    for row in touches:
        if row["customer_no"] in (brand.segments["board"] or []):
            continue
        vip = row["customer_no"] in (brand.segments["vip"] or [])
        for cap in request.policy.capped_groups["vip"] if vip else request.policy.caps:
            columns = {"purpose": "marketing", **({"channel": cap.channel} if cap.channel else {})}
            past = slow.had(row["customer_no"], **columns)
            count = sum(one["at_s"] > NOW_S - cap.days * DAY_S for one in past)
            assert count + (cap.channel in (None, row["channel"])) <= cap.touches_max or cap.channel not in (
                None,
                row["channel"],
            )
    for sheet in request.channels.values():
        if sheet.quota_per_day is not None:
            today = [r for r in brand.facts.get("touches", []) if r["day"] == 20_522]
            sent = sum(row["channel"] == sheet.channel for row in today)
            new = sum(row["channel"] == sheet.channel for row in touches)
            assert new == 0 or sent + new <= sheet.quota_per_day
    for key, stock in request.codes.items():
        gives = {
            (s.key, p.key) for s in request.strategies for p in s.plays if p.offer.variants[""].code_list
        }
        told = [row["customer_no"] for row in touches if (row["strategy"], row["play"]) in gives]
        assert len({*told} - {*stock.held}) <= stock.left, key
        assert not {*told} & {*stock.lapsed}
    for s in request.strategies:
        new = sum(r["cost_fen"] + r["offer_cost_fen"] for r in touches if r["strategy"] == s.key)
        spent = sum(r["cost_fen"] for r in brand.facts.get("touches", []) if r["strategy"] == s.key)
        assert new == 0 or spent + new <= s.budget.total_fen
