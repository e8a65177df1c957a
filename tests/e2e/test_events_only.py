"""A brand that only tracks events: its clock, its event names, its thresholds."""

import json
from pathlib import Path
from typing import Any

import pytest

from koipond.cli.app import main
from tests.e2e.conftest import Koipond
from tests.e2e.test_app_first_afternoon import MAPS


def events(tmp_path: Path, *names: str, month: int = 3) -> Path:
    path = tmp_path / f"events-{month}.csv"
    rows = [f"u{n % 7},{names[n % len(names)]},2026-{month:02d}-{1 + n:02d} 09:00:00" for n in range(20)]
    path.write_text("\n".join(["customer_id,event,timestamp", *rows]) + "\n")
    return path


def test_without_orders_the_clock_lives_on_the_newest_event(
    koipond: Koipond, tmp_path: Path, orders_csv: Path
) -> None:
    assert koipond("init", "--clock", "last_fact")[0] == 0
    made = koipond("import", "events", events(tmp_path, "Product Viewed"))
    assert made[0] == 0, made[1]
    assert made[1]["as_of"] == "2026-03-20"
    assert koipond("layers")[1]["as_of"] == "2026-03-20"
    later = koipond("import", "events", events(tmp_path, "Product Viewed", month=5))[1]
    assert later["as_of"] == "2026-05-20"
    orders = koipond("import", "orders", orders_csv, *MAPS)[1]
    assert orders["as_of"] < "2026-04-10"  # orders come first


def test_the_names_of_other_trackers_count(koipond: Koipond, tmp_path: Path) -> None:
    koipond("init", "--clock", "last_fact")
    answer = koipond("import", "events", events(tmp_path, "view_item", "purchase", "order_completed"))[1]
    assert answer["files"][0]["unrecognised_events"] == {}
    layers = koipond("layers")[1]
    assert layers["buyers"] == 7
    assert sum(layers["aipl"].values()) == 7


def test_an_import_of_unknown_names_says_how_to_map_them(
    koipond: Koipond, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    koipond("init", "--clock", "last_fact")
    file, folder = events(tmp_path, "home", "paid"), tmp_path / "brand"
    capsys.readouterr()
    assert main(["-C", str(folder), "import", "events", str(file), "--json"]) == 0
    told = capsys.readouterr()
    answer: dict[str, Any] = json.loads(told.out)
    assert answer["files"][0]["unrecognised_events"] == {"home": 10, "paid": 10}
    assert "home (10), paid (10)" in told.err
    assert "koipond.yaml" in told.err
    assert sum(koipond("layers")[1]["aipl"].values()) == 0
    settings = folder / "koipond.yaml"
    settings.write_text(settings.read_text() + "events: {browse: [home], purchase: [paid]}\n")
    assert sum(koipond("layers")[1]["aipl"].values()) == 0  # not applied: without effect
    assert koipond("apply")[0] == 0
    layers = koipond("layers")[1]
    assert layers["buyers"] == 7
    assert sum(layers["aipl"].values()) == 7


def test_thresholds_of_quality_are_checked_with_line_and_fix(koipond: Koipond, tmp_path: Path) -> None:
    koipond("init")
    settings = tmp_path / "brand" / "koipond.yaml"
    text = settings.read_text()
    line = len(text.splitlines()) + 2
    settings.write_text(text + "quality:\n  day_orders_maximum: 5\n  reward_discount_rate: 1.5\n")
    code, answer = koipond("check")
    assert code == 1
    unknown, bad = answer["findings"]
    assert (unknown["code"], unknown["file"], unknown["line"]) == ("unknown_key", "koipond.yaml", line)
    assert "day_orders_max" in unknown["fix"]
    assert (bad["code"], bad["line"]) == ("bad_value", line + 1)
    settings.write_text(text + "quality:\n  day_orders_max: 1\n  test_words: [probe]\n")
    assert koipond("check")[0] == 0
