import numpy as np
import pytest

from koipond.strategy.allocation.dual import best_prices, respond
from koipond.strategy.allocation.problem import Problem, bar_hopeless
from koipond.strategy.allocation.rounding import round_to_whole


def problem(*, customers: int = 400, seed: int = 0) -> Problem:
    rng = np.random.default_rng(seed)
    limits = np.full((2, 1 + 3 + 2), np.inf)
    limits[0, 0], limits[1, 1], limits[1, 4] = customers * 0.5, customers // 10, customers // 8
    return Problem(
        value=rng.gamma(2.0, 2.0, (3, customers)),
        cost=rng.gamma(2.0, 1.0, (3, customers)),
        segment=rng.integers(0, 2, customers),
        limits=limits,
    )


def test_any_prices_give_an_upper_bound() -> None:
    given = problem()
    value = given.worth(round_to_whole(given, best_prices(given)))
    rng = np.random.default_rng(1)
    for _ in range(20):
        prices = np.where(np.isfinite(given.limits), rng.uniform(0, 5, given.limits.shape), 0.0)
        assert respond(given, prices).bound >= value


def test_best_prices_are_no_worse_than_any_tried() -> None:
    given = problem()
    best = best_prices(given)
    rng = np.random.default_rng(2)
    for scale in rng.uniform(0.5, 1.5, 30):
        assert respond(given, best.prices * scale).bound >= best.bound * (1 - 1e-9)


def test_the_bound_equals_the_relaxed_optimum_of_linear_programming() -> None:
    from scipy.optimize import linprog

    given = problem(customers=60)
    offers, customers = given.value.shape
    every = np.ones((offers, customers), dtype=bool)
    first = np.arange(offers)[:, None] == 0
    rows = [
        (given.cost * every).ravel(),
        (every & first).ravel().astype(float),
        (every & (given.segment == 0)).ravel().astype(float),
    ]
    one_each = np.kron(np.ones(offers), np.eye(customers))
    bounds = [given.limits[0, 0], given.limits[1, 1], given.limits[1, 4], *[1.0] * customers]
    answer = linprog(-given.value.ravel(), A_ub=np.vstack([*rows, one_each]), b_ub=bounds)
    assert best_prices(given).bound == pytest.approx(-answer.fun, rel=2e-5)


def test_prices_are_zero_where_no_limit_binds() -> None:
    given = problem()
    loose = Problem(value=given.value, cost=given.cost, segment=given.segment, limits=given.limits * 100)
    assert not best_prices(loose).prices.any()


def test_options_that_fit_no_limit_alone_leave_the_bound() -> None:
    limits = np.array([[3.0, np.inf, np.inf], [np.inf, np.inf, np.inf]])
    given = Problem(
        value=np.array([[5.0, 100.0]]),
        cost=np.array([[3.0, 4.0]]),
        segment=np.zeros(2, dtype=np.intp),
        limits=limits,
    )
    assert best_prices(bar_hopeless(given)).bound == pytest.approx(5.0)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_units_of_value_and_of_cost_do_not_matter(scale: float) -> None:
    given = problem()
    limits = given.limits * np.array([[1 / scale], [1.0]])
    scaled = Problem(value=given.value * scale, cost=given.cost / scale, segment=given.segment, limits=limits)
    assert best_prices(scaled).bound == pytest.approx(scale * best_prices(given).bound, rel=2e-5)
    assert round_to_whole(scaled, best_prices(scaled)).shape == (given.customer_count,)


def test_an_option_of_nearly_no_cost_does_not_blur_the_prices() -> None:
    given = problem()
    cost = given.cost.copy()
    cost[0, :3] = 1e-12
    cheap = Problem(value=given.value, cost=cost, segment=given.segment, limits=given.limits)
    found = best_prices(cheap)
    assert found.bound < 1.05 * best_prices(given).bound
    assert cheap.worth(round_to_whole(cheap, found)) > 0.98 * found.bound


def test_a_failing_linear_program_costs_tightness_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    import scipy.optimize

    class Failed:
        status = 4

    given = problem()
    best = best_prices(given).bound
    monkeypatch.setattr(scipy.optimize, "linprog", lambda *args, **options: Failed())
    found = best_prices(given)
    choice = round_to_whole(given, found)
    assert found.bound >= best
    assert bool((given.usage(choice) <= given.limits).all())
    assert given.worth(choice) > 0.7 * best
