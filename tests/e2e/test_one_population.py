"""Whom an operator confirmed as unreal is in no count, and every count names how many (design §5)."""

from pathlib import Path

from tests.e2e.conftest import Koipond
from tests.e2e.test_app_first_afternoon import MAPS, start

FAKES = 4


def with_fakes(orders_csv: Path) -> Path:
    """Add customers who buy for one cent, many times."""
    rows = [
        f"fake{n},f{n}-{turn},2026-03-{16 + turn} 10:00:00,0.01" for n in range(FAKES) for turn in range(4)
    ]
    orders_csv.write_text(orders_csv.read_text() + "\n".join(rows) + "\n")
    return orders_csv


def test_layers_segments_plan_and_report_agree_on_who_counts(
    koipond: Koipond, orders_csv: Path, tmp_path: Path
) -> None:
    start(koipond, with_fakes(orders_csv))
    before = koipond("layers")[1]
    assert (before["customers"], before["left_out"]) == (300 + FAKES, 0)
    plan = koipond("plan")[1]
    assert koipond("approve", plan["plan"], "--by", "anna")[0] == 0
    assert koipond("send", plan["plan"])[0] == 0

    late = tmp_path / "late.csv"  # the windows are over: orders reach beyond them
    late.write_text("Member,Receipt,Sold at,Paid\nlate,late-1,2026-06-30 10:00:00,1.00\n")
    assert koipond("import", "orders", late, *MAPS)[0] == 0
    counted = koipond("report", "dormant_recall", "--as-of", "2026-12-31")[1]["population"]

    assert koipond("quality", "confirm", "test_account", "--by", "anna")[1]["changed"] == FAKES
    at_once = koipond("layers")[1]
    assert (at_once["customers"], at_once["left_out"]) == (301, FAKES)
    for full in ((), ("--full",)):
        assert koipond("refresh", *full)[0] == 0
        layers = koipond("layers")[1]
        assert (layers["customers"], layers["left_out"]) == (301, FAKES)
        everyone = koipond("segments", "count", "everyone")[1]
        assert (everyone["count"], everyone["left_out"]) == (301, FAKES)
    assert koipond("segments", "list")[1]["left_out"] == FAKES
    assert koipond("plan")[1]["left_out"] == FAKES
    later = koipond("report", "dormant_recall", "--as-of", "2026-12-31")[1]
    assert later["left_out"]["unreal"] > 0
    assert later["population"] + later["left_out"]["unreal"] == counted
    assert sum(arm["assigned"] for arm in later["arms"]) == later["population"]

    assert koipond("quality", "clear", "test_account", "--by", "anna")[1]["changed"] == FAKES
    assert koipond("refresh")[0] == 0
    assert koipond("layers")[1]["customers"] == 301 + FAKES


def test_cut_offs_are_taken_without_them(koipond: Koipond, orders_csv: Path, tmp_path: Path) -> None:
    """After --full the brand with confirmed fakes has the layers of the brand that never had any."""
    clean = tmp_path / "clean.csv"
    clean.write_text(orders_csv.read_text())
    start(koipond, with_fakes(orders_csv))
    assert koipond("quality", "confirm", "test_account", "--by", "anna")[0] == 0
    assert koipond("refresh", "--full")[0] == 0
    found = koipond("layers")[1]
    (tmp_path / "brand").rename(tmp_path / "other")
    assert koipond("init", "--clock", "last_fact")[0] == 0
    assert koipond("import", "orders", clean, *MAPS)[0] == 0
    assert koipond("refresh")[0] == 0
    for name in ("customers", "buyers", "rfm", "lifecycle", "flags", "aipl", "grade"):
        assert koipond("layers")[1][name] == found[name], name
