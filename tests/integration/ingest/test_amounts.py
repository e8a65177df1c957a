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
