"""Random data: our figures against tea-tasting and statsmodels, and parts against the whole."""

from itertools import pairwise

import numpy as np
import pytest
import tea_tasting as tt
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW
from tea_tasting.aggr import Aggregates

from koipond.experiments.adjustment import Target, compare_cuped, compare_lin
from koipond.experiments.always_valid import AlwaysValidBound
from koipond.experiments.bounds import FixedBound
from koipond.experiments.columns import sums_of
from koipond.experiments.means import compare_means
from koipond.experiments.proportions import compare_proportions
from koipond.experiments.quantiles import ValueCounts, compare_quantiles
from koipond.experiments.ratios import compare_ratios
from koipond.experiments.statistics import MetricSums
from koipond.kernel import InputError

CLOSE = {"rel": 1e-6, "abs": 1e-12}
COLUMNS = ("spend", "orders", "before", "visits")


def arm_rows(seed: int, n: int, scale: float, kind: str) -> dict[str, np.ndarray]:
    """Customers with correlated money, counts and covariates; ``kind`` sets the shape of the money."""
    rng = np.random.default_rng(seed)
    before = rng.gamma(1.5, 40.0, n) * scale
    orders = rng.poisson(1.5, n) + 1
    noise = {"normal": rng.normal(200, 30, n), "skewed": rng.lognormal(3, 1.5, n), "fen": rng.gamma(2, 50, n)}
    spend = 0.6 * before + noise[kind] * scale + 5 * orders
    if kind == "fen":
        spend, before = np.rint(spend * 100).astype(np.int64), np.rint(before * 100).astype(np.int64)
    return {"spend": spend, "orders": orders, "before": before, "visits": rng.poisson(4, n)}


def as_aggregates(rows: dict[str, np.ndarray]) -> Aggregates:
    names = sorted(rows)
    return Aggregates(
        count_=len(rows["spend"]),
        mean_={name: float(np.mean(rows[name])) for name in names},
        var_={name: float(np.var(rows[name], ddof=1)) for name in names},
        cov_={
            (a, b): float(np.cov(rows[a], rows[b])[0, 1]) for i, a in enumerate(names) for b in names[i + 1 :]
        },
    )


two_arms = st.builds(
    lambda seed, n1, n2, scale, kind: (arm_rows(seed, n1, scale, kind), arm_rows(seed + 1, n2, scale, kind)),
    seed=st.integers(0, 2**31),
    n1=st.integers(5, 400),
    n2=st.integers(5, 400),
    scale=st.sampled_from([0.01, 1.0, 1e4]),
    kind=st.sampled_from(["normal", "skewed", "fen"]),
)


def check(effect, oracle) -> None:
    """Compare every figure of one effect with tea-tasting's."""
    assert effect.difference == pytest.approx(oracle.effect_size, **CLOSE)
    assert effect.low == pytest.approx(oracle.effect_size_ci_lower, **CLOSE)
    assert effect.high == pytest.approx(oracle.effect_size_ci_upper, **CLOSE)
    assert effect.p == pytest.approx(oracle.pvalue, rel=1e-6, abs=1e-300)
    assert effect.relative.estimate == pytest.approx(oracle.rel_effect_size, **CLOSE)
    if effect.relative.low is not None:
        assert effect.relative.low == pytest.approx(oracle.rel_effect_size_ci_lower, **CLOSE)
        assert effect.relative.high == pytest.approx(oracle.rel_effect_size_ci_upper, **CLOSE)


@given(two_arms, st.sampled_from([0.01, 0.05, 0.2]))
@settings(max_examples=60, deadline=None)
def test_means_ratios_and_cuped_equal_tea_tasting(arms, alpha: float) -> None:
    control, treated = (sums_of(rows) for rows in arms)
    one, two = (as_aggregates(rows) for rows in arms)
    level = {"confidence_level": 1 - alpha}
    ours = {"bound": FixedBound(alpha=alpha), "relative": "log-ratio", "spread": "own"}
    check(
        compare_means(control, treated, "spend", **ours),
        tt.Mean("spend", **level).analyze_aggregates(one, two),
    )
    check(
        compare_ratios(control, treated, "spend", "orders", **ours),
        tt.RatioOfMeans("spend", "orders", **level).analyze_aggregates(one, two),
    )
    check(
        compare_cuped(control, treated, Target(numerator="spend"), ["before"], **ours),
        tt.Mean("spend", "before", **level).analyze_aggregates(one, two),
    )
    target = Target(numerator="spend", denominator="orders")
    check(
        compare_cuped(control, treated, target, ["before"], **ours),
        tt.RatioOfMeans("spend", "orders", "before", **level).analyze_aggregates(one, two),
    )


