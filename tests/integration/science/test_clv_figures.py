"""Every figure of science B1 that the data carry, to the digits printed there."""

from importlib.resources import files

import numpy as np
import pyarrow as pa
import pytest

import koipond
from koipond.kernel import RefusedError
from koipond.profiles.clv import (
    BgNbd,
    Counts,
    check_holdout,
    fit_bgbb,
    fit_bgnbd,
    fit_gamma_gamma,
    fit_pareto_nbd,
    summarise,
)

CUT = "1997-09-30"


def _one(x: float, t_x: float, T: float) -> Counts:
    return Counts(x=np.array([x]), t_x=np.array([t_x]), T=np.array([T]), weight=np.ones(1))


@pytest.mark.parametrize(
    ("model", "params", "log_likelihood"),
    [
        ("bgnbd", {"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}, -9582.429),
        ("pareto_nbd", {"r": 0.5533, "alpha": 10.578, "s": 0.6062, "beta": 11.669}, -9594.976),
        ("mbgnbd", {"r": 0.5248, "alpha": 6.183, "a": 0.8914, "b": 1.6140}, -9582.136),
    ],
)
def test_the_cdnow_sample_gives_the_published_parameters(
    cdnow_sample: pa.Table, model: str, params: dict[str, float], log_likelihood: float
) -> None:
    found = koipond.clv(cdnow_sample, calibration_end=CUT, model=model)
    assert found.model == model
    assert found.log_likelihood == pytest.approx(log_likelihood, abs=6e-4)
    for name, value in params.items():
        digits = {"alpha": 1e-3, "beta": 1e-3}.get(name, 1e-4)
        assert found.params[name] == pytest.approx(value, abs=digits / 2 + 1e-9), name


@pytest.mark.parametrize(
    ("model", "params", "log_likelihood"),
    [
        ("bgnbd", {"r": 0.25162, "alpha": 4.78894, "a": 0.72343, "b": 2.16109}, -95368.444),
        ("pareto_nbd", {"r": 0.59742, "alpha": 11.5857, "s": 0.522186, "beta": 8.82776}, -95415.119),
    ],
)
def test_the_cdnow_master_gives_the_computed_parameters(
    cdnow_master: pa.Table, model: str, params: dict[str, float], log_likelihood: float
) -> None:
    found = koipond.clv(cdnow_master, calibration_end=CUT, model=model)
    assert len(found.customers) == 23570
    assert found.log_likelihood == pytest.approx(log_likelihood, abs=6e-4)
    assert found.params == pytest.approx(params, rel=2e-5)


def test_gamma_gamma_gives_the_published_parameters(cdnow_sample: pa.Table) -> None:
    found = koipond.clv(cdnow_sample, amount="amount", calibration_end=CUT)
    value = found.value_fit
    assert value is not None
    assert value.customers == 946
    assert (value.model.p, value.model.q, value.model.v) == pytest.approx((6.2496, 3.7442, 15.444), abs=6e-4)
    assert value.model.population_mean == pytest.approx(35.17, abs=5e-3)
    assert value.log_likelihood == pytest.approx(-4055.9177, abs=1e-4)
    assert value.correlation == pytest.approx(0.11, abs=5e-3)
    assert {"r", "alpha", "a", "b", "p", "q", "v"} == set(found.params)


def test_gamma_gamma_on_the_master_leaves_out_the_buyer_of_free_goods(cdnow_master: pa.Table) -> None:
    found = koipond.clv(cdnow_master, amount="amount", calibration_end=CUT)
    value = found.value_fit
    assert value is not None
    assert value.customers == 9450
    assert (value.model.p, value.model.q, value.model.v) == pytest.approx((6.2754, 3.6244, 14.984), abs=6e-4)
    assert value.log_likelihood == pytest.approx(-40763.476, abs=6e-4)
    assert value.correlation == pytest.approx(0.08, abs=5e-3)
    assert any("1 repeat buyers" in note for note in found.notes)


def test_bgbb_gives_the_published_parameters_on_the_donations(donations: dict[str, list[float]]) -> None:
    weight = np.array(donations["weights"], dtype=int)
    x, t_x, n = (np.repeat(donations[name], weight) for name in ("frequency", "recency", "periods"))
    found = fit_bgbb(x, t_x, n)
    assert found.customers == 11104
    assert found.log_likelihood == pytest.approx(-33225.58, abs=5e-3)
    expected = {"alpha": 1.2035, "beta": 0.7497, "gamma": 0.6567, "delta": 2.7834}
    assert found.params == pytest.approx(expected, abs=6e-5)


def test_single_customers_are_forecast_as_published(cdnow_sample: pa.Table) -> None:
    bg = BgNbd(r=0.2426, alpha=4.4136, a=0.7929, b=2.4259)
    assert bg.expected_purchases(39, _one(2, 30.43, 38.86))[0] == pytest.approx(1.2259, abs=6e-5)
    assert bg.p_alive(_one(2, 30.43, 38.86))[0] == pytest.approx(0.7266, abs=6e-5)
    pareto = koipond.clv(cdnow_sample, calibration_end=CUT, model="pareto_nbd").fit.model
    assert pareto.expected_purchases(52, _one(26, 30.86, 31))[0] == pytest.approx(25.456, abs=5e-4)
    assert pareto.p_alive(_one(26, 30.86, 31))[0] == pytest.approx(0.9979, abs=6e-5)
    assert pareto.expected_new(np.array([52.0]))[0] == pytest.approx(1.4734, abs=5e-5)


def test_the_sample_hold_out_comes_out_as_computed(cdnow_sample: pa.Table) -> None:
    bg = check_holdout(cdnow_sample, amount="amount", calibration_end=CUT, holdout_end="1998-06-30")
    assert bg.horizon == 39
    assert bg.actual.sum() == 1882
    assert bg.expected.sum() == pytest.approx(1653, abs=0.5)
    assert bg.mean_absolute_error == pytest.approx(0.785, abs=5e-4)
    assert bg.root_mean_square_error == pytest.approx(1.608, abs=5e-4)
    assert bg.rate.sum() / 1882 - 1 == pytest.approx(0.557, abs=5e-4)
    assert bg.capture() == pytest.approx(0.467, abs=5e-4)
    assert bg.cumulative == 4339
    assert bg.cumulative_expected == pytest.approx(4160.6, abs=0.05)
    zero = bg.by_repeat_count()[0]
    assert (zero["actual"], zero["expected"]) == pytest.approx((0.237, 0.225), abs=5e-4)
    assert bg.actual_value is not None
    assert bg.expected_value is not None
    assert bg.expected_value.sum() / bg.actual_value.sum() - 1 == pytest.approx(-0.156, abs=5e-4)
    assert bg.fitted.p_alive().mean() == pytest.approx(0.81, abs=5e-3)


def test_the_sample_hold_out_of_pareto_comes_out_as_computed(cdnow_sample: pa.Table) -> None:
    pareto = check_holdout(cdnow_sample, calibration_end=CUT, holdout_end="1998-06-30", model="pareto_nbd")
    assert pareto.expected.sum() == pytest.approx(1666, abs=0.5)
    assert pareto.mean_absolute_error == pytest.approx(0.755, abs=5e-4)
    assert pareto.root_mean_square_error == pytest.approx(1.603, abs=5e-4)
    assert pareto.cumulative_expected == pytest.approx(4270.0, abs=0.05)
    assert pareto.by_repeat_count()[0]["expected"] == pytest.approx(0.138, abs=5e-4)
    assert pareto.fitted.p_alive().mean() == pytest.approx(0.45, abs=5e-3)


def test_the_master_hold_out_comes_out_as_computed(cdnow_master: pa.Table) -> None:
    bg = check_holdout(cdnow_master, amount="amount", calibration_end=CUT, holdout_end="1998-06-30")
    assert bg.actual.sum() == 19684
    assert bg.expected.sum() == pytest.approx(16874, abs=0.5)
    assert bg.mean_absolute_error == pytest.approx(0.819, abs=5e-4)
    assert bg.root_mean_square_error == pytest.approx(1.733, abs=5e-4)
    assert bg.rate.sum() / 19684 - 1 == pytest.approx(0.474, abs=5e-4)
    assert bg.capture() == pytest.approx(0.456, abs=5e-4)
    assert bg.actual_value is not None
    assert bg.expected_value is not None
    assert bg.expected_value.sum() / bg.actual_value.sum() - 1 == pytest.approx(-0.173, abs=5e-4)
    pareto = check_holdout(cdnow_master, calibration_end=CUT, holdout_end="1998-06-30", model="pareto_nbd")
    assert pareto.expected.sum() == pytest.approx(17153, abs=0.5)


@pytest.mark.shared_data
def test_online_retail_comes_out_as_computed(online_retail: pa.Table) -> None:
    bg = check_holdout(online_retail, amount="amount", calibration_end="2011-06-09")
    expected = {"r": 0.67538, "alpha": 9.34766, "a": 0.155143, "b": 3.39551}
    assert bg.fitted.fit.params == pytest.approx(expected, rel=2e-5)
    assert bg.fitted.log_likelihood == pytest.approx(-58602.470, abs=6e-4)
    assert bg.horizon == pytest.approx(26.1, abs=0.05)
    assert bg.actual.sum() == 7797
    assert bg.expected.sum() == pytest.approx(7693, abs=0.5)
    assert bg.mean_absolute_error == pytest.approx(1.046, abs=6e-4)
    assert bg.root_mean_square_error == pytest.approx(1.778, abs=5e-4)
    assert bg.rate.sum() / 7797 - 1 == pytest.approx(0.053, abs=5e-4)
    assert bg.capture() == pytest.approx(0.433, abs=5e-4)
    assert bg.fitted.value_fit is not None
    assert bg.fitted.value_fit.correlation == pytest.approx(0.13, abs=5e-3)


@pytest.mark.shared_data
def test_the_flat_pareto_likelihood_of_online_retail_is_noticed_and_replaced(online_retail: pa.Table) -> None:
    summary = summarise(online_retail, calibration_end="2011-06-09")
    fit = fit_pareto_nbd(summary.x, summary.t_x, summary.T)
    assert fit.flat
    assert fit.evaluations <= 200
    rows = Counts(x=summary.x, t_x=summary.t_x, T=summary.T, weight=np.ones(len(summary)))
    total = fit.model.expected_purchases(183 / 7, rows).sum()
    assert total == pytest.approx(7600, rel=1e-3)  # flat: s 14.4, beta 5520 is one point of the ridge
    at_noted = float(fit.objective(np.log([0.742, 10.562, 14.4, 5520.0]))[0])
    assert fit.log_likelihood == pytest.approx(at_noted, abs=0.1)
    found = koipond.clv(online_retail, calibration_end="2011-06-09", model="pareto_nbd")
    assert found.model == "mbgnbd"
    assert any("flat" in note and "mbgnbd" in note for note in found.notes)


def test_rounding_the_ages_moves_the_likelihood_as_noted(cdnow_sample: pa.Table) -> None:
    text = files("lifetimes").joinpath("datasets/cdnow_customers_summary.csv").read_text().splitlines()
    rows = np.array([[float(cell) for cell in line.split(",")] for line in text[1:]])
    found = fit_bgnbd(rows[:, 1], rows[:, 2], rows[:, 3])
    assert found.log_likelihood == pytest.approx(-9582.4256, abs=1e-4)
    assert found.params["r"] == pytest.approx(0.242593, abs=1e-6)


def test_gamma_gamma_needs_money_that_does_not_follow_the_count() -> None:
    rng = np.random.default_rng(5)
    x = rng.integers(1, 20, 400).astype(float)
    with pytest.raises(RefusedError, match="correlated"):
        fit_gamma_gamma(x, x * rng.gamma(8, 1, 400))
