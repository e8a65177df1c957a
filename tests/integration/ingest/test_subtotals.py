"""A row that sums up an order is no line of it, whatever column says so (小计行)."""

from pathlib import Path

import pytest

from koipond.testing.memory import MemoryWorkspace

HEAD = "customer_id,order_id,at,sku,品名,amount\n"
LINES = "c1,1001,2025-03-01,a,茶,30\nc1,1001,2025-03-01,b,杯,20\n"


@pytest.fixture
def space(tmp_path: Path) -> MemoryWorkspace:
    return MemoryWorkspace(tmp_path / "w")


def nets(space: MemoryWorkspace) -> dict[str, int]:
    return {row["order_id"]: row["net_fen"] for row in space.rows("orders")}


@pytest.mark.parametrize(
    "row",
    [
        "c1,1001,2025-03-01,小计,,50",
        "c1,1001,2025-03-01,Subtotal,,50",
        "c1,1001,2025-03-01,,合计,50",
        "c1,1001,2025-03-01,, Grand Total: ,50",
        "合计,1001,2025-03-01,,,50",
        "Jumlah,1001,,,,50",
        ",1001,,,Total,50",
        "c1,1001 Total,2025-03-01,,,50",
        "c1,1001 汇总,2025-03-01,,,50",
        "c1,小计：1001,2025-03-01,,,50",
        "c1,Total,2025-03-01,,,50",
        "Grand Total,Total,2025-03-01,,,50",
        "Grand Total,Total,,,,50",
    ],
)
def test_a_row_of_totals_is_left_out_and_counted(space: MemoryWorkspace, row: str) -> None:
    result = space.load("orders", space.write("o.csv", HEAD + LINES + row + "\n"))
    assert (nets(space), result.quarantined) == ({"1001": 5_000}, {"totals_row": 1})
    assert "1 rows hold totals and no order: put aside" in map(str, result.remarks)
    assert len(space.rows("customers")) == 1


@pytest.mark.parametrize(
    ("row", "net"),
    [
        ("c1,1001,2025-03-01,Total,牙膏,8", 5_800),  # a toothpaste of that name
        ("c1,1001,2025-03-01,c,壶,50", 10_000),
    ],
)
def test_a_line_that_only_looks_like_one_counts(space: MemoryWorkspace, row: str, net: int) -> None:
    result = space.load("orders", space.write("o.csv", HEAD + LINES + row + "\n"))
    assert (nets(space), result.remarks, result.quarantined) == ({"1001": net}, (), {})


def test_a_subtotal_and_a_total_of_one_order_are_both_left_out(space: MemoryWorkspace) -> None:
    rows = "c1,1001,2025-03-01,小计,,50\nc1,1001,2025-03-01,合计,,50\n"
    result = space.load("orders", space.write("o.csv", HEAD + LINES + rows))
    assert (nets(space), result.quarantined) == ({"1001": 5_000}, {"totals_row": 2})


def test_a_line_without_a_product_is_doubtful_and_the_advice_takes_it_out(space: MemoryWorkspace) -> None:
    text = HEAD + LINES + "c1,1001,2025-03-01,,,50\n"
    result = space.load("orders", space.write("o.csv", text))
    assert nets(space) == {"1001": 10_000}
    assert "(the first in row 4): they count; if they are subtotals, write Subtotal" in result.remarks[0]
    space.load("orders", space.write("p.csv", text.replace(",,,50", ",Subtotal,,50")))
    assert nets(space) == {"1001": 5_000}


def test_two_equal_lines_without_products_stay(space: MemoryWorkspace) -> None:
    text = "customer_id,order_id,at,amount,note\n" + "".join(f"c1,1001,2025-03-0{n},5,{n}\n" for n in (1, 2))
    result = space.load("orders", space.write("o.csv", text))
    assert (nets(space), result.remarks) == ({"1001": 1_000}, ())
