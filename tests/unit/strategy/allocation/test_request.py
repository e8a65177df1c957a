from typing import Any

import numpy as np
import pytest

from koipond.kernel import InputError
from koipond.strategy.allocation import allocate

ONES = np.ones((2, 2))


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        allocate([[1.0, np.nan], [2.0, 3.0]], [[1.0, -1.0], [np.inf, 1.0]], -1, [1])
    message = str(caught.value)
    for part in (
        "value: customer 0, offer 1",
        "cost: customer 1, offer 0",
        "negative",
        "budget: -1",
        "max_per_offer",
    ):
        assert part in message
    assert len(caught.value.values["mistakes"]) == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": [1.0, 2.0]}, "customers × offers"),
        ({"value": "three"}, "not numbers"),
        ({"cost": np.ones((3, 2))}, "2 customers × 2 offers"),
        ({"budget": "much"}, "not a limit"),
        ({"budget": float("nan")}, "not a limit"),
        ({"segment_budget": 3.0}, "needs segment="),
        ({"segment": ["a"]}, "one label for each of 2"),
        ({"segment": ["a", "b"], "segment_max": {"c": 1}}, "no customer is in segment c"),
        ({"eligible": [[1, 0], [1, 1]]}, "true and false"),
        ({"lower": 2 * ONES}, "above value"),
        ({"offers": ["a", "a"]}, "different names"),
        ({"cost": np.full((2, 2), 2**53)}, "2\\^53"),
    ],
)
def test_a_bad_argument_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        allocate(**({"value": ONES, "cost": ONES, "budget": 1.0} | change))


def test_one_cost_for_each_offer_will_do() -> None:
    assert allocate(ONES, [1, 2], 2).cost == 2


def test_labels_of_any_kind_make_segments() -> None:
    for labels in ([1, 2], ["a", "b"], np.array(["x", "y"], dtype=object)):
        assert allocate(ONES, ONES, 2, segment=labels, segment_max=1).choice.tolist() == [0, 0]


def test_a_fractional_head_count_is_rounded_down() -> None:
    assert allocate(ONES, ONES, None, max_customers=1.9).value == 1.0
