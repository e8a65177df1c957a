import json
from fractions import Fraction

import numpy as np
import pytest

import koipond
from koipond.frames import Result
from koipond.kernel import InputError
from koipond.strategy.allocation import allocate


def test_the_offer_that_is_worth_most_within_the_budget_is_chosen() -> None:
    value = [[10.0, 6.0], [9.0, 8.0], [1.0, 0.5]]
    cost = [[5, 2], [5, 2], [5, 2]]
    found = allocate(value, cost, 7)
    assert found.choice.tolist() == [0, 1, -1]  # 18; both first offers would cost 10
    assert (found.value, found.cost, found.gap) == (18.0, 7, pytest.approx(0.0, abs=1e-9))
    assert isinstance(found.cost, int)


def test_an_offer_of_no_value_is_never_chosen_even_for_free() -> None:
    found = allocate([[0.0, -1.0], [2.0, -3.0]], np.zeros((2, 2)), None)
    assert found.choice.tolist() == [-1, 0]
    assert found.gap == 0.0


def test_without_budget_only_free_offers_are_given_and_that_is_proven_best() -> None:
    found = allocate([[3.0, 1.0], [3.0, 1.0]], [[1, 0], [1, 0]], 0)
    assert found.choice.tolist() == [1, 1]
    assert (found.cost, found.gap) == (0, 0.0)


def test_identical_customers_use_the_budget_to_the_last_unit_first_rows_first() -> None:
    found = allocate(np.ones((90_000, 2)), np.full((90_000, 2), 3), 100_000)
    assert found.choice.tolist() == [0] * 33_333 + [-1] * 56_667
    assert found.cost == 99_999
    assert found.gap < 1e-4


def test_an_offer_with_a_cap_goes_to_those_who_gain_most_from_it() -> None:
    value = np.array([[5.0, 4.0], [9.0, 4.0], [7.0, 6.5]])
    found = allocate(value, np.ones(2), None, [1, None])
    assert found.choice.tolist() == [1, 0, 1]
    (cap,) = found.limits
    assert (cap.name, cap.unit, cap.used) == ("offer 0", "customers", 1.0)
    assert 1.0 <= cap.price <= 5.0  # the next place would bring 1, the first one to lose would cost 5


def test_segment_budgets_and_counts_hold_by_label() -> None:
    segment = ["new", "old", "new", "old", "old"]
    found = allocate(
        np.full((5, 1), 2.0),
        np.ones((5, 1)),
        None,
        segment=segment,
        segment_budget={"old": 2.0},
        segment_max={"new": 1},
    )
    assert found.choice.tolist() == [0, 0, -1, 0, -1]
    assert {use.name for use in found.limits} == {"segment old", "segment new"}


def test_total_count_and_offer_budget_and_eligibility_hold() -> None:
    eligible = np.array([[True, True], [False, True], [False, False], [True, True]])
    found = allocate(
        np.array([[4.0, 1.0]] * 4),
        np.array([[3.0, 1.0]] * 4),
        None,
        max_customers=2,
        offer_budget=[3.0, None],
        eligible=eligible,
    )
    assert found.choice[2] == -1
    assert sorted(found.choice.tolist()) == [-1, -1, 0, 1]


def test_the_robust_variant_prefers_what_is_proven() -> None:
    value, lower = [[10.0, 8.0]], [[1.0, 6.0]]
    assert allocate(value, [[1.0, 1.0]], 1.0).choice.tolist() == [0]
    found = allocate(value, [[1.0, 1.0]], 1.0, lower=lower)
    assert found.choice.tolist() == [1]
    assert (found.value, found.objective) == (8.0, 6.0)


def test_an_offer_whose_lower_bound_is_not_above_zero_is_not_given_by_the_robust_variant() -> None:
    assert allocate([[10.0]], [[1.0]], 5.0, lower=[[-0.1]]).choice.tolist() == [-1]


def test_float_costs_add_up_to_no_more_than_the_budget_in_exact_arithmetic() -> None:
    found = allocate(np.ones((3, 1)), np.full((3, 1), 0.1), 0.3)  # as floats, 0.1 + 0.1 + 0.1 > 0.3
    assert (found.choice.tolist(), found.cost, found.limits[0].used) == ([0, 0, 0], 0.3, 0.3)
    assert found.by_offer()[0]["cost"] == 0.3
    assert found.explain(0)[0].cost == 0.1
    assert allocate(np.ones((3, 1)), np.full((3, 1), 10), 30).cost == 30


