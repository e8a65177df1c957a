"""Amounts as shops of many countries write them, and signs that cannot be the workspace's (B04, B16)."""

from pathlib import Path

import pytest

from koipond.kernel import InputError
from koipond.testing.memory import MemoryWorkspace

HEAD = "user_id;order_id;at;amount\n"


def load(folder: Path, currency: str, *amounts: str) -> list[int]:
    space = MemoryWorkspace(folder, currency=currency)
    rows = "".join(f"{n};{n};2025-01-0{n};{amount}\n" for n, amount in enumerate(amounts, start=1))
    result = space.load("orders", space.write("a.csv", HEAD + rows))
    assert result.kept == len(amounts), result.samples
    return [row["net_fen"] for row in sorted(space.rows("orders"), key=lambda row: row["order_id"])]


@pytest.mark.parametrize(
    ("currency", "amounts", "units"),
    [
        ("IDR", ("Rp150.000,-", "Rp75.500,-", "Rp1.250.000,-"), [15_000_000, 7_550_000, 125_000_000]),
        ("INR", ("₹1,299.00", "₹399", "₹1,23,456"), [129_900, 39_900, 12_345_600]),
        ("VND", ("120.000 ₫", "1.250.000 ₫"), [120_000, 1_250_000]),
        ("VND", ("120.000", "99"), [120_000, 99]),
        ("BRL", ("R$ 1.299,00", "R$ 39,90"), [129_900, 3_990]),
        ("JPY", ("12,800円", "980円"), [12_800, 980]),
        ("JPY", ("￥12,800", "￥980"), [12_800, 980]),
        ("CHF", ("CHF 12.-", "Fr. 3.50"), [1_200, 350]),
        ("HKD", ("HK$1,000.00", "$2.5"), [100_000, 250]),
        ("CNY", ("人民币 5", "￥6.5", "7元"), [500, 650, 700]),
        ("EUR", ("1\u00a0299,00", "€\u00a01.299,00", "12,50"), [129_900, 129_900, 1_250]),
        ("EUR", ("12\u202f345\u202f678,00", "1"), [1_234_567_800, 100]),
        ("SEK", ("12,50\u00a0kr", "1\u2009299,00\u2009kr", "1299:-"), [1_250, 129_900, 129_900]),
        ("IDR", ("Rp\u00a012.500.000", "rp 138.000.000"), [1_250_000_000, 13_800_000_000]),
        ("IDR", ("150rb", "1,5jt", "Rp 2.000"), [15_000_000, 150_000_000, 200_000]),
        ("CNY", ("１２３．４５", "¥８８", "12.5万", "1.2万元"), [12_345, 8_800, 12_500_000, 1_200_000]),
        ("HKD", ("港币 7", "8 港元"), [700, 800]),
        ("TWD", ("NT$1,299", "新台币 80"), [129_900, 8_000]),
        ("HUF", ("1.299 Ft",), [129_900]),
        ("KWD", ("KD 1.234",), [1_234]),
        ("BHD", ("BHD 1.234", "1,250.500"), [1_234, 1_250_500]),
    ],
)
def test_an_amount_beside_the_workspaces_sign_is_read(
    tmp_path: Path, currency: str, amounts: tuple[str, ...], units: list[int]
) -> None:
    assert load(tmp_path, currency, *amounts) == units


@pytest.mark.parametrize(
    ("currency", "amount"), [("CNY", "₹399"), ("USD", "€5.00"), ("IDR", "RM 12.50"), ("EUR", "USD 4.2")]
)
def test_a_sign_of_another_currency_stops_the_import_with_its_row(
    tmp_path: Path, currency: str, amount: str
) -> None:
    with pytest.raises(InputError) as stopped:
        load(tmp_path, currency, "7.00", amount)
    assert f"row 3 amount '{amount}'" in str(stopped.value)
    assert f"counts in {currency}" in str(stopped.value)


@pytest.mark.parametrize("amount", ["–3.00", "−3.00", "－3.00"])
def test_any_dash_before_an_amount_is_a_minus(tmp_path: Path, amount: str) -> None:
    space = MemoryWorkspace(tmp_path)
    space.load("orders", space.write("a.csv", HEAD + f"1;1;2025-01-01;5\n1;1;2025-01-02;{amount}\n"))
    assert [row["amount_fen"] for row in space.rows("refunds")] == [300]


def test_a_comma_before_three_digits_of_a_thousand_parts_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"row 2, amount: '1,234' can be read with a decimal or"):
        load(tmp_path, "BHD", "1,234")


def test_a_large_amount_with_fixed_spaces_is_no_phone(tmp_path: Path) -> None:
    """Only plain spaces used to group digits at the door: the large amounts were covered."""
    amounts = ("1\u00a0299\u00a0000,00", "12\u00a0345\u00a0678,00", "9,5")
    assert load(tmp_path, "EUR", *amounts) == [129_900_000, 1_234_567_800, 950]


@pytest.mark.parametrize("unit", ["5千克", "3 件"])
def test_a_word_that_is_no_unit_of_money_is_put_aside_as_it_stands(tmp_path: Path, unit: str) -> None:
    space = MemoryWorkspace(tmp_path)
    result = space.load("orders", space.write("a.csv", HEAD + f"1;1;2025-01-01;{unit}\n1;2;2025-01-01;5\n"))
    assert [one.values["amount"] for one in result.samples["unparsable"]] == [unit]


@pytest.mark.parametrize(
    ("column", "cells", "units"),
    [
        ("金额(万元)", ("1.2", "1,299.5", "¥3", "-", "0"), [1_200_000, 1_299_500_000, 3_000_000, 0]),
        ("销售额（单位：千元）", ("1.2", "2.5"), [120_000, 250_000]),
        ("Total (in thousands)", ("1.2", "2.5"), [120_000, 250_000]),
        ("金额(元)", ("1.2", "1.2万"), [120, 1_200_000]),
    ],
)
def test_amounts_in_a_unit_that_the_column_names_are_read_in_full(
    tmp_path: Path, column: str, cells: tuple[str, ...], units: list[int]
) -> None:
    space = MemoryWorkspace(tmp_path)
    rows = "".join(f"{n};{n};2025-01-0{n};{cell}\n" for n, cell in enumerate(cells, start=1))
    file = space.write("a.csv", f"user_id;order_id;at;{column}\n{rows}")
    space.load("orders", file, {"amount": column})
    assert [row["net_fen"] for row in sorted(space.rows("orders"), key=lambda row: row["order_id"])] == units
