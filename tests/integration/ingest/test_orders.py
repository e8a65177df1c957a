"""What rows of an orders file mean, end to end (design §5, science D)."""

import re
from pathlib import Path
from typing import Any

import pytest

from koipond.ingest import ImportResult
from koipond.kernel import CancelledError, InputError, RefusedError
from koipond.testing.memory import MemoryWorkspace

FACTS = ("orders", "order_lines", "refunds", "customers", "reachable", "quarantine")


@pytest.fixture
def space(tmp_path: Path) -> MemoryWorkspace:
    return MemoryWorkspace(tmp_path / "w", zone_name="Asia/Shanghai")


def load(space: MemoryWorkspace, text: str, name: str = "orders.csv", **options: Any) -> ImportResult:
    return space.load("orders", space.write(name, text), **options)


def orders(space: MemoryWorkspace, *columns: str) -> list[tuple[Any, ...]]:
    rows = sorted(space.rows("orders"), key=lambda row: row["order_id"])
    return [tuple(row[name] for name in columns) for row in rows]


def refunds(space: MemoryWorkspace) -> list[tuple[Any, ...]]:
    """(own id, order it is linked to, fen) of every refund; ids made of content shown as c."""
    return sorted(
        (re.sub("^c:.*", "c", row["refund_id"]), row["order_id"] or "", row["amount_fen"])
        for row in space.rows("refunds")
    )


def everything(space: MemoryWorkspace) -> list[list[dict[str, Any]]]:
    return [space.rows(name) for name in FACTS]


def test_lines_of_an_order_add_up_and_keep_the_earliest_time(space: MemoryWorkspace) -> None:
    result = load(
        space,
        "CustomerID,InvoiceNo,InvoiceDate,Quantity,UnitPrice,discount\n"
        "7,A1,2025-03-02 10:00,2,1.005,0\n"
        "7,A1,2025-03-02 09:59:58,1,3,0.5\n"
        "7,A1,2025-03-02 10:00,2,1.005,0\n"
        "7,A1,2025-03-02 10:00,4,0,0\n",
        mapping={"discount": "discount"},  # 0.5 may be a half
        keep_repeated=True,
    )
    assert (result.read, result.kept, result.quarantined) == (4, 4, {})
    [order] = space.rows("orders")
    assert (order["gross_fen"], order["discount_fen"], order["net_fen"]) == (702, 50, 652)
    assert order["at_s"] == 1740880798  # 2025-03-02 01:59:58 UTC
    assert (order["day"], order["line_count"], order["status"]) == (20149, 4, "paid")
    assert sorted(line["amount_fen"] for line in space.rows("order_lines")) == [0, 201, 201, 250]


def test_refunds_are_linked_to_what_they_name_else_to_their_own_order(space: MemoryWorkspace) -> None:
    result = load(
        space,
        "会员号,订单号,下单时间,数量,单价,状态,原订单号\n"
        "1,A,2025-01-01,2,10,已付款,\n"
        "1,A,2025-01-01,-1,10,已付款,\n"  # within its order
        "1,C9,2025-01-02,-1,5,已付款,\n"  # an invoice of its own
        "1,C8,2025-01-02,-1,4,已付款,A\n"  # names the order
        "1,B,2025-01-03,1,7,退款,\n"  # a whole order given back
        "1,,2025-01-04,-3,1,已付款,\n"  # without any number
        "1,,2025-01-04,-3,1,已付款,\n",
    )
    assert result.kept == 7
    assert orders(space, "order_id", "net_fen", "line_count") == [("A", 2000, 1), ("B", 700, 1)]
    assert result.notes["refunds_without_sale"] == 3
    assert refunds(space) == [
        ("A", "A", 1000),
        ("B", "B", 700),
        ("C8", "A", 400),
        ("C9", "C9", 500),
        ("c", "", 300),
        ("c", "", 300),
    ]


