"""Heads and lines of orders in two files are what one file with the head beside each line is."""

import random
from pathlib import Path
from typing import Any

import pytest
from tests.integration.ingest.test_order_amounts import nets

from koipond.kernel import InputError
from koipond.testing.memory import MemoryWorkspace

HEADS = (
    "order_id,customer_id,order_status,order_purchase_timestamp,Order Total\n"
    "A1,c1,paid,2025-03-01 10:00:00,55\nA2,c2,paid,2025-03-02 10:00:00,10\n"
    "A3,c1,cancelled,2025-03-03 10:00:00,9\nA4,c3,paid,2025-03-04 10:00:00,7.50\n"
)
LINES = "order_id,sku,quantity,price\nA1,T1,2,10\nA1,C1,3,10\nA2,T1,1,10\nA3,T1,1,9\nA9,X,1,5\n"


@pytest.fixture
def space(tmp_path: Path) -> MemoryWorkspace:
    return MemoryWorkspace(tmp_path / "w", currency="USD")


def load(space: MemoryWorkspace, heads: str, lines: str, **options: Any) -> Any:
    return space.load(
        "orders", space.write("heads.csv", heads), lines=space.write("lines.csv", lines), **options
    )


def facts(space: MemoryWorkspace) -> dict[str, list[tuple[Any, ...]]]:
    """Return orders, lines and refunds without the numbers that rows of a file give them."""
    names = {row["order_no"]: row["order_id"] for row in space.rows("orders")}
    found = {}
    for dataset in ("orders", "order_lines", "refunds"):
        rows = [{**row, "order": names.get(row.get("order_no"))} for row in space.rows(dataset)]
        found[dataset] = sorted(
            (
                tuple((k, v) for k, v in sorted(row.items()) if k not in ("order_no", "refund_id"))
                for row in rows
            ),
            key=repr,
        )
    return found


def test_the_total_of_a_head_is_shared_over_its_lines(space: MemoryWorkspace) -> None:
    result = load(space, HEADS, LINES)
    assert nets(space) == {"A1": 5_500, "A2": 1_000, "A3": 900, "A4": 750}
    assert {row["sku"]: row["amount_fen"] for row in space.rows("order_lines") if row["sku"] == "C1"} == {
        "C1": 3_300
    }
    assert (result.read, result.kept, dict(result.quarantined)) == (6, 5, {"no_head": 1})
    assert result.file == "heads.csv + lines.csv"
    assert result.notes["orders_without_lines"] == 1
    assert any("does not hold" in remark for remark in result.remarks)
    (aside,) = result.samples["no_head"]
    assert (aside.row, aside.values["file"], aside.values["order_id"]) == (6, "lines.csv", "A9")
    assert {row["order_id"]: row["status"] for row in space.rows("orders")}["A3"] == "cancelled"


def test_the_same_pair_again_changes_nothing(space: MemoryWorkspace) -> None:
    load(space, HEADS, LINES)
    assert load(space, HEADS, LINES).repeated


