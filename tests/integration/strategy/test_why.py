"""Why: a sentence for each reason, with its numbers; for outsiders the failed condition."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from koipond.budgets import Budget
from koipond.kernel import InputError, epoch_day, hash_bucket
from koipond.outreach.model import ContactPolicy, FrequencyCap, Reason
from koipond.outreach.ports import ChannelSheet, HeldConsent, HeldSuppression, Permissions
from koipond.outreach.templates import Template
from koipond.rules import default_catalog, parse, words
from koipond.rules.labels import LANGS
from koipond.segments.definition import SegmentDefinition
from koipond.segments.scope import Scope
from koipond.strategy.model import Landing, Offer, Slot, content_of
from koipond.strategy.plan import CodesLeft, PlanRequest, make_plan
from koipond.strategy.why import Explanation, explain
from koipond.strategy.why.words import SENTENCES
from koipond.testing.plans import AS_OF, Brand, Segments, play, request_of, strategy, uid

CATALOG = default_catalog("CNY")
RULE = "(lifecycle = dormant or at_risk) and grade = core"


def why(
    brand: Brand, request: PlanRequest, folder: Path, customer_no: int = 1, **options: Any
) -> Explanation:
    brand.segments.setdefault("everybody", [row["customer_no"] for row in brand.facts["customers"]])
    if not brand.profile:
        brand.profile = [{"customer_no": n} for n in brand.segments["everybody"] or []]
    rule = SegmentDefinition(key="everybody", owner="crm", rule=parse(RULE, CATALOG))
    with brand.reader(folder) as reader:
        scope = Scope(reader=reader, as_of_day=epoch_day(AS_OF), catalog=CATALOG)
        segments = Segments(reader, brand)
        return explain(reader, segments, request, scope, {"everybody": rule}, customer_no, **options)


def sentence(found: Explanation) -> str:
    (answer,) = found.plays
    assert all(answer.words[language] for language in LANGS)
    assert not any("{" in words for words in answer.words.values())
    return answer.words["en"]


def test_touch_is_said_with_channel_time_and_variant(tmp_path: Path) -> None:
    split = play(script=Slot(variants={"new": "a", "old": "b"}))
    templates = {name: Template(key=name, texts={"zh": {"text": name}}) for name in ("a", "b")}
    found = why(Brand().people(1), request_of(strategy("recall", split), templates=templates), tmp_path)
    variant = found.plays[0].variant
    assert sentence(found) == f"will be touched by sandbox at 2026-03-10 12:00, variant {variant}."
    assert found.to_dict()["plays"][0]["outcome"] == "touch"


def test_cap_says_how_full_it_is_and_when_it_is_free_again(tmp_path: Path) -> None:
    brand = Brand().people(1).touch(1, 1).touch(1, 2).touch(1, 6).touch(1, 6.5)
    assert sentence(why(brand, request_of(), tmp_path)) == (
        "has reached the cap 'all_channels': 4 of at most 3 in 7 days; free at 2026-03-11 12:00."
    )


@pytest.mark.parametrize(
    ("window", "free"),
    [("calendar_day", "2026-03-11"), ("calendar_week", "2026-03-16"), ("calendar_month", "2026-04-01")],
)
def test_calendar_cap_is_free_at_the_next_local_midnight_of_its_kind(
    tmp_path: Path, window: Any, free: str
) -> None:
    policy = ContactPolicy(caps=(FrequencyCap(key="c", touches_max=1, window=window),))
    found = why(Brand().people(1).touch(1, 0.1), request_of(policy=policy), tmp_path)
    assert sentence(found).endswith(f"free at {free} 00:00.")


def test_consent_says_whether_it_was_refused_or_never_asked(tmp_path: Path) -> None:
    email = request_of(strategy("recall", play(channels=("email",))))
    brand = Brand().people(1, 2).add("reachable", *({"customer_no": n, "channel": "email"} for n in (1, 2)))
    refusal = {"customer_no": 1, "channel": "email", "purpose": "marketing", "granted": False, "at_s": 86_400}
    brand.add("consents", refusal)
    said = sentence(why(brand, email, tmp_path / "a"))
    assert said == "has not agreed to marketing messages by email (refused on 1970-01-02 08:00)."
    assert "never asked" in sentence(why(brand, email, tmp_path / "b", customer_no=2))


def test_a_no_of_the_address_is_said_to_be_one(tmp_path: Path) -> None:
    """B01: the no of another customer, in all languages; one's own word comes first."""
    email = request_of(strategy("recall", play(channels=("email",))))
    brand = Brand().people(1).add("reachable", {"customer_no": 1, "channel": "email"})
    no = HeldConsent("email", "marketing", False, 86_400, own=False)
    brand.add("consents", {"customer_no": 1, **no._asdict()})
    found = why(brand, email, tmp_path / "a", permissions=Permissions(consents=(no,)))
    assert sentence(found).startswith("another customer at the same address refused marketing messages")
    own = why(brand, email, tmp_path / "b", permissions=Permissions(consents=(no._replace(own=True),)))
    assert "refused on 1970-01-02 08:00" in sentence(own)
    brand.add("suppressions", {"customer_no": 1, "channel": "email", "reason": "erased", "at_s": 0})
    gone = HeldSuppression("email", "erased", 0, own=False)
    foreign = why(brand, email, tmp_path / "c", permissions=Permissions(suppressions=(gone,)))
    assert "another customer at the same address is barred (erased since" in sentence(foreign)
    both = Permissions(suppressions=(gone, HeldSuppression("*", "complaint", 0, own=True)))
    assert "email: complained since" in sentence(why(brand, email, tmp_path / "d", permissions=both))
    lifted = why(brand, email, tmp_path / "e", permissions=Permissions())
    assert "taken back by now" in sentence(lifted)


