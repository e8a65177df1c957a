"""U06: traits typed at import, by declaration or by what every value shows; what was never seen is said."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Koipond

ORDERS = (
    "order_id,customer_id,order_date,amount,门店\n"
    "1,c1,2026-08-01,5,X\n2,c2,2026-08-02,5,X\n3,c3,2026-08-20,5,X\n"
)


@pytest.fixture
def folder(koipond: Koipond, tmp_path: Path) -> Path:
    assert koipond("init", "--clock", "last_fact", "--zone", "Asia/Shanghai", "--currency", "CNY")[0] == 0
    (tmp_path / "o.csv").write_text(ORDERS, encoding="utf-8")
    assert koipond("import", "orders", tmp_path / "o.csv")[0] == 0
    return tmp_path


def declare(folder: Path, text: str) -> None:
    file = folder / "brand" / "koipond.yaml"
    kept = re.sub(r"(?m)^traits:.*\n(?:[ #].*\n)*", "", file.read_text(encoding="utf-8"))
    file.write_text(f"{kept}\ntraits:\n{text}\n", encoding="utf-8")


def people(koipond: Koipond, folder: Path, text: str) -> int:
    (folder / "p.csv").write_text(text, encoding="utf-8")
    code: int = koipond("import", "customers", folder / "p.csv")[0]
    return code


def count(koipond: Koipond, rule: str) -> tuple[int, list[str]]:
    code, found = koipond("segments", "count", rule)
    assert code == 0, rule
    return found["count"], [one["en"] for one in found["notes"]]


def test_u06_a_declared_date_compares_as_a_day(koipond: Koipond, folder: Path) -> None:
    declare(folder, "  expires_on: {type: date}\n  points: {type: number}")
    assert koipond("apply")[0] == 0
    rows = 'c1,2026/05/03,"1,200.50"\nc2,2026/9/1,80\nc3,,\n'
    assert people(koipond, folder, f"customer_id,expires_on,points\n{rows}") == 0
    assert koipond("refresh")[0] == 0
    assert count(koipond, "trait.expires_on <= 2026-08-31") == (1, [])
    assert count(koipond, "trait.expires_on > 2026-08-31") == (1, [])
    assert count(koipond, "trait.points >= 1000") == (1, [])


@pytest.mark.parametrize(
    ("cells", "rule", "right"),
    [
        (("2026/05/03", "2026/9/1", ""), "<= 2026-08-31", 1),
        (("2026年5月3日", "2026年12月1日", ""), "<= 2026-08-31", 1),
        (("03/25/2026", "12/01/2026", ""), "<= 2026-08-31", 1),
        (("2026-05-03 10:00:00", "2026-12-01 23:59:59", ""), "<= 2026-08-31", 1),
        (('"1,200"', '"3,450.50"', "7"), "> 1000", 2),
        (("¥1200", "¥80", ""), ">= 100", 1),
    ],
)
def test_every_value_shows_the_type_of_an_undeclared_trait(
    koipond: Koipond, folder: Path, cells: tuple[str, ...], rule: str, right: int
) -> None:
    rows = "".join(f"c{place},{cell}\n" for place, cell in enumerate(cells, 1))
    assert people(koipond, folder, f"customer_id,thing\n{rows}") == 0
    assert koipond("refresh")[0] == 0
    assert count(koipond, f"trait.thing {rule}") == (right, [])


def test_a_text_stays_a_text_and_says_that_it_is_no_day(koipond: Koipond, folder: Path) -> None:
    assert people(koipond, folder, "customer_id,thing\nc1,2026/05/03\nc2,soon\nc3,\n") == 0
    assert koipond("refresh")[0] == 0
    assert count(koipond, 'trait.thing = "2026/05/03"') == (1, [])
    assert count(koipond, "trait.thing <= 2026-08-31")[1] == [
        "trait 'thing' never holds a day, so comparing it with one matches nobody"
    ]
    assert count(koipond, "trait.thing < 5")[1] == [
        "trait 'thing' never holds a number, so comparing it with one matches nobody"
    ]


def test_a_declared_date_that_two_orders_fit_stops_the_import(koipond: Koipond, folder: Path) -> None:
    declare(folder, "  thing: {type: date}")
    assert koipond("apply")[0] == 0
    assert people(koipond, folder, "customer_id,thing\nc1,03/04/2026\n") == 2


def test_what_cannot_be_read_as_declared_is_left_out_and_counted(koipond: Koipond, folder: Path) -> None:
    declare(folder, "  到期: {type: date}\n  points: {type: number}")
    assert koipond("apply")[0] == 0
    (folder / "p.csv").write_text("customer_id,到期,points\nc1,2026/5/3,7\nc2,soon,many\n", encoding="utf-8")
    code, found = koipond("import", "customers", folder / "p.csv")
    assert code == 0
    changes = found["files"][0]["changes"] if "files" in found else found["changes"]
    assert changes["trait_到期_no_date"] == changes["trait_points_no_number"] == 1
    assert koipond("refresh")[0] == 0
    assert count(koipond, "trait.到期 is known") == (1, [])
    assert count(koipond, "trait.points is known") == (1, [])


def test_what_matches_nobody_for_its_type_is_an_error_at_check(koipond: Koipond, folder: Path) -> None:
    declare(folder, "  到期日: {type: date}\n  points: {type: number}")
    wrong = {
        "a": 'trait.到期日 <= "2026-08-31"',
        "b": "trait.到期日 > 5",
        "c": 'trait.points = "many"',
        "d": "trait.points < 2026-01-01",
        "e": 'trait.到期日 contains "2026"',
    }
    (folder / "brand" / "segments").mkdir(exist_ok=True)
    for key, rule in wrong.items():
        text = f"key: {key}\nowner: crm\nrule: '{rule}'\n"
        (folder / "brand" / "segments" / f"{key}.yaml").write_text(text, encoding="utf-8")
    code, found = koipond("check")
    assert code == 1
    assert {Path(one["file"]).stem for one in found["findings"] if one["code"] == "bad_rule"} == set(wrong)


@pytest.mark.parametrize(
    ("rule", "note"),
    [
        ("trait.ctiy = 5", "no customer has a trait 'ctiy'; did you mean 'city'?"),
        ('events("Viewed").count(ever) >= 1', "no events were ever seen with name 'Viewed'"),
        ('orders(store = "Y").count(ever) = 0', "no orders were ever seen with store 'Y'"),
        ("events(property.plan = 1).count(ever) = 1", "no event has a property 'plan'"),
    ],
)
def test_what_was_never_seen_is_said(koipond: Koipond, folder: Path, rule: str, note: str) -> None:
    assert people(koipond, folder, "customer_id,city\nc1,Bandung\n") == 0
    assert koipond("refresh")[0] == 0
    assert count(koipond, rule)[1] == [note]


SHOWN = "customer_id,积分,到期,等级,code\nc1,3271,2026/12/01,金卡,001\nc2,80,2027/1/5,银卡,002\n"


@pytest.fixture
def shown(koipond: Koipond, folder: Path) -> Path:
    head = "order_id,customer_id,order_date,amount,门店,导购,渠道,coupon\n"
    more = f"{head}9,c1,2026-08-21,5,上海天河城店,导购01,小程序,V50\n"
    (folder / "more.csv").write_text(more, encoding="utf-8")
    assert koipond("import", "orders", folder / "more.csv")[0] == 0
    assert people(koipond, folder, SHOWN) == 0
    assert koipond("refresh")[0] == 0
    return folder


@pytest.mark.usefixtures("shown")
def test_what_no_value_of_a_trait_can_answer_is_an_error(koipond: Koipond) -> None:
    for rule in (
        'trait.积分 > "高"',
        'trait.积分 = "高"',
        'trait.积分 < "100"',
        "trait.积分 < 2026-01-01",
        "trait.到期 < 20261201",
        "trait.到期 = 5",
        'trait.到期 in ("2026-12-01", "soon")',
        'everyone and not trait.积分 <= "高"',
    ):
        code, found = koipond("segments", "count", rule)
        assert code == 2, rule
        assert "anything else matches nobody" in str(found), rule


@pytest.mark.usefixtures("shown")
def test_an_equality_that_no_fact_holds_is_said(koipond: Koipond) -> None:
    for rule, notes in {
        'trait.等级 = "金卡"': [],
        'trait.code = "001"': [],
        "trait.积分 = 80": [],
        "trait.到期 = 2026-12-01": [],
        'trait.到期 <= "2026-12-31"': [],
        'trait.等级 != "钻石"': [],
        'trait.等级 = "钻石"': ["no customer was ever seen with trait 等级 '钻石'"],
        'trait.等级 in ("金卡", "钻石")': ["no customer was ever seen with trait 等级 '钻石'"],
        "trait.积分 = 81": ["no customer was ever seen with trait 积分 '81'"],
        "trait.到期 = 2026-12-02": ["no customer was ever seen with trait 到期 '2026-12-02'"],
        'last_store = "上海天河城店"': [],
        'last_store != "广州"': [],
        'last_store = "上海天河城"': [
            "no orders were ever seen with store '上海天河城'; did you mean '上海天河城店'?"
        ],
        'last_staff = "nobody"': ["no orders were ever seen with staff 'nobody'"],
        'last_channel = "fax"': ["no orders were ever seen with channel 'fax'"],
        'orders.latest(coupon) = "X1"': ["no orders were ever seen with coupon 'X1'"],
        'orders(coupon = "X1").count(ever) >= 1': ["no orders were ever seen with coupon 'X1'"],
    }.items():
        assert count(koipond, rule)[1] == notes, rule


def test_a_trait_declared_a_text_is_compared_with_texts(koipond: Koipond, shown: Path) -> None:
    declare(shown, "  code: {type: text}")
    assert koipond("apply")[0] == 0
    assert koipond("segments", "count", 'trait.code = "A12"')[0] == 0
    assert koipond("segments", "count", 'trait.code < "A12"')[0] == 0


def test_a_trait_declared_a_number_is_compared_with_numbers(koipond: Koipond, shown: Path) -> None:
    declare(shown, "  积分: {type: number}")
    assert koipond("apply")[0] == 0
    assert koipond("segments", "count", "trait.积分 > 80")[0] == 0
    code, found = koipond("segments", "count", 'trait.积分 > "高"')
    assert code == 2
    assert "anything else matches nobody" in str(found)


def test_diff_says_what_was_never_seen(koipond: Koipond, folder: Path) -> None:
    assert koipond("refresh")[0] == 0
    (folder / "brand" / "segments").mkdir(exist_ok=True)
    text = "key: gone\nowner: crm\nrule: 'trait.gone = 1'\n"
    (folder / "brand" / "segments" / "gone.yaml").write_text(text)
    found: Any = koipond("diff")[1]
    (change,) = [one for one in found["changes"] if one["kind"] == "segment"]
    assert [one["zh"] for one in change["notes"]] == ["没有任何客户有属性“gone”"]


def test_counting_a_rule_reads_what_its_traits_hold_once(
    koipond: Koipond, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from koipond.segments import seen

    people(koipond, folder, "customer_id,points\nc1,1200\nc2,80\n")
    asked: list[object] = []
    looked = seen._shown

    def spied(*given: Any) -> Any:
        asked.append(given)
        return looked(*given)

    monkeypatch.setattr(seen, "_shown", spied)
    assert count(koipond, "trait.points >= 1000") == (1, [])
    assert len(asked) == 1
