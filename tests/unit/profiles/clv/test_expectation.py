"""Purchases expected at any a and b, against sums over counts and closed forms."""

from itertools import islice, takewhile

import numpy as np
import pytest

from koipond.profiles.clv.beta_geometric import purchases_while_alive, tail_while_alive
from koipond.profiles.clv.bgnbd import BgNbd
from koipond.profiles.clv.collapse import Counts
from koipond.profiles.clv.mbgnbd import MbgNbd

pytestmark = pytest.mark.filterwarnings("error")
ROWS = Counts(
    x=np.array([0.0, 1.0, 4.0, 30.0]),
    t_x=np.array([0.0, 5.0, 20.0, 38.0]),
    T=np.array([0.0, 39.0, 39.0, 39.0]),
    weight=np.ones(4),
)


@pytest.mark.parametrize("a", [1e-6, 0.3, 1.0, 1.001, 9.9, 10.1, 300.0, 1e6])
@pytest.mark.parametrize("b", [0.05, 2.0, 350.0, 1e6])
@pytest.mark.parametrize("horizon", [1.0, 60.0])
def test_the_expectation_is_the_sum_over_counts(a: float, b: float, horizon: float) -> None:
    params = {"r": 0.25, "alpha": 4.5, "a": a, "b": b}
    tails = islice(tail_while_alive(horizon, ROWS, **params), 20_000)
    summed = sum(takewhile(lambda tail: tail.max() > 1e-14, tails), start=np.zeros(4))
    found = purchases_while_alive(horizon, ROWS.x, ROWS.T, **params)
    assert found == pytest.approx(summed, rel=1e-7)


@pytest.mark.parametrize("dropout", [1e-9, 0.01, 0.5])
def test_huge_a_and_b_are_one_dropout_for_all(dropout: float) -> None:
    """λ ~ Gamma(r+x, α+T) alone is left: (1 − (1 + pt/(α+T))^−(r+x))/p."""
    r, alpha, size, t = 0.5, 6.0, 1e14, 52.0
    found = purchases_while_alive(t, ROWS.x, ROWS.T, r=r, alpha=alpha, a=size * dropout, b=size)
    p = dropout / (1 + dropout)
    limit = -np.expm1(-(r + ROWS.x) * np.log1p(p * t / (alpha + ROWS.T))) / p
    assert found == pytest.approx(limit, rel=1e-4 if dropout < 1e-6 else 1e-9)


def test_who_never_drops_out_buys_at_their_rate() -> None:
    found = purchases_while_alive(10.0, ROWS.x, ROWS.T, r=0.5, alpha=6.0, a=1e-6, b=1.2e6)
    assert found == pytest.approx((0.5 + ROWS.x) * 10.0 / (6.0 + ROWS.T), rel=1e-6)


@pytest.mark.parametrize("model", [BgNbd, MbgNbd])
@pytest.mark.parametrize(
    ("a", "b"), [(1.2e6, 1.2e6), (1e-6, 1.2e6), (1.2e6, 1e-6), (1e5, 1.2e6), (80.0, 9e5)]
)
@pytest.mark.parametrize("horizon", [0.01, 52.0, 5_000.0])
def test_forecasts_are_finite_and_no_more_than_without_dropout(
    model: type[BgNbd | MbgNbd], a: float, b: float, horizon: float
) -> None:
    made = model(r=0.5, alpha=0.1, a=a, b=b)
    found = made.expected_purchases(horizon, ROWS)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (found <= (0.5 + ROWS.x) * horizon / (0.1 + ROWS.T) * (1 + 1e-9)).all()
    new = made.expected_new(np.array([horizon]))
    assert 0 < float(new[0]) <= 0.5 * horizon / 0.1
