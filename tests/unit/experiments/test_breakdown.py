import json

import numpy as np
import pytest

from koipond.experiments.adjustment import Target
from koipond.experiments.always_valid import AlwaysValidBound
from koipond.experiments.breakdown import break_down
from koipond.experiments.columns import sums_of
from koipond.experiments.pooling import pool
from koipond.experiments.statistics import MetricSums
from koipond.frames import Result
from koipond.kernel import InputError

SCHOOLS = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
SCHOOL_SES = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


def test_the_eight_schools_come_out_as_in_bayesian_data_analysis() -> None:
    """BDA 3rd ed., §5.5, tau uniform: posterior means 11, 8, 6, 8, 5, 6, 11, 8, mean of effects about 8."""
    found = pool(SCHOOLS, SCHOOL_SES, flat_tau=True)
    assert np.round(found.estimate).tolist() == [11, 8, 6, 8, 5, 6, 11, 8]
    assert found.mu == pytest.approx(7.9, abs=0.2)


def test_the_posterior_agrees_with_drawing_from_it() -> None:
    """Second route: draws of (tau, mu, effect) by rejection on a plain grid of our own."""
    found = pool(SCHOOLS, SCHOOL_SES)
    rng = np.random.default_rng(3)
    typical = np.sqrt(len(SCHOOLS) / np.sum(SCHOOL_SES**-2))
    tau = np.abs(rng.standard_cauchy(400_000)) * 3 * typical
    mu = rng.normal(8, 30, len(tau))  # wide proposal, weighted back to flat
    spread = SCHOOL_SES**2 + tau[:, None] ** 2
    log_w = -0.5 * (np.log(spread) + (SCHOOLS - mu[:, None]) ** 2 / spread).sum(axis=1)
    log_w += 0.5 * ((mu - 8) / 30) ** 2
    keep = rng.choice(len(tau), 60_000, p=np.exp(log_w - log_w.max()) / np.exp(log_w - log_w.max()).sum())
    tau, mu = tau[keep], mu[keep]
    precision = 1 / SCHOOL_SES[0] ** 2 + 1 / tau**2
    draws = rng.normal((SCHOOLS[0] / SCHOOL_SES[0] ** 2 + mu / tau**2) / precision, 1 / np.sqrt(precision))
    assert found.estimate[0] == pytest.approx(draws.mean(), abs=0.35)
    assert found.low[0] == pytest.approx(np.quantile(draws, 0.025), abs=0.8)
    assert found.high[0] == pytest.approx(np.quantile(draws, 0.975), abs=0.8)
    assert found.mu == pytest.approx(mu.mean(), abs=0.25)


@pytest.mark.parametrize("between", [0.0, 0.02, 0.06])
def test_intervals_of_small_layers_cover_what_they_say(between: float) -> None:
    rng = np.random.default_rng(11)
    sizes = [20, 60, 200, 1500]
    hits = runs = 0
    width_own = width_pooled = 0.0
    for _ in range(150):
        lift = rng.normal(0.05, between, len(sizes))
        cells, true = {}, []
        for size, extra in zip(sizes, lift, strict=True):
            p = np.clip(0.2 + extra, 0.001, 0.999)
            true.append(p - 0.2)
            cells[str(size)] = (
                sums_of({"b": (rng.random(size) < 0.2).astype(int)}),
                sums_of({"b": (rng.random(size) < p).astype(int)}),
            )
        found = break_down(cells, Target(numerator="b"))
        for layer, value in zip(found.layers, true, strict=True):
            hits += layer.low <= value <= layer.high
            runs += 1
            assert layer.own_se is not None
            width_own += 2 * 1.96 * layer.own_se
            width_pooled += layer.high - layer.low
    assert hits / runs > 0.92
    assert width_pooled < width_own


def test_a_layer_where_nobody_bought_leans_on_the_others_and_is_not_certain() -> None:
    rng = np.random.default_rng(12)
    big = (sums_of({"b": rng.integers(0, 2, 500)}), sums_of({"b": rng.integers(0, 2, 500)}))
    other = (sums_of({"b": rng.integers(0, 2, 400)}), sums_of({"b": rng.integers(0, 2, 400)}))
    none = (sums_of({"b": [0] * 12}), sums_of({"b": [0] * 12}))
    found = break_down({"big": big, "other": other, "none": none}, Target(numerator="b"))
    cell = found.layers[2]
    assert cell.own == 0.0
    assert cell.own_se is not None
    assert cell.own_se > 0.1
    assert cell.high - cell.low > 0.05


