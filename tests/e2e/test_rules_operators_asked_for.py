"""The fifteen rules of the cases, written as operators say them and counted by hand on a small shop.

Observation day: 2026-11-20, the day of the newest order. U05: the order file has no categories at all.
"""

import re
from pathlib import Path

import pytest

from tests.e2e.conftest import Koipond

PRODUCTS = "商品编码,商品名称,类目\nS1,补水面膜5片,护肤\nS2,精华液,护肤\nL1,丝绒口红,彩妆\n"
ORDERS = """订单编号,customer_id,下单时间,商品编码,数量,实付金额,订单状态,门店,导购,优惠券
A1,c1,2026-11-10 21:30,S1,1,100,已完成,X,Y,K1
A2,c1,2026-11-18 10:00,S2,1,400,已完成,X,Y,K2
B1,c2,2026-11-11 20:00,S1,1,150,已完成,X,Z,
B1,c2,2026-11-11 20:00,L1,1,150,已完成,X,Z,
C1,c3,2026-06-18 12:00,L1,1,90,已完成,Z,Y,K3
C2,c3,2026-11-11 19:59,L1,1,110,已完成,X,Y,
D1,c4,2026-03-01 12:00,S1,1,50,已完成,X,Y,
D2,c4,2026-11-05 12:00,S1,1,60,已完成,W,Y,
D3,c4,2026-11-01 12:00,L1,1,70,已退款,W,Y,
E1,c5,2026-11-19 12:00,S1,1,80,待付款,X,Y,
H1,c8,2026-11-20 09:00,L1,1,30,已完成,X,Y,K4
"""
PEOPLE = """customer_id,生日,会员到期日,企微好友
c1,1988-11-02,2026/12/5,是
c2,1990-10-31,2026/12/6,否
c6,2000-11-30,2026/11/19,是
c7,1990-12-01,2026/11/20,是
"""
RULES = [
    ('近90天买过(类目 = "护肤") 且 近90天没买过(类目 = "彩妆")', 2),  # c1 c4
    ("客单价 > 200", 2),  # c1 250, c2 300
    ("生日在本月", 2),  # c1 c6
    ("会员到期日 在 未来15天", 2),  # c1 on the 15th day, c7 today; c6 was yesterday, c2 is one day late
    ("企微好友 且 订单.次数() = 0", 2),  # c6 c7
    ("订单(日期 属于 (06-01 至 06-20, 11-01 至 11-11)).占比() = 100%", 2),  # c2 c3
    ('门店 = "X" 且 导购 = "Y"', 3),  # of the last order: c1 c3 c8; c4 was at W
    ("退款.次数(近30天) >= 1", 1),  # c4
    ("待付款.次数(近3天) >= 1", 1),  # c5
    ('买过(商品名 包含 "面膜")', 3),  # c1 c2 c4
    ("订单(钟点 >= 20).次数() >= 1", 2),  # c1 c2; c3 at 19:59
    ("用券率 = 100%", 2),  # c1 c8; c3 one of two
    ("消费前10%", 1),  # c1 of five buyers
    ("消费 前40%", 2),  # c1 c2
    ('订单(含 商品(商品编码 = "S1"), 含 商品(商品编码 = "L1")).次数() >= 1', 1),  # c2
    ('买过(商品编码 = "S1") 且 买过(商品编码 = "L1")', 1),
    ("订单(优惠券 已知).次数(近180天) / 订单.次数(近180天) >= 50%", 3),  # c1 c3 c8
    ("周年(属性.birthday) 在 未来15天", 2),  # c6 30 November, c7 1 December
    ("last_purchase_on in this week", 2),  # c1 18 November, c8; Monday is the 16th
]


