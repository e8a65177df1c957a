"""Code lists as shops export them (B08)."""

from datetime import date
from pathlib import Path

import pytest

from koipond.kernel import InputError
from koipond.sources.code_list import CodeList, ListedCode, read_codes

CASE = '﻿code\r\nAB12\r\nab13\r\n\r\nCD34,extra\r\n"EF56"\r\nGH78;2026-04-01\r\n="0012"\r\n"a""b""",x\r\n'


def test_the_first_column_without_header_quotes_and_guards(tmp_path: Path) -> None:
    file = tmp_path / "codes.csv"
    file.write_bytes(CASE.encode())
    found = read_codes(file, 100).codes
    assert [one.code for one in found] == ["AB12", "ab13", "CD34", "EF56", "GH78", "0012", 'a"b"']
    assert [one.line for one in found] == [2, 3, 5, 6, 7, 8, 9], "as an editor counts"


@pytest.mark.parametrize("head", ["券码", "Coupon Code", "kode voucher,berlaku"])
def test_a_header_is_no_code_and_a_code_in_first_place_is(tmp_path: Path, head: str) -> None:
    file = tmp_path / "codes.csv"
    file.write_text(f"{head}\nA1\n")
    assert read_codes(file, 9).codes == (ListedCode(2, "A1"),)
    file.write_text("A0\nA1\n")
    assert [one.code for one in read_codes(file, 9).codes] == ["A0", "A1"]


def test_a_file_that_is_no_list_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "codes.csv"
    for content in (b"\xff\xfe\x00", b"code\n"):
        file.write_bytes(content)
        with pytest.raises(InputError, match="one code a line"):
            read_codes(file, 9)


def listed(tmp_path: Path, text: str, column: str | None = None) -> CodeList:
    file = tmp_path / "table.csv"
    file.write_text(text)
    return read_codes(file, 100, column)


def codes(found: CodeList) -> list[str]:
    return [one.code for one in found.codes]


@pytest.mark.parametrize(
    ("text", "unused"),
    [
        ("序号\t优惠码\n1\tQQ77\n2\tQQ78\n", ("序号",)),
        ("no;kode voucher;note\n1;QQ77;a,b\n\n2;QQ78;\n;;\n", ("no", "note")),
        ('id,Coupon Code\n1,"QQ77"\n2,="QQ78",\n', ("id",)),
        ("备注\t券码\n\tQQ77\n老客\tQQ78\n", ("备注",)),
        ("序号，兑换码\n1，QQ77\n2，QQ78\n", ("序号",)),
    ],
)
def test_the_column_that_is_called_code_wherever_it_stands(
    tmp_path: Path, text: str, unused: tuple[str, ...]
) -> None:
    found = listed(tmp_path, text)
    assert codes(found) == ["QQ77", "QQ78"]
    assert found.unused == unused


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("序号\t券\n1\tQQ77\n2\tQQ78\n", "counts the rows; there are '序号', '券'"),
        ("note,key\na,QQ77\n", "no column says that it is the code; there are 'note', 'key'"),
        ("1,QQ77\n2,QQ78\n", "nothing says which of its 2 columns"),
        ("QQ77\nQQ78,extra\n", "line 2 has several columns"),
        ("code\n1,QQ77\n2,QQ78\n", "line 2: the first column counts the rows"),
        ("code,voucher\nA,B\n", "several columns can be the code: 'code' and 'voucher'"),
        ("no,code\n1,QQ77\n2,QQ,78\n", "in line 3"),
        ("no,code\n1,QQ77;x\n", "in line 2"),
        ("我的券\nQQ77\nQQ78\n", "unlike all others"),
    ],
)
def test_a_table_that_does_not_say_which_is_the_code_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        listed(tmp_path, text)
    assert says in str(caught.value)
    assert "QQ7" not in str(caught.value), "a code is worth money"


