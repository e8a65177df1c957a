"""Orders that say their number, customer, time and state in the first of their rows alone."""

from pathlib import Path
from zipfile import ZipFile

import pytest
from openpyxl import Workbook
from tests.integration.ingest.test_order_amounts import load, nets

from koipond.kernel import InputError
from koipond.testing.memory import MemoryWorkspace

HEAD = "订单号,买家手机号,下单时间,订单状态,商品编码,数量,单价,实付金额\n"
FIRST = "E1,13800000001,2025-03-01 10:00,已完成,T1,2,10,50\n,,,,C1,3,10,\n"
SECOND = "E2,13800000002,2025-03-02 10:00,已完成,T1,1,10,10\n"


@pytest.fixture
def space(tmp_path: Path) -> MemoryWorkspace:
    return MemoryWorkspace(tmp_path / "w")


def test_a_blank_number_goes_on_with_the_order_above(space: MemoryWorkspace) -> None:
    result = load(space, HEAD + FIRST + SECOND)
    assert nets(space) == {"E1": 5_000, "E2": 1_000}
    assert sorted(row["sku"] for row in space.rows("order_lines")) == ["C1", "T1", "T1"]
    assert result.notes["order_id_carried_down"] == 1
    assert any("go on with the order above" in remark for remark in result.remarks)
    assert result.quarantined == {}


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (",,,,,6,,60\n", "totals_row"),
        ("合计,,,,,6,,60\n", "totals_row"),
        (",,,,合计,6,,60\n", "totals_row"),
        (",13800000003,2025-03-05 10:00,已完成,Z9,1,5,5\n", "missing_order"),
        (",,,,,,,\n,,,,Z9,1,5,5\n", "missing_customer"),
        (",,2025-03-05 10:00,已完成,Z9,1,5,5\n", "missing_customer"),
    ],
)
def test_what_may_be_something_else_is_put_aside(space: MemoryWorkspace, row: str, rule: str) -> None:
    result = load(space, HEAD + FIRST + SECOND + row)
    assert dict(result.quarantined) == {rule: 1}
    assert nets(space) == {"E1": 5_000, "E2": 1_000}


def test_numbers_are_carried_down_the_lines_of_two_files(space: MemoryWorkspace) -> None:
    heads = space.write(
        "heads.csv", "订单号,会员号,下单时间,实付金额\nE1,a,2025-03-01 10:00,50\nE2,b,2025-03-02 10:00,7\n"
    )
    lines = space.write("lines.csv", "订单号,商品编码,数量\nE1,T1,1\n,C1,2\nE2,T1,1\n")
    result = space.load("orders", heads, lines=lines)
    assert nets(space) == {"E1": 5_000, "E2": 700}
    assert result.notes["order_id_carried_down"] == 1


def book(space: MemoryWorkspace, header: str, rows: list[list[object]], merged: list[str]) -> Path:
    made = Workbook()
    sheet = made.active
    sheet.append(header.split(","))
    for row in rows:
        sheet.append(row)
    for cells in merged:
        sheet.merge_cells(cells)
    made.save(space.folder / "orders.xlsx")
    return space.folder / "orders.xlsx"


def test_merged_cells_have_the_value_of_the_first(space: MemoryWorkspace) -> None:
    rows = [
        ["E1", "c1", "2025-03-01 10:00", 55, "T1"],
        [None, None, None, None, "C1"],
        [None, None, None, None, "C1"],
        ["E2", "c2", "2025-03-02 10:00", 10, "T1"],
        ["E3", "c1", "2025-03-03 10:00", 8, "T1"],
        [None, None, None, None, "D1"],
    ]
    merged = [f"{letter}{where}" for where in ("2:{}4", "6:{}7") for letter in "ABCD"]
    merged = [one.format(one[0]) for one in merged]
    path = book(space, "订单号,会员号,下单时间,订单金额,商品编码", rows, merged)
    result = space.load("orders", path)
    assert nets(space) == {"E1": 5_500, "E2": 1_000, "E3": 800}
    assert sorted(row["sku"] for row in space.rows("order_lines")) == ["C1", "C1", "D1", "T1", "T1", "T1"]
    assert "order_id_carried_down" not in result.notes
    assert result.quarantined == {}


