"""Code lists with several columns: what their rows say of last days and states counts."""

from pathlib import Path

from tests.e2e.conftest import Koipond


def begin(koipond: Koipond, tmp_path: Path) -> None:
    options = ("--clock", "last_fact", "--zone", "Asia/Shanghai", "--currency", "CNY")
    assert koipond("init", *options)[0] == 0
    file = tmp_path / "o.csv"
    file.write_text("order_id,customer_id,order_date,amount\n1,a,2026-11-01 21:30,100\n")
    assert koipond("import", "orders", file)[0] == 0
    assert koipond("playbook", "add", "dormant_recall_code")[0] == 0
    for strategy in (tmp_path / "brand").glob("strategies/*.yaml"):
        strategy.write_text(strategy.read_text().replace("shop.example", "shop.test"))
    assert koipond("apply", "--author", "t")[0] == 0


def test_used_and_expired_codes_are_left_out_and_said(koipond: Koipond, tmp_path: Path) -> None:
    begin(koipond, tmp_path)
    file = tmp_path / "codes.csv"
    file.write_text(
        "序号,优惠码,expires_on,状态,门店\n1,ZZ1,2026-11-03,未使用,a\n2,ZZ2,2026-10-01,未使用,a\n"
        "3,ZZ3,,未使用,a\n4,ZZ4,2026-12-01,已使用,a\n5,ZZ5,2026-11-01,,b\n"
    )
    code, answer = koipond("codes", "import", "recall_code", file, "--expires-on", "2026-11-20")
    assert code == 0
    assert (answer["read"], answer["added"]) == (5, 3)
    assert answer["left_out"] == {"not_free": 1, "over": 1}
    assert answer["not_used"] == ["序号", "门店"]
    assert answer["own_last_day"] == 2
    (row,) = koipond("codes", "list")[1]["lists"]
    assert row["left"] == 3
    file.write_text("序号,券\n1,QQ1\n2,QQ2\n")
    code, wrong = koipond("codes", "import", "recall_code", file)
    assert code == 2
    assert "'序号', '券'" in wrong["message"]
    assert koipond("codes", "import", "recall_code", file, "--column", "券")[1]["added"] == 2


def test_a_file_of_used_codes_alone_adds_none(koipond: Koipond, tmp_path: Path) -> None:
    begin(koipond, tmp_path)
    file = tmp_path / "codes.csv"
    file.write_text("code,status\nA1,used\nA2,redeemed\n")
    code, answer = koipond("codes", "import", "recall_code", file)
    assert (code, answer["added"], answer["left_out"]["not_free"]) == (0, 0, 2)


def test_another_last_day_for_codes_in_stock_counts_and_is_said(koipond: Koipond, tmp_path: Path) -> None:
    begin(koipond, tmp_path)
    file = tmp_path / "codes.csv"
    file.write_text("code,expires_on\nA1,2026-11-30\nA2,2026-11-30\nA3,2026-11-30\n")
    assert koipond("codes", "import", "recall_code", file)[1]["added"] == 3
    file.write_text("code,expires_on\nA1,2026-10-30\nA2,\nA3,2026-12-31\nA4,2026-10-01\n")
    code, answer = koipond("codes", "import", "recall_code", file)
    assert (code, answer["added"], answer["left_out"]["over"]) == (0, 0, 1)
    assert answer["known"] == {"moved": 2, "promised": 0, "undated": 1}
    assert koipond("codes", "list")[1]["lists"][0]["left"] == 2