def test_the_column_that_is_named(tmp_path: Path) -> None:
    assert codes(listed(tmp_path, "序号\t券\n1\tQQ77\n", "券")) == ["QQ77"]
    assert codes(listed(tmp_path, "code,voucher\nA,B\n", "voucher")) == ["B"]
    assert codes(listed(tmp_path, "我的券\nQQ77\n", "我的券")) == ["QQ77"]
    with pytest.raises(InputError, match="no such column; there are 'code', 'note'"):
        listed(tmp_path, "code,note\nA,B\n", "Koode")


@pytest.mark.parametrize(
    ("head", "cell", "day"),
    [
        ("expires_on", "2026-11-03", date(2026, 11, 3)),
        ("有效期", "2026年11月3日", date(2026, 11, 3)),
        ("有效期", "2026.10.01-2026.11.03", date(2026, 11, 3)),
        ("有效期", "2026-10-01 至 2026-11-03", date(2026, 11, 3)),
        ("过期时间", "2026/11/3 23:59:59", date(2026, 11, 3)),
        ("过期时间", "2026-11-03 00:00:00", date(2026, 11, 2)),
        ("到期日", "20261103", date(2026, 11, 3)),
        ("berlaku sampai", "30/11/2026", date(2026, 11, 30)),
        ("valid until", "11/11/2026", date(2026, 11, 11)),
        ("Expiry Date", "", None),
        ("有效期", "永久有效", None),
    ],
)
def test_the_last_day_of_a_row(tmp_path: Path, head: str, cell: str, day: date | None) -> None:
    found = listed(tmp_path, f"code\t{head}\nZZ1\t{cell}\n")
    assert found.codes == (ListedCode(2, "ZZ1", day),)
    assert found.unused == ()
    assert found.shortened == ("00:00:00" in cell)


def test_the_order_of_day_and_month_is_that_of_the_whole_column(tmp_path: Path) -> None:
    found = listed(tmp_path, "code,expiry\nA,03/11/2026\nB,30/11/2026\n")
    assert [one.last_day for one in found.codes] == [date(2026, 11, 3), date(2026, 11, 30)]


@pytest.mark.parametrize(
    "cell", ["03/11/2026", "30 天", "2026-02-30", "46329", "13/13/2026", "2026-11-03T16:00:00Z"]
)
def test_a_last_day_that_cannot_be_read_is_refused(tmp_path: Path, cell: str) -> None:
    with pytest.raises(InputError, match="line 2, 有效期"):
        listed(tmp_path, f"code\t有效期\nA\t{cell}\n")


@pytest.mark.parametrize(
    ("head", "free", "used"),
    [
        ("状态", "未使用", "已使用"),
        ("核销状态", "未核销", "已核销"),
        ("状态", "", "已作废"),
        ("Status", "Active", "redeemed"),
        ("status", "belum dipakai", "Terpakai"),
        ("是否使用", "否", "是"),
        ("是否使用", "", "√"),
        ("sudah dipakai", "belum", "benar"),
        ("used", "off", "x"),
        ("Times Used", "0", "1"),
    ],
)
def test_codes_that_are_used_are_left_out_and_counted(
    tmp_path: Path, head: str, free: str, used: str
) -> None:
    found = listed(tmp_path, f"券码;{head}\nAA-01;{free}\nBB-02;{used}\n")
    assert (codes(found), found.gone, found.unused) == (["AA-01"], 1, ())


def test_a_state_that_is_not_known_and_a_code_of_two_states_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 3, 状态: '待定'"):
        listed(tmp_path, "券码;状态\nA;未使用\nB;待定\n")
    with pytest.raises(InputError, match="used in another line: line 3"):
        listed(tmp_path, "券码;状态\nA;已使用\na;未使用\n")


def test_what_stands_behind_a_lone_header_is_counted(tmp_path: Path) -> None:
    found = listed(tmp_path, "code\nAB12\nCD34,extra\nGH78;2026-04-01\n")
    assert (codes(found), found.unnamed) == (["AB12", "CD34", "GH78"], 2)


