"""What became of the codes, and how far facts reach, through the command line (cases U09, U10)."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Koipond

BOUGHT = ("2025-06-01", "2025-06-11", "2025-06-21", "2025-11-01")
PEOPLE = 60


def orders(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(["order_id,customer_id,order_date,amount,coupon", *rows]) + "\n")
    return path


@pytest.fixture
def sent(koipond: Koipond, tmp_path: Path) -> list[dict[str, Any]]:
    """Sixty customers, half of them held out by the strategy; the others got a code each. Return messages."""
    assert koipond("init", "--clock", "last_fact", "--zone", "Asia/Karachi", "--currency", "PKR")[0] == 0
    folder = tmp_path / "brand"
    settings = folder / "koipond.yaml"
    settings.write_text(settings.read_text().replace("\ntraits:", "\n  global_holdout_rate: 0\ntraits:"))
    first = [f"{c}-{n},c{c},{day} 12:00,100," for c in range(PEOPLE) for n, day in enumerate(BOUGHT)]
    assert koipond("import", "orders", orders(tmp_path / "o.csv", first))[0] == 0
    assert koipond("playbook", "add", "dormant_recall_code")[0] == 0
    for file in folder.glob("strategies/*.yaml"):
        text = file.read_text().replace("holdout_rate: 0.10", "holdout_rate: 0.5")
        text = text.replace("per_customer_fen: 1000", "per_customer_fen: 100000")
        file.write_text(text.replace("shop.example", "shop.test"))
    rule = folder / "segments" / "past_own_cycle.yaml"
    lines = ["rule: everyone" if line.startswith("rule:") else line for line in rule.read_text().splitlines()]
    rule.write_text("\n".join(lines) + "\n")
    assert koipond("apply", "--author", "t")[0] == 0
    assert koipond("refresh")[0] == 0
    codes = tmp_path / "codes.txt"
    codes.write_text("\n".join(f"AA{n}" for n in range(PEOPLE)) + "\n")
    assert koipond("codes", "import", "recall_code", codes, "--expires-on", "2025-11-20")[0] == 0
    plan = koipond("plan")[1]
    assert koipond("approve", plan["plan"], "--by", "t")[0] == 0
    assert koipond("send", plan["plan"], "--until-idle")[1]["sent"] == plan["touches"] > 10
    return [{"touches": plan["touches"]}]


def used_codes(tmp_path: Path, koipond: Koipond) -> list[tuple[str, str]]:
    """Return (customer, code) of what the store issued."""
    from koipond.bootstrap import open_app

    with open_app(tmp_path / "brand") as app:
        held = app.store.codes.holders("recall_code")
    return [(f"c{number}", code) for code, number in sorted(held.items())]


def test_u10_issued_redeemed_expired_and_open_codes_are_counted(
    koipond: Koipond, tmp_path: Path, sent: list[dict[str, Any]]
) -> None:
    issued = sent[0]["touches"]
    before = koipond("codes", "list")[1]["lists"][0]
    assert (before["issued"], before["redeemed"], before["open"]) == (issued, None, None)
    codes = [code for _, code in used_codes(tmp_path, koipond)][:4]
    spent = [f"n{n},walkin{n},2025-11-05 13:00,80,{code.lower()}" for n, code in enumerate(codes)]
    file = orders(tmp_path / "n.csv", [*spent, "z,w,2025-12-20 12:00,1,"])
    assert koipond("import", "orders", file)[0] == 0
    row = koipond("codes", "list")[1]["lists"][0]
    assert (row["issued"], row["redeemed"], row["expired"], row["open"]) == (issued, 4, issued - 4, 0)
    assert row["liability_fen"] == 0
    spent_now = koipond("report", "dormant_recall_code")[1]["spent"]
    assert (spent_now["issued"], spent_now["redeemed"], spent_now["expired"]) == (issued, 4, issued - 4)
    assert spent_now["offer_cost_fen"] == row["cost_fen"] > 0


def test_u09_the_window_waits_for_newer_orders(koipond: Koipond, sent: list[dict[str, Any]]) -> None:
    later = (date(2025, 11, 1) + timedelta(days=60)).isoformat()
    made = koipond("report", "dormant_recall_code", "--as-of", later)[1]
    assert made["population"] == 0
    assert made["waiting_for_orders"] == made["left_out"]["pending"] > 0
    assert made["newest_facts"][0]["age_days"] == 60


def test_u09_every_reading_command_names_the_newest_fact(
    koipond: Koipond, sent: list[dict[str, Any]]
) -> None:
    wanted = [{"kind": "orders", "source": "default", "newest_on": "2025-11-01", "age_days": 0}]
    commands = [
        ("refresh",),
        ("diff",),
        ("layers",),
        ("segments", "list"),
        ("segments", "count", "everyone"),
        ("plan",),
        ("why", "c1"),
    ]
    commands += [("tags", "report"), ("quality",), ("codes", "list"), ("report", "dormant_recall_code")]
    for command in commands:
        assert koipond(*command)[1]["newest_facts"] == wanted, command


def test_u09_the_text_of_a_reading_command_ends_with_it(
    tmp_path: Path, sent: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    from koipond.cli.app import main

    capsys.readouterr()
    for command in (["layers"], ["segments", "list"], ["plan"], ["why", "c1", "--language", "zh"]):
        assert main(["-C", str(tmp_path / "brand"), *command]) == 0
        last = capsys.readouterr().out.strip().splitlines()[-1]
        assert "default 2025-11-01" in last, command