@given(two_arms)
@settings(max_examples=40, deadline=None)
def test_welch_equals_statsmodels(arms) -> None:
    one, two = arms
    oracle = CompareMeans(DescrStatsW(two["spend"].astype(float)), DescrStatsW(one["spend"].astype(float)))
    effect = compare_means(sums_of(one), sums_of(two), "spend", spread="own")
    low, high = oracle.tconfint_diff(usevar="unequal")
    assert (effect.low, effect.high) == (pytest.approx(low, **CLOSE), pytest.approx(high, **CLOSE))
    assert effect.p == pytest.approx(oracle.ttest_ind(usevar="unequal")[1], rel=1e-6, abs=1e-300)


@given(two_arms)
@settings(max_examples=25, deadline=None)
def test_lin_equals_the_interacted_regression(arms) -> None:
    import statsmodels.api as sm

    one, two = arms
    if min(len(one["spend"]), len(two["spend"])) < 12:
        return
    names = ["before", "visits"]
    x = np.column_stack([np.concatenate([one[c], two[c]]).astype(float) for c in names])
    spread = x.std(axis=0)
    if np.any(spread == 0):
        return
    x = (x - x.mean(axis=0)) / spread
    arm = np.repeat([0.0, 1.0], [len(one["spend"]), len(two["spend"])])
    y = np.concatenate([one["spend"], two["spend"]]).astype(float)
    design = np.column_stack([np.ones(len(arm)), arm, x, arm[:, None] * x])
    oracle = sm.OLS(y, design).fit()
    effect = compare_lin(sums_of(one), sums_of(two), "spend", names)
    assert effect.difference == pytest.approx(oracle.params[1], rel=1e-6, abs=1e-6 * y.std())
    # second route for the variance: each arm's own regression, predicted at the common mean
    variance = 0.0
    for which in (arm == 0, arm == 1):
        own = sm.OLS(y[which], np.column_stack([np.ones(which.sum()), x[which]])).fit()
        variance += own.get_prediction(np.array([[1.0, 0.0, 0.0]])).se_mean[0] ** 2
    assert effect.se == pytest.approx(np.sqrt(variance), rel=1e-6)


@given(st.integers(1, 5000), st.integers(1, 5000), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=200, deadline=None)
def test_proportions_equal_statsmodels(n1: int, n2: int, share1: float, share2: float) -> None:
    k1, k2 = round(n1 * share1), round(n2 * share2)
    control, treated = (
        MetricSums(n=n, columns=("b",), sums=(k,), products=(k,)) for k, n in ((k1, n1), (k2, n2))
    )
    effect = compare_proportions(control, treated, "b", interval="newcombe")
    if 0 < k1 + k2 < n1 + n2:
        assert effect.p == pytest.approx(proportions_ztest([k2, k1], [n2, n1])[1], rel=1e-6, abs=1e-300)
    else:
        assert effect.p == 1.0
    low, high = confint_proportions_2indep(k2, n2, k1, n1, method="newcomb")
    assert (effect.low, effect.high) == (pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9))
    if not (0 < k1 < n1 or 0 < k2 < n2):  # statsmodels prints an interval without width here
        with pytest.raises(InputError, match="nobody differs"):
            compare_proportions(control, treated, "b", interval="wald")
        return
    wald = compare_proportions(control, treated, "b", interval="wald")
    low, high = confint_proportions_2indep(k2, n2, k1, n1, method="wald")
    assert (wald.low, wald.high) == (pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9))


@given(st.integers(20, 5000), st.integers(20, 5000), st.floats(0.05, 0.95), st.floats(0.05, 0.95))
@settings(max_examples=60, deadline=None)
def test_proportions_equal_tea_tasting(n1: int, n2: int, share1: float, share2: float) -> None:
    k1, k2 = round(n1 * share1), round(n2 * share2)
    if not (0 < k1 < n1 and 0 < k2 < n2):
        return
    one, two = (Aggregates(count_=n, mean_={"b": k / n}) for k, n in ((k1, n1), (k2, n2)))
    control, treated = (
        MetricSums(n=n, columns=("b",), sums=(k,), products=(k,)) for k, n in ((k1, n1), (k2, n2))
    )
    effect = compare_proportions(control, treated, "b", interval="wald", relative="log-ratio")
    pooled = tt.Proportion("b", method="norm", correction=False).analyze_aggregates(one, two)
    assert effect.p == pytest.approx(pooled.pvalue, rel=1e-6, abs=1e-300)
    unpooled = tt.Proportion("b", method="norm", correction=False, equal_var=False)
    oracle = unpooled.analyze_aggregates(one, two)
    assert effect.low == pytest.approx(max(-1, oracle.effect_size_ci_lower), **CLOSE)
    assert effect.high == pytest.approx(min(1, oracle.effect_size_ci_upper), **CLOSE)
    assert effect.relative.low == pytest.approx(oracle.rel_effect_size_ci_lower, **CLOSE)
    assert effect.relative.high == pytest.approx(oracle.rel_effect_size_ci_upper, **CLOSE)


