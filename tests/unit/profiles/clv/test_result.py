import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import koipond
from koipond.kernel import InputError, RefusedError
from koipond.profiles.clv import LifetimeValue, backtest, check_holdout


def _purchases(customers: int = 300, seed: int = 4) -> pa.Table:
    rng = np.random.default_rng(seed)
    owner, day, spend = [], [], []
    for customer in range(customers):
        rate, stop, scale = rng.gamma(0.8, 0.03), rng.beta(0.9, 2.5), 100 / rng.gamma(5.0)
        at = int(rng.integers(0, 90))
        while at < 540:
            owner.append(f"c{customer:03d}")
            day.append(20_000 + at)
            spend.append(rng.gamma(3.0) * scale)
            if rng.random() < stop:
                break
            at += max(int(rng.exponential(1 / rate)), 1)
    return pa.table({"customer_id": owner, "date": day, "amount": spend})


@pytest.fixture(scope="module")
def purchases() -> pa.Table:
    return _purchases()


@pytest.fixture(scope="module")
def found(purchases: pa.Table) -> LifetimeValue:
    return koipond.clv(purchases, amount="amount", calibration_end="2025-10-06", model="mbgnbd")


def test_every_array_is_aligned_to_the_customers(found: LifetimeValue) -> None:
    size = len(found.customers)
    assert found.customers.tolist() == sorted(found.customers.tolist())
    assert len(found.p_alive()) == len(found.expected_purchases(12)) == len(found.expected_value(12)) == size
    table = found.table(12)
    assert table.num_rows == size
    assert table["customer"].to_pylist() == found.customers.tolist()


def test_row_order_does_not_matter(purchases: pa.Table, found: LifetimeValue) -> None:
    shuffled = purchases.take(np.random.default_rng(0).permutation(purchases.num_rows))
    again = koipond.clv(shuffled, amount="amount", calibration_end="2025-10-06", model="mbgnbd")
    assert again.params == pytest.approx(found.params)
    assert again.expected_value(20) == pytest.approx(found.expected_value(20))


def test_individual_bounds_hold_the_share_they_promise(found: LifetimeValue) -> None:
    """Draw futures from the fitted model itself: at least 80 % must fall inside an 80 % interval."""
    rng = np.random.default_rng(6)
    params, summary = found.fit.params, found.summary
    low, high = found.purchase_bounds(40.0, level=0.8)
    money_low, money_high = found.value_bounds(40.0, level=0.8)
    assert found.value_fit is not None
    p, q, v = found.value_fit.model.params.values()
    inside = money_inside = 0
    for _ in range(200):
        rate = rng.gamma(params["r"] + summary.x) / (params["alpha"] + summary.T)
        stop = rng.beta(params["a"], params["b"] + summary.x + 1)
        alive = rng.random(len(summary)) < found.p_alive()
        count = np.minimum(rng.poisson(rate * 40.0), rng.geometric(stop)) * alive
        inside += np.mean((count >= low) & (count <= high))
        mean = summary.mean_value
        assert mean is not None
        nu = rng.gamma(q + p * summary.x) / (v + summary.x * mean)
        money = np.where(count > 0, rng.gamma(np.maximum(p * count, 1e-9)) / nu, 0.0)
        money_inside += np.mean((money >= money_low - 1e-9) & (money <= money_high * (1 + 1e-9)))
    assert inside / 200 >= 0.795
    assert 0.795 <= money_inside / 200 <= 0.97
    some = high > 0
    assert np.all(money_high[some] > 0)


def test_totals_carry_chance_and_parameter_doubt(found: LifetimeValue) -> None:
    total = found.total_purchases(30.0)
    assert total.estimate == pytest.approx(found.expected_purchases(30.0).sum())
    assert 0 < total.low < total.estimate < total.high
    wide = found.total_purchases(30.0, level=0.99)
    assert wide.high - wide.low > total.high - total.low
    money = found.total_value(30.0)
    assert money.estimate == pytest.approx(found.expected_value(30.0).sum())
    assert 0 < money.low < money.estimate < money.high
    assert "model error" in money.method


def test_parameter_bounds_surround_the_expectation_and_shrink_with_data(found: LifetimeValue) -> None:
    low, high = found.purchase_bounds(30.0, kind="parameter")
    assert np.all((low < found.expected_purchases(30.0)) & (found.expected_purchases(30.0) < high))
    more = koipond.clv(_purchases(3_000), calibration_end="2025-10-06", model="mbgnbd")
    wide, narrow = found.standard_errors["r"], more.standard_errors["r"]
    assert narrow < wide


