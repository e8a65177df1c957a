"""What was given back (U01, U02): the same facts whichever file came first; said when nothing was sold."""

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from koipond.testing.memory import MemoryWorkspace

HEAD = "订单编号,手机号,下单时间,实付金额,订单状态\n"
FIRST = "A1,13800000001,2025-11-01 10:00,200.00,已完成\n"
SOLD = "A2,13800000001,2025-11-02 10:00,300.00,已完成\n"
BACK = "A2,13800000001,2025-11-02 10:00,300.00,已退款\n"


def space_of(folder: Path, *texts: str) -> MemoryWorkspace:
    space = MemoryWorkspace(folder, zone_name="Asia/Shanghai")
    for number, text in enumerate(texts):
        space.load("orders", space.write(f"{number}.csv", HEAD + text))
    return space


def facts(space: MemoryWorkspace) -> tuple[Any, ...]:
    sales = space.rows("orders", "order_id", "status", "gross_fen", "net_fen", "day", "line_count")
    lines = space.rows("order_lines", "at_s", "sku", "amount_fen", "discount_fen", "quantity_milli")
    given = space.rows("refunds", "refund_id", "order_id", "amount_fen", "day", "sku")
    return sales, lines, given


def net(space: MemoryWorkspace) -> int:
    """Return paid orders less the refunds that name one of them, in minor units."""
    sold = {row["order_id"]: row["net_fen"] for row in space.rows("orders") if row["status"] == "paid"}
    back = [row["amount_fen"] for row in space.rows("refunds") if row["order_id"] in sold]
    return sum(sold.values()) - sum(back)


@pytest.mark.parametrize(
    "texts", [*permutations([FIRST + SOLD, FIRST + BACK]), (FIRST + BACK,), (BACK, FIRST)]
)
def test_u01_a_final_status_of_refunded_is_sold_and_given_back_whatever_came_before(
    tmp_path: Path, texts: tuple[str, ...]
) -> None:
    space, alone = space_of(tmp_path / "a", *texts), space_of(tmp_path / "b", FIRST + BACK)
    assert facts(space) == facts(alone)
    assert net(space) == 20_000
    assert [(row["order_id"], row["amount_fen"]) for row in space.rows("refunds")] == [("A2", 30_000)]


def test_u02_a_line_refunded_beside_a_line_kept(tmp_path: Path) -> None:
    mixed = "B,13800000002,2025-11-01 10:00,100,已完成\nB,13800000002,2025-11-01 10:00,50,已退款\n"
    both = space_of(tmp_path / "both", mixed)
    assert net(both) == 10_000
    [order] = both.rows("orders")
    assert (order["net_fen"], order["line_count"]) == (15_000, 2)


def test_an_export_older_than_what_is_known_is_said_and_changes_nothing(tmp_path: Path) -> None:
    space = space_of(tmp_path, FIRST + BACK)
    before = facts(space)
    again = space.load("orders", space.write("old.csv", HEAD + SOLD + FIRST.replace("已完成", "待付款")))
    assert facts(space) == before
    assert again.notes["orders_known_later"] == 2
    assert "2 orders are known in a later state" in again.remarks[0]


def test_a_list_of_returns_names_part_of_a_sale_before_or_after_it(tmp_path: Path) -> None:
    part = "A2,13800000001,2025-11-09 10:00,100.00,退款成功\n"
    one = space_of(tmp_path / "a", SOLD, part)
    two = space_of(tmp_path / "b", part, SOLD)
    assert facts(one) == facts(two)
    assert net(one) == 20_000


def test_a_status_of_refunded_with_a_minus_counts_once(tmp_path: Path) -> None:
    minus = BACK.replace("300.00", "-300.00")
    alone = space_of(tmp_path / "a", minus)
    assert net(alone) == 0
    assert [row["net_fen"] for row in alone.rows("orders")] == [30_000]
    for name, texts in {"b": (SOLD, minus), "c": (minus, SOLD), "d": (SOLD + minus,)}.items():
        space = space_of(tmp_path / name, *texts)
        assert facts(space) == facts(alone), name


def test_a_refund_that_names_no_sale_is_counted_and_linked_once_the_sale_comes(tmp_path: Path) -> None:
    space = MemoryWorkspace(tmp_path / "w", zone_name="Asia/Shanghai")
    text = HEAD + "A2,13800000001,2025-11-09 10:00,-50,已完成\n"
    first = space.load("orders", space.write("a.csv", text))
    assert first.notes["refunds_without_sale"] == 1
    assert "1 refunds name no sale" in first.remarks[0]
    second = space.load("orders", space.write("b.csv", HEAD + SOLD))
    assert "refunds_without_sale" not in second.notes
    assert net(space) == 25_000


def test_a_corrected_sale_takes_the_refund_it_came_with_along(tmp_path: Path) -> None:
    wrong = "B,13800000002,2025-11-01 10:00,1000,已完成\nB,13800000002,2025-11-01 10:00,500,已退款\n"
    space = space_of(tmp_path, wrong)
    right = HEAD + wrong.replace("1000", "10").replace("500", "5")
    result = space.load("orders", space.write("right.csv", right))
    assert result.notes["orders_with_other_lines"] == 1
    assert "1 orders were known with other lines" in result.remarks[0]
    assert net(space) == 1_000
    assert [row["amount_fen"] for row in space.rows("refunds")] == [500]


BEYOND = "订单编号,手机号,下单时间,实付金额,退款金额,订单状态\n"


def test_more_given_back_than_sold_is_said(tmp_path: Path) -> None:
    space = MemoryWorkspace(tmp_path, zone_name="Asia/Shanghai")
    rows = (
        "A5,13811110003,2025-11-03 10:00,80.00,100.00,已完成\n"
        "A6,13811110003,2025-11-03 11:00,80.00,80.00,已完成\n"
        "A7,13811110003,2025-11-03 12:00,80.00,20.00,已完成\n"
    )
    found = space.load("orders", space.write("a.csv", BEYOND + rows))
    assert found.notes["refunds_beyond_sale"] == 1
    assert [remark for remark in found.remarks if "more given back than they were sold for" in remark]


def test_no_more_given_back_than_sold_is_no_note(tmp_path: Path) -> None:
    space = space_of(tmp_path, FIRST + SOLD)
    assert "refunds_beyond_sale" not in space.load("orders", space.write("b.csv", HEAD + FIRST + BACK)).notes
