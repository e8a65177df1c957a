"""15%, 8.5折 and a column 折扣 of plain numbers: what was paid comes out right, or is asked for."""

from pathlib import Path
from typing import Any

import pytest

from koipond.ingest import ImportResult
from koipond.kernel import InputError
from koipond.testing.memory import MemoryWorkspace

DAY = "2025-03-01"


@pytest.fixture
def space(tmp_path: Path) -> MemoryWorkspace:
    return MemoryWorkspace(tmp_path / "w")


def load(space: MemoryWorkspace, column: str, *cells: str, **options: Any) -> ImportResult:
    """Import an order of 2 × 100 for each discount in ``cells``."""
    rows = "".join(f"{n},{n},{DAY},2,100,{cell}\n" for n, cell in enumerate(cells, start=1))
    return space.load(
        "orders", space.write("o.csv", f"user_id,order_id,at,qty,price,{column}\n{rows}"), **options
    )


def nets(space: MemoryWorkspace) -> list[int]:
    return [row["net_fen"] for row in sorted(space.rows("orders"), key=lambda row: int(row["order_id"]))]


@pytest.mark.parametrize("zero", ["0", "0.00", "", "0%"])
def test_a_percent_sign_beside_nothing_is_a_share(space: MemoryWorkspace, zero: str) -> None:
    result = load(space, "discount", "15%", zero)
    assert (result.kept, nets(space)) == (2, [17_000, 20_000])


def test_a_percent_sign_beside_a_number_stops_with_both_rows(space: MemoryWorkspace) -> None:
    with pytest.raises(InputError, match=r"row 2 '15%' and row 4 '5'; write them all alike"):
        load(space, "discount", "15%", "0", "5")
    load(space, "discount", "15%", "0", "5%")
    assert nets(space) == [17_000, 20_000, 19_000], "the advice leads to the right result"


def test_who_says_that_a_discount_is_money_has_shares_put_aside(space: MemoryWorkspace) -> None:
    result = load(space, "discount", "15%", "5", mapping={"discount": "discount"})
    assert (result.quarantined, nets(space)) == ({"unparsable": 1}, [19_500])


@pytest.mark.parametrize("field", ["discount", "discount_rate", "paid_share"])
def test_a_number_of_zhe_is_always_what_was_paid(space: MemoryWorkspace, field: str) -> None:
    cells = ("8.5折", "9折", "85折", "八五折", "半价", "原价", "0", "", "9", "８折")
    result = load(space, "折扣", *cells, mapping={field: "折扣"})
    assert result.kept == len(cells)
    assert nets(space) == [17_000, 18_000, 17_000, 17_000, 10_000, 20_000, 20_000, 20_000, 18_000, 16_000]
    assert "the share of the price that was paid (8.5 = 85%)" in result.remarks[0]


def test_zhe_beside_other_numbers_stops(space: MemoryWorkspace) -> None:
    with pytest.raises(
        InputError, match=r"折扣 mixes ways of writing discounts: row 2 '8.5折' and row 3 '15'"
    ):
        load(space, "折扣", "8.5折", "15", mapping={"paid_share": "折扣"})


@pytest.mark.parametrize(
    ("cells", "paid"),
    [
        (("8.5", "9", "10"), [17_000, 18_000, 20_000]),
        (("0.85", "0.9", "1"), [17_000, 18_000, 20_000]),
        (("85", "90", "100"), [17_000, 18_000, 20_000]),
        (("85%", "90%", "100%"), [17_000, 18_000, 20_000]),
    ],
)
def test_a_column_of_zhe_is_asked_for_and_its_advice_pays_the_share(
    space: MemoryWorkspace, cells: tuple[str, ...], paid: list[int]
) -> None:
    with pytest.raises(InputError, match="--map paid_share=折扣"):
        load(space, "折扣", *cells)
    assert load(space, "折扣", *cells, mapping={"paid_share": "折扣"}).kept == len(cells)
    assert nets(space) == paid


def test_a_share_paid_of_nothing_is_put_aside(space: MemoryWorkspace) -> None:
    result = load(space, "折扣", "8.5", "0", mapping={"paid_share": "折扣"})
    assert (result.quarantined, nets(space)) == ({"unparsable": 1}, [17_000])


def test_the_amount_paid_tells_what_a_column_of_zhe_is(space: MemoryWorkspace) -> None:
    text = f"user_id,order_id,at,qty,price,discount,amount\n1,1,{DAY},2,100,8.5,170\n2,2,{DAY},1,100,9,90\n"
    space.load("orders", space.write("o.csv", text))
    found = sorted(space.rows("orders"), key=lambda row: row["order_id"])
    assert [(row["net_fen"], row["discount_fen"]) for row in found] == [(17_000, 3_000), (9_000, 1_000)]
