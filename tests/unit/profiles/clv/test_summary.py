import datetime
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest

from koipond.kernel import InputError
from koipond.profiles.clv import PurchaseSummary, summarise
from koipond.profiles.clv.discrete import summarise_periods

ROWS: dict[str, list[Any]] = {
    "customer_id": ["b", "a", "a", "a", "b", None, "c", "a"],
    "date": [
        "2026-01-05", "2026-01-01", "2026-01-01", "2026-01-15",
        "2026-02-02", "2026-01-01", "2026-03-01", "2026-02-26",
    ],
    "amount": [10.0, 5.0, 6.0, 20.0, 30.0, 99.0, 7.0, 1000.0],
}  # fmt: skip


def _summary(table: Any, **options: Any) -> PurchaseSummary:
    return summarise(table, amount="amount", calibration_end="2026-02-04", **options)


def test_rows_of_a_day_are_one_purchase_and_the_first_is_not_counted() -> None:
    found = _summary(ROWS)
    assert found.customers.tolist() == ["a", "b"]
    assert found.x.tolist() == [1, 1]
    assert found.t_x.tolist() == [2.0, 4.0]
    assert found.T.tolist() == [34 / 7, 30 / 7]
    assert found.mean_value is not None
    assert found.mean_value.tolist() == [20.0, 30.0]
    assert found.rows_without_customer == 1


def test_ibis_timestamps_and_day_numbers_give_the_same_summary() -> None:
    known = [row for row in zip(*ROWS.values(), strict=True) if row[0] is not None]
    names = dict(zip(ROWS, (list(column) for column in zip(*known, strict=True)), strict=True))
    days = [datetime.date.fromisoformat(text) for text in names["date"]]
    noon = [datetime.datetime.combine(day, datetime.time(12)) for day in days]
    expected = _summary(names)
    numbers = [(day - datetime.date(1970, 1, 1)).days for day in days]
    for table in (
        names | {"date": days},
        names | {"date": noon},
        names | {"date": numbers},
        ibis.memtable(pa.table(names | {"date": days})),
        ibis.memtable(pa.table(names | {"date": noon})),
        ibis.memtable(pa.table(names | {"date": numbers})),
    ):
        found = _summary(table)
        assert found.customers.tolist() == expected.customers.tolist()
        assert found.mean_value is not None
        assert found.mean_value.tolist() == [20.0, 30.0]
        for name in ("x", "t_x", "T"):
            assert np.array_equal(getattr(found, name), getattr(expected, name))


def test_the_day_of_a_zoned_timestamp_is_the_local_one() -> None:
    late = [datetime.datetime(2026, 1, 1, 17, tzinfo=datetime.UTC)] * 2
    table = pa.table({"customer_id": [1, 1], "date": pa.array(late, pa.timestamp("us", tz="Asia/Shanghai"))})
    assert summarise(table).calibration_end == datetime.date(2026, 1, 2)


def test_the_calibration_ends_with_the_data_when_no_day_is_given() -> None:
    assert summarise(ROWS).calibration_end == datetime.date(2026, 3, 1)
    assert summarise(ROWS, unit="day").T.tolist() == [59.0, 55.0, 0.0]


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"amount": ["x"] * 8}, {}, "amount"),
        ({"date": ["soon"] * 8}, {}, "date"),
        ({"date": [20260101] * 8}, {}, "days since 1970"),
        ({"customer_id": [None] * 8}, {}, "customer_id"),
        ({"amount": [float("nan")] * 8}, {}, "amount"),
        ({}, {"unit": "fortnight"}, "day, week, month, year"),
        ({}, {"at": "when"}, "when"),
    ],
)
def test_what_cannot_be_read_is_named(change: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        _summary(ROWS | change, **options)


def test_nobody_before_the_cut_and_a_cut_that_is_no_date_are_refused() -> None:
    with pytest.raises(InputError, match="no purchase on or before 2020-01-01"):
        summarise(ROWS, calibration_end="2020-01-01")
    with pytest.raises(InputError, match="calibration_end"):
        summarise(ROWS, calibration_end="last spring")


def test_whole_periods_count_a_week_once_and_drop_the_unfinished_one() -> None:
    dates = ["2026-01-01", "2026-01-02", "2026-01-08", "2026-01-09", "2026-01-23", "2026-02-03"]
    found = summarise_periods(
        {"customer_id": [1] * 6, "date": dates}, calibration_end="2026-02-04", unit="week"
    )
    assert (found.x.tolist(), found.t_x.tolist(), found.T.tolist()) == ([3.0], [4.0], [4.0])