def test_an_empty_arm_gets_the_answer_of_a_layer_never_seen() -> None:
    rng = np.random.default_rng(13)
    cells = {
        name: (sums_of({"x": rng.normal(10, 3, 300)}), sums_of({"x": rng.normal(11, 3, 300)}))
        for name in "abc"
    }
    cells["new"] = (MetricSums.empty(["x"]), sums_of({"x": rng.normal(11, 3, 40)}))
    found = break_down(cells, Target(numerator="x"))
    new = found.layers[3]
    assert (new.own, new.own_se, new.control_customers) == (None, None, 0)
    assert new.difference == pytest.approx(found.mean, abs=1e-9)
    assert new.high - new.low > max(layer.high - layer.low for layer in found.layers[:3])
    assert new.low < 1.0 < new.high


def test_a_ratio_breaks_down_too_and_the_result_shows_itself() -> None:
    rng = np.random.default_rng(14)
    cells = {}
    for name in "abcd":
        orders = rng.poisson(3, (2, 300)) + 1
        revenue = orders * rng.gamma(5, [[10.0], [11.0]], (2, 300))
        cells[name] = tuple(sums_of({"r": revenue[i], "o": orders[i]}) for i in (0, 1))
    found = break_down(cells, Target(numerator="r", denominator="o"), name="aov")
    assert found.mean == pytest.approx(5.0, abs=2.0)
    assert isinstance(found, Result)
    json.dumps([found.to_dict(), found.plot()], allow_nan=False)
    assert "all layers" in str(found)


SIZES = {"small": 40, "middle": 200, "large": 1000}  # customers of an arm who come between two looks


def ever_wrong(bound: AlwaysValidBound | None, rate: float, runs: int) -> float:
    """Return in what share of (run, layer) some of 20 looks excludes the truth, that nothing differs."""
    rng = np.random.default_rng(17)
    wrong = set()
    for run in range(runs):
        drawn = {n: [(rng.random(n * 20) < rate).astype(int) for _ in "ct"] for n in SIZES.values()}
        for look in range(1, 21):
            cells = {
                name: (sums_of({"b": drawn[n][0][: n * look]}), sums_of({"b": drawn[n][1][: n * look]}))
                for name, n in SIZES.items()
            }
            for one in break_down(cells, Target(numerator="b"), bound=bound).layers:
                assert one.low is not None
                assert one.high is not None
                if not one.low <= 0 <= one.high:
                    wrong.add((run, one.layer))
    return len(wrong) / (runs * len(SIZES))


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_layers_looked_at_every_day_cover_at_all_looks_together(rate: float) -> None:
    assert ever_wrong(AlwaysValidBound(), rate, 40) <= 0.05


def test_pooled_layers_looked_at_every_day_do_not() -> None:
    """That is why pooling waits for the planned end."""
    assert ever_wrong(None, 0.2, 15) > 0.08


def test_a_layer_alone_has_the_interval_of_the_bound_for_its_own_customers() -> None:
    rng = np.random.default_rng(18)
    cells = {
        name: (sums_of({"b": rng.integers(0, 2, n)}), sums_of({"b": rng.integers(0, 2, n)}))
        for name, n in (("a", 300), ("b", 900))
    }
    cells["new"] = (MetricSums.empty(["b"]), sums_of({"b": [0, 1]}))
    bound = AlwaysValidBound()
    found = break_down(cells, Target(numerator="b"), bound=bound)
    for one in found.layers[:2]:
        half = bound.multiplier(one.control_customers + one.treated_customers) * one.own_se
        assert (one.low, one.high) == pytest.approx((one.own - half, one.own + half))
    assert (found.layers[2].difference, found.layers[2].low, found.mean) == (None, None, None)
    assert "always valid" in found.method
    assert isinstance(found, Result)
    json.dumps([found.to_dict(), found.plot()], allow_nan=False)
    assert "all layers" not in str(found)


def test_what_cannot_be_broken_down_is_a_clear_error() -> None:
    one = sums_of({"x": [1.0, 2.0]})
    with pytest.raises(InputError, match="two layers"):
        break_down({"a": (one, one)}, Target(numerator="x"))
    with pytest.raises(InputError, match="two layers"):
        break_down({}, Target(numerator="x"))
    flat = sums_of({"x": [2, 2]})
    with pytest.raises(InputError, match="same for everyone"):
        break_down({"a": (flat, flat), "b": (flat, flat)}, Target(numerator="x"))
    with pytest.raises(InputError, match="two or more layers"):
        pool(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
