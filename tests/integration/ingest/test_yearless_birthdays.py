"""A birthday without a year is a birthday: its row is kept, and rules about birthdays read it."""

from pathlib import Path
from typing import Any

import pytest

from koipond.ingest import ImportResult
from koipond.testing.memory import MemoryWorkspace


def load(folder: Path, *birthdays: str, **options: Any) -> tuple[ImportResult, list[str | None]]:
    space = MemoryWorkspace(folder)
    rows = "".join(f"{n},{text},上海\n" for n, text in enumerate(birthdays, start=1))
    result = space.load("customers", space.write("c.csv", f"会员号,生日,城市\n{rows}"), **options)
    traits = {(row["customer_no"], row["name"]): row["text_value"] for row in space.rows("traits")}
    assert [name for _, name in traits].count("city") == result.kept
    return result, [traits.get((n, "birthday")) for n in range(1, len(birthdays) + 1)]


@pytest.mark.parametrize(
    ("birthdays", "read"),
    [
        (("1990-05-06", "02-29", "03-15", "3-5"), ["1990-05-06", "--02-29", "--03-15", "--03-05"]),
        (("02-29", "03-15"), ["--02-29", "--03-15"]),
        (("31/12", "05/03"), ["--12-31", "--03-05"]),
        (("3月5日", "12月31"), ["--03-05", "--12-31"]),
        (("5 Mar", "Agustus 17", "6 Mei"), ["--03-05", "--08-17", "--05-06"]),
        (("--03-05", "1990-01-02"), ["--03-05", "1990-01-02"]),
    ],
)
def test_month_and_day_are_kept_and_said(tmp_path: Path, birthdays: tuple[str, ...], read: list[str]) -> None:
    result, found = load(tmp_path, *birthdays)
    assert (result.quarantined, found) == ({}, read)
    count = sum(text.startswith("--") for text in read)
    assert f"{count} birthdays in 生日 have no year" in result.remarks[-1]


def test_what_may_be_either_way_is_left_out_and_the_advice_reads_it(tmp_path: Path) -> None:
    result, found = load(tmp_path / "a", "03-05", "1990-05-06")
    assert (result.kept, found) == (2, [None, "1990-05-06"])
    assert "(row 2 '03-05'): left out; pass --date-format mdy" in result.remarks[-1]
    assert load(tmp_path / "b", "03-05", "1990-05-06", date_format="mdy")[1] == ["--03-05", "1990-05-06"]
    assert load(tmp_path / "c", "03-05", "1990-05-06", date_format="dmy")[1] == ["--05-03", "1990-05-06"]


def test_what_is_no_day_of_any_year_is_put_aside(tmp_path: Path) -> None:
    space = MemoryWorkspace(tmp_path)
    text = "会员号,生日\n1,02-30\n2,1990-05-06\n3,05-06\n4,5-6\n5,05-20\n"
    result = space.load("customers", space.write("c.csv", text))
    assert [one.values["birthday"] for one in result.samples["unparsable"]] == ["02-30"]