def edit(file: Path, pattern: str, new: str) -> None:
    text, found = re.subn(pattern, new, file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert found
    file.write_text(text, encoding="utf-8")


def count(koipond: Koipond, rule: str) -> int:
    code, found = koipond("segments", "count", rule)
    assert code == 0, rule
    number: int = found["count"]
    return number


def test_each_rule_can_be_written_in_chinese_and_is_counted(koipond: Koipond, tmp_path: Path) -> None:
    options = ("--clock", "last_fact", "--zone", "Asia/Shanghai", "--currency", "CNY", "--language", "zh")
    assert koipond("init", *options)[0] == 0
    edit(tmp_path / "brand" / "koipond.yaml", r"^traits:.*", "traits:\n  会员到期日: {type: date}")
    assert koipond("apply")[0] == 0
    for kind, rows in (("products", PRODUCTS), ("orders", ORDERS), ("customers", PEOPLE)):
        (tmp_path / f"{kind}.csv").write_text(rows, encoding="utf-8")
        assert koipond("import", kind, tmp_path / f"{kind}.csv")[0] in (0, 1), kind
    assert koipond("refresh")[0] == 0
    for rule, right in RULES:
        code, found = koipond("segments", "count", rule)
        assert code == 0, rule
        assert (rule, found["count"], found["notes"], found["as_of"]) == (rule, right, [], "2026-11-20")
        for node in found["nodes"]:  # what is printed back reads as what it was
            assert koipond("segments", "count", node["shown"])[1]["count"] == node["count"]
    code, wrong = koipond("segments", "count", "近90天买过护肤没买彩妆")  # as it is typed
    advised = re.search("write (.*?); if a word", wrong["message"])
    assert code == 2
    assert advised is not None
    assert count(koipond, advised[1]) == 2


def test_codes_given_and_not_used(koipond: Koipond, tmp_path: Path) -> None:
    """领券未核销: the gate issues three codes, one order names one of them."""
    days = ("2026-06-01", "2026-06-11", "2026-06-21", "2026-11-01")
    orders = [f"{c}{day},{c},{day} 12:00,100," for c in "abc" for day in days]
    rows = ["order_id,customer_id,order_date,amount,coupon", *orders]
    (tmp_path / "o.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "codes.txt").write_text("AA1\nAA2\nAA3\n")
    assert koipond("init", "--clock", "last_fact", "--zone", "Asia/Shanghai", "--currency", "CNY")[0] == 0
    brand = tmp_path / "brand"
    edit(brand / "koipond.yaml", r"^traits:", "  global_holdout_rate: 0\ntraits:")
    assert koipond("playbook", "add", "dormant_recall_code")[0] == 0
    (strategy,) = (brand / "strategies").glob("*.yaml")
    edit(strategy, "holdout_rate: 0.10", "holdout_rate: 0.0")
    edit(strategy, "shop.example", "shop.test")
    edit(strategy, "per_customer_fen: 1000", "per_customer_fen: 100000")
    edit(brand / "segments" / "past_own_cycle.yaml", "^rule:.*", "rule: everyone")
    assert koipond("import", "orders", tmp_path / "o.csv")[0] == 0
    for command in (
        ("apply",),
        ("refresh",),
        ("codes", "import", "recall_code", tmp_path / "codes.txt", "--expires-on", "2026-11-03"),
        ("plan",),
        ("approve", "latest", "--by", "t"),
        ("send", "latest"),
    ):
        assert koipond(*command)[0] == 0, command
    code, found = koipond("segments", "count", "领券(状态 = 未核销).次数() >= 1")
    assert (code, found["count"]) == (0, 0)
    assert [one["zh"] for one in found["notes"]] == ["没有任何订单带有优惠券，无法知道哪些券已核销"]
    (tmp_path / "n.csv").write_text(
        "order_id,customer_id,order_date,amount,coupon\nz1,a,2026-11-02 12:00,80,aa1\n"
    )
    assert koipond("import", "orders", tmp_path / "n.csv")[0] == 0
    assert koipond("refresh")[0] == 0
    assert count(koipond, "领券(状态 = 未核销).次数() >= 1") == 2
    assert count(koipond, '领券(状态 = 已核销, list = "recall_code").次数() >= 1') == 1
    (tmp_path / "n.csv").write_text("order_id,customer_id,order_date,amount\nz2,b,2026-11-04 12:00,80\n")
    assert koipond("import", "orders", tmp_path / "n.csv")[0] == 0
    assert koipond("refresh")[0] == 0
    assert count(koipond, "领券(状态 = 已过期).次数() >= 1") == 2


@pytest.mark.parametrize("products_first", [True, False])
def test_u05_categories_reach_rules_whatever_file_came_first(
    koipond: Koipond, tmp_path: Path, products_first: bool
) -> None:
    assert koipond("init", "--clock", "last_fact", "--zone", "Asia/Shanghai", "--currency", "CNY")[0] == 0
    (tmp_path / "products.csv").write_text(PRODUCTS, encoding="utf-8")
    (tmp_path / "orders.csv").write_text(ORDERS, encoding="utf-8")
    for kind in ("products", "orders") if products_first else ("orders", "products"):
        assert koipond("import", kind, tmp_path / f"{kind}.csv")[0] in (0, 1)
    assert koipond("refresh")[0] == 0
    assert count(koipond, 'bought(category = "护肤")') == 3
    assert count(koipond, 'orders.count() >= 1 and not bought(category = "护肤")') == 2
