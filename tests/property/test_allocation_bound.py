"""Random small allocations against HiGHS: every limit is kept and the printed gap is a true bound."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from koipond.strategy.allocation import Allocation, allocate

INSTANCES = 1_000


def draw(seed: int) -> dict[str, Any]:
    """Return the arguments of one random instance: some limits absent, some zero, ties and barred options."""
    rng = np.random.default_rng(seed)
    customers, offers, segments = (int(rng.integers(low, high)) for low, high in ((1, 13), (1, 5), (1, 4)))
    shape = (customers, offers)
    value = rng.normal(3, 4, shape) if rng.random() < 0.7 else rng.integers(-1, 4, shape).astype(float)
    cost = rng.integers(0, 9, shape) if rng.random() < 0.5 else rng.gamma(2, 2, shape)
    segment = rng.integers(0, segments, customers)

    def maybe(limit: Any) -> Any:
        return limit if rng.random() < 0.5 else None

    return {
        "value": value,
        "cost": cost,
        "budget": maybe(float(rng.integers(0, 4 * customers))),
        "max_per_offer": maybe(rng.integers(0, customers + 1, offers).tolist()),
        "max_customers": maybe(int(rng.integers(0, customers + 1))),
        "offer_budget": maybe(rng.uniform(0, 3 * customers, offers).tolist()),
        "segment": segment,
        "segment_budget": maybe({int(s): float(rng.uniform(0, 2 * customers)) for s in np.unique(segment)}),
        "segment_max": maybe({int(np.unique(segment)[0]): int(rng.integers(0, 4))}),
        "eligible": maybe(rng.random(shape) < 0.8),
    }


def limits_of(case: dict[str, Any]) -> list[tuple[np.ndarray, bool, float]]:
    """Return (members over customers × offers, counts money?, limit) for every limit."""
    customers, offers = case["value"].shape
    every = np.ones((customers, offers), dtype=bool)
    column = [np.broadcast_to(np.arange(offers) == j, every.shape) for j in range(offers)]
    label = {
        s: np.broadcast_to((case["segment"] == s)[:, None], every.shape) for s in np.unique(case["segment"])
    }
    found = [(every, True, case["budget"]), (every, False, case["max_customers"])]
    found += [(column[j], True, limit) for j, limit in enumerate(case["offer_budget"] or [])]
    found += [(column[j], False, limit) for j, limit in enumerate(case["max_per_offer"] or [])]
    found += [(label[s], True, limit) for s, limit in (case["segment_budget"] or {}).items()]
    found += [(label[s], False, limit) for s, limit in (case["segment_max"] or {}).items()]
    return [(members, money, limit) for members, money, limit in found if limit is not None]


def best_by_highs(case: dict[str, Any]) -> float:
    """Return the optimum found by HiGHS's branch and bound."""
    customers, offers = case["value"].shape
    barred = ~case["eligible"] if case["eligible"] is not None else np.zeros((customers, offers), dtype=bool)
    one_each = np.kron(np.eye(customers), np.ones(offers))
    rows = [(members * (case["cost"] if money else 1.0)).ravel() for members, money, _ in limits_of(case)]
    answer = milp(
        -np.where(barred, 0.0, case["value"]).ravel(),
        integrality=np.ones(customers * offers),
        bounds=Bounds(0, np.where(barred, 0, 1).ravel()),
        constraints=LinearConstraint(
            np.vstack([one_each, *rows]),
            ub=[1.0] * customers + [limit for _, _, limit in limits_of(case)],
        ),
        options={"mip_rel_gap": 0.0},
    )
    assert answer.status == 0, answer.message
    return float(-answer.fun)


def assert_within_limits(case: dict[str, Any], found: Allocation) -> None:
    offers = case["value"].shape[1]
    taken = found.choice[:, None] == np.arange(offers)
    assert set(found.choice.tolist()) <= set(range(-1, offers))
    assert bool(np.all(case["value"][taken] > 0))
    assert case["eligible"] is None or bool(np.all(case["eligible"][taken]))
    for members, money, limit in limits_of(case):
        used = float((case["cost"] * (members & taken)).sum()) if money else int((members & taken).sum())
        assert used <= limit * (1 + 1e-15)
    assert found.value == pytest.approx(case["value"][taken].sum())
    assert found.cost == pytest.approx(case["cost"][taken].sum())


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_limit_is_ever_broken_and_the_same_input_gives_the_same_answer(seed: int) -> None:
    case = draw(seed)
    found = allocate(**case)
    assert_within_limits(case, found)
    assert np.array_equal(found.choice, allocate(**case).choice)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_larger_budget_is_worth_at_most_its_shadow_price_more(seed: int) -> None:
    case = draw(seed)
    enough = float(case["cost"].max(initial=0.0)) + 1.0  # so that the larger budget opens no new option
    less = allocate(**(case | {"budget": enough}))
    more = allocate(**(case | {"budget": 2 * enough}))
    assert more.value <= less.bound + less.price * enough + 1e-9 * max(1.0, less.bound)


@pytest.mark.slow
def test_gap_is_a_true_bound_on_a_thousand_random_instances() -> None:
    shortfall = []
    for seed in range(INSTANCES):
        case = draw(seed)
        found, best = allocate(**case), best_by_highs(case)
        assert_within_limits(case, found)
        assert found.bound >= best - 1e-6 * max(1.0, best), (
            f"instance {seed}: bound {found.bound} < optimum {best}"
        )
        assert found.value <= best + 1e-6 * max(1.0, best), f"instance {seed}: better than the optimum"
        shortfall.append(1 - found.value / best if best > 1e-9 else 0.0)
    assert np.mean(shortfall) < 0.001
    assert np.mean(np.array(shortfall) < 1e-9) > 0.97
