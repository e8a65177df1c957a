"""Cost, touches, conversions and lift are of the same people and windows (U08, U09, U10, U19)."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from koipond.insights.freshness import newest_facts
from koipond.insights.freshness_words import facts_line
from koipond.insights.lift import lift_report
from koipond.insights.lift_model import LiftQuestion, LiftReport
from koipond.insights.outcomes import OutcomeWindow
from koipond.insights.render import to_csv, to_html, to_text
from koipond.insights.spending import Codes, IssuedCode
from koipond.insights.words import WORDS
from koipond.kernel import epoch_day
from koipond.testing.facts import warehouse_of

DAY = epoch_day(date(2026, 3, 1))
DAY_S = 86_400
WINDOW = 14


def draw(no: int, arm: str, day: int = DAY, variant: str = "") -> dict[str, Any]:
    row = {"scope": "recall", "customer_no": no, "arm": arm, "play": "p", "variant": variant}
    return {**row, "drawn_s": day * DAY_S + 36_000, "drawn_day": day}


def order(number: int, no: int, day: float, coupon: str | None = None, fen: int = 10_000) -> dict[str, Any]:
    at = int(day * DAY_S + 40_000)
    money = {"order_no": number, "gross_fen": fen, "discount_fen": 0, "net_fen": fen}
    key = {"source": "shop", "order_id": f"o{number}", "customer_no": no, "status": "paid", "coupon": coupon}
    return {**key, **money, "at_s": at, "day": at // DAY_S}


def touch(no: int, day: int = DAY, cost: int = 2_010, state: str = "delivered") -> dict[str, Any]:
    at = day * DAY_S + 36_100
    key = {"touch_key": f"t{no}-{day}", "customer_no": no, "strategy": "recall", "state": state}
    return {**key, "at_s": at, "day": day, "cost_fen": cost}


def read(folder: Path, as_of: date, codes: Codes | None = None, **facts: Any) -> LiftReport:
    question = LiftQuestion(
        strategy="recall",
        holdout_rate=0.5,
        window=OutcomeWindow(days=WINDOW, as_of_day=epoch_day(as_of)),
        as_of=as_of,
        codes=codes or Codes(),
    )
    with warehouse_of(folder, **facts).read() as reader:
        return lift_report(reader, question)


def always_on() -> dict[str, Any]:
    """Return an always-on strategy: ten people drawn on the first day, ten more on day 20, who wait still."""
    draws = [draw(n, "touch" if n % 2 else "holdout") for n in range(10)]
    draws += [draw(n, "touch" if n % 2 else "holdout", DAY + 20) for n in range(10, 20)]
    touches = [touch(n) for n in range(1, 10, 2)] + [touch(n, DAY + 20) for n in range(11, 20, 2)]
    touches += [touch(1, DAY + 25)]  # the same customer again, long after his window
    return {
        "assignments": draws,
        "touches": touches,
        "orders": [order(1, 1, DAY + 2), order(2, 99, DAY + 30)],
    }


def test_u08_cost_and_touches_are_of_those_who_count_and_within_their_windows(tmp_path: Path) -> None:
    made = read(tmp_path, date(2026, 3, 31), **always_on()).to_dict()
    assert made["population"] == 10
    assert (made["spent"]["touches"], made["cost_fen"]) == (5, 5 * 2_010)
    assert (made["spent_to_date"]["touches"], made["spent_to_date"]["cost_fen"]) == (11, 11 * 2_010)
    assert made["arms"][0]["touched"] == 5


def test_u08_a_later_report_of_the_same_people_costs_the_same(tmp_path: Path) -> None:
    early = read(tmp_path / "a", date(2026, 3, 31), **always_on())
    more = always_on()
    more["touches"] += [touch(n, DAY + 32) for n in range(1, 10, 2)]
    more["orders"] += [order(3, 99, DAY + 33)]
    later = read(tmp_path / "b", date(2026, 4, 3), **more)
    assert later.population == early.population
    assert later.cost_fen == early.cost_fen
    assert later.spent_to_date.cost_fen > early.spent_to_date.cost_fen


def test_u09_a_window_beyond_the_newest_order_is_not_over(tmp_path: Path) -> None:
    draws = [draw(n, "touch" if n % 2 else "holdout") for n in range(6)]
    draws += [draw(n, "touch" if n % 2 else "holdout", DAY + 10) for n in range(6, 10)]
    facts = {"assignments": draws, "orders": [order(1, 1, DAY + 1), order(2, 99, DAY + 14)]}
    made = read(tmp_path, date(2026, 4, 30), **facts).to_dict()
    assert made["population"] == 6  # the four drawn on day 10 have their window until day 24
    assert (made["waiting_for_orders"], made["left_out"]["pending"]) == (4, 4)
    assert made["outcomes_known_to"] == "2026-03-15"
    assert made["newest_facts"] == [
        {"kind": "orders", "source": "shop", "newest_on": "2026-03-15", "age_days": 46}
    ]
    text = (
        to_text(made, currency="CNY") if made.update(as_of="2026-04-30", definition_version=1) is None else ""
    )
    assert "Window ends after the newest order: 4 customers" in text
    assert "orders shop 2026-03-15, 46 days old (old: import newer ones)" in text


@pytest.mark.parametrize("language", ["zh", "en", "id"])
def test_u09_a_report_without_any_newer_order_says_what_to_import(tmp_path: Path, language: Any) -> None:
    facts = {"assignments": [draw(n, "touch" if n % 2 else "holdout") for n in range(6)]}
    old = read(tmp_path / "old", date(2026, 4, 30), **facts, orders=[order(1, 1, DAY + 3)]).to_dict()
    none = read(tmp_path / "none", date(2026, 4, 30), **facts).to_dict()
    for made in (old, none):
        assert (made["population"], made["waiting_for_orders"]) == (0, 6)
        made.update(as_of="2026-04-30", definition_version=1)
    said = to_text(old, currency="CNY", language=language)
    assert WORDS[language]["first_unseen"].format(on="2026-03-15", known="2026-03-04") in said
    assert WORDS[language]["no_orders"] in to_html(none, currency="CNY", language=language)


def code(no: int, end_day: int | None = None) -> IssuedCode:
    end_s = None if end_day is None else end_day * DAY_S
    return IssuedCode(touch_key=f"t{no}-{DAY}", key=f"code{no}", cost_fen=2_000, end_s=end_s)


def test_u10_only_redeemed_codes_cost_and_open_ones_are_a_liability(tmp_path: Path) -> None:
    draws = [draw(n, "touch" if n < 150 else "holdout") for n in range(300)]
    touches = [touch(n, cost=2_010) for n in range(150)]
    # 22 in the window, one after it; written as a till writes them
    orders = [order(n, n, DAY + 3, f" CODE{n}") for n in range(22)] + [order(22, 22, DAY + 20, "Code22")]
    orders += [order(400, 999, DAY + 30, "SPRING")]
    codes = Codes(
        issued=[code(n, DAY + 10 if n >= 140 else None) for n in range(150)],
        read=lambda text: text.strip().casefold(),
    )
    spent = read(tmp_path, date(2026, 3, 31), codes, assignments=draws, touches=touches, orders=orders).spent
    assert (spent.issued, spent.redeemed, spent.redeemed_later, spent.expired, spent.open) == (
        150,
        22,
        1,
        10,
        117,
    )
    assert spent.issued == sum(
        (spent.redeemed or 0, spent.redeemed_later or 0, spent.expired or 0, spent.open or 0)
    )
    assert spent.message_cost_fen == 150 * 10
    assert spent.offer_cost_fen == 22 * 2_000
    assert spent.liability_fen == 117 * 2_000
    assert spent.cost_fen == 22 * 2_000 + 1_500


def test_u10_a_code_of_an_order_given_back_in_full_is_open_again(tmp_path: Path) -> None:
    draws = [draw(n, "touch" if n < 2 else "holdout") for n in range(4)]
    refund = {"source": "shop", "order_id": "o1", "customer_no": 0, "refund_id": "r", "at_s": DAY * DAY_S}
    spent = read(
        tmp_path,
        date(2026, 3, 31),
        Codes(issued=[code(0), code(1)]),
        assignments=draws,
        touches=[touch(0), touch(1)],
        orders=[order(1, 0, DAY + 1, "code0"), order(2, 1, DAY + 1, "code1"), order(3, 9, DAY + 30)],
        refunds=[{**refund, "day": DAY + 2, "amount_fen": 10_000}],
    ).spent
    assert (spent.redeemed, spent.open, spent.offer_cost_fen) == (1, 1, 2_000)


def test_u10_without_a_coupon_in_any_order_all_codes_count_and_the_report_says_so(tmp_path: Path) -> None:
    draws = [draw(n, "touch" if n < 2 else "holdout") for n in range(4)]
    made = read(
        tmp_path,
        date(2026, 3, 31),
        Codes(issued=[code(0), code(1)]),
        assignments=draws,
        touches=[touch(0), touch(1)],
        orders=[order(1, 0, DAY + 1), order(3, 9, DAY + 30)],
    ).to_dict()
    assert (made["spent"]["redeemed"], made["spent"]["liability_fen"]) == (None, None)
    assert made["spent"]["offer_cost_fen"] == 4_000
    made.update(as_of="2026-03-31", definition_version=1)
    assert "nobody knows which were used" in to_text(made, currency="CNY")


def two_variants() -> dict[str, Any]:
    draws = [draw(n, "touch" if n < 300 else "holdout", variant="ab"[n % 2]) for n in range(400)]
    orders = [order(n, n, DAY + 1, fen=10_000 + n) for n in range(400) if n % 5 == 0 or n % 6 == 1]
    before = [order(1_000 + n, n, DAY - 10) for n in range(0, 400, 3)]
    return {"assignments": draws, "orders": [*orders, *before, order(5_000, 999, DAY + 30)]}


def test_u19_each_variant_has_its_own_figures(tmp_path: Path) -> None:
    facts = two_variants()
    made = read(tmp_path, date(2026, 3, 31), **facts).to_dict()
    rows = {row["arm"]: row for row in made["variants"]["rows"]}
    for name, parity in (("a", 0), ("b", 1)):
        mine = [n for n in range(300) if n % 2 == parity]
        bought = [o for o in facts["orders"] if o["customer_no"] in mine and DAY <= o["day"] < DAY + 14]
        assert rows[name]["assigned"] == len(mine)
        assert rows[name]["converted"] == len(bought)
        assert rows[name]["rate"] == pytest.approx(len(bought) / len(mine))
        assert rows[name]["revenue_fen"] == sum(o["net_fen"] for o in bought)
        assert rows[name]["revenue_per_customer_fen"] == pytest.approx(rows[name]["revenue_fen"] / len(mine))
    text = to_text({**made, "as_of": "2026-03-31", "definition_version": 1}, currency="CNY")
    assert f"{rows['a']['rate']:.2%}" in text
    assert f"{rows['b']['rate']:.2%}" in text


@pytest.mark.parametrize("language", ["zh", "en", "id"])
def test_u19_raw_and_adjusted_differences_are_both_named_and_explained(tmp_path: Path, language: Any) -> None:
    made = read(tmp_path, date(2026, 3, 31), **two_variants()).to_dict()
    made.update(as_of="2026-03-31", definition_version=1)
    effect = made["effects"][0]
    arms = {row["arm"]: row for row in made["arms"]}
    rates = {arm: row["converted"] / row["assigned"] for arm, row in arms.items()}
    assert effect["raw"]["difference"] == pytest.approx(rates["touch"] - rates["holdout"])
    assert effect["adjusted"]
    assert effect["absolute"]["estimate"] != pytest.approx(effect["raw"]["difference"], abs=1e-6)
    for page in (to_text, to_html):
        text = page(made, currency="CNY", language=language)
        assert WORDS[language]["raw"] in text
        assert WORDS[language]["adjusted"] in text
        assert WORDS[language]["raw_note"] in text
    assert "raw_difference" in to_csv(made)


def test_the_newest_fact_is_told_for_each_kind_and_source(tmp_path: Path) -> None:
    orders = [order(1, 1, DAY), {**order(2, 1, DAY - 3), "source": "till"}]
    events = [{"source": "web", "customer_no": 1, "name": "view", "at_s": 0, "day": DAY - 1, "event_id": "e"}]
    with warehouse_of(tmp_path, orders=orders, events=events).read() as reader:
        found = newest_facts(reader, DAY)
        earlier = newest_facts(reader, DAY - 1)
    assert [(one.kind, one.source, one.age_days) for one in found] == [
        ("orders", "shop", 0),
        ("orders", "till", 3),
        ("events", "web", 1),
    ]
    assert [one.source for one in earlier] == ["till", "web"]  # what came later was not known then
    said = facts_line([one.to_dict() for one in found], "zh")
    parts = ["订单 shop 2026-03-01，今天", "订单 till 2026-02-26，3 天前", "行为 web 2026-02-28，1 天前"]
    assert said == "最新数据：" + "；".join(parts)
    assert facts_line([], "id").startswith("Belum ada")
