import json
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import koipond
from koipond.frames import Result
from koipond.kernel import InputError

METRICS = {
    "bought": "proportion",
    "spend": "mean",
    "aov": ("ratio", "spend", "orders"),
    "p90": ("quantile", 0.9, "spend"),
}


@pytest.fixture(scope="module")
def rows() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    n = 3000
    before = rng.gamma(2.0, 50.0, n)
    return {
        "customer": np.arange(n),
        "arm": np.array(["control", "coupon", "letter"])[rng.integers(0, 3, n)],
        "bought": rng.integers(0, 2, n),
        "spend": 0.5 * before + rng.gamma(1.0, 30.0, n),
        "orders": rng.poisson(2.0, n) + 1,
        "before": before,
    }


def test_the_result_has_the_keys_of_the_contract(rows: dict[str, np.ndarray]) -> None:
    result = koipond.compare(rows, arm="arm", control="control", metrics=METRICS)
    answer = result.to_dict()
    assert set(answer) >= {"arms", "srm_p", "effects"}
    assert answer["arms"] == {a: int((rows["arm"] == a).sum()) for a in ("control", "coupon", "letter")}
    assert len(answer["effects"]) == 8
    for effect in answer["effects"]:
        assert set(effect) >= {"arm", "metric", "method", "difference", "low", "high", "p", "relative"}
        assert set(effect["relative"]) == {"estimate", "low", "high", "method"}
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    assert isinstance(result, Result)
    assert "Welch t" in str(result)
    json.dumps(result.plot(), allow_nan=False)


def test_every_kind_of_table_gives_the_same_answer(rows: dict[str, np.ndarray], tmp_path) -> None:
    import ibis

    frame = pd.DataFrame(rows)
    frame.to_parquet(tmp_path / "rows.parquet")
    tables = [
        frame,
        pl.DataFrame(rows),
        pa.table(rows),
        tmp_path / "rows.parquet",
        str(tmp_path / "rows.parquet"),
        ibis.memtable(frame),
    ]
    expected = koipond.compare(rows, metrics=METRICS).to_dict()
    for table in tables:
        assert koipond.compare(table, metrics=METRICS).to_dict() == expected


def test_row_order_changes_nothing(rows: dict[str, np.ndarray]) -> None:
    order = np.random.default_rng(1).permutation(len(rows["arm"]))
    one = koipond.compare(rows, metrics={"bought": "proportion"}).to_dict()
    two = koipond.compare({k: v[order] for k, v in rows.items()}, metrics={"bought": "proportion"}).to_dict()
    assert one == two


def test_covariates_narrow_the_interval_and_are_named_in_the_method(rows: dict[str, np.ndarray]) -> None:
    plain = koipond.compare(rows, metrics={"spend": "mean"}).effects[0]
    adjusted = koipond.compare(rows, metrics={"spend": "mean"}, covariates=("before",)).effects[0]
    assert adjusted.high - adjusted.low < 0.8 * (plain.high - plain.low)
    assert adjusted.method == "CUPED Welch t"


def test_p_values_are_adjusted_over_all_arms_and_metrics(rows: dict[str, np.ndarray]) -> None:
    from koipond.experiments.multiplicity import holm

    effects = koipond.compare(rows, metrics=METRICS).effects
    assert [e.p_adjusted for e in effects] == holm([e.p for e in effects])


def test_a_boolean_or_numeric_arm_is_named_by_its_value() -> None:
    table = {"treated": [False, False, True, True], "x": [1, 2, 3, 5]}
    assert koipond.compare(table, arm="treated", control=False, metrics={"x": "mean"}).arms == {
        "False": 2,
        "True": 2,
    }
    table = {"treated": [0, 0, 1, 1], "x": [1, 2, 3, 5]}
    assert koipond.compare(table, arm="treated", control=0, metrics={"x": "mean"}).effects[0].arm == "1"