def test_bgnbd_will_not_count_active_customers(purchases: pa.Table, found: LifetimeValue) -> None:
    bg = koipond.clv(purchases, calibration_end="2025-10-06", model="bgnbd")
    with pytest.raises(RefusedError, match=r"mbgnbd.*pareto_nbd"):
        bg.active_customers()
    assert any("P(alive) = 1" in note for note in bg.notes)
    assert found.active_customers() == pytest.approx(found.p_alive().sum())


def test_money_is_refused_without_an_amount_and_nonsense_by_name(found: LifetimeValue) -> None:
    plain = koipond.clv(_purchases(60), model="mbgnbd")
    with pytest.raises(InputError, match="amount"):
        plain.expected_value(10)
    with pytest.raises(InputError, match="horizon"):
        found.expected_purchases(-1)
    with pytest.raises(InputError, match="level"):
        found.purchase_bounds(10, level=95)
    with pytest.raises(InputError, match="kind"):
        found.purchase_bounds(10, kind="both")


def test_a_result_is_json_text_and_a_plot(found: LifetimeValue) -> None:
    told: dict[str, Any] = json.loads(json.dumps(found.to_dict()))
    assert told["model"] == "mbgnbd"
    assert told["params"].keys() == {"r", "alpha", "a", "b", "p", "q", "v"}
    assert "alpha" in str(found)
    assert found.plot()["data"]["values"][0]["repeat_count"] == "0"


def test_a_hold_out_counts_only_customers_known_at_the_cut(purchases: pa.Table) -> None:
    check = check_holdout(purchases, amount="amount", calibration_end="2025-10-06", model="mbgnbd")
    rows = purchases.to_pylist()
    cut = 20_367
    known = {row["customer_id"] for row in rows if row["date"] <= cut}
    later = {(row["customer_id"], row["date"]) for row in rows if row["date"] > cut}
    assert check.actual.sum() == sum(1 for customer, _ in later if customer in known)
    spent = sum(row["amount"] for row in rows if row["date"] > cut and row["customer_id"] in known)
    assert check.actual_value is not None
    assert check.actual_value.sum() == pytest.approx(spent)
    assert json.loads(json.dumps(check.to_dict()))["model"] == "mbgnbd"
    assert "repeat_count" in str(check)
    assert check.plot()["data"]["values"]


def test_a_backtest_looks_only_at_the_past_and_widens_the_total(
    purchases: pa.Table, found: LifetimeValue
) -> None:
    past = backtest(purchases, horizon=13, amount="amount", calibration_end="2025-10-06", model="mbgnbd")
    assert len(past.forecasts) == 3
    assert max(one.holdout_end for one in past.forecasts) == found.summary.calibration_end
    before = purchases.filter(pc.less_equal(purchases["date"], 20_367))
    again = backtest(before, horizon=13, amount="amount", calibration_end="2025-10-06", model="mbgnbd")
    assert again.to_dict() == past.to_dict()
    for money, total in ((False, found.total_purchases(13)), (True, found.total_value(13))):
        wide = past.widen(total, money=money)
        assert wide.estimate == total.estimate
        assert wide.high > total.high
        assert wide.low < total.low
        assert "past windows of 13 weeks" in wide.method
    assert json.loads(json.dumps(past.to_dict()))["forecasts"]
    assert "typical error" in str(past)
    assert past.plot()["data"]["values"]


def test_a_backtest_needs_two_windows_and_money_for_money(purchases: pa.Table) -> None:
    with pytest.raises(InputError, match="two windows"):
        backtest({"customer_id": [1, 1], "date": [1, 2]}, horizon=4)
    with pytest.raises(InputError, match="windows must"):
        backtest(purchases, horizon=4, windows=1)
    with pytest.raises(InputError, match="amount"):
        _ = backtest(purchases, horizon=4).log_error_value


def test_bgbb_forecasts_whole_periods(purchases: pa.Table) -> None:
    found = koipond.clv(purchases, calibration_end="2025-10-06", unit="month", model="bgbb")
    assert np.all(found.expected_purchases(6) <= 6)
    with pytest.raises(InputError, match="whole periods"):
        found.expected_purchases(1.5)
    with pytest.raises(InputError, match="bgbb"):
        check_holdout(purchases, calibration_end="2025-10-06", model="bgbb")
