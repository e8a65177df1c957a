"""Lifetime value against lifetimes 0.11.3 on random customers: the same formulas by other hands."""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaln

from koipond.profiles.clv import BgBb, BgNbd, Counts, GammaGamma, MbgNbd, ParetoNbd

POSITIVE = st.floats(0.15, 6.0).filter(
    lambda value: abs(value - 1) > 0.02
)  # lifetimes divides by a − 1, s − 1


@pytest.fixture(scope="module")
def lifetimes() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lifetimes as library

        yield library


@st.composite
def customers(draw: st.DrawFn) -> Counts:
    size = 5
    T = np.array(draw(st.lists(st.integers(1, 80), min_size=size, max_size=size)), dtype=float)
    x = np.array(draw(st.lists(st.integers(0, 20), min_size=size, max_size=size)), dtype=float)
    share = np.array(draw(st.lists(st.floats(0.01, 1.0), min_size=size, max_size=size)))
    return Counts(x=x, t_x=np.where(x > 0, share * T, 0.0), T=T, weight=np.ones(size))


def _fitted(fitter: Any, params: dict[str, float]) -> Any:
    import pandas as pd

    fitter.params_ = pd.Series(params)
    return fitter


def _close(ours: Any, oracle: Any, rel: float = 1e-6) -> None:
    assert np.asarray(ours) == pytest.approx(np.asarray(oracle), rel=rel, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(rows=customers(), params=st.tuples(POSITIVE, POSITIVE, POSITIVE, POSITIVE), horizon=st.floats(0.5, 60))
def test_both_beta_geometric_models_agree(lifetimes: Any, rows: Counts, params: Any, horizon: float) -> None:
    named = dict(zip(("r", "alpha", "a", "b"), params, strict=True))
    for ours, name in ((BgNbd(**named), "BetaGeoFitter"), (MbgNbd(**named), "ModifiedBetaGeoFitter")):
        oracle = _fitted(getattr(lifetimes, name)(), named)
        _close(ours.p_alive(rows), oracle.conditional_probability_alive(rows.x, rows.t_x, rows.T))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            forecast = oracle.conditional_expected_number_of_purchases_up_to_time(
                horizon, rows.x, rows.t_x, rows.T
            )
        good = np.isfinite(np.asarray(forecast))  # its 2F1 overflows where ours does not
        _close(ours.expected_purchases(horizon, rows)[good], np.asarray(forecast)[good])


@settings(max_examples=40, deadline=None)
@given(rows=customers(), params=st.tuples(POSITIVE, POSITIVE, POSITIVE, POSITIVE), horizon=st.floats(0.5, 60))
def test_pareto_nbd_agrees(lifetimes: Any, rows: Counts, params: Any, horizon: float) -> None:
    named = dict(zip(("r", "alpha", "s", "beta"), params, strict=True))
    ours, oracle = ParetoNbd(**named), _fitted(lifetimes.ParetoNBDFitter(), named)
    _close(ours.p_alive(rows), oracle.conditional_probability_alive(rows.x, rows.t_x, rows.T))
    forecast = oracle.conditional_expected_number_of_purchases_up_to_time(horizon, rows.x, rows.t_x, rows.T)
    _close(ours.expected_purchases(horizon, rows), forecast)


@settings(max_examples=30, deadline=None)
@given(params=st.tuples(POSITIVE, POSITIVE, POSITIVE, POSITIVE), horizon=st.integers(1, 12))
def test_bgbb_agrees(lifetimes: Any, params: Any, horizon: int) -> None:
    named = dict(zip(("alpha", "beta", "gamma", "delta"), params, strict=True))
    rows = Counts(
        x=np.array([0.0, 1, 2, 6, 3]), t_x=np.array([0.0, 3, 6, 6, 4]), T=np.full(5, 6.0), weight=np.ones(5)
    )
    ours, oracle = BgBb(**named), _fitted(lifetimes.BetaGeoBetaBinomFitter(), named)
    _close(ours.p_alive(rows), _bgbb_alive(*params, rows), rel=1e-9)
    # lifetimes adds a small constant inside its likelihood, which shows where histories are improbable
    _close(ours.p_alive(rows), oracle.conditional_probability_alive(1, rows.x, rows.t_x, rows.T), rel=1e-3)
    forecast = oracle.conditional_expected_number_of_purchases_up_to_time(horizon, rows.x, rows.t_x, rows.T)
    _close(ours.expected_purchases(float(horizon), rows), forecast, rel=1e-3)


def _bgbb_alive(alpha: float, beta: float, gamma: float, delta: float, rows: Counts) -> list[float]:
    """P(alive at n + 1) by the sum itself (Fader, Hardie and Shang 2010, eq. 7 and 11)."""

    def share(x: float, n: float, dropped: int, lived: float) -> float:
        bought = betaln(alpha + x, beta + n - x) - betaln(alpha, beta)
        return float(np.exp(bought + betaln(gamma + dropped, delta + lived) - betaln(gamma, delta)))

    found = []
    for x, t_x, n in zip(rows.x, rows.t_x, rows.T, strict=True):
        gone = sum(share(x, t_x + i, 1, t_x + i) for i in range(int(n - t_x)))
        found.append(share(x, n, 0, n + 1) / (share(x, n, 0, n) + gone))
    return found


@settings(max_examples=30, deadline=None)
@given(p=st.floats(0.5, 9), q=st.floats(1.2, 9), v=st.floats(1, 90))
def test_gamma_gamma_agrees(lifetimes: Any, p: float, q: float, v: float) -> None:
    x, mean = np.array([0.0, 1, 4, 30]), np.array([0.0, 12, 80, 33])
    oracle = _fitted(lifetimes.GammaGammaFitter(), {"p": p, "q": q, "v": v})
    _close(
        GammaGamma(p=p, q=q, v=v).expected_value(x, mean), oracle.conditional_expected_average_profit(x, mean)
    )