def test_a_later_file_links_its_refunds_to_earlier_sales(space: MemoryWorkspace) -> None:
    load(space, "user_id,order_id,at,amount\n1,A,2025-01-01,50\n1,B,2025-01-02,60\n")
    load(space, "user_id,order_id,at,amount\n1,A,2025-02-01,-20\n1,Z,2025-02-02,-5\n", "later.csv")
    assert orders(space, "order_id", "net_fen") == [("A", 5000), ("B", 6000)], "the sale stays"
    assert refunds(space) == [("A", "A", 2000), ("Z", "Z", 500)]
    before = everything(space)
    load(space, "user_id,order_id,at,amount\n1,A,2025-01-01,50\n1,B,2025-01-02,60\n", "again.csv")
    assert everything(space)[:3] == before[:3], "the earlier file again does not undo the refund"


def test_a_later_import_replaces_an_order_whole_and_undo_brings_it_back(space: MemoryWorkspace) -> None:
    head = "user_id,order_id,at,sku,amount,status\n"
    load(space, head + "1,A,2025-01-01,x,50,paid\n1,A,2025-01-01,y,9,paid\n1,A,2025-01-02,x,-5,paid\n")
    load(space, head + "1,B,2025-01-02,x,60,paid\n", "b.csv")
    before = everything(space)
    third = load(space, head + "2,A,2025-01-03,x,70,paid\n1,B,2025-01-02,x,60,paid\n", "c.csv")
    assert third.changes == {
        "orders_new": 0,
        "orders_replaced": 1,
        "orders_unchanged": 1,
        "refunds_added": 0,
        "refunds_replaced": 1,
    }
    assert orders(space, "order_id", "net_fen", "line_count") == [("A", 7000, 1), ("B", 6000, 1)]
    assert refunds(space) == [], "a refund that came with the order goes with it"
    assert len(space.rows("customers")) == 2
    with pytest.raises(RefusedError, match=r"import 3 of orders \(c\.csv\) came later"):
        space.undo(1)
    space.undo(third.import_no)
    assert everything(space) == before
    assert space.rows("replaced_orders") == []
    with pytest.raises(InputError, match="no import 3 is in force; the newest are: 1, 2"):
        space.undo(3)
    space.undo(2)
    space.undo(1)
    assert everything(space) == [[]] * len(FACTS)
    assert [entry.outcome for entry in space.journal.entries(9)] == ["undone", "undone", "undone"]


def test_the_same_file_again_changes_nothing(space: MemoryWorkspace) -> None:
    head, rows = "member_id,order_id,at,amount\n", "1,a,2025-01-01,5\n2,b,2025-01-02,-5\n,c,2025-01-02,1\n"
    text = head + rows + "1,,2025-01-03,-1\n" * 2
    first = load(space, text)
    before = everything(space)
    again = load(space, text)
    assert (again.repeated, again.import_no, again.version) == (True, first.import_no, first.version)
    assert (again.read, again.kept, again.quarantined) == (5, 4, {"missing_customer": 1})
    assert everything(space) == before
    renamed = load(space, text + "3,z,2025-01-04,1\n", "more.csv")
    assert renamed.changes["orders_new"] == 1
    assert renamed.changes["orders_unchanged"] == 1
    assert renamed.changes["refunds_added"] == 0


def test_row_rules_take_the_first_that_fits(space: MemoryWorkspace) -> None:
    result = load(
        space,
        "user_id,order_id,line_id,at,amount,store,status\n"
        ",A,1,2025-01-01,oops,s,paid\n"  # unparsable comes before missing_customer
        ",A,1,2025-01-01,1,s,paid\n"
        "1,,1,2025-01-01,1,s,paid\n"
        "1,H,1,,1,s,paid\n"
        "1,B,1,2026-01-03,1,s,paid\n"
        "1,C,1,2025-01-01,1,s,paid\n"
        "2,C,2,2025-01-01,1,s,paid\n"
        "1,D,1,2025-01-01,1,s,paid\n"
        "1,D,2,2025-01-01,1,t,what\n"
        "1,E,1,2025-01-01,1,s,paid\n"
        "1,E,1,2025-01-01,2,s,paid\n"  # another content under the same line
        "1,E,1,2025-01-01,1,s,paid\n"  # the first row to the letter
        "1,F,1,2025-01-01,1,s,what\n"
        "1,G,1,2026-01-01 20:00,1,s,paid\n",  # clocks differ: a day of grace
    )
    assert result.quarantined == {
        "unparsable": 1,
        "missing_customer": 1,
        "missing_order": 1,
        "missing_at": 1,
        "future_at": 1,
        "conflicting_order": 4,
        "duplicate_line_id": 1,
        "unknown_status": 1,
        "repeated_row": 1,
    }
    assert (result.read, result.kept) == (14, 2)
    assert orders(space, "order_id", "net_fen", "line_count") == [("E", 100, 1), ("G", 100, 1)]
    assert {rule: [s.row for s in found] for rule, found in result.samples.items()}["conflicting_order"] == [
        *(7, 8, 9, 10)
    ]
    assert result.samples["unparsable"][0].field == "amount"
    assert result.formats["status"] == "paid = paid"


