import json

import numpy as np
import pytest

import koipond
from koipond.experiments.power import (
    Baseline,
    Plan,
    customers_by_cohens_h,
    customers_needed,
    power_of,
    smallest_difference,
)
from koipond.frames import Result
from koipond.kernel import InputError


def test_sample_sizes_of_b4() -> None:
    assert koipond.design("fixed", baseline=0.10, difference=0.01).customers_per_arm == (14_751, 14_751)
    assert customers_by_cohens_h(0.10, 0.11) == 14_745


@pytest.mark.parametrize(
    ("sd", "difference", "ratio"), [(30.0, 4.0, 1.0), (2.0, 0.1, 3.0), (100.0, 25.0, 0.5)]
)
def test_sizes_for_means_equal_statsmodels(sd: float, difference: float, ratio: float) -> None:
    from statsmodels.stats.power import NormalIndPower

    control = NormalIndPower().solve_power(difference / sd, power=0.8, alpha=0.05, ratio=ratio)
    ours = customers_needed(Baseline(mean=50.0, sd=sd), difference, control_share=1 / (1 + ratio))
    # statsmodels counts rejections on the wrong side as power too: a customer or two at most here
    assert ours == pytest.approx(control * (1 + ratio), abs=3)


@pytest.mark.parametrize("kind", ["fixed", "group_sequential", "always_valid"])
@pytest.mark.parametrize("sd", [None, 0.4])
def test_size_power_and_difference_answer_each_other(kind, sd: float | None) -> None:
    by_size = koipond.design(kind, baseline=0.2, sd=sd, difference=0.02, power=0.9)
    assert by_size.power == pytest.approx(0.9, abs=2e-3)
    assert by_size.power is not None
    by_difference = koipond.design(kind, baseline=0.2, sd=sd, customers=by_size.customers, power=0.9)
    assert by_difference.difference == pytest.approx(0.02, rel=1e-3)
    both = koipond.design(kind, baseline=0.2, sd=sd, customers=by_size.customers, lift=0.1)
    assert both.power == pytest.approx(by_size.power)


def test_the_planned_power_is_what_a_simulated_campaign_gets() -> None:
    plan = koipond.design(baseline=0.10, difference=0.02, power=0.8)
    assert plan.customers_per_arm is not None
    n = plan.customers_per_arm[0]
    rng, runs = np.random.default_rng(8), 20_000
    found, before, one, two = np.zeros(runs, dtype=bool), 0, np.zeros(runs), np.zeros(runs)
    for look in plan.looks:
        now = round(n * look.information)
        one += rng.binomial(now - before, 0.10, runs)
        two += rng.binomial(now - before, 0.12, runs)
        before = now
        pooled = (one + two) / (2 * now)
        found |= (two - one) / now / np.sqrt(pooled * (1 - pooled) * 2 / now) >= look.z
    assert found.mean() == pytest.approx(0.8, abs=0.015)


def test_a_sequential_plan_needs_a_little_more_at_most_and_less_on_average() -> None:
    fixed = koipond.design("fixed", baseline=0.10, difference=0.01)
    grouped = koipond.design(baseline=0.10, difference=0.01)
    assert fixed.customers is not None
    assert grouped.customers is not None
    assert grouped.expected_customers is not None
    assert 1.02 < grouped.customers / fixed.customers < 1.03
    assert grouped.expected_customers < 0.85 * fixed.customers
    assert fixed.expected_customers == fixed.customers


def test_covariates_that_explain_half_the_variance_halve_the_size() -> None:
    plain = koipond.design("fixed", baseline=100.0, sd=50.0, lift=0.05)
    adjusted = koipond.design("fixed", baseline=100.0, sd=50.0, lift=0.05, explained=0.5)
    assert plain.customers is not None
    assert adjusted.customers == pytest.approx(plain.customers / 2, abs=2)


