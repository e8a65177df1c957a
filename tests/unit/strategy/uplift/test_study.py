import json
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import koipond
from koipond.frames import Result
from koipond.kernel import InputError
from koipond.strategy.uplift import Uplift, uplift


def planted(effect: Any, *, customers: int = 5_000, seed: int = 1, amounts: bool = False) -> dict[str, Any]:
    """Return a drawn test whose effect on a customer is ``effect(features)``, known to us alone."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(customers, 5))
    mailed = rng.integers(0, 2, customers)
    bought = (rng.random(customers) < chances(features, effect, mailed)).astype(float)
    spent = bought * rng.gamma(2.0, 20.0, customers) if amounts else bought
    columns = {f"x{i}": features[:, i] for i in range(features.shape[1])}
    return {**columns, "arm": np.where(mailed == 1, "mail", "control"), "outcome": spent}


def chances(features: np.ndarray, effect: Any, mailed: Any) -> np.ndarray:
    untouched = 1 / (1 + np.exp(1.5 - 0.6 * features[:, 0] - 0.3 * features[:, 1]))
    return np.clip(untouched + mailed * effect(features), 0.0, 1.0)


def moved_by_third_feature(x: np.ndarray) -> np.ndarray:
    return 0.02 + 0.07 * x[:, 2]


WORLDS = [
    pytest.param(moved_by_third_feature, "target", id="who is moved differs"),
    pytest.param(lambda x: np.full(len(x), 0.06), "treat all", id="all are moved alike"),
    pytest.param(lambda x: np.zeros(len(x)), "treat none", id="nobody is moved"),
    pytest.param(lambda x: np.full(len(x), -0.06), "treat none", id="all are put off"),
]


@pytest.mark.parametrize(("effect", "decision"), WORLDS)
def test_the_verdict_finds_the_planted_truth(effect: Any, decision: str) -> None:
    assert uplift(planted(effect), splits=6).verdict.decision == decision


@pytest.mark.slow
@pytest.mark.parametrize(("effect", "decision"), WORLDS)
def test_the_verdict_finds_the_planted_truth_in_nine_of_ten_draws(effect: Any, decision: str) -> None:
    found = [uplift(planted(effect, seed=seed), splits=6).verdict.decision for seed in range(2, 12)]
    assert found.count(decision) >= 9


def test_harm_is_proven_and_nothing_is_not() -> None:
    harm = uplift(planted(lambda x: np.full(len(x), -0.06)), splits=4).verdict
    nothing = uplift(planted(lambda x: np.zeros(len(x))), splits=4).verdict
    assert harm.proven
    assert harm.high < 0
    assert not nothing.proven
    assert "no proof" in " ".join(nothing.evidence)


def test_a_touch_that_costs_more_than_it_brings_is_not_sent() -> None:
    test = planted(lambda x: np.full(len(x), 0.06))
    assert uplift(test, splits=4).verdict.decision == "treat all"
    dear = uplift(test, splits=4, cost=0.12).verdict
    assert (dear.decision, dear.proven) == ("treat none", True)


def test_predictions_are_calibrated_and_follow_the_planted_effect() -> None:
    test = planted(moved_by_third_feature, customers=20_000)
    found = uplift(test, splits=2)
    features = np.column_stack([test[f"x{i}"] for i in range(5)])
    truth = chances(features, moved_by_third_feature, 1) - chances(features, moved_by_third_feature, 0)
    predicted = found.predicted[:, 0]
    assert np.corrcoef(predicted, truth)[0, 1] > 0.9
    slope = np.polyfit(predicted, truth, 1)[0]
    assert 0.7 < slope < 1.4  # its standard deviation over draws is 0.13
    assert bool(np.all(found.low < found.predicted))


def test_no_ranking_means_the_same_prediction_for_everybody() -> None:
    found = uplift(planted(lambda x: np.full(len(x), 0.06), seed=1), splits=4)
    spread = found.predicted.std() / found.by_arm["mail"].calibration.effect
    assert spread < 0.35


def test_response_model_and_random_order_stand_beside_every_learner() -> None:
    found = uplift(planted(moved_by_third_feature), splits=3)
    assert [score.model for score in found.models] == ["S", "T", "R", "DR", "response", "random"]
    best = {score.model: score for score in found.models}
    assert all(best[name].mean > best["response"].mean for name in ("S", "T", "R", "DR"))
    assert all(len(score.splits) == 3 for score in found.models)


def test_several_arms_each_get_a_verdict_and_their_own_prediction() -> None:
    rng = np.random.default_rng(2)
    customers = 12_000
    x = rng.normal(size=customers)
    arm = rng.integers(0, 3, customers)
    chance = 0.2 + np.choose(arm, [0 * x, 0.06 + 0 * x, 0.07 * x])
    test = {"x": x, "group": np.array(["none", "sms", "gift"])[arm], "bought": rng.random(customers) < chance}
    found = uplift(test, "group", "bought", splits=6)
    assert found.control == "none"
    assert {v.arm: v.decision for v in found.verdicts} == {"sms": "treat all", "gift": "target"}
    assert found.predicted.shape == (customers, 2)
    with pytest.raises(InputError, match="several arms"):
        _ = found.verdict


def test_amounts_work_like_yes_and_no() -> None:
    test = planted(moved_by_third_feature, customers=20_000, amounts=True)
    found = uplift(test, splits=3, learners=["T"])
    assert found.verdict.decision == "target"
    assert found.verdict.effect == pytest.approx(0.02 * 40, abs=0.5)


def test_new_customers_are_scored_and_the_scores_can_be_allocated() -> None:
    found = uplift(planted(moved_by_third_feature), splits=2)
    fresh = {f"x{i}": np.zeros(3) for i in range(5)} | {"x2": [-2.0, 0.0, 2.0]}
    score, low = found.score(fresh), found.score(fresh, low=True)
    assert score.shape == (3, 1)
    assert score[0, 0] < 0 < score[2, 0]
    assert bool(np.all(low < score))
    allocation = koipond.allocate(score, [0.001], 0.002, lower=low)  # type: ignore[attr-defined]
    assert allocation.choice.tolist()[2] == 0
    with pytest.raises(InputError, match="no column x4"):
        found.score({name: fresh[name] for name in ("x0", "x1", "x2", "x3")})


def test_arms_that_differed_before_the_touch_are_called_out() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=4_000)
    mailed = rng.random(4_000) < 1 / (1 + np.exp(-x))
    bought = rng.random(4_000) < 0.2 + 0.05 * (x > 0)
    test = {"x": x, "y": rng.normal(size=4_000), "arm": mailed, "outcome": bought}
    trusted = uplift(test, splits=2).verdict
    assert "a lottery does not do that" in " ".join(trusted.evidence)
    assert "most in x" in " ".join(trusted.evidence)
    assert not trusted.proven
    adjusted = uplift(test, splits=2, randomised=False).verdict
    assert "not drawn by lot" in " ".join(adjusted.evidence)
    standard_error = (adjusted.high - adjusted.low) / (2 * 1.96)
    assert abs(adjusted.effect) < 3 * standard_error  # the mailing did nothing


def test_a_drawn_test_raises_no_alarm() -> None:
    assert "Warning" not in " ".join(uplift(planted(moved_by_third_feature), splits=2).verdict.evidence)


def test_the_same_input_gives_the_same_result() -> None:
    test = planted(moved_by_third_feature, customers=2_000)
    one, two = uplift(test, splits=2), uplift(test, splits=2)
    assert one.to_dict() == two.to_dict()
    assert np.array_equal(one.predicted, two.predicted)


def test_the_result_follows_the_protocol_and_json_can_carry_it() -> None:
    found: Uplift = uplift(pa.table(planted(moved_by_third_feature, customers=2_000)), splits=2)
    assert isinstance(found, Result)
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["arms"]["control"] + plain["arms"]["mail"] == 2_000
    assert "qini" in str(found)
    assert {row["order"] for row in found.plot()["data"]["values"]} >= {"response", "random"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arm": "group"}, "no column group"),
        ({"outcome": "sales"}, "no column sales"),
        ({"control": "nobody"}, "control=, one of control, mail"),
        ({"features": ["x0", "outcome"]}, "outcome is not known before the touch"),
        ({"features": []}, "no column varies"),
        ({"learners": ["X"]}, "learners: X; choose of S, T, R, DR"),
        ({"splits": 1}, "splits: 1"),
        ({"cost": {"post": 1.0}}, "no arm post"),
        ({"cost": float("nan")}, "finite"),
    ],
)
def test_a_bad_argument_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        uplift(planted(moved_by_third_feature, customers=400), **change)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("outcome", [1.0] * 400, "everybody has the outcome 1"),
        ("outcome", [None, *[1.0] * 399], "1 customers have no outcome"),
        ("outcome", [float("inf"), *[1.0] * 399], "missing or infinite"),
        ("arm", ["mail"] * 400, "1 arms"),
        ("arm", [None, *["mail"] * 399], "1 customers have no arm"),
        ("arm", ["control"] * 10 + ["mail"] * 390, r"fewer than 50 customers in arm control \(10\)"),
        ("x0", [float("inf"), *[0.0] * 399], "column x0 has 1 infinite"),
        ("x0", [[1, 2]] * 400, "column x0 is list"),
    ],
)
def test_a_bad_column_is_named(column: str, values: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        uplift(planted(moved_by_third_feature, customers=400) | {column: values})


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(InputError, match=r"koipond\[uplift\]"):
        uplift(planted(moved_by_third_feature, customers=400), splits=2)


def test_the_face_offers_it() -> None:
    assert koipond.uplift is uplift  # type: ignore[attr-defined]


def test_the_order_of_the_rows_changes_nothing() -> None:
    test = planted(moved_by_third_feature, customers=1_000)
    shuffle = np.random.default_rng(0).permutation(1_000)
    one = uplift(test, splits=2)
    two = uplift({name: values[shuffle] for name, values in test.items()}, splits=2)
    assert one.predicted[shuffle] == pytest.approx(two.predicted, rel=1e-9)
    assert one.verdict.decision == two.verdict.decision


def test_a_study_can_be_kept_and_scores_the_same_afterwards() -> None:
    import pickle

    found = uplift(planted(moved_by_third_feature, customers=1_000), splits=2)
    kept = pickle.loads(pickle.dumps(found))
    fresh = {f"x{i}": [0.5, -0.5] for i in range(5)}
    assert np.array_equal(kept.score(fresh), found.score(fresh))


def test_every_form_of_table_gives_the_same_answer(tmp_path: Path) -> None:
    table = pa.table(planted(moved_by_third_feature, customers=500))
    pq.write_table(table, tmp_path / "test.parquet")
    forms = [table, table.to_pandas(), pl.from_arrow(table), ibis.memtable(table), tmp_path / "test.parquet"]
    one, *others = [uplift(form, splits=2, learners=["T"]).to_dict() for form in forms]
    assert all(other == one for other in others)


def test_the_result_says_what_it_filled_in_and_cannot_be_written_to() -> None:
    table = planted(moved_by_third_feature, customers=400)
    assert uplift(table, splits=2).notes == ()
    table["x1"][:7] = np.nan
    found = uplift(table, splits=2)
    (note,) = found.notes
    assert note.startswith("x1: 7 missing values, filled with the mean")
    assert note in str(found)
    assert found.to_dict()["notes"] == [note]
    for array in (found.predicted, found.low):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1.0
