from datetime import UTC, datetime

import numpy as np
import pytest

from koipond.facts.schemas import FACTS
from koipond.kernel import day_of, epoch_day, zone
from koipond.rehearsal.facts import brand_time, local_days, order_rows


@pytest.mark.parametrize("name", ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"])
def test_local_days_are_those_of_the_calendar_summer_time_and_all(name: str) -> None:
    place = zone(name)
    start = int(datetime(2026, 3, 20, tzinfo=UTC).timestamp())
    seconds = start + np.arange(0, 40 * 86_400, 1_771, dtype=np.int64)
    expected = [epoch_day(day_of(datetime.fromtimestamp(int(s), UTC), place)) for s in seconds]
    assert local_days(seconds, place).tolist() == expected


def test_orders_are_paid_numbered_on_and_as_the_contract_has_them() -> None:
    noon = brand_time(datetime(2026, 1, 5, 12, tzinfo=UTC))
    rows = order_rows(
        np.array([noon, noon + 0.25]),
        np.array([4, 2], dtype=np.int32),
        np.array([700, 1_500]),
        10,
        zone("Asia/Shanghai"),
    )
    assert rows.schema == FACTS["orders"]
    assert rows.column("order_no").to_pylist() == [11, 12]
    assert rows.column("at_s").to_pylist() == [1767614400, 1767636000]
    assert rows.column("day").to_pylist() == [20_458, 20_459]  # the second is 02:00 of the next day there
    assert rows.column("net_fen").to_pylist() == rows.column("gross_fen").to_pylist() == [700, 1_500]
    assert rows.column("status").to_pylist() == ["paid", "paid"]
