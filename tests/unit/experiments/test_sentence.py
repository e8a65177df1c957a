import re
from dataclasses import replace

import numpy as np
import pytest

import koipond
from koipond.experiments.columns import sums_of
from koipond.experiments.guardrails import Guardrail
from koipond.experiments.means import compare_means
from koipond.experiments.proportions import compare_proportions
from koipond.experiments.sentence import (
    Wording,
    design_sentence,
    sentence,
    sentences,
    visible_difference,
)
from koipond.experiments.sentence_texts import TEXTS
from koipond.experiments.statistics import MetricSums
from koipond.kernel import InputError

REBUY = {
    "zh": Wording(label="复购率", unit="share"),
    "en": Wording(label="the repurchase rate", unit="share"),
    "id": Wording(label="tingkat pembelian ulang", unit="share"),
}


def share(k: int, n: int) -> MetricSums:
    return MetricSums(n=n, columns=("b",), sums=(k,), products=(k,))


UP = compare_proportions(share(400, 4000), share(480, 4000), "b")
UNKNOWN = compare_proportions(share(400, 4000), share(410, 4000), "b")


def test_a_known_rise_reads_so_in_each_language() -> None:
    assert sentence(UP, REBUY["zh"], "zh", arm="发券组") == (
        "与对照组相比，发券组的复购率高出 2.00 个百分点"
        "（95% 置信区间 +0.63 至 +3.37 个百分点，相对变化 +20.0%，区间 +5.9% 至 +36.0%），"
        "可以认定是本次运营带来的提升。"
    )
    assert sentence(UP, REBUY["en"], "en", arm="the coupon arm") == (
        "Against the control, the repurchase rate in the coupon arm is higher by 2.00 percentage points "
        "(95% interval +0.63 to +3.37 percentage points, relative +20.0%, from +5.9% to +36.0%): "
        "the rise can be put down to the treatment."
    )
    assert sentence(UP, REBUY["id"], "id", arm="kelompok kupon") == (
        "Dibanding kelompok kontrol, tingkat pembelian ulang pada kelompok kupon lebih tinggi "
        "2,00 poin persen (interval 95%: +0,63 sampai +3,37 poin persen, relatif +20,0%, "
        "antara +5,9% dan +36,0%); kenaikan ini dapat dianggap hasil program ini."
    )


def test_an_unknown_effect_says_what_could_have_been_seen_and_never_claims_no_effect() -> None:
    for language, denial in (
        ("zh", "不等于没有效果"),
        ("en", "no proof of no effect"),
        ("id", "bukan bukti"),
    ):
        text = sentence(UNKNOWN, REBUY[language], language, arm="A")  # type: ignore[arg-type]
        assert denial in text
        assert "置信区间" in text or "interval" in text


def test_the_visible_difference_is_found_four_times_out_of_five() -> None:
    size = visible_difference(UNKNOWN)
    rng = np.random.default_rng(1)
    k1, k2 = rng.binomial(4000, 0.1, 4000), rng.binomial(4000, 0.1 + size, 4000)
    pooled = (k1 + k2) / 8000
    found = np.abs(k2 - k1) / 4000 / np.sqrt(pooled * (1 - pooled) * 2 / 4000) > 1.96
    assert found.mean() == pytest.approx(0.8, abs=0.04)


def test_money_in_fen_is_said_in_yuan() -> None:
    rng = np.random.default_rng(2)
    low = sums_of({"fen": np.rint(rng.normal(500_000, 3000, 500)).astype(int)})
    high = sums_of({"fen": np.rint(rng.normal(620_000, 3000, 500)).astype(int)})
    effect = compare_means(high, low, "fen")
    text = sentence(effect, Wording(label="客单价", unit="money_minor", suffix=" 元"), "zh", arm="B")
    assert "低了 1,20" in text or "低了 1,19" in text
    assert " 元" in text
    assert "下降" in text


def test_every_language_has_every_sentence_with_the_same_facts() -> None:
    for key, template in TEXTS["zh"].items():
        fields = {f.partition(":")[0] for f in re.findall(r"{(\w+)}", template)}
        for language in ("en", "id"):
            assert set(re.findall(r"{(\w+)}", TEXTS[language][key])) == fields, (language, key)
    assert TEXTS["zh"].keys() == TEXTS["en"].keys() == TEXTS["id"].keys()


def test_a_comparison_speaks_of_its_alarm_first_then_effects_then_guardrails() -> None:
    rng = np.random.default_rng(3)
    table = {
        "arm": ["control"] * 400 + ["sent"] * 800,
        "b": rng.integers(0, 2, 1200),
        "spend": rng.gamma(2.0, 10.0, 1200),
        "unsaid": rng.normal(size=1200),
    }
    result = koipond.compare(
        table,
        metrics={"b": "proportion", "spend": "mean", "unsaid": "mean"},
        guardrails=[Guardrail(metric="spend", margin=0.1, worse="down", relative=True)],
    )
    wordings = {"b": Wording(label="下单率", unit="share"), "spend": Wording(label="消费额", suffix=" 元")}
    said = sentences(result, wordings, "zh", arms={"sent": "触达组"})
    assert len(said) == 4
    assert "不可采信" in said[0]
    assert "触达组" in said[1]
    assert "护栏" in said[3]
    assert "10%" in said[3]
    fine = koipond.compare(table, metrics={"b": "proportion"}, expected={"control": 1, "sent": 2})
    assert len(sentences(fine, wordings, "en")) == 1


def test_a_plan_says_what_it_needs() -> None:
    plan = koipond.design(baseline=0.10, difference=0.01)
    assert design_sentence(plan, REBUY["zh"], "zh") == (
        "要有 80% 的把握看出复购率变化 1.00 个百分点，两组合计最多需要 30,232 人，期间按计划查看 5 次，"
        "效果明显时可以提前结束。"
    )
    assert "30.232 pelanggan" in design_sentence(plan, REBUY["id"], "id")
    fixed = koipond.design("fixed", baseline=0.10, difference=0.01)
    assert "29,502 customers and one look" in design_sentence(fixed, REBUY["en"], "en")
    assert "look whenever" in design_sentence(
        koipond.design("always_valid", baseline=0.10, difference=0.01), REBUY["en"], "en"
    )
    with pytest.raises(InputError, match="give baseline"):
        design_sentence(koipond.design(), REBUY["zh"], "zh")


def test_an_unknown_language_is_refused_and_an_undefined_lift_left_out() -> None:
    with pytest.raises(InputError, match="language must be"):
        sentence(UP, REBUY["en"], "fr")  # type: ignore[arg-type]
    undefined = replace(UP.relative, estimate=None, low=None, high=None)
    assert "相对" not in sentence(replace(UP, relative=undefined), REBUY["zh"], "zh")


def test_no_blank_stands_between_two_chinese_words() -> None:
    for treated in (30, 300):
        one, two = sums_of({"b": [1] * 20 + [0] * 380}), sums_of({"b": [1] * treated + [0] * (400 - treated)})
        said = sentence(
            compare_proportions(one, two, "b"), Wording(label="转化率", unit="share"), "zh", arm="触达"
        )
        assert "个百分点" in said
        assert not re.search("[\u4e00-\u9fff] [\u4e00-\u9fff]", said), said