def test_expected_shares_decide_the_sample_ratio_alarm() -> None:
    rng = np.random.default_rng(3)
    table = {"arm": np.where(np.arange(4000) < 200, "control", "sent"), "x": rng.normal(size=4000)}
    assert koipond.compare(table, metrics={"x": "mean"}).sample_ratio_alarm
    meant = koipond.compare(table, metrics={"x": "mean"}, expected={"control": 0.05, "sent": 0.95})
    assert meant.srm_p == 1.0
    assert "ALARM" not in str(meant)


@pytest.mark.parametrize(
    ("change", "kwargs", "message"),
    [
        ({}, {"metrics": {"nope": "mean"}}, "no column nope"),
        ({}, {"metrics": {"bought": "median-ish"}}, "metrics must name one kind"),
        ({}, {"metrics": {}}, "no metric"),
        ({}, {"control": "holdout"}, "no arm 'holdout'"),
        ({}, {"design": "sometimes"}, "design must be"),
        ({}, {"alpha": 1.0}, "alpha must lie"),
        ({}, {"relative": "percent"}, "relative must be"),
        ({"bought": [0, 1, 2, 0, 1, 0]}, {}, "must hold 0 and 1"),
        ({"spend": [1.0, None, 2.0, 3.0, 1.0, 2.0]}, {}, "1 missing values"),
        ({"spend": [1.0, float("nan"), 2.0, 3.0, 1.0, 2.0]}, {}, "missing or infinite"),
        ({"spend": [1.0, float("inf"), 2.0, 3.0, 1.0, 2.0]}, {}, "missing or infinite"),
        ({"spend": ["a"] * 6}, {}, "must hold numbers"),
        ({"spend": [2.0] * 6}, {}, "nothing can be tested"),
        ({"arm": ["control"] * 6}, {}, "a comparison needs two"),
        ({"arm": ["control"] * 5 + ["coupon"]}, {}, "at least two customers"),
        ({"arm": ["control"] * 5 + [None]}, {}, "1 rows have no arm"),
        ({}, {"customer": "bought"}, "bought repeats"),
        ({}, {"covariates": ("spend",)}, "is the metric itself"),
    ],
)
def test_what_cannot_be_answered_is_a_clear_error(
    change: dict[str, list[object]], kwargs: dict[str, object], message: str
) -> None:
    table = {
        "arm": ["control", "coupon"] * 3,
        "bought": [0, 1, 1, 0, 1, 0],
        "spend": [1.0, 5.0, 2.0, 3.0, 1.0, 2.0],
    } | change
    arguments = {"metrics": {"bought": "proportion", "spend": "mean"}} | kwargs
    with pytest.raises(InputError, match=message):
        koipond.compare(pa.table(table), **arguments)


def test_a_category_without_rows_is_no_arm_and_categories_are_read_as_labels() -> None:
    frame = pd.DataFrame({"arm": ["control", "a", "old"] * 4, "x": range(12)})
    frame["arm"] = frame.arm.astype("category")
    kept = frame[frame.arm != "old"]
    assert koipond.compare(kept, metrics={"x": "mean"}).arms == {"a": 4, "control": 4}
    parts = [pa.Table.from_pandas(kept.iloc[a:b], preserve_index=False) for a, b in ((0, 1), (1, 8))]
    assert koipond.compare(pa.concat_tables(parts), metrics={"x": "mean"}).arms == {"a": 4, "control": 4}


def test_a_column_that_cannot_be_the_arm_is_refused_before_it_is_split() -> None:
    with pytest.raises(InputError, match="is it the arm"):
        koipond.compare({"arm": range(101), "x": range(101)}, control="0", metrics={"x": "mean"})


def test_the_alpha_of_the_design_is_the_one_reported() -> None:
    table = {"arm": ["control", "a"] * 50, "x": np.random.default_rng(1).normal(size=100)}
    result = koipond.compare(table, metrics={"x": "mean"}, design=koipond.design("fixed", alpha=0.2))
    assert result.alpha == result.effects[0].alpha == 0.2
    wide = koipond.compare(table, metrics={"x": "mean"})
    assert result.effects[0].high < wide.effects[0].high


