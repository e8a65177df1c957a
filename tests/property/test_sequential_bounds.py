"""Looks anywhere: the bounds spend exactly what the function allows, and never ask less than one look."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import multivariate_normal

from koipond.experiments.group_sequential import GroupSequentialBound
from koipond.experiments.sequential import crossing, spending_bounds
from koipond.experiments.spending import spent

looks = st.lists(st.integers(2, 100), min_size=1, max_size=7, unique=True).map(
    lambda shares: [share / 100 for share in sorted(shares)]
)
functions = st.sampled_from(["obrien_fleming", "pocock"])


@given(looks, functions, st.sampled_from([0.01, 0.05, 0.2]), st.sampled_from(["each", "both"]))
@settings(max_examples=60, deadline=None)
def test_the_bounds_spend_what_is_allowed(information, spending, alpha: float, sides) -> None:
    bounds = spending_bounds(information, alpha=alpha, spending=spending, sides=sides)
    allowed = spent(spending, information[-1], alpha=alpha, sides=sides)
    assert crossing(information, bounds).total == pytest.approx(allowed, rel=1e-7, abs=1e-13)
    assert all(bound >= -ndtri(alpha / 2) - 1e-9 for bound in bounds)


@given(looks, functions)
@settings(max_examples=8, deadline=None)
def test_the_multivariate_normal_integral_agrees(information, spending) -> None:
    bounds = np.minimum(spending_bounds(information, spending=spending), 30.0)
    times = np.array(information)
    correlation = np.sqrt(np.minimum.outer(times, times) / np.maximum.outer(times, times))
    law = multivariate_normal(np.zeros(len(times)), correlation, allow_singular=True, seed=1)
    inside = law.cdf(bounds, lower_limit=-bounds, rng=np.random.default_rng(1))
    assert 1 - inside == pytest.approx(spent(spending, information[-1], alpha=0.05), abs=2e-4)


@given(looks, functions, st.floats(-4, 4))
@settings(max_examples=40, deadline=None)
def test_chances_are_chances_and_drift_only_helps_its_side(information, spending, drift: float) -> None:
    bounds = spending_bounds(information, spending=spending)
    found, still = crossing(information, bounds, drift=drift), crossing(information, bounds)
    assert all(-1e-12 <= chance <= 1 for chance in (*found.upper, *found.lower))
    assert found.total <= 1 + 1e-9
    helped, hurt = (found.upper, found.lower) if drift > 0 else (found.lower, found.upper)
    assert sum(helped) >= sum(still.upper) - 1e-9
    assert sum(hurt) <= sum(still.upper) + 1e-9


@given(looks, functions, st.floats(0, 6))
@settings(max_examples=25, deadline=None)
def test_p_and_bound_agree_at_every_look(information, spending, z: float) -> None:
    bound = GroupSequentialBound(
        planned_customers=10_000, information=(*information[:-1], 1.0), spending=spending
    )
    taken = [round(10_000 * share) for share in information]
    judged = bound.with_looks(*taken[:-1])
    limit = judged.multiplier(taken[-1])
    if abs(z - limit) > 1e-6:
        assert (judged.p_value(z, taken[-1]) < 0.05) == (z > limit)
