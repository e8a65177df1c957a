"""Order files as shops export them, from the command line to the rule that counts."""

from pathlib import Path

import pytest

from tests.e2e.conftest import Koipond
from tests.integration.ingest.test_order_amounts import B09, B11, B12

U01 = (
    "订单编号,手机号,下单时间,实付金额,订单状态\nA1,13800000001,2026-11-01 10:00,200.00,已完成\n"
    "A2,13800000001,2026-11-02 10:00,300.00,已退款\n"
)


def counted(koipond: Koipond, rule: str) -> int:
    code, answer = koipond("segments", "count", rule)
    assert code == 0
    return int(answer["count"])


def begin(koipond: Koipond, zone: str, currency: str) -> None:
    assert koipond("init", "--clock", "last_fact", "--zone", zone, "--currency", currency)[0] == 0


@pytest.mark.parametrize("earlier", ["", "已完成"])
def test_u01_money_of_who_had_an_order_refunded(koipond: Koipond, tmp_path: Path, earlier: str) -> None:
    begin(koipond, "Asia/Shanghai", "CNY")
    if earlier:
        (tmp_path / "before.csv").write_text(U01.replace("已退款", earlier))
        assert koipond("import", "orders", tmp_path / "before.csv")[0] == 0
    (tmp_path / "orders.csv").write_text(U01)
    assert koipond("import", "orders", tmp_path / "orders.csv")[0] == 0
    assert koipond("refresh")[0] == 0
    assert counted(koipond, "orders.sum(net, ever) = 200") == 1
    assert counted(koipond, "money_365d = 200") == 1


def test_b09_the_share_that_was_asked_about(koipond: Koipond, tmp_path: Path) -> None:
    begin(koipond, "UTC", "USD")
    (tmp_path / "nw.csv").write_text(B09)
    code, answer = koipond("import", "orders", tmp_path / "nw.csv")
    assert code == 2
    assert "--map discount_rate=Discount" in answer["message"]
    assert koipond("import", "orders", tmp_path / "nw.csv", "--map", "discount_rate=Discount")[0] == 0
    assert koipond("refresh")[0] == 0
    assert counted(koipond, "orders.sum(net, ever) = 1552.60") == 1


def test_b11_the_total_of_an_order_on_each_line(koipond: Koipond, tmp_path: Path) -> None:
    begin(koipond, "UTC", "USD")
    (tmp_path / "t.csv").write_text(B11)
    code, answer = koipond("import", "orders", tmp_path / "t.csv")
    assert code == 0
    assert any("Total" in remark for remark in answer["files"][0]["remarks"])
    assert koipond("refresh")[0] == 0
    assert counted(koipond, "orders.sum(net, ever) = 50") == 1
    assert counted(koipond, "orders.sum(net, ever) = 100") == 0


def test_b12_the_second_line_and_the_partial_refund(koipond: Koipond, tmp_path: Path) -> None:
    begin(koipond, "Asia/Jakarta", "USD")
    (tmp_path / "shop.csv").write_text(B12)
    told = ("--map", "order_id=Name", "--status", "partially_refunded=paid")
    assert koipond("import", "orders", tmp_path / "shop.csv", *told)[0] == 0
    assert koipond("refresh")[0] == 0
    assert counted(koipond, 'bought(sku = "C1", ever)') == 1
    assert counted(koipond, "orders.sum(net, ever) = 25") == 1


NOTHING = {
    "orders": "user_id,order_id,at,amount\n7,A,2026-01-01,-\n",
    "events": "user_id,event,at\n,view,2026-01-01\n",
    "customers": "客户号,会员等级\n1,金卡\n2,银卡\n",
    "products": "sku,name,price\n,x,1\n",
    "consents": "user_id,channel,status,at\n7,sms,perhaps,2026-01-01\n",
    "touches": "user_id,channel,at\n,sms,2026-01-01\n",
}


@pytest.mark.parametrize("kind", NOTHING)
def test_u16_an_import_that_keeps_nothing_fails_with_its_reason(
    koipond: Koipond, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(koipond, "UTC", "CNY")
    (tmp_path / "f.csv").write_text(NOTHING[kind])
    (tmp_path / "good.csv").write_text("sku,name\nx,tea\n")
    files = [tmp_path / "f.csv", *([tmp_path / "good.csv"] if kind == "products" else [])]
    options = ("--map", "member=会员等级") if kind == "customers" else ()
    code, answer = koipond("import", kind, *files, *options)
    assert code == 2, answer
    assert koipond("import", kind, tmp_path / "f.csv", *options)[0] == 2
    if kind == "products":
        assert answer["kept"] == 1, "the other file stands"


def test_u16_lists_and_codes_that_keep_nothing_fail(koipond: Koipond, tmp_path: Path) -> None:
    begin(koipond, "UTC", "CNY")
    (tmp_path / "l.txt").write_text("x1\nx2\n")
    (tmp_path / "c.txt").write_text("\n\n")
    assert koipond("lists", "import", "complained", tmp_path / "l.txt")[0] == 2
    assert koipond("codes", "import", "recall", tmp_path / "c.txt")[0] == 2


def test_heads_and_lines_in_two_files(koipond: Koipond, tmp_path: Path) -> None:
    begin(koipond, "Asia/Shanghai", "CNY")
    heads, lines, rejects = (tmp_path / name for name in ("heads.csv", "lines.csv", "rejects.csv"))
    rows = '编号,会员号,下单时间,实付金额,订单状态\n="0001",a,2026-03-01 10:00,50,已完成\n'
    heads.write_bytes((rows + '="0002",b,2026-03-02 10:00,20,已完成\n').encode("gb18030"))
    lines.write_text("单号,商品编码,数量,单价\n0001,T1,2,10\n0001,C1,3,10\n0009,X,1,5\n")
    code, answer = koipond("import", "orders", heads, "--join", lines)
    assert code == 2
    assert "--join-on HEADCOLUMN=LINECOLUMN" in answer["message"]
    code, answer = koipond("import", "orders", heads, "--join", lines, "--join-on", "编号=单号")
    assert code == 0
    assert answer["kept"] == 3
    assert answer["quarantined"] == {"no_head": 1}
    assert koipond("quality", "rejects", str(answer["files"][0]["import_no"]), "--to", rejects)[0] == 0
    assert "lines.csv" in rejects.read_text(encoding="utf-8-sig")
    assert koipond("refresh")[0] == 0
    assert counted(koipond, "orders.sum(net, ever) = 50") == 1
    assert counted(koipond, 'bought(sku = "C1", ever)') == 1
    for wrong in (
        ("--join-on", "编号=单号"),
        ("--join", lines, "--join-on", "编号"),
        (heads, "--join", lines),
    ):
        assert koipond("import", "orders", heads, *wrong)[0] == 2
