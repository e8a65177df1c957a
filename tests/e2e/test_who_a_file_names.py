"""Phones by country, ids that spreadsheets guard, columns told by their values (B13, B14, U11, U16)."""

import csv
import re
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.conftest import Koipond

ORDERS = "order_id,{who},order_date,amount\n{rows}"


def write(file: Path, who: str, *people: str) -> Path:
    rows = "".join(f"{n},{one},2026-03-0{n},{n}0\n" for n, one in enumerate(people, 1))
    file.write_text(ORDERS.format(who=who, rows=rows))
    return file


def test_b13_phones_are_read_as_those_of_the_zones_country(koipond: Koipond, tmp_path: Path) -> None:
    assert koipond("init", "--zone", "Asia/Jakarta", "--currency", "IDR", "--clock", "last_fact")[0] == 0
    numbers = ("081234567890", "+6281234567890", "6281234567890", "0812-3456-7890")
    _, said = koipond("import", "orders", write(tmp_path / "o.csv", "phone", *numbers))
    assert (said["kept"], said["files"][0]["notes"]["customers_new"]) == (4, 1)
    _, said = koipond("import", "orders", write(tmp_path / "two.csv", "phone", "081234567890", "138"))
    (remark,) = [one for one in said["files"][0]["remarks"] if "country" in one]
    assert "cannot be read as a number of ID" in remark
    assert "country: XX in koipond.yaml" in remark


def test_b14_guarded_ids_are_the_ids(koipond: Koipond, tmp_path: Path) -> None:
    assert koipond("init", "--clock", "last_fact")[0] == 0
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text(
        'order_id,customer_id,order_date,amount\n="0001",="007",2026-03-01,="5.00"\n"=""0002""","=""007""",2026-03-02,5\n'
    )
    second.write_text(
        "order_id,customer_id,order_date,amount\n0002,007,2026-03-02,5\n0003,007,2026-03-03,5\n"
    )
    assert koipond("import", "orders", first)[1]["files"][0]["notes"]["customers_new"] == 1
    assert koipond("import", "orders", second)[1]["files"][0]["changes"]["orders_new"] == 1
    assert koipond("refresh")[0] == 0
    assert koipond("segments", "count", "orders.count(ever) = 3")[1]["count"] == 1


@pytest.mark.parametrize("who", ["会员手机号", "买家手机号", "客户手机"])
def test_u11_columns_of_phones_are_known_and_two_ways_of_writing_are_one_person(
    koipond: Koipond, tmp_path: Path, who: str
) -> None:
    assert koipond("init", "--clock", "last_fact")[0] == 0
    file = write(tmp_path / "o.csv", who, "138 1111 0001", "13811110001", "+86 138-1111-0001")
    _, said = koipond("import", "orders", file)
    assert (said["kept"], said["files"][0]["notes"]["customers_new"]) == (3, 1)


def test_u11_advice_looks_at_the_values_and_leads_to_the_right_result(
    koipond: Koipond, tmp_path: Path
) -> None:
    assert koipond("init", "--clock", "last_fact")[0] == 0
    file = write(tmp_path / "o.csv", "绑定", "138 1111 0001", "13811110001", "13811110002")
    code, said = koipond("import", "orders", file)
    assert code == 2
    assert "--map phone=绑定" in said["message"]
    assert (
        koipond("import", "orders", file, "--map", "phone=绑定")[1]["files"][0]["notes"]["customers_new"] == 2
    )


def test_the_newcomers_file_goes_in_unaided(koipond: Koipond, tmp_path: Path, shared_cases: Path) -> None:
    """16,534 rows of a Chinese shop with everything odd that real ones hold, recomputed in plain Python."""
    subprocess.run([sys.executable, str(shared_cases / "make_orders.py"), str(tmp_path)], check=True)
    options = ("--zone", "Asia/Shanghai", "--currency", "CNY", "--language", "zh", "--clock", "last_fact")
    assert koipond("init", *options)[0] == 0
    code, said = koipond("import", "orders", tmp_path / "orders.csv")
    assert code == 0
    (file,) = said["files"]
    assert (file["mapping"]["phone"], file["formats"]["encoding"]) == ("会员手机号", "gb18030")
    assert file["quarantined"] == {
        "totals_row": 1,
        "unparsable": 4,
        "missing_customer": 21,
        "future_at": 1,
        "conflicting_order": 2,
        "repeated_row": 10,
    }
    assert file["kept"] == 16_530 - 39
    assert file["notes"]["equal_rows_beside"] == 176
    assert koipond("refresh")[0] == 0
    buyers = by_hand(tmp_path / "orders.csv")
    assert koipond("segments", "count", "orders.count(ever) >= 1")[1]["count"] == len(buyers)
    rich = sum(fen > 100_000 for fen in buyers.values())
    assert koipond("segments", "count", "orders.sum(net, ever) > 1000")[1]["count"] == rich


def by_hand(file: Path) -> dict[str, int]:
    """Return phone → what its paid orders are worth after what was given back, those worth anything."""
    with file.open(encoding="gbk", newline="") as opened:
        rows = [row for row in csv.reader(opened) if any(row)][1:-1]
    seen = {tuple(row) for row in rows[-10:]}
    assert len(seen) == 10, "the copies at the end"
    worth: Counter[tuple[str, str]] = Counter()
    who: dict[str, set[str]] = {}
    for order, phone, at, _, _, _, _, _, amount, status, *_ in rows[:-10]:
        number = re.sub(r"^(\+86)?", "", phone.replace(" ", ""))
        known = re.fullmatch(r"1[3-9][0-9]{9}", number) is not None
        dated = re.match(r"202[56][/年]", at) is not None or not at
        if not (known and dated):
            continue
        who.setdefault(order, set()).add(number)
        if status in ("已完成", "部分退款"):
            fen = round(Decimal(re.sub(r"[￥,]", "", amount) or 0) * 100) if amount != "-" else 0
            worth[order, number] += fen
    people: Counter[str] = Counter()
    for (order, number), fen in worth.items():
        if fen > 0 and len(who[order]) == 1:
            people[number] += fen
    return people


def test_rows_put_aside_can_be_had_as_a_file_with_their_reasons(
    koipond: Koipond, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOIPOND_LANGUAGE", "zh")
    assert koipond("init", "--clock", "last_fact", "--language", "zh")[0] == 0
    file = tmp_path / "o.csv"
    file.write_text(
        ORDERS.format(who="phone", rows="1,13800000001,2026-03-01,5\n2,,2026-03-01,=6\n3,138,,7\n")
    )
    _, said = koipond("import", "orders", file)
    out = tmp_path / "aside.csv"
    code, answer = koipond("quality", "rejects", str(said["files"][0]["import_no"]), "--to", out)
    assert (code, answer["rows"]) == (0, 2)
    with out.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [(one["文件行号"], one["原因代码"]) for one in rows] == [
        ("3", "unparsable"),
        ("4", "missing_customer"),
    ]
    assert rows[0]["原因"] == "该字段无法识别"
    assert rows[0]["amount"] == "'=6", "no spreadsheet runs it"
    assert koipond("quality", "rejects", "1", "--to", out)[0] == 2, "nothing is written over"