@pytest.mark.parametrize(
    ("text", "found", "gone"),
    [
        ("券码：XE1\n券码: XE2\n优惠码=XE3\n", ["XE1", "XE2", "XE3"], 0),
        ("code XE1\ncode XE2\n", ["XE1", "XE2"], 0),
        ("1. ZC1\n2. ZC2\n\n3. ZC3\n", ["ZC1", "ZC2", "ZC3"], 0),
        ("1、券码：ZC1\n2、券码：ZC2\n", ["ZC1", "ZC2"], 0),
        ("(1) ZC1\n(2) ZC2\n", ["ZC1", "ZC2"], 0),
        ("code\nXM1\nXM2 # used\nXM3 # unused\n", ["XM1", "XM3"], 1),
        ("ZF1 已使用\nZF2\nZF3（未使用）\nZF4已核销\n", ["ZF2", "ZF3"], 2),
        ("ZF1 - sudah dipakai\nZF2\n", ["ZF2"], 1),
        ("no,code\n1,ZF1 已使用\n2,ZF2\n", ["ZF2"], 1),
        ("code\nAB1\nAB2,已使用\nAB3,note\n", ["AB1", "AB3"], 1),
        ("SHIP FREE\nBUY NEW\n", ["SHIP FREE", "BUY NEW"], 0),
        ("AB 12 CD\nAB 13 CD\n", ["AB 12 CD", "AB 13 CD"], 0),
        ("TOTAL50\nSUM10\n1E15\nX:1\nA#1\n", ["TOTAL50", "SUM10", "1E15", "X:1", "A#1"], 0),
    ],
)
def test_what_is_certain_comes_off_and_used_ones_are_left_out(
    tmp_path: Path, text: str, found: list[str], gone: int
) -> None:
    made = listed(tmp_path, text)
    assert (codes(made), made.gone) == (found, gone)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("A0\nA1\ncode\nA2\n", "a heading in place of a code in line 3"),
        ("no,code\n1,A1\nno,code\n", "a heading in place of a code in line 3"),
        ("A1\nA2\n合计\n", "a total in place of a code in line 3"),
        ("A1\nA2\nTotal: 2\n共 2 张\n", "a total in place of a code in line 3, line 4"),
        ("no,code,n\n1,A1,1\n合计,,1\n", "a total in place of a code in line 3"),
        ("YD1\nYD 3\nYD4\n", "a blank or a remark beside the code in line 2"),
        ("XM1\nXM2 # for Anna\n", "a blank or a remark beside the code in line 2"),
        ("XM2 # for Anna\n", "a blank or a remark beside the code in line 1"),
        ("1. ZC1\nZC2\n3. ZC3\n", "a blank or a remark beside the code in line 1, line 3"),
        ("ZC1\n1.23E+15\n#####\n", "shortened or changed in line 2, line 3: format the column as text"),
        ("code\n123.0\n124.0\n", "shortened or changed in line 2, line 3"),
        ("code\nA1\nA 2\nTotal\n", "a total in place of a code in line 4; a blank or a remark"),
    ],
)
def test_what_is_no_code_alone_is_refused_by_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        listed(tmp_path, text)
    assert says in str(caught.value)
    assert "mend or remove these lines" in str(caught.value)


@pytest.mark.parametrize(
    "head", ["redeemed_at", "used_by", "使用时间", "核销门店", "Used On", "tanggal dipakai"]
)
@pytest.mark.parametrize("cell", ["2026-01-02 10:00", "张三"])
def test_a_column_of_when_or_by_whom_a_code_was_used(tmp_path: Path, head: str, cell: str) -> None:
    empty = "".join(
        f"F{n},{none}\n" for n, none in enumerate(("", "-", "null", "未使用", "0000-00-00 00:00"))
    )
    found = listed(tmp_path, f"code,{head}\nU1,{cell}\n{empty}")
    assert (codes(found), found.gone, found.unused) == (["F0", "F1", "F2", "F3", "F4"], 1, ())


def test_a_span_of_days_is_no_use(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 2, 使用时间: '2026-01-01 至 2026-02-01'"):
        listed(tmp_path, "code,使用时间\nA1,2026-01-01 至 2026-02-01\n")
