import csv
import io
from typing import Any

import pytest

import koipond
from koipond.insights.render import money, to_csv, to_html, to_text
from koipond.insights.spending import Spending
from koipond.insights.words import WORDS

REPORT: dict[str, Any] = {
    "strategy": "recall <b>",
    "as_of": "2026-04-01",
    "definition_version": 3,
    "rehearsed": True,
    "window_days": 14,
    "population": 400,
    "waiting_for_orders": 3,
    "left_out": {"pending": 7, "merged": 0, "unreal": 2, "staff": 1},
    "arms": [{"arm": "touch", "assigned": 360, "touched": 350, "converted": 90, "revenue_fen": 123_456}],
    "effects": [
        {
            "metric": "conversion",
            "method": "pooled z",
            "absolute": {"estimate": 0.05, "low": 0.01, "high": 0.09},
            "relative": {"estimate": 0.25, "low": 0.05, "high": 0.45, "method": "delta"},
            "p": 0.01,
            "raw": {"control": 0.2, "treated": 0.26, "difference": 0.06},
            "adjusted": True,
        }
    ],
    "outcomes_known_to": "2026-03-30",
    "newest_facts": [{"kind": "orders", "source": "shop", "newest_on": "2026-03-30", "age_days": 2}],
    "spent": Spending(
        touches=350, message_cost_fen=350, issued=150, redeemed=22, offer_cost_fen=44_000
    ).to_dict(),
    "spent_to_date": Spending(touches=360, message_cost_fen=360, issued=160, redeemed=23, open=9).to_dict(),
    "srm_p": 0.7,
    "incremental": {"conversions": {"estimate": 18.0, "low": 3.6, "high": 32.4}, "revenue_fen": None},
    "margin": None,
    "cost_fen": 1_500,
    "cost_per_incremental_order_fen": None,
    "variants": None,
    "breakdown": [],
    "responses": {"clicked": 12},
    "responses_counted": {"clicked": 11},
    "sentence": "It is likely that …",
}


@pytest.mark.parametrize("language", ["zh", "en", "id"])
def test_a_rehearsed_report_says_so_in_every_language(language: Any) -> None:
    for text in (
        to_text(REPORT, currency="CNY", language=language),
        to_html(REPORT, currency="CNY", language=language),
    ):
        assert WORDS[language]["rehearsed"] in text
        assert ("+25,0%" if language == "id" else "+25.0%") in text


@pytest.mark.parametrize(
    ("language", "said", "heading", "left_out"),
    [
        (
            "zh",
            "CUPED 校正的 Welch t 检验，购买者少：取自身与两组共同离散度中较大者；对数比值法",
            "recall <b>：增量报告",
            "未计入：窗口未结束 7 人，确认为异常 2 人，员工 1 人",
        ),
        (
            "en",
            "CUPED Welch t, few buyers: larger of own and common spread; log-ratio",
            "recall <b>: Lift report",
            "Left out: 7 window not over, 2 confirmed as unreal, 1 staff",
        ),
        (
            "id",
            "uji t Welch dengan penyesuaian CUPED, pembeli sedikit: sebaran sendiri atau gabungan, mana yang"
            " lebih besar; log rasio",
            "recall <b>: Laporan dampak",
            "Tidak dihitung: 7 jendela belum selesai, 2 dipastikan tidak nyata, 1 staf",
        ),
    ],
)
def test_methods_and_who_is_left_out_are_said_in_the_language(
    language: Any, said: str, heading: str, left_out: str
) -> None:
    few = [1_000.0] * 4 + [0.0] * 46
    rows = {
        "arm": ["control"] * 50 + ["touch"] * 50,
        "before": [n * 7 % 5 for n in range(100)],
        "spent": few * 2,
    }
    table = koipond.compare(
        rows, metrics={"spent": "mean"}, covariates=["before"], arm="arm", control="control"
    )
    effect = {**REPORT["effects"][0], "method": table.effects[0].method}
    effect["relative"] = table.effects[0].relative.to_dict()
    text = to_text({**REPORT, "effects": [effect]}, currency="CNY", language=language)
    assert said in text
    assert heading in text
    assert left_out in text


@pytest.mark.parametrize(
    ("language", "name"),
    [("zh", "老客召回（recall）"), ("en", "Win back (recall)"), ("id", "Ajak kembali (recall)")],
)
def test_a_strategy_goes_by_its_name_and_figures_by_the_language(language: Any, name: str) -> None:
    names = {"zh": "老客召回", "en": "Win back", "id": "Ajak kembali"}
    report = {**REPORT, "strategy": "recall", "name": names, "srm_p": 0.161}
    text = to_text(report, currency="CNY", language=language)
    assert name in text
    assert ("0,161" in text) == (language == "id")
    assert "95 %" not in text
    assert name in to_html(report, currency="CNY", language=language)


def test_every_language_has_every_word() -> None:
    assert WORDS["en"].keys() == WORDS["zh"].keys() == WORDS["id"].keys()


def test_html_is_escaped_and_self_contained() -> None:
    page = to_html(REPORT, currency="CNY")
    assert "recall &lt;b&gt;" in page
    assert "http" not in page
    assert "<script" not in page


def test_csv_reads_back() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(REPORT))))
    values = {(r["section"], r["name"], r["field"]): r["value"] for r in rows}
    assert values["arm", "touch", "revenue_fen"] == "123456"
    assert values["effect", "conversion", "relative_low"] == "0.05"


def test_money_has_the_digits_of_its_currency() -> None:
    assert money(123_456, "CNY") == "¥1,234.56"
    assert money(123_456, "CNY", "id") == "¥1.234,56"
    assert money(123_456, "JPY") == "¥123,456"
