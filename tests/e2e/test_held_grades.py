"""Held grades from the first apply on: the monthly run, rules, layers and why (science D4)."""

from pathlib import Path
from typing import Any

import pytest

from koipond.cli.app import main
from tests.e2e.conftest import Koipond
from tests.e2e.test_app_first_afternoon import MAPS, start

GRADES = ("core", "key", "regular", "fringe")


def held(koipond: Koipond, *options: str) -> dict[str, int]:
    found: dict[str, int] = koipond("layers", *options)[1]["held_grade"]
    return found


def count(koipond: Koipond, rule: str, *options: str) -> int:
    code, found = koipond("segments", "count", rule, *options)
    assert code == 0
    return int(found["count"])


def add_orders(koipond: Koipond, folder: Path, *rows: str) -> None:
    path = folder / f"more {rows[0].split(',')[1]}.csv"
    path.write_text("\n".join(["Member,Receipt,Sold at,Paid", *rows]) + "\n")
    assert koipond("import", "orders", path, *MAPS)[0] == 0


def test_nothing_is_held_before_the_first_refresh(koipond: Koipond, orders_csv: Path) -> None:
    assert koipond("init", "--clock", "last_fact")[0] == 0
    assert koipond("import", "orders", orders_csv, *MAPS)[0] == 0
    assert held(koipond) == dict.fromkeys(GRADES, 0)
    assert koipond("refresh", "--as-of", "2026-06-01")[1]["held_grades"] == {"run": None, "lifted": 0}
    assert held(koipond) == dict.fromkeys(GRADES, 0)
    assert koipond("refresh")[1]["held_grades"]["run"]["began"] == 300
    assert sum(held(koipond).values()) == 300


def test_runs_are_monthly_and_up_is_at_once(
    koipond: Koipond, orders_csv: Path, tmp_path: Path, init_options: tuple[str, ...]
) -> None:
    start(koipond, orders_csv, *init_options)
    layers = koipond("layers")[1]
    assert layers["held_grade"] == layers["grade"]
    for grade in GRADES:
        assert count(koipond, f"held_grade = {grade}") == layers["grade"][grade]
    assert koipond("refresh")[1]["held_grades"] == {"run": None, "lifted": 0}

    # one order of the same month makes m7 core at once; nobody falls between the runs
    today = layers["as_of"]
    add_orders(koipond, tmp_path, f"m7,big,{today} 09:00:00,99999.00")
    was_core = koipond("why", "m7")[1]["held_grade"]["grade"] == "core"
    assert koipond("refresh", "--full")[1]["held_grades"] == {"run": None, "lifted": int(not was_core)}
    after = koipond("layers")[1]
    assert after["grade"]["core"] < layers["grade"]["core"]
    assert after["held_grade"]["core"] == layers["grade"]["core"] + (not was_core)
    assert koipond("refresh", "--as-of", "2026-02-01")[1]["held_grades"] == {"run": None, "lifted": 0}
    assert koipond("refresh", "--as-of", "2031-01-01")[1]["held_grades"] == {"run": None, "lifted": 0}
    assert koipond("refresh")[0] == 0

    for month, down in (("04", False), ("05", True)):
        add_orders(koipond, tmp_path, f"m7,r{month},2026-{month}-02 09:00:00,1.00")
        run = koipond("refresh")[1]["held_grades"]["run"]
        assert run["day"] == f"2026-{month}-02"
        assert (run["began"], run["up"], run["ended"]) == (0, 0, 0)
        assert (run["down"] > 0) is down
    layers = koipond("layers")[1]
    assert layers["held_grade"] == layers["grade"]
    # the past is read as it was
    assert held(koipond, "--as-of", "2026-04-02")["core"] > layers["grade"]["core"]
    assert held(koipond, "--as-of", "2026-01-10") == dict.fromkeys(GRADES, 0)


def test_why_says_what_is_held_and_what_lifts_the_customer(
    koipond: Koipond, orders_csv: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    start(koipond, orders_csv)
    found: dict[str, Any] = koipond("why", "m0")[1]
    assert found["held_grade"]["grade"] == found["layers"]["held_grade"] == found["layers"]["grade"]
    assert (found["held_grade"]["since"], found["held_grade"]["runs_below"]) == (found["as_of"], 0)
    gap = found["next_grade"]
    assert set(gap["words"]) == set(found["held_grade"]["words"]) == {"zh", "en", "id"}
    add_orders(koipond, tmp_path, f"m0,lift,{found['as_of']} 09:00:00,{gap['gap_fen'] / 100:.2f}")
    assert koipond("refresh")[0] == 0
    lifted = koipond("why", "m0")[1]
    assert GRADES.index(lifted["layers"]["grade"]) <= GRADES.index(gap["grade"])
    capsys.readouterr()
    assert main(["-C", str(tmp_path / "brand"), "why", "m0", "--language", "zh"]) == 0
    assert "当前等级（保级）：" in capsys.readouterr().out


def test_who_refuses_profiling_holds_nothing_in_sight(
    koipond: Koipond, orders_csv: Path, tmp_path: Path
) -> None:
    start(koipond, orders_csv)
    before = sum(held(koipond).values())
    path = tmp_path / "refused.csv"
    path.write_text("customer_id,profiling_refused\nm3,yes\n")
    assert koipond("import", "customers", path)[0] == 0
    assert koipond("refresh")[0] == 0
    assert sum(held(koipond).values()) == before - 1
    assert koipond("why", "m3")[1]["held_grade"] is None
