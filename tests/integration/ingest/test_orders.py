from pathlib import Path

import pytest

from koipond.kernel import InputError
from koipond.testing.memory import MemoryWorkspace


@pytest.fixture
def space(tmp_path: Path) -> MemoryWorkspace:
    return MemoryWorkspace(tmp_path / "w", zone_name="Asia/Shanghai")


def load(space: MemoryWorkspace, text: str, name: str = "orders.csv", **options: object):
    return space.load("orders", space.write(name, text), **options)


def test_lines_of_an_order_add_up_and_keep_the_earliest_time(space: MemoryWorkspace) -> None:
    result = load(
        space,
        "CustomerID,InvoiceNo,InvoiceDate,Quantity,UnitPrice,discount\n"
        "7,A1,2025-03-02 10:00,2,1.005,0\n"
        "7,A1,2025-03-02 09:59:58,1,3,0.5\n",
    )
    assert (result.read, result.kept, result.quarantined) == (2, 2, {})
    [order] = space.rows("orders")
    assert (order["gross_fen"], order["discount_fen"], order["net_fen"]) == (501, 50, 451)
    assert order["at_s"] == 1740880798  # 2025-03-02 01:59:58 UTC
    assert (order["day"], order["line_count"], order["status"]) == (20149, 2, "paid")


def test_the_same_file_again_changes_nothing(space: MemoryWorkspace) -> None:
    text = "member_id,order_id,at,amount\n1,a,2025-01-01,5\n2,b,2025-01-02,-5\n" + "1,,2025-01-03,-1\n" * 2
    load(space, text)
    before = [space.rows(name) for name in ("orders", "order_lines", "refunds", "customers")]
    again = load(space, text, "other-name.csv")
    assert [space.rows(name) for name in ("orders", "order_lines", "refunds", "customers")] == before
    assert again.changes == {
        "orders_new": 0,
        "orders_replaced": 0,
        "orders_unchanged": 1,
        "refunds_added": 0,
        "refunds_replaced": 0,
    }


def test_a_file_without_order_numbers_says_how_to_make_them(space: MemoryWorkspace) -> None:
    text = "customer_id,date,amount\n1,2025-01-01,5\n1,2025-01-01,6\n"
    with pytest.raises(InputError, match=r"--map order_id=customer_id\+date"):
        load(space, text)
    load(space, text, mapping={"order_id": "customer_id+date"})
    [order] = space.rows("orders")
    assert order["net_fen"] == 1100
    [customer] = space.rows("customers")
    assert order["order_id"] == f"{customer['customer_uid']}|2025-01-01"
