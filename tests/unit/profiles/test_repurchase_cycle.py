import datetime
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import koipond
from koipond.kernel import InputError
from koipond.profiles.regularity import regularity
from koipond.profiles.repurchase_cycle import shrunk_cycle_days
from koipond.profiles.return_rates import return_rates


def _rhythm(customers: int, shape: float, *, gaps: int = 8, seed: int = 1) -> pa.Table:
    """Customers whose gaps are Gamma(shape) around a mean of their own."""
    rng = np.random.default_rng(seed)
    mean = rng.gamma(4.0, 12.0, customers) + 10
    days = np.maximum(np.rint(rng.gamma(shape, mean[:, None] / shape, (customers, gaps))), 1)
    at = 20_000 + np.column_stack([np.zeros(customers), days.cumsum(axis=1)]).astype(int)
    return pa.table({"customer_id": np.repeat(np.arange(customers), gaps + 1), "date": at.ravel()})


def test_own_gaps_are_shrunk_toward_the_population_by_three() -> None:
    assert shrunk_cycle_days(0, 0.0, 30.0) == pytest.approx(30.0)
    expected = np.exp((3 * np.log(30) + np.log(10) + np.log(20)) / 5)
    assert shrunk_cycle_days([2], [np.log(10) + np.log(20)], [30.0]) == pytest.approx([expected])
    assert shrunk_cycle_days(10_000, 10_000 * np.log(7.0), 30.0) == pytest.approx(7.0, rel=1e-2)


@pytest.mark.parametrize("shape", [1.0, 2.0, 6.0])
def test_regularity_finds_the_shape_of_the_gaps_whatever_the_rates(shape: float) -> None:
    rng = np.random.default_rng(0)
    rate = rng.gamma(2.0, 1.0, 60_000)
    first, second = rng.gamma(shape, 1 / rate), rng.gamma(shape, 1 / rate)
    assert regularity(first, second) == pytest.approx(shape, rel=0.05)


def test_regularity_needs_two_pairs_of_positive_gaps() -> None:
    with pytest.raises(InputError, match="at least 2 pairs"):
        regularity([3.0], [4.0])
    with pytest.raises(InputError, match="above 0"):
        regularity([3.0, 0.0], [4.0, 2.0])
    assert regularity([3.0, 5.0], [3.0, 5.0]) == float("inf")


def test_rows_of_a_day_are_one_purchase_and_later_days_are_not_seen() -> None:
    found = koipond.repurchase_cycle(
        {
            "customer_id": ["a", "a", "a", "b", "a", "c"],
            "date": ["2026-01-01", "2026-01-01", "2026-01-11", "2026-01-05", "2026-03-01", "2026-02-09"],
        },
        as_of="2026-01-31",
    )
    assert found.customers.tolist() == ["a", "b"]
    assert found.purchase_day_count.tolist() == [2, 1]
    assert found.cycle_days == pytest.approx([10.0, 10.0])
    assert found.since_last_cycles == pytest.approx([2.0, 2.6])
    assert found.states.tolist() == ["late", "at_risk"]
    table = found.table()
    assert table["due_on"].to_pylist() == [datetime.date(2026, 1, 21), datetime.date(2026, 1, 15)]
    assert found.regularity is None


@pytest.mark.parametrize(
    ("days", "state"),
    [
        (7, "early"), (8, "due"), (12, "due"), (13, "late"), (20, "late"), (21, "at_risk"),
        (30, "at_risk"), (31, "dormant"), (50, "dormant"), (51, "churned"),
    ],
)  # fmt: skip
def test_states_change_at_the_edges_of_the_definition(days: int, state: str) -> None:
    table = {"customer_id": [1, 1, 2], "date": [100, 110, 110]}
    found = koipond.repurchase_cycle(table, as_of=datetime.date(1970, 1, 1) + datetime.timedelta(110 + days))
    assert found.states.tolist() == [state, state]


def test_due_intervals_hold_the_share_they_promise_on_other_customers() -> None:
    table = _rhythm(4_000, 2.0)
    sold = table.to_pandas()
    sold["order"] = sold.groupby("customer_id").cumcount()
    before = sold[sold["order"] < 6]
    after = sold[sold["order"] == 6].set_index("customer_id")["date"]
    for level in (0.5, 0.8):
        found = koipond.repurchase_cycle(before[["customer_id", "date"]], level=level)
        due = after.loc[found.customers].to_numpy()
        inside = np.mean((due >= found.due_low_day) & (due <= found.due_high_day))
        assert inside == pytest.approx(level, abs=0.03)


def test_a_category_with_enough_gaps_is_its_own_prior() -> None:
    rows: dict[str, list[Any]] = {"customer_id": [], "date": [], "kind": []}
    for i in range(120):
        step, kind = (7, "milk") if i < 60 else (90, "coat")
        for n in range(5):
            rows["customer_id"].append(i)
            rows["date"].append(10_000 + n * step)
            rows["kind"].append(kind)
    rows["customer_id"] += [998, 999]
    rows["date"] += [10_000, 10_000]
    rows["kind"] += ["milk", "hat"]
    found = koipond.repurchase_cycle(rows, category="kind")
    assert found.category_priors == {"coat": 90.0, "milk": 7.0}
    new = dict(zip(found.customers.tolist(), found.cycle_days.tolist(), strict=True))
    assert new[998] == pytest.approx(7.0)
    assert new[999] == pytest.approx(np.median([7.0] * 240 + [90.0] * 240))


def test_random_purchases_are_said_to_have_no_rhythm_and_steady_ones_are_not() -> None:
    random, steady = (koipond.repurchase_cycle(_rhythm(800, shape)) for shape in (1.0, 6.0))
    assert any("at random" in note for note in random.notes)
    assert not steady.notes


def test_a_result_is_json_text_and_a_plot() -> None:
    found = koipond.repurchase_cycle(_rhythm(50, 2.0))
    told = json.loads(json.dumps(found.to_dict()))
    assert sum(told["states"].values()) == 50
    assert "regularity" in str(found)
    assert len(found.plot()["data"]["values"]) == 6


def test_without_a_second_purchase_there_is_nothing_to_learn() -> None:
    with pytest.raises(InputError, match="two days"):
        koipond.repurchase_cycle({"customer_id": [1, 2], "date": ["2026-01-01", "2026-01-02"]})
    with pytest.raises(InputError, match="level"):
        koipond.repurchase_cycle({"customer_id": [1], "date": ["2026-01-01"]}, level=80)


def test_return_rates_count_only_returns_inside_the_window() -> None:
    table = {
        "customer_id": [1] * 5 + [2] * 4 + [3] * 2,
        "date": [10, 20, 30, 40, 45, 10, 20, 30, 40, 10, 20],
    }
    rates = return_rates(table, cut=datetime.date(1970, 2, 10), window_days=10)
    assert (rates[0].cycles, rates[0].customers, rates[0].rate) == ("<=1", 2, 0.5)
    assert sum(rate.customers for rate in rates) == 2