def test_hold_outs_are_told_apart(tmp_path: Path) -> None:
    number = next(n for n in range(1, 99) if hash_bucket("brand", "recall", uid(n)) < 1_000)
    brand = Brand().people(number)
    own = why(brand, request_of(strategy(holdout_rate=0.1)), tmp_path / "a", customer_no=number)
    assert sentence(own) == "is in this strategy's hold-out (10%), against which its effect is measured."
    all_of_them = request_of(global_holdout_rate=0.5)
    held = next(n for n in range(1, 99) if _globally(n))
    found = why(Brand().people(held), all_of_them, tmp_path / "b", customer_no=held)
    assert sentence(found) == "is in the global hold-out and gets no marketing until 2026-06-06."


def _globally(number: int) -> bool:
    start = (epoch_day(AS_OF) // 90) * 5_000 % 10_000
    return (hash_bucket("brand", "global", uid(number)) - start) % 10_000 < 5_000


def test_reasons_of_one_customer_carry_their_numbers(tmp_path: Path) -> None:
    ten = play(offer=Offer(code_list="ten"))
    again = Brand().people(1).touch(1, 3, strategy="recall")
    content = content_of(
        request_of().strategies[0].plays[0].arms()[0], request_of().templates["hello"].content
    )
    same = Brand().people(1).touch(1, 3, strategy="spring", content=content)
    poor = Brand(profile=[{"customer_no": 1, "orders_365d": 2, "money_365d_fen": 6_000}]).people(1)
    gone = (
        Brand()
        .people(1)
        .add("suppressions", {"customer_no": 1, "channel": "*", "reason": "erased", "at_s": 0})
    )
    needs = Template(key="hello", texts={"zh": {"text": "x"}}, required=("customer.last_purchase_on",))
    small = Budget(total_fen=10**6, per_customer_fen=500)
    full = ChannelSheet(channel="sandbox", consent="none", quota_per_day=0)
    cases = {
        "was last touched by this strategy at 2026-03-07 12:00; it waits 30 days, until 2026-04-06 12:00.": (
            again, request_of(strategy(re_entry_days=30))),
        "has used up this strategy's turn of 2026-03-10, and nothing was sent; plans from 2026-03-11 00:00 on"
        " may choose them again.": (
            Brand().people(1),
            request_of(strategy("recall", re_entry_days=30), had={("recall", "main"): [1]})),
        "got the same content at 2026-03-07 12:00 (from spring); free again at 2026-04-06 12:00.": (
            same, request_of()),
        "costs ¥10, more than an order of the usual size earns (¥30 at a margin of 30%).": (
            poor, request_of(strategy("recall", ten), default_margin_bp=3_000)),
        "the budget a customer (¥5) is used up or went to customers of higher value.": (
            Brand().people(1), request_of(strategy("r", ten, budget=small))),
        "of the codes of list ten, 2 are issued and 0 are left; customers of higher value come first.": (
            Brand().people(1),
            request_of(strategy("r", ten), codes={"ten": CodesLeft(left=0, held=[5], lapsed=[6])})),
        "their code of list ten has expired, and a customer gets one code of a list (1 issued, 4 left).": (
            Brand().people(1),
            request_of(strategy("r", ten), codes={"ten": CodesLeft(left=4, lapsed=[1])})),
        "may not be reached on sandbox: erased since 1970-01-01 08:00.": (gone, request_of()),
        "the strategy does not run today (ended on 2026-03-09).": (
            Brand().people(1), request_of(strategy(ends_on=AS_OF - timedelta(days=1)))),
        "has no value for customer.last_purchase_on, which the text requires.": (
            Brand().people(1), request_of(templates={"hello": needs})),
        "is staff, who get no marketing.": (Brand().people(1, staff=True), request_of()),
        "today's quota of sandbox (0) went to customers of higher value.": (
            Brand().people(1),
            request_of(channels={"sandbox": full})),
    }  # fmt: skip
    for number, (expected, (brand, request)) in enumerate(cases.items()):
        assert sentence(why(brand, request, tmp_path / str(number))) == expected


def test_loser_of_two_plays_is_told_who_won(tmp_path: Path) -> None:
    low = strategy("low", play(landing=Landing(url="/y")))
    found = why(Brand().people(1), request_of(strategy("high", priority=90), low), tmp_path)
    words = {answer.strategy: answer.words["en"] for answer in found.plays}
    assert words["high"].startswith("will be touched")
    assert "goes to strategy high" in words["low"]


def test_outsider_is_told_which_condition_failed(tmp_path: Path) -> None:
    row = {"customer_no": 1, "lifecycle": "dormant", "at_risk": False, "grade": "regular"}
    brand = Brand(profile=[row], segments={"everybody": []}).people(1)
    found = why(brand, request_of(), tmp_path)
    answer = found.plays[0]
    assert (answer.outcome, answer.reason, answer.detail) == ("not_in_audience", None, "everybody")
    (proof,) = found.segments
    assert not proof.member
    assert [c.holds for c in proof.conditions] == [True, False, False]
    assert proof.conditions[2].words["en"] in answer.words["en"]
    assert proof.conditions[0].words["en"] not in answer.words["en"]


def test_proof_marks_each_condition_of_a_member(tmp_path: Path) -> None:
    row = {"customer_no": 1, "lifecycle": "dormant", "at_risk": False, "grade": "core"}
    found = why(Brand(profile=[row]).people(1), request_of(), tmp_path)
    assert found.segments[0].member
    text = found.text("zh")
    assert "✓" in text
    assert "✗" in text
    assert "休眠期" in text


def test_rows_of_a_plan_answer_for_that_plan(tmp_path: Path) -> None:
    """Alone he would be touched; in the plan a more valuable customer took the quota."""
    sandbox = ChannelSheet(channel="sandbox", consent="none", quota_per_day=1)
    values = [{"customer_no": n, "value_365d_fen": n} for n in (1, 2)]
    brand, request = Brand(profile=values).people(1, 2), request_of(channels={"sandbox": sandbox})
    brand.segments["everybody"] = [1, 2]
    with brand.reader(tmp_path / "plan") as reader:
        plan = make_plan(reader, Segments(reader, brand), request)
        rows = [row for row in reader.frame(plan.candidates).to_pylist() if row["customer_no"] == 1]
    found = why(brand, request, tmp_path / "why", planned=rows)
    assert found.plays[0].reason is Reason.PLATFORM_QUOTA
    assert found.plan == "p1"
    assert why(brand, request, tmp_path / "alone").plays[0].outcome == "touch"


def test_unknown_customer_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no customer 7"):
        why(Brand().people(1), request_of(), tmp_path, customer_no=7)


def test_every_reason_has_its_sentence() -> None:
    assert {str(reason) for reason in Reason} <= set(SENTENCES)


def proof_of(folder: Path, text: str, *bought: str) -> Any:
    """Return what `why` says of the segment ``text`` for somebody who bought ``bought``."""
    brand = Brand(profile=[{"customer_no": 1}], segments={"pair": []}).people(1)
    for number, sku in enumerate(bought):
        order = {"order_no": number, "customer_no": 1, "at_s": 0, "day": 1}
        brand.add(
            "orders", {**order, "status": "paid", "net_fen": 100, "source": "s", "order_id": str(number)}
        )
        brand.add("order_lines", {**order, "sku": sku, "quantity_milli": 1000, "amount_fen": 100})
    names = {"zh": "护肤客推彩妆", "en": "Make-up for skin care"}
    found = SegmentDefinition(key="pair", owner="crm", rule=parse(text, CATALOG), names=names)
    request = request_of(strategy("recall", play(audience="pair")))
    with brand.reader(folder) as reader:
        scope = Scope(reader=reader, as_of_day=epoch_day(AS_OF), catalog=CATALOG)
        return explain(reader, Segments(reader, brand), request, scope, {"pair": found}, 1)


def test_u13_why_keeps_the_logic_of_not_or_and_groups(tmp_path: Path) -> None:
    """U13: who bought both fails by 'has not bought S2' alone, in each language."""
    found = proof_of(tmp_path / "a", 'bought(sku = "S1") and not bought(sku = "S2")', "S1", "S2")
    (proof,) = found.segments
    assert [(c.words["zh"], c.holds, c.depth) for c in proof.conditions] == [
        ("买过商品编码为“S1”的商品", True, 0),
        ("从未买过商品编码为“S2”的商品", False, 0),
    ]
    (answer,) = found.plays
    assert answer.words["zh"] == "不在人群“护肤客推彩妆”中，未满足的条件：从未买过商品编码为“S2”的商品。"
    assert "never bought" in answer.words["en"]
    assert "✗ 从未买过" in found.text("zh")
    assert "护肤客推彩妆" in found.text("zh")
    assert "Make-up for skin care" in found.text("id")  # what is not named in a language has another's name


@pytest.mark.parametrize(
    ("rule", "bought", "unmet"),
    [
        ('bought(sku = "S1") or bought(sku = "S2")', (), ['bought(sku = "S1") or bought(sku = "S2")']),
        ('not (bought(sku = "S1") or bought(sku = "S2"))', ("S2",), ['not bought(sku = "S2")']),
        (
            'not (bought(sku = "S1") and bought(sku = "S2"))',
            ("S1", "S2"),
            ['not (bought(sku = "S1") and bought(sku = "S2"))'],
        ),
        ('not not bought(sku = "S1")', (), ['bought(sku = "S1")']),
        (
            '(bought(sku = "S1") or not bought(sku = "S2")) and bought(sku = "S3")',
            ("S2", "S3"),
            ['bought(sku = "S1") or not bought(sku = "S2")'],
        ),
        ('not bought(sku = "S1")', ("S1",), ['not bought(sku = "S1")']),
    ],
)
def test_only_what_really_fails_is_called_unmet(
    tmp_path: Path, rule: str, bought: tuple[str, ...], unmet: list[str]
) -> None:
    (proof,) = proof_of(tmp_path, rule, *bought).segments
    assert not proof.member
    assert [one["en"] for one in proof.unmet] == [
        words(parse(text, CATALOG), "en", CATALOG) for text in unmet
    ]


def test_groups_are_shown_as_they_are(tmp_path: Path) -> None:
    rule = 'bought(sku = "S3") and (bought(sku = "S1") or not (bought(sku = "S2") and bought(sku = "S3")))'
    (proof,) = proof_of(tmp_path, rule, "S2", "S3").segments
    assert [(c.depth, c.holds) for c in proof.lines] == [
        *((0, True), (0, False), (1, False), (1, False), (2, True), (2, True))
    ]


def test_a_top_share_is_that_of_the_whole_crowd_though_one_person_is_asked(tmp_path: Path) -> None:
    profile = [{"customer_no": n, "money_365d_fen": 100 * n} for n in range(1, 11)]
    found = SegmentDefinition(key="top", owner="crm", rule=parse("money_365d in top 20%", CATALOG))
    request = request_of(strategy("recall", play(audience="top")))
    for number, inside in ((8, False), (9, True), (10, True)):
        brand = Brand(profile=profile, segments={"top": [9, 10]}).people(*range(1, 11))
        with brand.reader(tmp_path / str(number)) as reader:
            scope = Scope(reader=reader, as_of_day=epoch_day(AS_OF), catalog=CATALOG)
            segments = Segments(reader, brand)
            (proof,) = explain(reader, segments, request, scope, {"top": found}, number).segments
        assert proof.member is inside