@pytest.mark.parametrize(
    "costs", [[0.1, 0.2, 0.3], [19.99, 0.01, 5.5], [1 / 3, 1 / 7, 0.1], [1e-9, 2e-9, 3.0]]
)
def test_no_reported_money_ever_passes_its_limit_and_what_fits_as_decimals_is_given(
    costs: list[float],
) -> None:
    for seed in range(60):
        rng = np.random.default_rng(seed)
        cost = rng.choice(costs, (12, 2))
        budget = float(np.round(rng.uniform(0, 8) * max(costs), 1))
        segment = rng.integers(0, 2, 12)
        found = allocate(
            rng.uniform(1, 2, (12, 2)),
            cost,
            budget,
            offer_budget=budget / 2,
            segment=segment,
            segment_budget={int(s): budget * 0.7 for s in np.unique(segment)},
        )
        assert found.cost <= budget
        assert all(use.used <= use.limit for use in found.limits)
        rows = np.flatnonzero(found.choice >= 0)
        exact = sum(Fraction(repr(float(cost[row, found.choice[row]]))) for row in rows)
        assert found.cost == pytest.approx(float(exact), rel=1e-15)
        assert sum(row["cost"] for row in found.by_offer()) == pytest.approx(found.cost)


def test_a_price_is_in_the_unit_that_money_was_handed_in() -> None:
    value = np.random.default_rng(3).uniform(1, 2, (400, 2))
    fen, yuan = allocate(value, [[150, 99]] * 400, 20_000), allocate(value, [[1.5, 0.99]] * 400, 200.0)
    assert fen.choice.tolist() == yuan.choice.tolist()
    assert yuan.cost == fen.cost / 100
    assert yuan.price == pytest.approx(100 * fen.price)
    assert yuan.explain(0)[0].surplus == pytest.approx(fen.explain(0)[0].surplus)


def test_the_gap_says_how_much_higher_the_best_could_be() -> None:
    found = allocate([[10.0], [9.0]], [[6], [6]], 11)
    assert found.bound == pytest.approx(found.objective * (1 + found.gap))
    assert f"the best possible is at most {100 * found.gap:.4g} % higher" in str(found)


def test_arrays_of_the_result_cannot_be_written_to_and_those_of_the_caller_still_can() -> None:
    value = np.ones((3, 1))
    found = allocate(value, np.ones((3, 1)), 2.0)
    for array in (found.choice, found.prices):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    value[0, 0] = 2.0


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"budget": "2"}, "budget: '2' is not a limit"),
        ({"max_per_offer": "22"}, "max_per_offer: '22' is not a limit"),
        ({"cost": [["1"], ["1"]]}, "cost: not numbers"),
    ],
)
def test_numbers_written_as_text_are_refused(wrong: dict[str, object], text: str) -> None:
    with pytest.raises(InputError, match=text):
        allocate(**({"value": np.ones((2, 1)), "cost": np.ones((2, 1)), "budget": 2.0} | wrong))


def test_a_large_problem_has_a_small_gap_and_keeps_every_limit() -> None:
    rng = np.random.default_rng(7)
    customers = 60_000
    value = rng.gamma(2.0, 5.0, (customers, 3)) - 3.0
    cost = rng.integers(1, 900, (customers, 3))
    segment = rng.integers(0, 3, customers)
    found = allocate(value, cost, 5_000_000, 9_000, segment=segment, segment_max=7_000)
    given = found.choice >= 0
    assert found.cost == cost[given, found.choice[given]].sum() <= 5_000_000
    assert np.bincount(found.choice[given]).max() <= 9_000
    assert np.bincount(segment[given]).max() <= 7_000
    assert found.gap < 1e-3


def test_explanations_name_the_runner_up_and_its_margin() -> None:
    found = allocate([[10.0, 6.0], [9.0, 8.0], [-1.0, -2.0]], [[5, 2]] * 3, 7, offers=["coupon", "gift"])
    first, second, third = found.explain([0, 1, 2])
    assert (first.offer, second.offer, third.offer) == ("coupon", "gift", None)
    for reason in (first, second):
        assert reason.surplus == pytest.approx(reason.value - found.price * reason.cost)
    assert second.runner_up == "coupon"
    assert second.margin == pytest.approx((8 - 2 * found.price) - (9 - 5 * found.price))
    assert (third.why, third.runner_up) == ("no offer is open and of value", None)
    with pytest.raises(InputError, match="0 to 2"):
        found.explain(3)


def test_the_result_follows_the_protocol_and_json_can_carry_it() -> None:
    found = allocate([[3.0, 2.0]] * 4, [[2, 1]] * 4, 5, offers=["a", "b"])
    assert isinstance(found, Result)
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["value"] == found.value
    assert sum(row["customers"] for row in plain["offers"]) == 4
    assert plain["limits"][0]["name"] == "total"
    assert "shadow price" in str(found)
    assert found.plot()["data"]["values"]


def test_nobody_to_give_to_is_an_empty_answer() -> None:
    found = allocate(np.zeros((0, 2)), np.zeros((0, 2)), 5)
    assert (found.choice.tolist(), found.value, found.gap) == ([], 0.0, 0.0)


def test_the_face_offers_it() -> None:
    assert koipond.allocate is allocate  # type: ignore[attr-defined]
