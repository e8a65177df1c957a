"""Each model against its own definition by a second route: simulated integrals, sums and differences."""

from itertools import islice

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gammaln, roots_genlaguerre
from scipy.stats import beta as beta_law

from koipond.profiles.clv import BgBb, BgNbd, Counts, MbgNbd, ParetoNbd
from koipond.profiles.clv.beta_geometric import BetaGeometricLikelihood, purchases_while_alive
from koipond.profiles.clv.bgbb import BgBbLikelihood
from koipond.profiles.clv.gamma_gamma import GammaGammaLikelihood
from koipond.profiles.clv.maximum import Objective
from koipond.profiles.clv.model import PurchaseModel
from koipond.profiles.clv.pareto_nbd import ParetoLikelihood

ROWS = Counts(
    x=np.array([0.0, 0, 1, 2, 7, 40]),
    t_x=np.array([0, 0, 3.0, 20, 30, 38]),
    T=np.array([5.0, 38, 30, 38, 31, 38]),
    weight=np.array([4.0, 3, 2, 2, 1, 1]),
)
PERIODS = Counts(
    x=np.array([0.0, 1, 2, 5]), t_x=np.array([0.0, 1, 6, 5]), T=np.full(4, 6.0), weight=np.arange(1.0, 5)
)
CONTINUOUS: list[PurchaseModel] = [
    BgNbd(r=0.24, alpha=4.4, a=0.79, b=2.4),
    BgNbd(r=0.6, alpha=9.0, a=1.7, b=0.2),
    MbgNbd(r=0.52, alpha=6.2, a=0.89, b=1.6),
    ParetoNbd(r=0.55, alpha=10.6, s=0.61, beta=11.7),
    ParetoNbd(r=0.75, alpha=10.0, s=14.0, beta=5500.0),
    ParetoNbd(r=1.2, alpha=60.0, s=0.4, beta=0.5),
]
OBJECTIVES: list[tuple[Objective, list[float]]] = [
    (BetaGeometricLikelihood(ROWS, shift=0), [0.3, 5, 0.7, 2.2]),
    (BetaGeometricLikelihood(ROWS, shift=1), [0.5, 9, 1.3, 0.4]),
    (ParetoLikelihood(ROWS), [0.5, 10, 0.6, 9]),
    (ParetoLikelihood(ROWS), [0.5, 10, 14, 5000]),
    (ParetoLikelihood(ROWS), [1.5, 90, 0.4, 0.5]),
    (BgBbLikelihood(PERIODS), [1.2, 0.7, 0.6, 2.8]),
    (GammaGammaLikelihood(np.array([1.0, 2, 9]), np.array([30.0, 12, 55])), [6.0, 4, 15]),
]


