"""Dates as exports of China and Indonesia write them come to the right second, or are asked for."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from koipond.ingest import ImportResult
from koipond.kernel import InputError
from koipond.testing.memory import MemoryWorkspace

HEAD = "user_id,order_id,at,amount\n"


def load(folder: Path, *dates: str, **options: Any) -> tuple[ImportResult, list[str]]:
    space = MemoryWorkspace(folder)
    rows = "".join(f'{n},{n},"{date}",5\n' for n, date in enumerate(dates, start=1))
    result = space.load("orders", space.write("a.csv", HEAD + rows), **options)
    found = sorted(space.rows("orders"), key=lambda row: row["order_id"])
    return result, [f"{datetime.fromtimestamp(row['at_s'], UTC):%Y-%m-%d %H:%M:%S}" for row in found]


@pytest.mark.parametrize(
    ("dates", "read"),
    [
        (
            (
                "2025年3月1日 下午2:05",
                "2025年3月2日 14时05分",
                "2025/3/1 下午 02:05:33",
                "2025/3/1 上午12:05",
            ),
            ("2025-03-01 14:05:00", "2025-03-02 14:05:00", "2025-03-01 14:05:33", "2025-03-01 00:05:00"),
        ),
        (("1 Maret 2025 14.05", "2 Mei 2025 08.30 WIB"), ("2025-03-01 14:05:00", "2025-05-02 01:30:00")),
        (("Senin, 3 Mar 2025", "Rabu, 5 Mar 2025 10:00"), ("2025-03-03 00:00:00", "2025-03-05 10:00:00")),
        (("Sat Mar 01 2025 10:00:00 GMT+0800 (中国标准时间)",), ("2025-03-01 02:00:00",)),
        (
            ("20250301143000", "20250301", "202503021200"),
            ("2025-03-01 14:30:00", "2025-03-01 00:00:00", "2025-03-02 12:00:00"),
        ),
        (("1740800000.5", "1740800000"), ("2025-03-01 03:33:20", "2025-03-01 03:33:20")),
        (("01/03/2025 14.05", "13/03/2025 下午2:05"), ("2025-03-01 14:05:00", "2025-03-13 14:05:00")),
        (("2025-03-01 2:05 p.m.", "2025-03-01 14:05 PM"), ("2025-03-01 14:05:00", "2025-03-01 14:05:00")),
    ],
)
def test_a_date_comes_to_its_second(tmp_path: Path, dates: tuple[str, ...], read: tuple[str, ...]) -> None:
    result, found = load(tmp_path, *dates)
    assert (result.kept, tuple(found)) == (len(dates), read)


def test_who_says_how_dates_are_written_has_them_read_as_they_stand(tmp_path: Path) -> None:
    result, found = load(
        tmp_path, "2025年3月2日 14时05分", "2025年3月1日 下午2:05", date_format="%Y年%m月%d日 %H时%M分"
    )
    assert found == ["2025-03-02 14:05:00"]
    assert [one.values["at"] for one in result.samples["unparsable"]] == ["2025年3月1日 下午2:05"]


def test_a_zone_of_several_places_is_asked_for_and_the_advice_works(tmp_path: Path) -> None:
    date = "Sat Mar 01 10:00:00 CST 2025"
    with pytest.raises(InputError, match=r"row 2, at: .*CST is the name of several zones") as asked:
        load(tmp_path / "a", date)
    pattern = str(asked.value).split("--date-format '")[1].split("'")[0]
    assert load(tmp_path / "b", date, date_format=pattern)[1] == ["2025-03-01 10:00:00"]
