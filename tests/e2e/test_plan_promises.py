"""A plan promises exactly what the gate grants, and nobody is lost between two strategies (issue 8, item
12).
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from koipond.worker import planning
from tests.e2e.conftest import Koipond
from tests.e2e.test_app_first_afternoon import start


def brand(koipond: Koipond, orders_csv: Path, tmp_path: Path, codes: int, budget_fen: int) -> None:
    """Two strategies for everybody: codes first, of which there are few; plain reminders for the rest."""
    start(koipond, orders_csv)
    folder = tmp_path / "brand"
    settings = folder / "koipond.yaml"
    settings.write_text(settings.read_text().replace("\ntraits:", "\n  global_holdout_rate: 0\ntraits:"))
    for file in folder.glob("strategies/*.yaml"):
        if file.stem != "dormant_recall":
            file.unlink()
    assert koipond("playbook", "add", "dormant_recall_code")[0] == 0
    for file in folder.glob("strategies/*.yaml"):
        text = file.read_text().replace("holdout_rate: 0.10", "holdout_rate: 0.0")
        text = text.replace("shop.example", "shop.test")
        if file.stem == "dormant_recall_code":
            lines = [line for line in text.splitlines() if not line.startswith(("budget:", "priority:"))]
            money = f"budget: {{total_fen: {budget_fen}, per_customer_fen: 100000}}"
            text = "\n".join([*lines, money, "priority: 90"]) + "\n"
        file.write_text(text)
    rule = folder / "segments" / "past_own_cycle.yaml"
    lines = ["rule: everyone" if line.startswith("rule:") else line for line in rule.read_text().splitlines()]
    rule.write_text("\n".join(lines) + "\n")
    code, applied = koipond("apply", "--author", "t")
    assert code == 0, applied
    assert koipond("refresh")[0] == 0
    stock = tmp_path / "codes.txt"
    stock.write_text("\n".join(f"AA{n}" for n in range(codes)) + "\n")
    assert koipond("codes", "import", "recall_code", stock, "--expires-on", "2026-12-31")[0] == 0


def touches(plan: dict[str, Any]) -> dict[str, int]:
    return {play["strategy"]: play["touches"] for play in plan["plays"]}


@pytest.mark.parametrize(("codes", "money_for"), [(12, 100), (100, 7), (9, 9)])
def test_whoever_gets_no_code_or_no_money_comes_back_to_the_next_strategy(
    koipond: Koipond, orders_csv: Path, tmp_path: Path, codes: int, money_for: int
) -> None:
    brand(koipond, orders_csv, tmp_path, codes, money_for * 1_000)
    assert "cost_fen: 1000" in (tmp_path / "brand" / "offers" / "recall_code.yaml").read_text()
    plan = koipond("plan")[1]
    expected = min(codes, money_for)
    assert touches(plan) == {"dormant_recall_code": expected, "dormant_recall": 300 - expected}
    assert koipond("approve", plan["plan"], "--by", "t")[0] == 0
    sent = koipond("send", plan["plan"], "--until-idle")[1]
    assert (sent["sent"] + sent["deferred"], sent["blocked"]) == (plan["touches"], 0)
    assert koipond("verify")[1]["breaks"] == 0


def test_sending_reads_neither_profile_nor_segments(
    koipond: Koipond, orders_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the gate is asked stands in the candidates; groups of a policy applied since are looked up at the
    gate alone, where they hold besides those that were approved."""
    brand(koipond, orders_csv, tmp_path, codes=12, budget_fen=100_000)
    plan = koipond("plan")[1]["plan"]
    assert koipond("approve", plan, "--by", "t")[0] == 0
    looked = []
    present = planning.present_profile
    monkeypatch.setattr(planning, "present_profile", lambda *given: looked.append(given) or present(*given))
    assert koipond("preview", plan)[0] == 0
    assert looked == []
    settings = tmp_path / "brand" / "koipond.yaml"
    found = yaml.safe_load(settings.read_text())
    found["defaults"]["contact_policy"]["exempt_segments"] = ["past_own_cycle"]
    settings.write_text(yaml.safe_dump(found, allow_unicode=True))
    assert koipond("apply", "--author", "t")[0] == 0
    assert koipond("preview", plan)[0] == 0
    assert looked == []
    assert koipond("send", plan)[0] == 0