@pytest.mark.parametrize("seed", range(6))
def test_two_files_are_one_with_the_head_beside_each_line(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    heads = ["id,buyer id,order date,order status,grand total,shop"]
    lines = ["id,line no,sku,quantity,unit price"]
    one = ["id,buyer id,order date,order status,total,shop,line no,sku,quantity,unit price"]
    bought, alone = [], []
    for order in range(40):
        status = dice.choice(["paid", "pending", "cancelled", "refunded", ""])
        when = f"2025-0{1 + order % 9}-1{order % 10} 10:00"
        goods = [
            (dice.choice("STU"), dice.randint(1, 3), dice.randint(100, 900) / 100)
            for _ in range(dice.randint(0, 4))
        ]
        total = f"{sum(q * p for _, q, p in goods) + dice.choice([0, 5, -1]) + 2:.2f}"
        head = f"o{order},c{order % 7},{when},{status},{total},s{order % 3}"
        heads.append(head)
        if not goods:
            alone.append(f"{head},,,,")
        for place, (sku, count, price) in enumerate(goods):
            bought.append(
                (f"o{order},{place},{sku},{count},{price}", f"{head},{place},{sku},{count},{price}")
            )
    dice.shuffle(bought)
    lines += [line for line, _ in bought]
    one += [*(whole for _, whole in bought), *alone]
    told = {"order_id": "id"}
    single, pair = MemoryWorkspace(tmp_path / "one"), MemoryWorkspace(tmp_path / "two")
    a = single.load("orders", single.write("one.csv", "\n".join(one)), {**told, "order_amount": "total"})
    b = load(pair, "\n".join(heads), "\n".join(lines), mapping=told)
    assert facts(single) == facts(pair)
    assert (a.read, a.kept) == (b.read, b.kept)
    assert a.quarantined == b.quarantined


@pytest.mark.parametrize("written", ["{}.0", '"=""{}"""', "'{}", " {} "])
@pytest.mark.parametrize("side", ["heads", "lines"])
def test_numbers_of_orders_meet_however_they_are_written(
    space: MemoryWorkspace, written: str, side: str
) -> None:
    plain = "{}"
    mark, other = (written, plain) if side == "heads" else (plain, written)
    heads = "order no,member,date,total\n" + "".join(
        f"{mark.format(n)},c{n},2025-01-0{n},10\n" for n in (1, 2)
    )
    lines = "order no,sku\n" + "".join(f"{other.format(n)},S{n}\n" for n in (1, 2, 2))
    load(space, heads, lines)
    assert nets(space) == {"1": 1_000, "2": 1_000}
    assert sorted(row["sku"] for row in space.rows("order_lines")) == ["S1", "S2", "S2"]


def test_heads_twice_are_kept_once_and_put_aside_when_they_differ(space: MemoryWorkspace) -> None:
    heads = "".join(HEADS.splitlines(keepends=True)[:4]) + (
        "A2,c2,paid,2025-03-02 10:00:00,10\nA3,c1,paid,2025-03-03 10:00:00,9\n"
    )
    more = "".join(f"B{n},c5,paid,2025-04-01 10:00:00,1\n" for n in range(60))
    result = load(space, heads + more, LINES.replace("A9", "A1"))
    assert dict(result.quarantined) == {"conflicting_order": 3, "repeated_row": 1}
    assert {s.values["file"] for s in result.samples["conflicting_order"]} == {"heads.csv", "lines.csv"}
    assert [(s.row, s.values["file"]) for s in result.samples["repeated_row"]] == [(5, "heads.csv")]
    found = nets(space)
    assert (found["A1"], found["A2"]) == (5_500, 1_000)
    assert "A3" not in found
    assert result.read == result.kept + 4


def test_equal_lines_elsewhere_in_the_file_count_once(space: MemoryWorkspace) -> None:
    lines = LINES.replace("A9,X,1,5\n", "A1,T1,2,10\nA2,T1,1,10\nA2,T1,1,10\n")
    result = load(space, HEADS.replace(",Order Total", ",note"), lines)
    assert nets(space)["A1"] == 5_000
    assert result.quarantined["repeated_row"] == 2
    assert nets(space)["A2"] == 2_000  # two side by side are pieces


def test_columns_of_one_name_are_the_heads_for_the_order_and_the_lines_for_what_was_bought(
    space: MemoryWorkspace,
) -> None:
    heads = "order id,member,date,status,price,sku,total\n1,c1,2025-01-01,paid,99,HEAD,30\n"
    lines = (
        "order id,member,date,status,price,sku,quantity\n1,x,2024-01-01,cancelled,10,L1,1\n"
        "1,y,,paid,10,L2,2\n"
    )
    result = load(space, heads, lines)
    assert nets(space) == {"1": 3_000}
    assert sorted((row["sku"], row["amount_fen"]) for row in space.rows("order_lines")) == [
        ("L1", 1_000),
        ("L2", 2_000),
    ]
    assert result.mapping["sku"] == "lines.sku"
    assert {"lines.status", "lines.member", "sku", "price"} <= set(result.unused)
    again = load(space, heads, lines, mapping={"status": "lines.status", "sku": "sku"})
    assert again.mapping["status"] == "lines.status"
    assert again.mapping["sku"] == "lines.sku"


def test_a_total_told_by_the_operator_is_the_orders_when_the_heads_have_it(space: MemoryWorkspace) -> None:
    heads = "order id,member,date,xx\n1,c1,2025-01-01,30\n"
    lines = "order id,sku,yy\n1,L1,10\n1,L2,15\n"
    load(space, heads, lines, mapping={"amount": "xx"})
    assert nets(space) == {"1": 3_000}
    load(space, heads, lines, mapping={"amount": "yy"})
    assert nets(space) == {"1": 2_500}


def test_lines_alone_say_the_money_of_olists_orders(space: MemoryWorkspace) -> None:
    heads = (
        "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at\n"
        "e1,c1,delivered,2017-10-02 10:56:33,2017-10-02 11:07:15\n"
        "e2,c2,unavailable,2017-11-02 10:56:33,\n"
    )
    lines = (
        "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value\n"
        "e1,1,p1,s1,2017-10-06 11:07:15,29.99,8.72\ne1,2,p2,s1,2017-10-06 11:07:15,10.00,8.72\n"
    )
    said = "price is taken as what was paid for each row"
    assert [one for one in load(space, heads, lines).remarks if said in one]
    assert nets(space) == {"e1": 3_999, "e2": 0}
    assert not [one for one in load(space, heads, lines, mapping={"amount": "price"}).remarks if said in one]
    assert nets(space) == {"e1": 3_999, "e2": 0}
    assert sorted(row["sku"] or "" for row in space.rows("order_lines")) == ["", "p1", "p2"]


def test_swapped_files_are_said(space: MemoryWorkspace) -> None:
    heads = "order_id,customer_id,date\n" + "".join(f"{n},c{n},2025-01-01\n" for n in range(5))
    lines = "order_id,sku,quantity,price\n" + "".join(f"{n % 5},S{n},1,{n}\n" for n in range(10))
    with pytest.raises(InputError, match=r"koipond import orders heads\.csv --join lines\.csv"):
        space.load("orders", space.write("lines.csv", lines), lines=space.write("heads.csv", heads))


def test_numbers_that_meet_nowhere_stop_the_import(space: MemoryWorkspace) -> None:
    with pytest.raises(
        InputError, match=r"(?s)no order number of lines\.csv \('Z1' in order_id\).*--join-on"
    ):
        load(space, HEADS, "order_id,sku\nZ1,S\n")
    result = load(space, HEADS, "order_id,parent,sku\nZ1,A1,S\nZ2,A1,T\n", on=("order_id", "parent"))
    assert result.quarantined == {}


def test_what_cannot_be_read_names_its_file(space: MemoryWorkspace) -> None:
    heads = HEADS.replace("2025-03-01 10:00:00", "01/02/2025").replace("2025-03-02 10:00:00", "02/03/2025")
    with pytest.raises(InputError, match=r"row 2 \(heads\.csv\)"):
        load(space, heads, LINES)
    with pytest.raises(InputError, match=r"row 3 \(lines\.csv\)"):
        load(space, HEADS.replace("7.50", "7"), "order_id,sku,quantity,price\nA1,T,1,2\nA2,T,1,1.234\n")
    with pytest.raises(InputError, match=r"lines\.csv: row 3: 2 of 4 columns"):
        load(space, HEADS, "order_id,sku,quantity,price\nA1,T1,2,10\nA1,C1\n")


def test_a_discount_of_the_order_without_a_total_is_refused(space: MemoryWorkspace) -> None:
    heads = "order_id,customer_id,date,discount\n1,c1,2025-01-01,5\n"
    lines = "order_id,sku,quantity,price\n1,a,1,10\n1,b,1,10\n"
    with pytest.raises(InputError, match="--map order_amount=COLUMN"):
        load(space, heads, lines)
    load(space, heads, lines, mapping={"discount": ""})
    assert nets(space) == {"1": 2_000}


def test_other_kinds_have_no_heads(space: MemoryWorkspace) -> None:
    with pytest.raises(InputError, match="--join is for orders"):
        space.load("events", space.write("heads.csv", HEADS), lines=space.write("lines.csv", LINES))