@given(
    st.lists(
        st.tuples(st.integers(-(10**12), 10**12), st.floats(-1e6, 1e6), st.booleans()),
        min_size=2,
        max_size=60,
    ),
    st.lists(st.integers(0, 60), max_size=4),
)
@settings(max_examples=150, deadline=None)
def test_statistics_of_parts_add_to_the_statistics_of_the_whole(rows, cuts: list[int]) -> None:
    names = ("fen", "score", "flag")
    columns = {name: np.array([row[i] for row in rows]) for i, name in enumerate(names)}
    whole = sums_of(columns)
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    parts = [sums_of({name: values[a:b] for name, values in columns.items()}) for a, b in pairwise(edges)]
    added = sum(parts, start=MetricSums.empty(names))
    assert added.n == whole.n
    assert added.total("fen") == whole.total("fen") == sum(row[0] for row in rows)
    raw, added_raw = whole.about((0, 0, 0)), added.about((0, 0, 0))
    exact = [0, 2, 5]  # fen², fen·flag, flag²: integers
    assert [added_raw.products[i] for i in exact] == [raw.products[i] for i in exact]
    assert added_raw.products[0] == sum(row[0] ** 2 for row in rows)
    scale = max(1.0, max(abs(row[1]) for row in rows))
    assert added.mean("score") == pytest.approx(whole.mean("score"), rel=1e-9, abs=1e-9 * scale)
    assert added_raw.products[3] == pytest.approx(raw.products[3], rel=1e-9, abs=1e-9 * scale**2)


odd = st.lists(st.sampled_from([0.0, 1.0, -1.0, 0.1, 1e9, 1e130, 5e-324]), max_size=6)


@given(
    odd,
    odd,
    st.sampled_from(["mean", "proportion", "cuped", "lin", "ratio", "cuped ratio", "quantile"]),
    st.sampled_from(["fieller", "delta", "log-ratio"]),
    st.sampled_from([FixedBound(), FixedBound(alpha=1e-9), AlwaysValidBound()]),
)
@settings(max_examples=500, deadline=None)
def test_degenerate_arms_give_finite_figures_or_a_clear_error(one, two, kind: str, relative, bound) -> None:
    try:
        effect = degenerate_effect(one, two, kind, {"bound": bound, "relative": relative})
    except InputError:
        return
    lift = effect.relative
    numbers = [effect.difference, effect.low, effect.high, effect.p, effect.se]
    numbers += [value for value in (lift.estimate, lift.low, lift.high) if value is not None]
    assert np.all(np.isfinite(numbers))
    assert effect.low <= effect.difference <= effect.high
    assert 0 <= effect.p <= 1
    assert lift.low is None or lift.low >= -1


def degenerate_effect(one: list[float], two: list[float], kind: str, how):
    """Compare two arms by ``kind``; the second arm's covariate is constant."""
    if kind == "quantile":
        return compare_quantiles(ValueCounts.of(one * 20), ValueCounts.of(two * 20), 0.5, **how)
    control = sums_of({"x": np.array(one), "c": np.arange(len(one)), "d": np.ones(len(one))})
    treated = sums_of({"x": np.array(two), "c": np.zeros(len(two)), "d": np.arange(len(two)) * 0.5})
    ratio = Target(numerator="x", denominator="d")
    calls = {
        "mean": lambda: compare_means(control, treated, "x", **how),
        "proportion": lambda: compare_proportions(control, treated, "x", **how),
        "cuped": lambda: compare_cuped(control, treated, Target(numerator="x"), ["c"], **how),
        "lin": lambda: compare_lin(control, treated, "x", ["c"], **how),
        "ratio": lambda: compare_ratios(control, treated, "x", "d", **how),
        "cuped ratio": lambda: compare_cuped(control, treated, ratio, ["c"], **how),
    }
    return calls[kind]()
