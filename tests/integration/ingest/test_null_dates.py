"""A date that stands for none is no day anybody bought on; one before 1990 is said (空日期)."""

from pathlib import Path
from typing import Any

import pytest

from koipond.ingest import ImportResult
from koipond.testing.memory import MemoryWorkspace

HEAD = "user_id,order_id,at,amount\n"


def load(folder: Path, *dates: str, **options: Any) -> tuple[MemoryWorkspace, ImportResult]:
    space = MemoryWorkspace(folder, **options)
    rows = "".join(f"{n},{n},{date},5\n" for n, date in enumerate(dates, start=1))
    return space, space.load("orders", space.write("a.csv", HEAD + rows))


@pytest.mark.parametrize(
    "none",
    ["1899-12-30", "1900-01-01 00:00:00", "0001-01-01", "0000-00-00", "1970-01-01T00:00:00Z", "9999-12-31"],
)
@pytest.mark.parametrize("zone_name", ["Asia/Shanghai", "America/New_York"])
def test_a_null_date_is_put_aside_as_none(tmp_path: Path, none: str, zone_name: str) -> None:
    space, result = load(tmp_path, "2025-03-01", none, zone_name=zone_name)
    assert (result.kept, result.quarantined) == (1, {"missing_at": 1})
    assert [row["order_id"] for row in space.rows("orders")] == ["1"]
    assert result.samples["missing_at"][0].field == "at"
    assert f"1 rows have a date that stands for none (row 3 '{none}')" in result.remarks[0]


@pytest.mark.parametrize("real", ["1740800000", "1740800000000", "45717.5"])
def test_zero_is_no_epoch_and_no_day_of_a_spreadsheet(tmp_path: Path, real: str) -> None:
    _, result = load(tmp_path, real, "0", zone_name="Asia/Shanghai")
    assert (result.kept, result.quarantined) == (1, {"missing_at": 1})


def test_an_empty_date_is_not_one_that_stands_for_none(tmp_path: Path) -> None:
    _, result = load(tmp_path, "2025-03-01", "")
    assert (result.quarantined, result.remarks) == ({"missing_at": 1}, ())


def test_a_date_before_1990_counts_and_is_said(tmp_path: Path) -> None:
    space, result = load(tmp_path, "2025-03-01", "1985-05-05", "1990-01-01")
    assert len(space.rows("orders")) == 3
    assert "1 rows lie before 1990 (the first in row 3: 1985-05-05) and count" in result.remarks[0]


def test_events_have_no_null_dates_either(tmp_path: Path) -> None:
    space = MemoryWorkspace(tmp_path)
    text = "user_id,name,at\n1,view,2025-03-01\n1,view,1970-01-01\n1,view,1980-01-02\n"
    result = space.load("events", space.write("e.csv", text))
    assert (result.kept, result.quarantined) == (2, {"missing_at": 1})
    assert [("none" in remark, "1990" in remark) for remark in result.remarks] == [
        (True, False),
        (False, True),
    ]


def test_people_are_born_on_the_first_day_of_the_epoch_and_join_on_none(tmp_path: Path) -> None:
    space = MemoryWorkspace(tmp_path)
    text = (
        "user_id,joined_at,birthday,纪念日\n1,1970-01-01,1970-01-01,1970/01/01\n"
        "2,2025-03-01,1900-01-01,2001/02/03\n"
    )
    result = space.load("customers", space.write("c.csv", text))
    assert result.kept == 2
    assert {row["customer_no"]: row["joined_day"] for row in space.rows("customers")} == {1: None, 2: 20_148}
    traits = {(row["customer_no"], row["name"]): row["text_value"] for row in space.rows("traits")}
    assert traits == {(1, "birthday"): "1970-01-01", (1, "纪念日"): "1970-01-01", (2, "纪念日"): "2001-02-03"}