ORDERS = "订单号,会员号,下单时间,订单金额,商品编码,类目,备注"
WIDE = [
    ["E1", "c1", "2025-03-01 10:00", 55, "T1", "tea", "x"],
    [None, None, None, None, "C1", None, None],
]


def test_a_range_over_columns_and_rows_is_refused_by_name(space: MemoryWorkspace) -> None:
    """Nobody can say whether the value is that of the one column or of the other."""
    path = book(space, ORDERS, WIDE, ["A2:B3", "C2:C3", "D2:D3"])
    with pytest.raises(InputError, match=r"A2:B3.*'订单号', '会员号'"):
        space.load("orders", path)


def test_a_range_over_columns_that_are_not_read_fills_what_is(space: MemoryWorkspace) -> None:
    path = book(space, ORDERS, WIDE, ["A2:A3", "B2:B3", "C2:C3", "D2:D3", "F2:G3"])
    space.load("orders", path)
    assert {row["sku"]: row["category"] for row in space.rows("order_lines")} == {"T1": "tea", "C1": "tea"}


def test_a_note_below_the_orders_over_columns_and_rows_is_no_value(space: MemoryWorkspace) -> None:
    rows = [WIDE[0], ["made by anna", *[None] * 6], [None] * 7]
    result = space.load("orders", book(space, ORDERS, rows, ["A3:G4"]))
    assert nets(space) == {"E1": 5_500}
    assert result.kept == 1


def test_rows_that_are_only_tall_are_no_second_order_lines(space: MemoryWorkspace) -> None:
    """Every cell merged over two rows: one line, not two."""
    path = book(space, ORDERS, [WIDE[0], [None] * 7], [f"{letter}2:{letter}3" for letter in "ABCDEFG"])
    space.load("orders", path)
    assert [row["sku"] for row in space.rows("order_lines")] == ["T1"]


def test_a_merged_last_column_fills_rows_that_end_before_it(space: MemoryWorkspace) -> None:
    """Writers may leave out the cells below the first: the rows are short then."""
    path = book(space, "商品编码,订单号,会员号,下单时间,订单金额", [["T1", "E1", "c1", "2025-03-01", 55]], [])
    cells = "".join(f'<mergeCell ref="{letter}2:{letter}3"/>' for letter in "BCDE")
    row = '<row r="3"><c r="A3" t="inlineStr"><is><t>C1</t></is></c></row>'
    short = path.with_name("short.xlsx")
    with ZipFile(path) as old, ZipFile(short, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name.endswith("sheet1.xml"):
                merged = f"{row}</sheetData><mergeCells>{cells}</mergeCells>".encode()
                text = text.replace(b"</sheetData>", merged)
            new.writestr(name, text)
    space.load("orders", short)
    assert nets(space) == {"E1": 5_500}
    assert sorted(row["sku"] for row in space.rows("order_lines")) == ["C1", "T1"]


def test_one_quantity_over_several_rows_is_asked_about(space: MemoryWorkspace) -> None:
    rows = [["E1", "c1", "2025-03-01 10:00", "T1", 5, 10], [None, None, None, "C1", None, 20]]
    path = book(
        space, "订单号,会员号,下单时间,商品编码,数量,单价", rows, ["A2:A3", "B2:B3", "C2:C3", "E2:E3"]
    )
    with pytest.raises(InputError, match="--map quantity="):
        space.load("orders", path)


def test_titles_merged_above_the_header_are_no_values(space: MemoryWorkspace) -> None:
    made = Workbook()
    sheet = made.active
    sheet.append(["三月订单"])
    sheet.append(["订单号", "会员号", "下单时间", "实付金额"])
    sheet.append(["E1", "c1", "2025-03-01 10:00", 5])
    sheet.merge_cells("A1:D1")
    made.save(space.folder / "t.xlsx")
    space.load("orders", space.folder / "t.xlsx")
    assert nets(space) == {"E1": 500}