@pytest.mark.parametrize("case", OBJECTIVES)
def test_the_gradient_is_the_slope_of_the_likelihood(case: tuple[Objective, list[float]]) -> None:
    objective, params = case
    at = np.log(params)
    gradient = objective(at)[1]
    for i in range(len(at)):
        step = np.zeros(len(at))
        step[i] = 1e-5
        slope = (objective(at + step)[0] - objective(at - step)[0]) / 2e-5
        assert gradient[i] == pytest.approx(slope, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("model", CONTINUOUS)
def test_the_expected_number_is_the_sum_of_the_tail(model: PurchaseModel) -> None:
    total = sum(islice(model.tail(20.0, ROWS), 400))
    assert total == pytest.approx(model.expected_purchases(20.0, ROWS), rel=1e-9)


def test_bgbb_expects_the_sum_of_its_tail_and_buys_at_most_once_a_period() -> None:
    model = BgBb(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8)
    tails = list(islice(model.tail(5.0, PERIODS), 7))
    assert sum(tails) == pytest.approx(model.expected_purchases(5.0, PERIODS), rel=1e-12)
    assert np.all(tails[5] == 0)


@pytest.mark.parametrize("model", CONTINUOUS[:2])
def test_bgnbd_never_calls_a_one_time_buyer_gone(model: PurchaseModel) -> None:
    assert np.all(model.p_alive(ROWS)[:2] == 1)
    assert np.all(model.p_alive(ROWS)[2:] < 1)


@pytest.mark.parametrize("model", CONTINUOUS[2:])
def test_the_other_models_doubt_a_one_time_buyer_more_with_every_week(model: PurchaseModel) -> None:
    soon, late = model.p_alive(ROWS)[:2]
    assert 1 > soon > late > 0


@pytest.mark.parametrize("a", [0.4, 0.9999, 0.999999, 1.0, 1.00005, 2.5])
@pytest.mark.parametrize(("b", "x", "horizon"), [(2.0, 2.0, 30.0), (0.3, 0.0, 3000.0), (5.0, 60.0, 300.0)])
def test_purchases_while_alive_are_the_mean_over_p_and_rate(
    a: float, b: float, x: float, horizon: float
) -> None:
    r, alpha, T = 0.3, 5.0, 20.0

    def given(p: float) -> float:
        if p == 0:
            return (r + x) * horizon / (alpha + T)
        return float(-np.expm1(-(r + x) * np.log1p(p * horizon / (alpha + T))) / p)

    density = beta_law(a, b + x)
    expected = quad(lambda u: given(float(density.ppf(u))), 0, 1, epsabs=1e-10, limit=400)[0]
    got = purchases_while_alive(horizon, np.array([x]), np.array([T]), r=r, alpha=alpha, a=a, b=b)
    assert got[0] == pytest.approx(expected, rel=1e-7)


def _gamma_points(shape: float, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights of E[f(Y)], Y ~ Gamma(shape, rate)."""
    points, weights = roots_genlaguerre(120, shape - 1)
    return points / rate, weights / weights.sum()


def test_the_pareto_likelihood_is_the_mean_over_both_rates() -> None:
    r, alpha, s, beta = 1.2, 6.0, 1.5, 9.0
    x, t_x, T = 2.0, 5.0, 11.0
    lam, rate = _gamma_points(r, alpha)
    mu, stop = _gamma_points(s, beta)
    both = lam[:, None] + mu
    gone = mu / both * (np.exp(-both * t_x) - np.exp(-both * T))
    history = lam[:, None] ** x * (gone + np.exp(-both * T))
    expected = rate @ history @ stop
    row = Counts(x=np.array([x]), t_x=np.array([t_x]), T=np.array([T]), weight=np.ones(1))
    value = ParetoLikelihood(row)(np.log([r, alpha, s, beta]))[0]
    assert value == pytest.approx(np.log(expected), abs=1e-5)


def test_the_two_beta_geometric_likelihoods_are_those_of_the_papers() -> None:
    r, alpha, a, b = 0.3, 5.0, 0.7, 2.2
    x, t_x, T = 2.0, 20.0, 38.0
    row = Counts(x=np.array([x]), t_x=np.array([t_x]), T=np.array([T]), weight=np.ones(1))

    def log_beta(c: float, d: float) -> float:
        return float(gammaln(c) + gammaln(d) - gammaln(c + d))

    rate = np.exp(gammaln(r + x) - gammaln(r) + r * np.log(alpha))
    for shift in (0, 1):
        alive = np.exp(log_beta(a, b + x + shift) - log_beta(a, b)) * (alpha + T) ** -(r + x)
        gone = np.exp(log_beta(a + 1, b + x + shift - 1) - log_beta(a, b)) * (alpha + t_x) ** -(r + x)
        value = BetaGeometricLikelihood(row, shift=shift)(np.log([r, alpha, a, b]))[0]
        assert value == pytest.approx(np.log(rate * (alive + gone)), rel=1e-12)


@pytest.mark.parametrize("model", CONTINUOUS)
def test_nobody_buys_in_no_time_and_more_time_brings_more(model: PurchaseModel) -> None:
    assert model.expected_purchases(0.0, ROWS) == pytest.approx(np.zeros(len(ROWS)), abs=1e-12)
    year, decade = model.expected_purchases(52.0, ROWS), model.expected_purchases(520.0, ROWS)
    assert np.all(year > 0)
    assert np.all(decade > year)


@pytest.mark.parametrize("model", CONTINUOUS)
def test_a_new_customer_is_one_without_a_past(model: PurchaseModel) -> None:
    fresh = Counts(x=np.zeros(1), t_x=np.zeros(1), T=np.zeros(1), weight=np.ones(1))
    expected = model.expected_purchases(30.0, fresh)
    assert model.expected_new(np.array([30.0])) == pytest.approx(expected, rel=1e-12)
