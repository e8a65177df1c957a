"""One order told of in several files: nothing is subtracted that was not added, and replacing is said."""

from pathlib import Path

import pytest

from koipond.testing.memory import MemoryWorkspace

HEAD = "order_id,customer_id,at,sku,amount,status\n"


@pytest.fixture
def space(tmp_path: Path) -> MemoryWorkspace:
    return MemoryWorkspace(tmp_path)


def load(space: MemoryWorkspace, name: str, *rows: str) -> dict[str, int]:
    done = space.load("orders", space.write(f"{name}.csv", HEAD + "".join(f"{row}\n" for row in rows)))
    return dict(done.notes)


def net(space: MemoryWorkspace) -> int:
    sold = sum(row["net_fen"] for row in space.rows("orders", "net_fen"))
    return int(sold - sum(row["amount_fen"] for row in space.rows("refunds", "amount_fen")))


SALE = "A1,c1,2025-01-01 10:00,S1,100,paid"
OTHER_GOODS = "A1,c1,2025-01-01 10:00,S2,50,refunded"


@pytest.mark.parametrize("files", [(SALE, OTHER_GOODS), (OTHER_GOODS, SALE)])
def test_returned_goods_that_the_known_sale_lacks_are_no_list_of_its_returns(
    space: MemoryWorkspace, files: tuple[str, str]
) -> None:
    load(space, "1", files[0])
    notes = load(space, "2", files[1])
    assert notes.get("orders_with_other_lines") == 1
    assert net(space) in (0, 10_000)  # the order as the last file tells it, never one part less the other


def test_a_list_of_returns_still_finds_its_sale(space: MemoryWorkspace) -> None:
    load(space, "1", SALE, "A1,c1,2025-01-01 10:00,S2,50,paid")
    load(space, "2", OTHER_GOODS)
    assert net(space) == 10_000


def test_refunds_of_other_days_in_files_of_their_own_add_up(space: MemoryWorkspace) -> None:
    load(space, "1", "A5,c1,2025-01-01 10:00,S1,80,paid")
    load(space, "2", "A5,c1,2025-01-09 10:00,S1,-30,paid")
    load(space, "3", "A5,c1,2025-01-12 10:00,S1,-30,paid")
    assert net(space) == 2_000
    load(space, "4", "A5,c1,2025-01-12 18:00,S1,-30,paid")  # the same day again: one refund, told anew
    assert net(space) == 2_000


WAITS = "A1,c1,2025-01-01 10:00,S1,100,pending"


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (SALE, SALE.replace("S1", "S2"), 1),  # cut in two within the order
        (f"{SALE}\n{SALE.replace('S1', 'S2')}", SALE, 1),  # its tail came alone
        (SALE, SALE.replace("100", "60"), 1),
        (WAITS, WAITS.replace("S1", "S2"), 1),
        (WAITS, SALE.replace("S1", "S2"), 1),
        (WAITS, SALE.replace("100", "90"), 0),  # the same goods, paid for with something off
        (SALE, SALE, 0),
        (WAITS, SALE, 0),
    ],
)
def test_an_order_that_comes_again_with_other_lines_is_counted_and_said(
    space: MemoryWorkspace, first: str, second: str, said: int
) -> None:
    load(space, "1", *first.split("\n"))
    done = space.load("orders", space.write("2.csv", f"{HEAD}{second}\n"))
    assert done.notes.get("orders_with_other_lines", 0) == said
    assert sum("1 orders were known with other lines" in one for one in done.remarks) == said
