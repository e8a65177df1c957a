"""The worked examples in docs/science print what the library prints today."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import koipond
from koipond.experiments import Target, Wording, break_down, sentences, sums_of
from koipond.experiments.sentence import design_sentence

PAGES = Path(__file__).resolve().parents[2] / "docs" / "science"


def page(name: str) -> str:
    """Return a page with its line breaks inside paragraphs undone."""
    return " ".join((PAGES / name).read_text().replace("> ", "").split())


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(scope="module")
def bandit(shared_data: Path) -> pd.DataFrame:
    return pd.read_parquet(shared_data / "open_bandit_men.parquet")


def test_the_plan_on_the_sequential_page_is_what_is_printed() -> None:
    plan, text = koipond.design(baseline=0.10, difference=0.01), page("sequential.md")
    assert flat(str(plan)) in text
    assert design_sentence(plan, Wording(label="复购率", unit="share"), "zh") in text
    fixed = koipond.design("fixed", baseline=0.10, difference=0.01)
    pocock = koipond.design(baseline=0.10, difference=0.01, spending="pocock")
    always = koipond.design("always_valid", baseline=0.10, difference=0.01)
    assert fixed.customers is not None
    for design, price in ((plan, "2.5 % more"), (pocock, "21 % more"), (always, "70 % more")):
        assert design.customers is not None
        assert f"{100 * (design.customers / fixed.customers - 1):.2g} % more" == price
        assert price in text
    assert f"{koipond.design(baseline=0.10, customers=40_000).difference:.5f}" in text
    small = koipond.design(baseline=0.10, difference=0.01, control_share=0.05)
    assert small.customers is not None
    assert plan.customers is not None
    assert f"{small.customers / plan.customers:.1f} times the customers" in text


@pytest.mark.shared_data
def test_the_comparison_on_the_experiments_page_is_what_is_printed(bandit: pd.DataFrame) -> None:
    result = koipond.compare(bandit, arm="policy", control="random", metrics={"click": "proportion"})
    text = page("experiments.md")
    assert flat(str(result)) in text
    wording = {"click": Wording(label="点击率", unit="share")}
    said = sentences(result, wording, "zh", arms={"bts": "智能推荐组"})
    assert flat(said[0]) in text
    always = koipond.compare(
        bandit, arm="policy", control="random", metrics={"click": "proportion"}, design="always_valid"
    ).effects[0]
    claim = f"{100 * always.low:.2f} to +{100 * always.high:.2f} points and p {always.p:.2f}"
    assert claim in page("sequential.md")


@pytest.mark.shared_data
def test_the_breakdown_on_the_experiments_page_is_what_is_computed(bandit: pd.DataFrame) -> None:
    cells = {
        str(position): tuple(
            sums_of({"click": rows.click[rows.policy == p].to_numpy()}) for p in ("random", "bts")
        )
        for position, rows in bandit.groupby("position")
    }
    found = break_down(cells, Target(numerator="click"))
    own = [round(100 * layer.own, 2) for layer in found.layers if layer.own is not None]
    assert own == [0.59, -0.01, 0.11]
    first = [100 * getattr(found.layers[0], name) for name in ("difference", "low", "high")]
    assert "+{:.2f} ({:.2f} to {:.2f})".format(*first) in page("experiments.md")


@pytest.mark.shared_data
def test_the_values_on_the_off_policy_page_are_what_is_printed(bandit: pd.DataFrame) -> None:
    log = bandit[bandit.policy == "bts"]
    columns = {"action": "item_id", "reward": "click", "propensity": "propensity_score"}
    uniform = koipond.off_policy(
        log, target=dict.fromkeys(range(34), 1 / 34), context=("position",), **columns
    )
    assert flat(str(uniform)) in page("off-policy.md")
    shown = log.item_id.value_counts(normalize=True).to_dict()
    random = bandit[bandit.policy == "random"]
    other = koipond.off_policy(random, target=shown, context=("position",), **columns).best
    assert f"{other.estimate:.4f} ({other.low:.4f} to {other.high:.4f})" in page("off-policy.md")


@pytest.mark.shared_data
def test_the_planted_lift_on_the_experiments_page_is_what_is_computed(shared_data: Path) -> None:
    rows = pd.read_csv(shared_data / "cdnow_master.csv.gz", parse_dates=["date"])
    rows["cents"] = (rows.amount * 100).round().astype(int)
    after = rows.date > "1997-09-30"
    table = pd.DataFrame(
        {
            "before": rows[~after].groupby("customer_id").cents.sum(),
            "spend": rows[after].groupby("customer_id").cents.sum(),
        },
        index=rows.customer_id.unique(),
    )
    table = table.fillna(0).astype(int)
    table["arm"] = np.where(np.random.default_rng(7).random(len(table)) < 0.5, "sent", "control")
    sent = table.arm == "sent"
    table.loc[sent, "spend"] = (table.spend[sent] * 1.15).round().astype(int)
    for covariates in ((), ("before",)):
        e = koipond.compare(table, metrics={"spend": "mean"}, covariates=covariates).effects[0]
        row = f"| {e.difference:.0f} | {e.low:.0f} to {e.high:.0f} | {e.p:.2g}".replace("9.1e-05", "0.00009")
        assert row in page("experiments.md")
