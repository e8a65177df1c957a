import numpy as np
import pytest

from koipond.kernel import InputError, RefusedError
from koipond.profiles.clv import (
    choose,
    collapse,
    fit_bgbb,
    fit_bgnbd,
    fit_gamma_gamma,
    fit_mbgnbd,
    fit_pareto_nbd,
)

Histories = tuple[np.ndarray, np.ndarray, np.ndarray]


def _simulated(customers: int, *, dropout_at_first: bool, seed: int = 3) -> Histories:
    rng = np.random.default_rng(seed)
    rate, p = rng.gamma(0.8, 1 / 6.0, customers), rng.beta(0.8, 2.5, customers)
    T = rng.integers(140, 280, customers) / 7
    x, t_x, clock = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    active = np.arange(customers)
    if dropout_at_first:
        active = active[rng.random(customers) > p]
    while len(active):
        clock[active] += rng.exponential(1, len(active)) / rate[active]
        active = active[clock[active] <= T[active]]
        x[active] += 1
        t_x[active] = clock[active]
        active = active[rng.random(len(active)) > p[active]]
    return x, t_x, T


@pytest.mark.parametrize(("fit", "first"), [(fit_bgnbd, False), (fit_mbgnbd, True)])
def test_the_parameters_that_made_the_data_are_found_again(fit: object, first: bool) -> None:
    found = fit(*_simulated(40_000, dropout_at_first=first))  # type: ignore[operator]
    assert found.converged
    assert not found.flat
    for name, truth in {"r": 0.8, "alpha": 6.0, "a": 0.8, "b": 2.5}.items():
        assert abs(found.params[name] - truth) < 4 * found.standard_errors[name], name


def test_the_unit_of_time_changes_the_scale_and_nothing_else() -> None:
    x, t_x, T = _simulated(2_000, dropout_at_first=False)
    for fit in (fit_bgnbd, fit_mbgnbd, fit_pareto_nbd):
        weeks, days = fit(x, t_x, T), fit(x, t_x * 7, T * 7)
        assert days.params["r"] == pytest.approx(weeks.params["r"], rel=1e-4)
        assert days.params["alpha"] == pytest.approx(7 * weeks.params["alpha"], rel=1e-4)
        assert days.log_likelihood == pytest.approx(weeks.log_likelihood - x.sum() * np.log(7), abs=1e-4)


def test_a_search_that_hits_its_limit_says_so() -> None:
    found = fit_bgnbd(*_simulated(500, dropout_at_first=False), evaluations_max=2)
    assert not found.converged
    assert found.evaluations <= 4


def test_everybody_alive_for_ever_leaves_pareto_flat_and_mbgnbd_takes_over() -> None:
    rng = np.random.default_rng(1)
    T = np.full(400, 50.0)
    x = rng.poisson(rng.gamma(2.0, 0.1, 400) * 50).astype(float)
    t_x = np.array([rng.random(int(n)).max() * 50 if n else 0.0 for n in x])
    choice = choose(collapse(x, t_x, T), "pareto_nbd")
    assert choice.fit.model.key == "mbgnbd"
    assert any("pareto_nbd was fitted but not used" in note for note in choice.notes)


def test_auto_takes_the_likelier_and_never_bgnbd() -> None:
    choice = choose(collapse(*_simulated(3_000, dropout_at_first=True)), "auto")
    assert choice.fit.model.key == max(choice.log_likelihoods, key=lambda key: choice.log_likelihoods[key])
    assert "bgnbd" not in choice.log_likelihoods
    assert any("by log-likelihood" in note for note in choice.notes)


def test_an_unknown_model_and_customers_who_never_return_are_refused() -> None:
    rows = collapse(*_simulated(100, dropout_at_first=False))
    with pytest.raises(InputError, match="bgnbd, mbgnbd, pareto_nbd, bgbb, auto"):
        choose(rows, "pareto")
    with pytest.raises(InputError, match="bought twice"):
        choose(collapse(np.zeros(5), np.zeros(5), np.arange(1.0, 6)), "bgnbd")


def test_bgbb_refuses_half_periods_and_more_purchases_than_periods() -> None:
    with pytest.raises(InputError, match="whole periods"):
        fit_bgbb([1, 0], [1.5, 0], [6, 6])
    with pytest.raises(InputError, match="whole periods"):
        fit_bgbb([3, 0], [2, 0], [6, 6])


def test_gamma_gamma_finds_the_values_that_made_the_data() -> None:
    rng = np.random.default_rng(8)
    x = rng.integers(1, 12, 20_000).astype(float)
    rate = rng.gamma(4.0, 1 / 20.0, len(x))
    found = fit_gamma_gamma(x, rng.gamma(6.0 * x) / rate / x)
    assert found.model.params == pytest.approx({"p": 6.0, "q": 4.0, "v": 20.0}, rel=0.1)
    assert found.model.population_mean == pytest.approx(40.0, rel=0.02)
    assert found.converged


def test_gamma_gamma_names_every_problem_and_refuses_dependent_money() -> None:
    with pytest.raises(InputError, match=r"at least 2 repeat buyers.*at least 1.*above 0"):
        fit_gamma_gamma([0], [-1.0])
    x = np.arange(1.0, 200.0)
    with pytest.raises(RefusedError, match="correlated"):
        fit_gamma_gamma(x, x * 3)
