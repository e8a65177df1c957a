"""Whose an amount is, the line's or the order's; discounts as shares; empty amounts (B09, B11, B12, U12)."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from koipond.ingest import ImportResult
from koipond.kernel import InputError
from koipond.testing.memory import MemoryWorkspace

B11 = (
    "Order Number,Email,Order Date,SKU,Quantity,Item Price,Total\n"
    "1,a@example.com,2025-03-01,T1,2,10,50\n"
    "1,a@example.com,2025-03-01,C1,3,10,50\n"
    "2,b@example.com,2025-03-02,T1,1,10,10\n"
)
B12 = (
    "Name,Email,Financial Status,Currency,Subtotal,Shipping,Total,Discount Amount,Created at,"
    "Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Refunded Amount\n"
    "#1001,a@example.com,paid,USD,50.00,5.00,55.00,0.00,2025-03-01 10:00:00 +0700,2,Tea,10.00,T1,0.00\n"
    "#1001,a@example.com,,,,,,,2025-03-01 10:00:00 +0700,3,Cup,10.00,C1,\n"
    "#1003,c@example.com,partially_refunded,USD,40.00,5.00,45.00,0.00,2025-03-03 10:00:00 +0700,4,Tea,10.00,"
    "T1,20.00\n"
)
B09 = (
    "OrderID,CustomerID,OrderDate,ProductID,UnitPrice,Quantity,Discount\n"
    "10250,HANAR,1996-07-08,41,7.70,10,0\n10250,HANAR,1996-07-08,51,42.40,35,0.15\n"
    "10250,HANAR,1996-07-08,65,16.80,15,0.15\n"
)


@pytest.fixture
def space(tmp_path: Path) -> MemoryWorkspace:
    return MemoryWorkspace(tmp_path / "w", currency="USD")


def load(space: MemoryWorkspace, text: str, name: str = "orders.csv", **options: Any) -> ImportResult:
    return space.load("orders", space.write(name, text), **options)


def nets(space: MemoryWorkspace) -> dict[str, int]:
    """Return order → its amount less what was given back of it, in minor units."""
    found: dict[str, int] = defaultdict(int)
    for row in space.rows("orders"):
        found[row["order_id"]] += row["net_fen"]
    for row in space.rows("refunds"):
        found[row["order_id"]] -= row["amount_fen"]
    return dict(found)


def lines(space: MemoryWorkspace) -> dict[str, int]:
    return {row["sku"]: row["amount_fen"] for row in space.rows("order_lines")}


def test_b11_an_orders_total_on_each_line_counts_once(space: MemoryWorkspace) -> None:
    result = load(space, B11)
    assert nets(space) == {"1": 5_000, "2": 1_000}
    assert sorted(row["amount_fen"] for row in space.rows("order_lines")) == [1_000, 2_000, 3_000]
    assert "Total is the amount of the whole order, on each of its lines" in result.remarks[0]


@pytest.mark.parametrize(
    ("cells", "where"),
    [
        (("50", "", ""), "on its first line alone"),
        (("", "", "50"), "on its last line alone"),
        (("", "50", ""), "on one of its lines alone"),
    ],
)
def test_b11_a_total_on_one_line_is_said_where_it_stands(
    space: MemoryWorkspace, cells: tuple[str, ...], where: str
) -> None:
    head = "Order Number,Email,Order Date,SKU,Quantity,Item Price,Total\n"
    rows = "".join(f"1,a@example.com,2025-03-01,{s},1,10,{c}\n" for s, c in zip("xyz", cells, strict=True))
    result = load(space, head + rows.replace(",10,50", ",10,30"))
    assert nets(space) == {"1": 3_000}
    assert f"Total is the amount of the whole order, {where}" in result.remarks[0]


def test_b11_what_is_told_counts_and_the_doubt_is_said(space: MemoryWorkspace) -> None:
    told = load(space, B11, mapping={"amount": "Total"})
    assert nets(space)["1"] == 10_000
    assert "--map order_amount=Total" in told.remarks[0]
    load(space, B11, "again.csv", mapping={"order_amount": "Total"})
    assert nets(space)["1"] == 5_000, "the advice leads to the right result"


def test_b11_lines_with_an_amount_of_their_own_add_up(space: MemoryWorkspace) -> None:
    own = B11.replace("10,50\n", "10,20\n", 1).replace("10,50\n", "10,30\n")
    assert load(space, own).remarks == ()
    assert nets(space) == {"1": 5_000, "2": 1_000}
    equal = "order_id,email,at,sku,qty,price,total\n" + "".join(
        f"{n},a@b.co,2025-03-01,{sku},1,10,10\n" for n in range(5) for sku in "xy"
    )
    load(space, equal, "equal.csv", source="equal")
    assert {row["net_fen"] for row in space.rows("orders") if row["source"] == "equal"} == {2_000}


def test_b11_when_both_fit_the_import_stops_and_its_advice_decides(space: MemoryWorkspace) -> None:
    text = "order_id,email,at,sku,实付金额\n" + "".join(
        f"{n},a@b.co,2025-03-01,{sku},{n}0\n" for n in (1, 2) for sku in "xy"
    )
    with pytest.raises(
        InputError, match="both fit; pass --map order_amount=实付金额 or --map amount=实付金额"
    ):
        load(space, text)
    load(space, text, mapping={"order_amount": "实付金额"})
    assert nets(space) == {"1": 1_000, "2": 2_000}
    load(space, text, "lines.csv", mapping={"amount": "实付金额"})
    assert nets(space) == {"1": 2_000, "2": 4_000}


def test_an_orders_total_that_differs_within_the_order_is_put_aside(space: MemoryWorkspace) -> None:
    text = (
        "order_id,email,at,sku,t\n1,a@b.co,2025-03-01,x,5\n1,a@b.co,2025-03-01,y,6\n2,a@b.co,2025-03-01,x,7\n"
    )
    result = load(space, text, mapping={"order_amount": "t"})
    assert result.quarantined == {"conflicting_order": 2}
    assert nets(space) == {"2": 700}


def test_the_parts_of_a_total_add_up_to_it(space: MemoryWorkspace) -> None:
    rows = "".join(f"1,a@b.co,2025-03-01,s{n},1,3.33,10.01\n" for n in range(7))
    load(space, "order_id,email,at,sku,qty,price,t\n" + rows, mapping={"order_amount": "t"})
    assert nets(space) == {"1": 1_001}
    assert {row["amount_fen"] for row in space.rows("order_lines")} == {143}


def test_b12_a_shopify_export_keeps_its_second_lines_and_partial_refunds(space: MemoryWorkspace) -> None:
    result = load(space, B12, mapping={"order_id": "Name"})
    assert result.quarantined == {}
    assert nets(space) == {"#1001": 5_500, "#1003": 2_500}
    assert {row["sku"] for row in space.rows("order_lines")} == {"T1", "C1"}
    assert [(r["refund_id"], r["order_id"], r["amount_fen"]) for r in space.rows("refunds")] == [
        ("#1003", "#1003", 2_000)
    ]
    assert result.notes["status_carried_down"] == 1
    assert "Subtotal" in result.unused


def test_b12_customer_time_and_status_said_in_the_first_line_alone(space: MemoryWorkspace) -> None:
    head = "order_id,email,at,status,sku,amount\n"
    text = head + "1,a@b.co,2025-03-01,paid,x,5\n1,,,,y,6\n2,b@b.co,2025-03-02,,x,7\n"
    result = load(space, text)
    assert nets(space) == {"1": 1_100}
    assert result.quarantined == {"unknown_status": 1}, "an order that says nothing of its state stays aside"
    for part in ("customer", "time", "status"):
        assert any(part in remark for remark in result.remarks), part


def test_partial_refunds_by_status_and_amount(space: MemoryWorkspace) -> None:
    rows = (
        "A,x,100,部分退款,30,2025-04-02",
        "A,y,50,已完成,,",
        "B,x,80,部分退款,,",
        "C,x,70,已退款,70,2025-04-03",
        "D,x,60,已退款,,",
        "E,x,60,待付款,10,",
        "F,x,100,部分退款,30,",
        "F,y,50,已退款,,",  # each line says its own
        "G,x,100,已退款,150,",  # the order's, on its first line
        "G,y,50,已退款,,",
    )
    head = "订单编号,商品编码,实付金额,订单状态,退款金额,退款时间,手机号,下单时间\n"
    result = load(space, head + "".join(f"{row},13800000001,2025-03-01\n" for row in rows))
    assert nets(space) == {"A": 12_000, "B": 8_000, "C": 0, "D": 0, "E": 6_000, "F": 7_000, "G": 0}
    days = {row["order_id"]: row["day"] for row in space.rows("refunds")}
    assert (days["A"], days["C"], days["D"]) == (20_180, 20_181, 20_148)
    assert result.notes["partial_refunds_unsaid"] == 1
    assert any("--map refund_amount=COLUMN" in remark for remark in result.remarks)


def test_a_part_given_back_is_unsaid_whatever_became_of_the_other_lines(space: MemoryWorkspace) -> None:
    """A whole line given back beside it does not say how much of this one was; counted by line."""
    rows = [
        ("1", "A", 10, "部分退款"), ("1", "B", 20, "已退款"), ("1", "C", 5, "部分退款"),
        ("2", "A", 10, "部分退款"),
        ("3", "A", 10, "部分退款"), ("3", "B", 20, "已付款"),
    ]  # fmt: skip
    text = "order_id,customer_id,order_date,sku,amount,status\n"
    result = load(space, text + "".join(f"{n},c{n},2025-03-01,{s},{a},{w}\n" for n, s, a, w in rows))
    assert nets(space) == {"1": 1_500, "2": 1_000, "3": 3_000}
    assert result.notes["partial_refunds_unsaid"] == 4


def test_a_refund_of_the_whole_order_on_each_line_counts_once(space: MemoryWorkspace) -> None:
    text = (
        B11.replace("Total\n", "Total,Refunded Amount\n")
        .replace(",50\n", ",50,20\n")
        .replace(",10\n", ",10,0\n")
    )
    load(space, text)
    assert nets(space) == {"1": 3_000, "2": 1_000}
    both = (
        text.replace("10,50,20\n", "10,20,5\n", 1).replace("10,50,20\n", "10,30,5\n").replace("Total", "paid")
    )
    with pytest.raises(InputError, match="--map order_refund_amount=Refunded Amount or --map refund_amount="):
        load(space, both, "both.csv", source="b")
    load(space, both, "both.csv", source="b", mapping={"order_refund_amount": "Refunded Amount"})
    assert [row["amount_fen"] for row in space.rows("refunds") if row["source"] == "b"] == [500]


def test_b09_discounts_between_0_and_1_are_asked_about_and_the_advice_is_right(
    space: MemoryWorkspace,
) -> None:
    with pytest.raises(
        InputError, match=r"row 3: the discount '0.15' beside quantity × price of 1,484.00"
    ) as stop:
        load(space, B09)
    assert "--map discount=Discount when it is money, --map discount_rate=Discount" in str(stop.value)
    load(space, B09, mapping={"discount_rate": "Discount"})
    assert nets(space) == {"10250": 155_260}
    [order] = space.rows("orders")
    assert (order["gross_fen"], order["discount_fen"]) == (181_300, 26_040)
    load(space, B09, "money.csv", mapping={"discount": "Discount"})
    assert nets(space) == {"10250": 181_270}


@pytest.mark.parametrize(
    ("header", "cells", "paid", "discount_fen"),
    [
        ("Discount", ("0.15", "0.2"), ("85", "80"), 3_500),
        ("Discount", ("15", "20"), ("170", "160"), 7_000),
        ("Discount", ("15", "20"), ("185", "180"), 3_500),
        ("Discount %", ("15", "20"), ("170", "160"), 7_000),
        ("diskon", ("15%", "20%"), ("170", "160"), 7_000),
    ],
)
def test_b09_amounts_paid_decide_whether_a_discount_is_a_share(
    space: MemoryWorkspace, header: str, cells: tuple[str, ...], paid: tuple[str, ...], discount_fen: int
) -> None:
    price = 100 if cells[0] == "0.15" else 200
    rows = "".join(f"{n},u,2025-03-01,1,{price},{cells[n]},{paid[n]}\n" for n in (0, 1))
    load(space, f"order_id,user_id,at,qty,price,{header},amount\n{rows}")
    assert sum(row["discount_fen"] for row in space.rows("orders")) == discount_fen
    assert sum(row["gross_fen"] for row in space.rows("orders")) == 2 * price * 100


def test_b09_percentages_without_an_amount_paid(space: MemoryWorkspace) -> None:
    head, rows = (
        "order_id,user_id,at,qty,price,{}\n",
        "1,u,2025-03-01,1,42,15\n2,u,2025-03-01,1,10,5\n3,u,2025-03-01,2,9,20\n",
    )
    with pytest.raises(InputError, match=r"15 = 15%"):
        load(space, head.format("discount") + rows)
    few = load(space, head.format("discount") + "9,u,2025-03-01,1,42,15\n", "few.csv")
    assert "--map discount_rate=discount" in few.remarks[0], "money was assumed"
    load(space, head.format("discount percent") + rows)
    assert nets(space) == {"1": 3_570, "2": 950, "3": 1_440, "9": 2_700}


def test_u12_rows_that_repeat_another_to_the_letter_are_kept_once(space: MemoryWorkspace) -> None:
    head = "order_id,user_id,at,sku,amount,note\n"
    text = head + "1,u,2025-03-01,x,5,a\n1,u,2025-03-01,y,6,a\n2,u,2025-03-01,x,5,a\n1,u,2025-03-01,x,5,{}\n"
    result = load(space, text.format("a"))
    assert (result.read, result.kept, result.quarantined) == (4, 3, {"repeated_row": 1})
    assert nets(space) == {"1": 1_100, "2": 500}
    assert "1 rows repeat another elsewhere in the file to the letter" in result.remarks[0]
    load(space, text.format("b"), "differ.csv", source="b")  # another note: another line
    load(space, text.format("a"), "told.csv", source="c", keep_repeated=True)
    assert {r["source"]: r["net_fen"] for r in space.rows("orders") if r["order_id"] == "1"} == {
        "default": 1_100,
        "b": 1_600,
        "c": 1_600,
    }


def test_u12_equal_rows_side_by_side_are_two_pieces_and_a_file_twice_in_itself_is_one(
    space: MemoryWorkspace,
) -> None:
    head = "order_id,user_id,at,sku,amount\n"
    rows = "1,u,2025-03-01,x,5\n1,u,2025-03-01,x,5\n1,u,2025-03-01,y,6\n2,u,2025-03-02,x,5\n"
    result = load(space, head + rows)
    assert (result.kept, result.quarantined) == (4, {})
    assert nets(space) == {"1": 1_600, "2": 500}
    assert any("1 rows equal the row beside them" in one for one in result.remarks)
    result = load(space, head + rows + rows, "twice.csv", source="b")
    assert (result.kept, result.quarantined) == (4, {"repeated_row": 4})
    assert sum(r["net_fen"] for r in space.rows("orders") if r["source"] == "b") == 2_100


def test_u12_an_empty_amount_is_not_the_list_price(space: MemoryWorkspace) -> None:
    text = (
        "订单编号,手机号,下单时间,商品编码,数量,单价,实付金额,订单状态\n"
        "A,13800000001,2025-03-01,x,1,89,-,已完成\n"
        "B,13800000001,2025-03-01,x,1,89,80,已完成\nB,13800000001,2025-03-01,gift,1,10,,已完成\n"
        "B,13800000001,2025-03-01,y,1,30,25,已完成\n"
        "C,13800000001,2025-03-01,x,2,89,,待付款\n"
    )
    result = load(space, text)
    assert result.quarantined == {"missing_amount": 1}
    [sample] = result.samples["missing_amount"]
    assert (sample.row, sample.field) == (2, "amount")
    assert nets(space) == {"B": 10_500, "C": 17_800}
    assert lines(space)["gift"] == 0
    assert (result.notes["lines_without_amount"], result.notes["unpaid_amounts_filled"]) == (1, 1)
    assert any("--map amount=" in remark for remark in result.remarks)
    advised = load(space, text, "advised.csv", mapping={"amount": ""})
    assert advised.quarantined == {}
    assert nets(space)["A"] == 8_900


def test_u12_rows_of_totals_are_put_aside_with_their_reason(space: MemoryWorkspace) -> None:
    for place, word in enumerate(("合计", "总计", "Total", "Grand Total", "Jumlah", "")):
        rows = "A,13800000001,2025-03-01,5\nB,13800000001,2025-03-01,6\n"
        text = f"订单编号,手机号,下单时间,实付金额\n{rows}{word},,,11\n"
        result = load(space, text, source=f"s{place}")
        assert (result.kept, result.quarantined) == (2, {"totals_row": 1}), word


def test_b11_a_discount_of_the_order_on_each_line_counts_once(space: MemoryWorkspace) -> None:
    text = (
        "order_id,email,at,sku,qty,price,Discount Amount,Total\n1,a@b.co,2025-03-01,x,2,10,5,45\n"
        "1,a@b.co,2025-03-01,y,3,10,5,45\n2,a@b.co,2025-03-02,x,1,10,2,8\n"
    )
    load(space, text)
    found = {row["order_id"]: (row["gross_fen"], row["discount_fen"]) for row in space.rows("orders")}
    assert nets(space) == {"1": 4_500, "2": 800}
    assert found == {"1": (5_000, 500), "2": (1_000, 200)}
