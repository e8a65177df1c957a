from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import koipond
from koipond.kernel import InputError, RefusedError
from koipond.profiles.clv import LifetimeValue

DATES = ["1997-01-01", "1997-02-01", "1997-03-01"]
FIRST_DAY = 9_862  # 1997-01-01


def _rows(customers: int = 250, seed: int = 4) -> list[tuple[int, int]]:
    """Customers who buy at their own pace and stop after a purchase with their own chance."""
    rng = np.random.default_rng(seed)
    rows = []
    for who in range(customers):
        rate, stop = rng.gamma(0.8, 0.03), rng.beta(0.9, 2.5)
        day = int(rng.integers(0, 90))
        while day < 270:
            rows.append((who, FIRST_DAY + day))
            if rng.random() < stop:
                break
            day += max(int(rng.exponential(1 / rate)), 1)
    return rows


def _table(**more: Any) -> dict[str, Any]:
    rows = _rows()
    return {"customer_id": [who for who, _ in rows], "date": [day for _, day in rows]} | more


@pytest.fixture(scope="module")
def found() -> LifetimeValue:
    return koipond.clv(_table(), calibration_end="1997-09-30", model="mbgnbd")


@pytest.fixture(scope="module")
def constant() -> LifetimeValue:
    table = _table(spend=[20.0] * len(_rows()))
    return koipond.clv(table, amount="spend", calibration_end="1997-09-30", model="mbgnbd")


def test_one_customer_is_not_a_customer_base() -> None:
    with pytest.raises(InputError, match="at least 2 customers, there is 1"):
        koipond.clv({"customer_id": [1, 1, 1], "date": DATES}, calibration_end="1997-09-30")


@pytest.mark.parametrize("model", ["bgnbd", "mbgnbd", "pareto_nbd", "bgbb", "auto"])
def test_customers_of_one_history_cannot_be_told_apart(model: str) -> None:
    table = {"customer_id": [1, 1, 1, 2, 2, 2, 3, 3, 3], "date": DATES * 3}
    with pytest.raises(InputError, match="all 3 customers have the same history"):
        koipond.clv(table, calibration_end="1997-09-30", model=model)


def test_the_arguments_stand_in_the_order_of_the_contract() -> None:
    named = koipond.clv(_table(), calibration_end="1997-09-30", model="mbgnbd")
    placed = koipond.clv(_table(), "customer_id", "date", None, "week", "1997-09-30", "mbgnbd")
    assert placed.params == named.params


@pytest.mark.parametrize(
    "end",
    [
        "1997-09-30T00:00:00Z",
        "1997-09-30 23:59:59+08:00",
        datetime(1997, 9, 30, 12, tzinfo=UTC),
        pd.Timestamp("1997-09-30"),
        pd.Timestamp("1997-09-30", tz="Asia/Shanghai"),
    ],
)
def test_the_cut_may_be_an_instant(end: Any, found: LifetimeValue) -> None:
    assert koipond.clv(_table(), calibration_end=end, model="mbgnbd").params == found.params


def test_the_text_says_which_cut_was_used(found: LifetimeValue) -> None:
    assert "calibration_end 1997-09-30" in str(found)
    assert "calibration_end 1997-03-01" in str(
        koipond.clv({"customer_id": [1, 1, 1, 2, 2], "date": [*DATES, "1997-01-05", "1997-02-05"]})
    )


def test_iso_instants_count_on_the_day_they_write(found: LifetimeValue) -> None:
    table = _table()
    days = np.array(table["date"], dtype="datetime64[D]").astype(str)
    table["date"] = [f"{day}T00:00:00Z" for day in days]
    assert koipond.clv(table, calibration_end="1997-09-30", model="mbgnbd").params == found.params


@pytest.mark.parametrize(
    "empty", [pd.DataFrame({"customer_id": [], "date": []}), {"customer_id": [], "date": []}]
)
def test_an_empty_table_is_called_empty(empty: Any) -> None:
    for ask in (koipond.clv, koipond.repurchase_cycle):
        with pytest.raises(InputError, match="the table is empty"):
            ask(empty)


@pytest.mark.parametrize("horizon", ["x", [4, 8], np.array([4.0, 8.0]), None, True, -1, float("nan"), np.inf])
def test_a_horizon_is_one_number_from_nought(horizon: Any, found: LifetimeValue) -> None:
    for ask in (found.expected_purchases, found.purchase_bounds, found.total_purchases):
        with pytest.raises(InputError, match="horizon must be one number"):
            ask(horizon)


def test_a_level_that_is_no_number_is_refused(found: LifetimeValue) -> None:
    with pytest.raises(InputError, match="level"):
        found.total_purchases(4, level="90%")  # type: ignore[arg-type]


def test_a_numpy_horizon_is_a_number(found: LifetimeValue) -> None:
    assert found.expected_purchases(np.int64(4)).tolist() == found.expected_purchases(4).tolist()


def test_no_interval_is_given_where_the_parameters_are_not_determined(found: LifetimeValue) -> None:
    flat = replace(found.fit)
    flat.__dict__["log_covariance"] = np.full((4, 4), np.inf)  # what a flat likelihood leaves behind
    doubtful = replace(found, fit=flat)
    with pytest.raises(RefusedError, match="no interval"):
        doubtful.total_purchases(12)
    with pytest.raises(RefusedError, match="no interval"):
        doubtful.purchase_bounds(12, kind="parameter")
    assert np.isfinite(doubtful.expected_purchases(12)).all()


def test_constant_amounts_serve_no_money_interval(constant: LifetimeValue) -> None:
    assert any("Gamma-Gamma did not converge" in note for note in constant.notes)
    assert constant.expected_mean_value()[constant.summary.x > 0] == pytest.approx(20.0, rel=0.01)
    for ask in (constant.total_value, constant.value_bounds):
        with pytest.raises(RefusedError, match="Gamma-Gamma did not converge"):
            ask(12)


def test_the_table_leaves_refused_money_bounds_empty(constant: LifetimeValue) -> None:
    table = constant.table(12)
    assert table["value_low"].null_count == table["value_high"].null_count == table.num_rows
    assert table.schema.field("value_low").type == pa.float64()
    assert table["expected_value"].null_count == 0


def test_the_arrays_of_a_result_cannot_be_written(found: LifetimeValue) -> None:
    cycle = koipond.repurchase_cycle(_table())
    arrays = [found.customers, found.summary.x, found.summary.t_x, found.summary.T, found.fit.log_covariance]
    arrays += [cycle.customers, cycle.cycle_days, cycle.last_day, cycle.due_low_day]
    assert not any(array.flags.writeable for array in arrays)
