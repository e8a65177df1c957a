"""A price without a quantity: the row's amount where a row is one piece, else a question with answers."""

from pathlib import Path

import pytest

from koipond.kernel import InputError
from koipond.testing.memory import MemoryWorkspace

SAID = "price is taken as what was paid for each row"


@pytest.fixture
def space(tmp_path: Path) -> MemoryWorkspace:
    return MemoryWorkspace(tmp_path / "w")


def nets(space: MemoryWorkspace) -> dict[str, int]:
    return {row["order_id"]: row["net_fen"] for row in space.rows("orders", "order_id", "net_fen")}


def test_the_price_of_rows_that_are_one_piece_is_their_amount(space: MemoryWorkspace) -> None:
    head = "order_id,order_item_id,customer_id,at,product_id,price,freight\n"
    rows = "1,1,a,2025-01-01,P,5.00,1.5\n1,2,a,2025-01-01,Q,7.00,1.5\n2,1,b,2025-01-02,P,5.00,1.5\n"
    done = space.load("orders", space.write("a.csv", head + rows))
    assert nets(space) == {"1": 1_200, "2": 500}
    assert [one for one in done.remarks if SAID in one]
    assert "price" not in done.unused
    assert done.mapping["amount"] == "price"


def test_a_column_that_may_count_pieces_is_asked_about_and_both_answers_work(space: MemoryWorkspace) -> None:
    head = "order_id,customer_id,at,sku,price,bought\n"
    file = space.write("a.csv", head + "1,a,2025-01-01,P,5.00,2\n2,b,2025-01-02,Q,7.00,1\n")
    with pytest.raises(InputError, match=r"--map amount=price .*--map quantity=COLUMN .*may be bought"):
        space.load("orders", file)
    assert nets(space) == {}
    assert space.load("orders", file, mapping={"quantity": "bought"}).kept == 2
    assert nets(space) == {"1": 1_000, "2": 700}
    assert space.load("orders", file, mapping={"amount": "price"}).kept == 2
    assert nets(space) == {"1": 500, "2": 700}
    done = space.load("orders", file, mapping={"quantity": ""})  # told that nothing counts pieces
    assert [one for one in done.remarks if SAID in one]


def test_without_a_product_the_price_is_asked_about(space: MemoryWorkspace) -> None:
    file = space.write("a.csv", "order_id,customer_id,at,price\n1,a,2025-01-01,5.00\n")
    with pytest.raises(InputError, match=r"--map amount=price if it is what was paid"):
        space.load("orders", file)
    assert space.load("orders", file, mapping={"amount": "price"}).kept == 1


@pytest.mark.parametrize("told", ["unit_price", "amount"])
def test_what_the_operator_said_of_the_price_holds(space: MemoryWorkspace, told: str) -> None:
    head = "order_id,customer_id,at,sku,price\n"
    file = space.write("a.csv", head + "1,a,2025-01-01,P,5.00\n")
    with pytest.raises(InputError, match="--map amount=price"):
        space.load("orders", file, mapping={told: "price" if told == "unit_price" else ""})


def test_one_price_on_all_lines_of_all_orders_is_no_sure_sum(space: MemoryWorkspace) -> None:
    """It may be the order's total after all: asked, as of any amount."""
    head = "order_id,customer_id,at,sku,price\n"
    rows = "".join(f"{n},a,2025-01-01,{sku},9.00\n" for n in (1, 2) for sku in "PQ")
    with pytest.raises(InputError, match=r"--map order_amount=price or --map amount=price"):
        space.load("orders", space.write("a.csv", head + rows))