def test_a_five_percent_hold_out_is_dear() -> None:
    even = koipond.design("fixed", baseline=0.1, difference=0.01)
    small = koipond.design("fixed", baseline=0.1, difference=0.01, control_share=0.05)
    assert even.customers is not None
    assert small.customers is not None
    assert small.customers > 4 * even.customers


def test_a_design_is_a_result_and_decides_a_comparison() -> None:
    plan = koipond.design(customers=4000)
    assert isinstance(plan, Result)
    json.dumps(plan.to_dict(), allow_nan=False)
    json.dumps(plan.plot(), allow_nan=False)
    assert "4.87688" in str(plan)
    rng = np.random.default_rng(1)
    table = {"arm": np.repeat(["control", "a"], 800), "x": rng.normal(size=1600)}
    at_look_2 = koipond.compare(table, metrics={"x": "mean"}, design=plan).effects[0]
    fixed = koipond.compare(table, metrics={"x": "mean"}).effects[0]
    assert (at_look_2.high - at_look_2.low) / (fixed.high - fixed.low) == pytest.approx(
        3.357 / 1.96, rel=2e-3
    )
    assert at_look_2.p > fixed.p
    assert "O'Brien-Fleming spending, 0.025 a side" in at_look_2.method


def test_an_always_valid_comparison_says_so_and_is_wider() -> None:
    table = {"arm": ["control", "a"] * 500, "x": np.random.default_rng(1).normal(size=1000)}
    always = koipond.compare(table, metrics={"x": "mean"}, design="always_valid")
    fixed = koipond.compare(table, metrics={"x": "mean"})
    assert always.design == "always valid (mSPRT)"
    assert "always valid (mSPRT)" in always.effects[0].method
    assert always.effects[0].high - always.effects[0].low > 1.5 * (
        fixed.effects[0].high - fixed.effects[0].low
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"baseline": 0.1}, "give difference, lift or customers"),
        ({"baseline": 0.1, "difference": 0.01, "lift": 0.1}, "not both"),
        ({"lift": 0.1}, "needs the baseline"),
        ({"baseline": 1.4, "lift": 0.1}, "give sd for a mean"),
        ({"baseline": 0.9, "difference": 0.2}, "between 0 and 1"),
        ({"baseline": 0.1, "difference": 0.0}, "difference of 0"),
        ({"baseline": 0.1, "difference": 0.01, "power": 1.0}, "power must lie"),
        ({"baseline": 0.1, "difference": 0.01, "alpha": 0.0}, "alpha must lie"),
        ({"baseline": 0.1, "difference": 0.01, "control_share": 1.0}, "control_share"),
        ({"baseline": 5.0, "sd": -1.0, "lift": 0.1}, "sd must be above 0"),
        ({"baseline": 5.0, "sd": 1.0, "lift": 0.1, "explained": 1.0}, "explained"),
        ({"looks": 0}, "looks must be"),
        ({"looks": (0.5, 0.9)}, "last planned look"),
        ({"kind": "bayes"}, "kind must be"),
        ({"baseline": 0.5, "customers": 4, "kind": "fixed"}, "too few"),
    ],
)
def test_what_cannot_be_planned_is_a_clear_error(arguments, message: str) -> None:
    with pytest.raises(InputError, match=message):
        koipond.design(**arguments)


def test_a_plan_without_customers_cannot_judge_a_look_and_alpha_must_agree() -> None:
    table = {"arm": ["control", "a"] * 5, "x": range(10)}
    with pytest.raises(InputError, match="needs customers"):
        koipond.compare(table, metrics={"x": "mean"}, design=koipond.design())
    with pytest.raises(InputError, match="leave one out"):
        koipond.compare(table, metrics={"x": "mean"}, design=koipond.design("fixed", alpha=0.1), alpha=0.2)


def test_power_grows_with_customers_and_effect() -> None:
    baseline, plan = Baseline(mean=0.1), Plan.fixed()
    powers = [power_of(baseline, 0.01, n, plan=plan) for n in (2000, 10_000, 40_000)]
    assert powers == sorted(powers)
    assert smallest_difference(baseline, 40_000) < smallest_difference(baseline, 4000)