def test_samples_and_put_aside_rows_show_no_identifier(space: MemoryWorkspace) -> None:
    result = load(
        space,
        "user_id,phone,email,order_id,at,amount,staff,channel\n"
        "13800138000,13800138000,a@b.co,A,soon,1,Li 13912345678,mail me@x.org\n"
        "7,13800138001,a@b.co,A,2025-01-01,1,Li,app\n",
    )
    [sample] = result.samples["unparsable"]
    assert dict(sample.values) == {
        "order_id": "A",
        "at": "soon",
        "amount": "1",
        "staff": space.identities.blind("Li 13912345678"),
        "channel": "mail •••",
    }
    stored = [b for f in space.warehouse.root.glob("*/*.parquet") for b in [f.read_bytes()]]
    assert not any(
        secret in b for b in stored for secret in (b"13800138", b"13912345678", b"a@b.co", b"me@x.org")
    )


def test_only_paid_counts_and_words_are_shown(space: MemoryWorkspace) -> None:
    result = load(
        space,
        "user_id,order_id,at,amount,status\n"
        "1,A,2025-01-01,5,Completed\n1,B,2025-01-01,5,待付款\n1,C,2025-01-01,5,dibatalkan\n"
        "1,D,2025-01-01,5,paid\n1,D,2025-01-01,6,cancelled\n1,C,2025-01-01,-2,dibatalkan\n",
    )
    assert orders(space, "order_id", "status", "net_fen") == [
        ("A", "paid", 500),
        ("B", "pending", 500),
        ("C", "cancelled", 300),
        ("D", "paid", 500),
    ]
    assert result.formats["status"] == (
        "Completed = paid, cancelled = cancelled, dibatalkan = cancelled, paid = paid, 待付款 = pending"
    )
    told = load(
        space, "user_id,order_id,at,amount,status\n1,X,2025-01-01,5,K9\n", "k.csv", statuses={"K9": "paid"}
    )
    assert told.kept == 1


def test_discounts_are_taken_off_and_their_sign_is_understood(space: MemoryWorkspace) -> None:
    load(space, "user_id,order_id,at,qty,price,discount\n1,A,2025-01-01,2,10,3\n1,B,2025-01-01,1,10,0\n")
    load(
        space,
        "user_id,order_id,at,qty,price,discount\n1,C,2025-01-01,2,10,-3\n1,D,2025-01-01,1,10,0\n",
        "b.csv",
    )
    load(space, "user_id,order_id,at,amount,discount\n1,E,2025-01-01,17,3\n", "c.csv")
    load(space, "user_id,order_id,at,qty,price,discount\n1,F,2025-01-01,-2,10,3\n", "d.csv")
    assert orders(space, "order_id", "gross_fen", "discount_fen", "net_fen") == [
        ("A", 2000, 300, 1700),
        ("B", 1000, 0, 1000),
        ("C", 2000, 300, 1700),
        ("D", 1000, 0, 1000),
        ("E", 2000, 300, 1700),
    ]
    assert refunds(space) == [("F", "F", 1700)]


