"""What was approved is what runs: texts, offers, budgets; what is stricter by now holds as well (A01)."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from koipond.bootstrap import open_app
from tests.e2e.conftest import Koipond
from tests.e2e.test_app_first_afternoon import start
from tests.e2e.test_unapplied_settings import write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "brand"


def edit(folder: Path, file: str, **changes: Any) -> None:
    path = folder / file
    path.write_text(
        yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}, sort_keys=False, allow_unicode=True)
    )


def unreviewed(folder: Path) -> None:
    """Change every text of every template."""
    for path in (folder / "templates").glob("*.yaml"):
        body = yaml.safe_load(path.read_text())
        texts = {lang: {**one, "subject": "UNREVIEWED"} for lang, one in body["texts"].items()}
        edit(folder, f"templates/{path.name}", texts=texts)


def subjects(answer: dict[str, Any], key: str) -> set[str]:
    return {(one.get("message") or one)["subject"] for one in answer[key]}


def test_the_text_that_was_approved_goes_out_whatever_is_applied_after(
    koipond: Koipond, orders_csv: Path, folder: Path, init_options: tuple[str, ...]
) -> None:
    start(koipond, orders_csv, *init_options)
    plan = koipond("plan")[1]
    before = subjects(koipond("preview", "latest")[1], "messages")
    koipond("approve", "latest", "--by", "anna")
    unreviewed(folder)
    assert koipond("apply", "--author", "mallory")[0] == 0
    assert subjects(koipond("preview", "p1")[1], "messages") == before
    sent = koipond("send", "p1", "--until-idle")[1]
    assert (sent["sent"], sent["moved"]) == (plan["touches"], [])
    said = subjects(koipond("inbox", "--limit", "500")[1], "shown")
    assert said
    assert "UNREVIEWED" not in said
    assert koipond("verify")[1]["breaks"] == 0
    assert koipond("plan")[1]["plan"] == "p2"  # a plan made after it says what is applied
    assert subjects(koipond("preview", "p2")[1], "messages") <= {"UNREVIEWED"}


def test_a_strategy_changed_since_goes_with_the_version_that_was_approved_and_it_is_said(
    koipond: Koipond, orders_csv: Path, folder: Path
) -> None:
    start(koipond, orders_csv)
    plan = koipond("plan")[1]
    koipond("approve", "latest", "--by", "anna")
    edit(folder, "strategies/dormant_recall.yaml", priority=1, re_entry_days=1)
    koipond("apply")
    sent = koipond("send", "latest", "--until-idle")[1]
    assert sent["moved"] == [{"strategy": "dormant_recall", "version": 1, "applied": 2}]
    assert sent["sent"] == plan["touches"]
    assert koipond("verify")[1]["breaks"] == 0


def test_an_archived_strategy_touches_nobody_whatever_was_approved(
    koipond: Koipond, orders_csv: Path, folder: Path
) -> None:
    start(koipond, orders_csv)
    plan = koipond("plan", "dormant_recall")[1]
    assert plan["touches"]
    koipond("approve", "latest", "--by", "anna")
    (folder / "strategies" / "dormant_recall.yaml").unlink()
    assert koipond("apply")[0] == 0
    sent = koipond("send", "latest")[1]
    assert (sent["sent"], sent["moved"][0]["applied"]) == (0, None)
    assert koipond("why", "m0", "--plan", plan["plan"])[0] == 0


@pytest.mark.parametrize(("then", "now"), [("ALL", 1), (1, "ALL")])
def test_the_caps_of_then_and_now_hold_both(
    koipond: Koipond, orders_csv: Path, folder: Path, then: Any, now: Any
) -> None:
    """A cap of one touch in 300 days, in force at the approval or only at the sending."""

    def cap(most: Any) -> None:
        caps = [{"touches_max": 100 if most == "ALL" else most, "days": 300}]
        write(folder, defaults={"contact_policy": {"caps": caps}, "global_holdout_rate": 0})
        assert koipond("apply")[0] == 0

    start(koipond, orders_csv)
    cap("ALL")
    first = koipond("plan", "dormant_recall")[1]
    koipond("approve", "latest", "--by", "anna")
    assert koipond("send", "latest")[1]["sent"] == first["touches"] > 0
    cap(then)
    second = koipond("plan", "newcomer_welcome", "high_value_care")[1]
    koipond("approve", "latest", "--by", "anna")
    cap(now)
    koipond("send", "latest")
    with open_app(folder) as app, app.store.database.read() as connection:
        query = "SELECT max(n) FROM (SELECT count(*) AS n FROM touch GROUP BY customer_no)"
        assert connection.execute(sa.text(query)).scalar_one() == 1
    assert second["plan"] == "p2"


def test_a_plan_that_is_not_what_was_approved_is_refused(
    koipond: Koipond, orders_csv: Path, folder: Path
) -> None:
    start(koipond, orders_csv)
    koipond("plan")
    koipond("approve", "latest", "--by", "anna")
    with open_app(folder) as app, app.store.database.write() as connection:
        forged = "UPDATE definition SET body = replace(body, 'priority', 'Priority') WHERE kind = 'strategy'"
        connection.execute(sa.text(forged))
    code, answer = koipond("send", "latest")
    assert (code, answer["error"]) == (3, "refused")
    broken = {one["name"] for one in koipond("verify")[1]["checks"] if one["status"] == "broken"}
    assert "approvals" in broken


def test_with_approvers_a_change_takes_effect_when_one_of_them_approves_it(
    koipond: Koipond, folder: Path, init_options: tuple[str, ...]
) -> None:
    assert koipond("init", "--language", "en", *init_options)[0] == 0
    koipond("playbook", "add", "dormant_recall")
    write(folder, approvers=["anna", "budi"])
    assert koipond("apply")[1]["waiting"] is None  # nobody had to approve until this very apply
    write(folder, name="New name")
    edit(folder, "strategies/dormant_recall.yaml", priority=1)
    done = koipond("apply", "--author", "mallory")[1]
    assert (done["waiting"], done["changes"][0]["approvers"]) == ("c1", ["anna", "budi"])
    with open_app(folder) as app:
        assert app.settings.name != "New name"
        assert app.definitions.strategies["dormant_recall"].version == 1
    assert koipond("changes", "approve", "c1", "--by", "mallory")[0] == 3
    assert koipond("changes", "approve", "c1", "--by", "budi")[1]["state"] == "applied"
    with open_app(folder) as app:
        assert app.settings.name == "New name"
        assert app.definitions.strategies["dormant_recall"].version == 2
    write(folder, approvers=[])  # nobody takes the approvers away by himself
    assert koipond("apply", "--author", "mallory")[1]["waiting"] == "c2"
    assert koipond("apply", "--author", "anna")[1]["waiting"] is None