def test_decimal_money_and_quantiles_alone_are_read() -> None:
    from decimal import Decimal

    yuan = [Decimal(i % 97) + Decimal("0.25") for i in range(400)]
    table = pa.table({"arm": ["control", "a"] * 200, "yuan": yuan})
    result = koipond.compare(table, metrics={"yuan": "mean", "middle": ("quantile", 0.5, "yuan")})
    assert result.effects[0].control == pytest.approx(float(sum(yuan[::2])) / 200)
    alone = koipond.compare(table, metrics={"yuan": "quantile"})
    assert alone.effects[0].metric == "yuan"
    assert alone.arms == {"a": 200, "control": 200}


def test_everything_that_cannot_be_computed_is_named_at_once() -> None:
    table = {"arm": ["control", "control", "a", "b"], "x": [1, 1, 1, 2], "y": [0.5, 0.5, 0.5, 0.5]}
    with pytest.raises(InputError) as caught:
        koipond.compare(table, metrics={"x": "mean", "y": "proportion"})
    for part in ("x of a", "x of b", "y of a", "y of b"):
        assert part in str(caught.value)


def test_importing_koipond_loads_no_numeric_library() -> None:
    code = "import sys, koipond; print(sorted({'numpy', 'scipy', 'pyarrow', 'pandas'} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": "src"}
    )
    assert found.stdout.strip() == "[]"


def test_the_slow_part_of_scipy_is_never_loaded() -> None:
    code = (
        "import sys, koipond; t = {'arm': ['control', 'a'] * 4, 'x': [1, 2, 3, 5, 4, 4, 2, 7]};"
        "koipond.compare(t, metrics={'x': 'mean'}); print('scipy.stats' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": "src"}
    )
    assert found.stdout.strip() == "False"


def test_every_public_name_of_the_package_is_where_it_says() -> None:
    import koipond.experiments as face

    for name in face.__all__:
        assert getattr(face, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = face.nothing


def test_without_metrics_the_share_who_bought_and_the_mean_spend_are_compared(
    rows: dict[str, np.ndarray],
) -> None:
    plain = koipond.compare(rows)
    spelled = koipond.compare(rows, metrics={"bought": "proportion", "spend": "mean"})
    assert plain.to_dict() == spelled.to_dict()
    assert {effect.metric for effect in plain.effects} == {"bought", "spend"}
    with pytest.raises(InputError, match="no column bought"):
        koipond.compare({"arm": ["control", "coupon"], "spend": [1, 2]})


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"covariates": "before"}, r"list of columns: write \['before'\]"),
        ({"alpha": "x"}, "alpha must lie between 0 and 1, got 'x'"),
        ({"alpha": None}, "alpha must lie between"),
        ({"design": "group_sequential"}, "a value of koipond.design"),
    ],
)
def test_a_wrong_argument_is_named_with_its_fix(
    rows: dict[str, np.ndarray], wrong: dict[str, object], text: str
) -> None:
    with pytest.raises(InputError, match=text):
        koipond.compare(rows, **wrong)


def test_a_covariate_that_never_varies_is_left_out_and_the_method_is_not_called_cuped(
    rows: dict[str, np.ndarray],
) -> None:
    flat = rows | {"before": np.full(len(rows["arm"]), 7)}
    wanted = {"spend": "mean", "aov": ("ratio", "spend", "orders")}
    adjusted = koipond.compare(flat, metrics=wanted, covariates=["before"])
    assert adjusted.to_dict() == koipond.compare(flat, metrics=wanted).to_dict()
    assert not any("CUPED" in effect.method for effect in adjusted.effects)
    assert koipond.compare(rows, metrics=wanted, covariates=["before"]).effects[0].method == "CUPED Welch t"