def test_another_currency_is_refused(space: MemoryWorkspace) -> None:
    head = "user_id,order_id,at,amount,currency\n"
    with pytest.raises(InputError, match=r"amounts in USD \(row 3\), but the workspace counts in CNY"):
        load(space, head + "1,A,2025-01-01,5,rmb\n1,B,2025-01-01,5,usd\n")
    assert load(space, head + "1,A,2025-01-01,5,RMB\n1,B,2025-01-01,5,CNY\n").kept == 2
    assert load(space, head + "1,C,2025-01-01,5,usd\n", "c.csv", mapping={"currency": ""}).kept == 1


def test_people_are_known_by_phone_and_mail_too(space: MemoryWorkspace) -> None:
    result = load(
        space,
        "手机号,邮箱,订单号,下单时间,实付金额\n"
        "138 0013 8000,,A,2025-01-01,5\n+8613800138000,X@Y.com,B,2025-01-02,5\n"
        ",x@y.COM,C,2025-01-03,5\n123,,D,2025-01-04,5\n",
    )
    assert result.quarantined == {"missing_customer": 1}, "123 is no phone number"
    assert {row["customer_no"] for row in space.rows("orders")} == {1}
    assert space.rows("reachable", "customer_no", "channel") == [
        {"customer_no": 1, "channel": "email"},
        {"customer_no": 1, "channel": "sms"},
    ]


def test_ids_that_passed_through_floats_are_mended(space: MemoryWorkspace) -> None:
    load(space, "user_id,order_id,at,amount\n17850.0,536365.0,2025-01-01,5\n13047.0,536366.0,2025-01-01,5\n")
    load(space, "user_id,order_id,at,amount\n17850,536365,2025-01-01,5\n", "b.csv")
    assert orders(space, "order_id") == [("536365",), ("536366",)]
    assert len(space.rows("customers")) == 2


def test_a_file_without_order_numbers_says_how_to_make_them(space: MemoryWorkspace) -> None:
    text = "customer_id,date,amount\n1,2025-01-01,5\n1,2025-01-01,6\n"
    with pytest.raises(InputError, match=r"--map order_id=customer_id\+date"):
        load(space, text)
    load(space, text, mapping={"order_id": "customer_id+date"})
    [order] = space.rows("orders")
    assert order["net_fen"] == 1100
    [customer] = space.rows("customers")
    assert order["order_id"] == f"{customer['customer_uid']}|2025-01-01"


def test_sources_keep_their_own_order_numbers_and_customers(space: MemoryWorkspace) -> None:
    text = "user_id,order_id,at,amount\n1,A,2025-01-01,5\n"
    load(space, text, source="shop")
    load(space, text, source="till")
    assert orders(space, "order_id", "source", "customer_no") == [("A", "shop", 1), ("A", "till", 2)]


def test_a_stopped_or_failed_import_leaves_nothing(space: MemoryWorkspace) -> None:
    good = "user_id,order_id,at,amount\n1,A,2025-01-01,5\n"
    load(space, good)
    before, files = everything(space), sorted(space.warehouse.root.glob("*/*.parquet"))
    with pytest.raises(CancelledError, match="nothing was written"):
        load(space, good.replace("A", "B"), cancelled=lambda: True)
    with pytest.raises(InputError, match="mixes ways of writing"):
        load(space, good + "1,C,02/01/2025,5\n")
    with pytest.raises(InputError, match=r"row 3: 2 of 4 columns"):
        load(space, good + "1,C\n")
    assert everything(space) == before
    assert sorted(space.warehouse.root.glob("*/*.parquet")) == files
    assert [e.outcome for e in space.journal.entries(9)] == ["failed", "failed", "cancelled", "done"]


def test_columns_that_fit_equally_are_not_guessed(space: MemoryWorkspace) -> None:
    text = "user_id,customer_no,order_id,at,amount\n1,1,A,2025-01-01,5\n"
    with pytest.raises(
        InputError, match=r"(?s)'user_id' and 'customer_no' both fit the field customer_id: .*--map"
    ):
        load(space, text)
    assert load(space, text, mapping={"customer_id": "customer_no"}).mapping["customer_id"] == "customer_no"
    with pytest.raises(InputError) as caught:
        load(space, "a,b\n1,2\n", mapping={"nonsense": "a", "at": "c"})
    for part in ("no such field", "no column 'c'", "no column for order_id", "the columns are: a, b"):
        assert part in str(caught.value)


