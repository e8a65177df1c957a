"""What is said while a strategy is written: power, days, share left out, codes that end early (U04, U17,
U22).
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from koipond.experiments.power import Baseline, customers_needed, power_of
from tests.e2e.conftest import Koipond
from tests.e2e.test_app_first_afternoon import start


def outlook(koipond: Koipond, key: str = "dormant_recall") -> dict[str, Any]:
    code, data = koipond("check")
    assert code == 0
    return next(row for row in data["outlook"] if row["strategy"] == key)


def bought_since(orders_csv: Path, first: str) -> int:
    """Return how many customers of the file bought on ``first`` or later."""
    rows = [line.split(",") for line in orders_csv.read_text().splitlines()[1:]]
    return len({member for member, _, at, _ in rows if at >= first})


def test_u22_check_tells_power_days_and_the_share_left_out(koipond: Koipond, orders_csv: Path) -> None:
    start(koipond, orders_csv)
    row = outlook(koipond)
    assert row["global_share"] == pytest.approx(0.1)  # 300 customers: 10 %
    assert row["left_out"] == pytest.approx(1 - 0.9 * (1 - row["own_share"]))
    plan = koipond("plan", "dormant_recall")[1]
    assert row["crowd"] == plan["considered"]
    if row["baseline"]:
        baseline, rise = Baseline(mean=row["baseline"]), row["baseline"] * row["rise"]
        assert row["needed"] == customers_needed(baseline, rise, control_share=row["own_share"])
        assert row["power"] == pytest.approx(
            power_of(baseline, rise, round(row["crowd"] * 0.9), control_share=row["own_share"])
        )
        assert row["days"] is None or row["days"] >= row["window_days"]


def test_u22_the_baseline_is_that_of_the_audience_a_window_ago(
    koipond: Koipond, orders_csv: Path, tmp_path: Path
) -> None:
    start(koipond, orders_csv)
    folder = tmp_path / "brand"
    segment = folder / "segments" / "past_own_cycle.yaml"
    lines = segment.read_text().splitlines()
    rule = "rule: orders.count(ever) >= 1"
    segment.write_text("\n".join(rule if line.startswith("rule:") else line for line in lines) + "\n")
    row = outlook(koipond)
    assert row["crowd"] == 300
    # everybody had bought long before the window: the baseline is the share who bought within it
    newest = max(line.split(",")[2][:10] for line in orders_csv.read_text().splitlines()[1:])
    first = (date.fromisoformat(newest) - timedelta(days=row["window_days"] - 1)).isoformat()
    assert 0 < row["baseline"] < 1
    assert row["baseline"] == pytest.approx(bought_since(orders_csv, first) / 300)
    assert row["days"] is None  # nobody new comes in
    assert row["needed"] > 270


def test_u22_before_any_orders_check_says_nothing_of_it(koipond: Koipond) -> None:
    assert koipond("init", "--clock", "last_fact", "--language", "en")[0] == 0
    assert koipond("playbook", "add", "dormant_recall")[0] == 0
    code, data = koipond("check")
    assert (code, data["outlook"], data["early_ends"]) == (0, [], [])


def test_u04_codes_that_end_before_their_offer_are_said_at_check_and_plan(
    koipond: Koipond, orders_csv: Path, tmp_path: Path
) -> None:
    start(koipond, orders_csv)
    assert koipond("playbook", "add", "dormant_recall_code")[0] == 0
    for file in (tmp_path / "brand").glob("strategies/*.yaml"):
        file.write_text(file.read_text().replace("shop.example", "shop.test"))
    assert koipond("apply", "--author", "t")[0] == 0
    assert koipond("refresh")[0] == 0
    codes = tmp_path / "codes.txt"
    codes.write_text("\n".join(f"AA{n}" for n in range(300)) + "\n")
    assert koipond("codes", "import", "recall_code", codes, "--expires-on", "2026-04-01")[0] == 0
    (row,) = koipond("check")[1]["early_ends"]
    assert (row["offer"], row["ends_on"], row["because"]) == ("recall_code", "2026-04-01", "codes")
    assert row["days_short"] == row["valid_days"] - 4  # 2026-03-28 is the workspace's today
    plan = koipond("plan")[1]
    assert any("texts promise 2026-04-01" in note for note in plan["notes"])


def test_u04_codes_good_for_as_long_as_the_offer_says_are_no_matter(
    koipond: Koipond, orders_csv: Path, tmp_path: Path
) -> None:
    start(koipond, orders_csv)
    assert koipond("playbook", "add", "dormant_recall_code")[0] == 0
    assert koipond("apply", "--author", "t")[0] in (0, 1)
    codes = tmp_path / "codes.txt"
    codes.write_text("AA1\nAA2\n")
    code, _ = koipond("codes", "import", "recall_code", codes, "--expires-on", "2027-04-01")
    assert code == 0
    assert koipond("check")[1]["early_ends"] == []


@pytest.mark.parametrize(("other", "by"), [(50, "key"), (80, "priority")])
def test_u17_why_says_what_decided_between_two_strategies(
    koipond: Koipond, orders_csv: Path, tmp_path: Path, other: int, by: str
) -> None:
    start(koipond, orders_csv)
    folder = tmp_path / "brand"
    for file in folder.glob("strategies/*.yaml"):
        file.unlink()
    assert koipond("playbook", "add", "dormant_recall")[0] == 0
    first = folder / "strategies" / "dormant_recall.yaml"
    text = "\n".join(line for line in first.read_text().splitlines() if not line.startswith("priority"))
    text = text.replace("holdout_rate: 0.10", "holdout_rate: 0.0")
    first.write_text(f"{text}\npriority: {other}\n")
    second = text.replace("key: dormant_recall", "key: zz_recall", 1)
    (folder / "strategies" / "zz_recall.yaml").write_text(f"{second}\npriority: 50\n")
    assert koipond("apply", "--author", "t")[0] == 0
    assert koipond("refresh")[0] == 0
    assert koipond("plan")[1]["touches"] > 0
    told = next(
        lost
        for member in range(0, 300, 3)
        for play in koipond("why", f"m{member}")[1]["plays"]
        if (lost := play)["reason"] == "priority_lost"
    )
    assert (told["strategy"], told["detail"], told["numbers"]["decided_by"]) == (
        "zz_recall",
        "dormant_recall",
        by,
    )
    words = {"key": ("50", "alphabetical order of keys"), "priority": ("80", "against 50")}[by]
    assert all(word in told["words"]["en"] for word in words)
    assert ("字母顺序" in told["words"]["zh"]) == (by == "key")