def test_a_total_in_the_first_row_of_an_order_is_not_filled_up_from_prices(space: MemoryWorkspace) -> None:
    text = "user_id,order_id,at,qty,price,total\n1,A,2025-01-01,1,10,25\n1,A,2025-01-01,3,5,\n"
    assert load(space, text).quarantined == {}
    assert orders(space, "net_fen") == [(2500,)]
    load(space, text.replace("total", "line_total"), "clear.csv", mapping={"amount": "line_total"})
    assert orders(space, "net_fen") == [(2500,)], "an empty amount is not the list price"


def test_the_files_of_other_shops(space: MemoryWorkspace) -> None:
    load(
        space,
        "Row ID,Order ID,Order Date,Ship Date,Customer ID,Customer Name,City,State,Postal Code,Product ID,"
        "Category,Sales,Quantity\n"
        "1,CA-1,11/8/2016,11/11/2016,CG-1,Claire Gute,Henderson,Kentucky,42420,FUR-1,Furniture,261.96,2\n"
        '2,CA-1,11/8/2016,11/11/2016,CG-1,Claire Gute,Henderson,Kentucky,42420,FUR-2,Furniture,"1,731.94",3\n'
        "3,CA-2,6/12/2016,6/16/2016,DV-1,Darrin Van,Los Angeles,California,90036,OFF-1,Office,14.62,2\n"
        "4,CA-3,6/23/2016,6/26/2016,DV-1,Darrin Van,Los Angeles,California,90036,OFF-1,Office,1.5,2\n",
    )
    assert orders(space, "order_id", "net_fen", "day") == [
        ("CA-1", 199_390, 17_113),
        ("CA-2", 1_462, 16_964),
        ("CA-3", 150, 16_975),
    ]
    load(
        space,
        "SHOP_WEEK;SHOP_DATE;QUANTITY;SPEND;PROD_CODE;CUST_CODE;BASKET_ID;STORE_CODE\n"
        "200607;20060416;1;0,93;PRD1;C1;B1;S1\n200607;20060416;2;1,03;PRD2;C1;B1;S1\n",
        "shop.csv",
        source="dunn",
    )
    [basket] = [row for row in space.rows("orders") if row["source"] == "dunn"]
    assert (basket["net_fen"], basket["day"], basket["store"]) == (196, 13_254, "S1")
    result = load(
        space,
        "订单编号,买家会员名,手机号,订单创建时间,买家实际支付金额,订单状态,店铺名称\n"
        "'1001,茶客,13800138000,2025/3/1 8:05:00,￥128.00,买家已付款，等待卖家发货,旗舰店\n".replace("，", "")
        + "'1002,茶客,13800138000,2025/3/2 18:05:00,￥0.00,交易关闭,旗舰店\n",
        "taobao.csv",
        mapping={"amount": "买家实际支付金额"},
        source="tb",
    )
    assert (result.kept, result.mapping["phone"], result.mapping["at"]) == (2, "手机号", "订单创建时间")
    assert {row["order_id"] for row in space.rows("orders") if row["source"] == "tb"} == {"1001", "1002"}


def test_a_cancelled_order_below_zero_is_equal_to_itself_too(space: MemoryWorkspace) -> None:
    """A sum is wider than what is kept of it: below zero the two have different hashes."""
    text = "customer_id,order_id,at,amount,status\na,1,2025-01-31,-5.00,cancelled\nb,2,2025-01-30,7.00,paid\n"
    load(space, text)
    before = orders(space, "order_id", "order_no", "net_fen", "status")
    longer = load(space, text + "c,3,2025-01-29,9.00,paid\n", "longer.csv")
    assert (longer.changes["orders_unchanged"], longer.changes["orders_replaced"]) == (2, 0)
    assert orders(space, "order_id", "order_no", "net_fen", "status")[:2] == before
