import hashlib
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from koipond.bootstrap import open_app
from koipond.channels.sandbox import SandboxChannel
from koipond.cli.app import main
from koipond.outreach.ports import MayGoOn, Message, SendResult, always
from koipond.worker import sending
from tests.e2e.conftest import Koipond

MAPS = (
    "--map",
    "customer_id=Member",
    "--map",
    "order_id=Receipt",
    "--map",
    "at=Sold at",
    "--map",
    "amount=Paid",
)


def start(koipond: Koipond, orders_csv: Path, *options: str) -> None:
    """Make the brand of these tests; on SQLite as a copy of the first one of this file."""
    if options:
        return _start(koipond, orders_csv, *options)
    printed = hashlib.sha256(orders_csv.read_bytes()).hexdigest()[:16]
    home, kept = orders_csv.parent, orders_csv.parent.parent / f"started-{printed}"
    if not kept.exists():
        _start(koipond, orders_csv)
        for name in ("brand", "config"):
            shutil.copytree(home / name, kept.with_name("starting") / name)
        kept.with_name("starting").rename(kept)
        return None
    for name in ("brand", "config"):
        shutil.copytree(kept / name, home / name, dirs_exist_ok=True)
    return None


def _start(koipond: Koipond, orders_csv: Path, *options: str) -> None:
    assert koipond("init", "--clock", "last_fact", "--language", "en", *options)[0] == 0
    assert koipond("import", "orders", orders_csv, *MAPS)[0] == 0
    assert koipond("playbook", "add", "newcomer_welcome", "dormant_recall", "high_value_care")[0] == 0
    assert koipond("apply", "--author", "test")[0] == 0
    assert koipond("refresh")[0] == 0


def report_keys(plan: dict[str, Any]) -> list[str]:
    return [play["strategy"] for play in plan["plays"]]


def reasons(plan: dict[str, Any]) -> int:
    return sum(row["candidates"] for row in plan["waterfall"])


def test_from_a_file_of_orders_to_touches_and_a_report(
    koipond: Koipond, orders_csv: Path, init_options: tuple[str, ...]
) -> None:
    start(koipond, orders_csv, *init_options)
    code, plan = koipond("plan")
    assert code == 0
    assert plan["touches"] > 0
    assert plan["considered"] == plan["touches"] + reasons(plan)

    code, refused = koipond("send", plan["plan"])
    assert (code, refused["error"]) == (3, "refused")

    assert koipond("approve", plan["plan"], "--by", "anna")[0] == 0
    code, sent = koipond("send", plan["plan"], "--until-idle")
    assert code == 0
    assert sent["sent"] == plan["touches"]
    assert sent["failed"] == sent["unknown"] == sent["blocked"] == 0

    again = koipond("send", plan["plan"], "--until-idle")[1]
    assert [again[name] for name in ("sent", "failed", "unknown", "deferred")] == [0, 0, 0, 0]
    assert again["total"]["sent"] == sent["total"]["sent"] == sent["sent"]
    box = koipond("inbox")[1]
    assert box["messages"] == box["keys"] == sent["sent"]

    code, report = koipond("report", "dormant_recall")
    assert code == 0
    assert report["population"] == 0
    assert report["left_out"]["pending"] > 0
    assert koipond("verify")[1]["breaks"] == 0
    told = koipond("why", "m0", "--plan", "latest")[1]
    assert {play["strategy"] for play in told["plays"]} == set(report_keys(plan))


def test_the_next_plan_leaves_the_touched_in_peace(koipond: Koipond, orders_csv: Path) -> None:
    start(koipond, orders_csv)
    plan = koipond("plan")[1]
    koipond("approve", plan["plan"], "--by", "anna")
    koipond("send", plan["plan"])
    second = koipond("plan")[1]
    assert second["touches"] == 0
    assert {row["reason"] for row in second["waterfall"]} >= {"holdout", "re_entry"}


def test_a_second_plan_of_the_day_is_blocked_with_a_reason_for_everybody(
    koipond: Koipond, orders_csv: Path, init_options: tuple[str, ...]
) -> None:
    """Both were made and approved before either was sent: the gate alone can know."""
    start(koipond, orders_csv, *init_options)
    first, second = koipond("plan")[1], koipond("plan")[1]
    assert first["touches"] == second["touches"] > 0
    for plan in (first, second):
        assert koipond("approve", plan["plan"], "--by", "anna")[0] == 0
    draft = dict.fromkeys(("sent", "failed", "unknown", "blocked", "deferred"), 0)
    assert [one["total"] for one in koipond("plans")[1]["plans"]] == [draft, draft]
    assert koipond("send", first["plan"], "--until-idle")[1]["sent"] == first["touches"]
    sent = koipond("send", second["plan"], "--until-idle")[1]
    everybody = {**draft, "blocked": second["touches"]}
    assert {name: sent[name] for name in draft} == sent["total"] == everybody
    assert sent["blocked_by"] == {"re_entry": second["touches"]}
    newest, oldest = koipond("plans")[1]["plans"]
    assert (newest["touches"], newest["total"]) == (second["touches"], everybody)
    assert oldest["total"] == {**draft, "sent": first["touches"]}
    assert koipond("inbox")[1]["messages"] == first["touches"]


def test_two_sends_at_once_count_each_what_it_sent_itself(
    koipond: Koipond, orders_csv: Path, init_options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second runs from start to end while the first is about to hand over its first three messages."""
    start(koipond, orders_csv, *init_options)
    plan = koipond("plan")[1]
    assert koipond("approve", plan["plan"], "--by", "anna")[0] == 0
    monkeypatch.setattr(sending, "CLAIM", 3)
    between: list[dict[str, Any]] = []
    send = SandboxChannel.send

    def with_another(
        self: SandboxChannel, messages: Sequence[Message], now: datetime, may_go_on: MayGoOn = always
    ) -> list[SendResult]:
        if not between:
            between.append({})
            between.append(koipond("send", plan["plan"])[1])
        return send(self, messages, now, may_go_on)

    monkeypatch.setattr(SandboxChannel, "send", with_another)
    outer, inner = koipond("send", plan["plan"])[1], between[1]
    assert (outer["sent"], inner["sent"]) == (3, plan["touches"] - 3)
    assert outer["total"]["sent"] == koipond("inbox")[1]["keys"] == plan["touches"]
    assert (outer["deferred"], inner["deferred"], inner["total"]["deferred"]) == (0, 0, 3)


def test_a_plan_promises_no_more_codes_than_are_left(
    koipond: Koipond, orders_csv: Path, init_options: tuple[str, ...], tmp_path: Path
) -> None:
    start(koipond, orders_csv, *init_options)
    assert koipond("playbook", "add", "dormant_recall_code")[0] == 0
    assert koipond("apply", "--author", "test")[0] == 0
    none = koipond("plan", "dormant_recall_code")[1]
    assert none["touches"] == 0
    lost = "budget", "code_list:recall_code"
    (wanted,) = (row["candidates"] for row in none["losses"] if (row["reason"], row["detail"]) == lost)
    assert wanted > 4

    (tmp_path / "codes.txt").write_text("\n".join(f"C{n}" for n in range(4)))
    assert koipond("codes", "import", "recall_code", tmp_path / "codes.txt")[0] == 0
    plan = koipond("plan", "dormant_recall_code")[1]
    assert (plan["touches"], plan["considered"]) == (4, none["considered"] - none["touches"])
    assert plan["considered"] == plan["touches"] + reasons(plan)
    assert koipond("approve", plan["plan"], "--by", "anna")[0] == 0
    sent = koipond("send", plan["plan"], "--until-idle")[1]
    assert (sent["sent"], sent["blocked"]) == (4, 0)
    assert koipond("send", plan["plan"])[1]["total"] == sent["total"]


def test_layers_are_the_same_before_and_after_a_refresh(koipond: Koipond, orders_csv: Path) -> None:
    start(koipond, orders_csv)
    after = koipond("layers")[1]
    assert koipond("layers", "--as-of", "2026-02-20")[1]["as_of"] == "2026-02-20"
    assert koipond("layers")[1] == after
    assert sum(after["lifecycle"].values()) == after["customers"] == 300


def test_an_opt_out_holds_at_the_gate_before_any_refresh(koipond: Koipond, orders_csv: Path) -> None:
    start(koipond, orders_csv)
    plan = koipond("plan", "dormant_recall")[1]
    koipond("approve", plan["plan"], "--by", "anna")
    koipond("send", plan["plan"])
    key = koipond("inbox")[1]["shown"][0]["key"]
    assert koipond("inbox", "--play", "unsubscribed", "--key", key)[0] == 0
    koipond("send", plan["plan"])
    assert koipond("report", "dormant_recall")[1]["responses"]["unsubscribed"] == 1


def test_bad_input_is_named_and_nothing_is_written(koipond: Koipond, tmp_path: Path) -> None:
    koipond("init")
    broken = tmp_path / "cut.csv"
    broken.write_text('customer_id,order_id,at,amount\na,1,2026-01-01,"12.0\n')
    code, answer = koipond("import", "orders", broken)
    assert code == 2
    assert "cut.csv" in answer["message"]
    assert koipond("layers")[1]["customers"] == 0
    assert koipond("layers", "--as-of", "soon")[0] == 2
    assert koipond("plan")[0] == 2


def test_lists_and_manual_tags_are_seen_by_rules(koipond: Koipond, orders_csv: Path, tmp_path: Path) -> None:
    start(koipond, orders_csv)
    guests = tmp_path / "guests.txt"
    guests.write_text("m1\nm2\nm2\nnobody\n")
    made = koipond("lists", "import", "guests", guests)[1]
    assert (made["read"], made["members"], made["repeated"], made["strangers"]) == (4, 2, 1, 1)
    assert koipond("segments", "count", "list guests")[1]["count"] == 2

    tags = tmp_path / "brand" / "tags"
    tags.mkdir()
    (tags / "purpose.yaml").write_text(
        "key: purpose\nowner: crm-team\nsource: manual\nvalues: [gift, self_use]\n"
        "name: {zh: 购买目的, en: Purchase purpose, id: Tujuan belanja}\n"
    )
    code, answer = koipond("apply", "--author", "test")
    assert code == 0, answer
    assert koipond("tags", "set", "m7", "purpose", "resale")[0] == 2
    assert koipond("tags", "set", "m7", "purpose", "gift", "--author", "li", "--reason", "said so")[0] == 0
    assert koipond("refresh")[0] == 0
    assert koipond("segments", "count", "tag.purpose = gift")[1]["count"] == 1
    assert koipond("tags", "report")[0] == 0


def by_mail(koipond: Koipond, orders_csv: Path) -> dict[str, Any]:
    """Return the approved plan of a brand that writes e-mails to people with address and consent."""
    start(koipond, orders_csv)
    folder = orders_csv.parent / "brand"
    people = [f"m{n},m{n}@example.org" for n in range(300)]
    (folder / "people.csv").write_text("customer_id,email\n" + "\n".join(people) + "\n")
    said = [f"m{n},email,marketing,yes,2026-01-01" for n in range(300)]
    (folder / "said.csv").write_text("customer_id,channel,purpose,granted,at\n" + "\n".join(said) + "\n")
    assert koipond("import", "customers", folder / "people.csv")[0] == 0
    assert koipond("import", "consents", folder / "said.csv")[0] == 0
    strategy = folder / "strategies" / "dormant_recall.yaml"
    text = strategy.read_text().replace("[sandbox]", "[email]").replace("shop.example", "tea.example.org")
    strategy.write_text(text)
    code, answer = koipond("apply")
    assert code == 0, answer
    assert koipond("refresh")[0] == 0
    plan: dict[str, Any] = koipond("plan", "dormant_recall")[1]
    assert plan["touches"] > 0
    assert koipond("approve", plan["plan"], "--by", "anna")[0] == 0
    return plan


def test_a_channel_that_this_machine_cannot_send_on_is_named(
    koipond: Koipond, orders_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KOIPOND_SMTP_URL", raising=False)
    plan = by_mail(koipond, orders_csv)
    sent = koipond("send", plan["plan"])[1]
    assert (sent["sent"], sent["deferred"]) == (0, plan["touches"])
    assert sent["closed"] == {"email": plan["touches"]}
    again = koipond("send", plan["plan"])[1]
    assert (again["deferred"], again["total"]["deferred"]) == (0, plan["touches"])
    assert any("SMTP" in one["problem"] for one in koipond("doctor")[1]["problems"])
    waiting = koipond("report", "dormant_recall")[1]["arms"][0]
    assert waiting["waiting"] >= plan["touches"]
    assert waiting["waiting_touched"] == 0


def test_a_mail_server_that_does_not_answer_is_said(
    koipond: Koipond, orders_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = by_mail(koipond, orders_csv)
    monkeypatch.setenv("KOIPOND_SMTP_URL", "smtp://127.0.0.1:1")
    monkeypatch.setenv("KOIPOND_MAIL_FROM", "hello@tea.example.org")
    sent = koipond("send", plan["plan"])[1]
    assert (sent["sent"], sent["deferred"], sent["closed"]) == (0, plan["touches"], {})
    (problem,) = sent["problems"]
    assert (problem["state"], problem["touches"]) == ("queued", plan["touches"])
    assert problem["detail"]
    assert sent["wake_at"] is not None


def test_sending_beside_a_running_import_still_says_what_was_sent(koipond: Koipond, orders_csv: Path) -> None:
    """Facts are told by the next writer: an exit of 4 after the messages went out would hide them."""
    start(koipond, orders_csv)
    plan = koipond("plan")[1]
    assert koipond("approve", plan["plan"], "--by", "anna")[0] == 0
    with open_app(orders_csv.parent / "brand") as app, app.warehouse.write("a long import"):
        assert koipond("plan")[0] == 4
        code, sent = koipond("send", plan["plan"])
        assert koipond("report", "dormant_recall")[1]["error"] == "bad_input"  # no arm is told yet
    assert (code, sent["sent"]) == (0, plan["touches"])
    assert koipond("refresh")[1]["facts_told"] >= plan["touches"]


def test_times_are_the_workspaces_and_a_play_needs_keys(
    koipond: Koipond, orders_csv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """U18, U24: people read the clock on their wall; what is missing is said."""
    start(koipond, orders_csv)
    plan = koipond("plan")[1]["plan"]
    assert koipond("approve", plan, "--by", "ana")[0] == 0
    assert koipond("send", plan)[1]["sent"] > 0
    (first, *_) = koipond("inbox")[1]["shown"]
    at = datetime.fromisoformat(first["accepted_at"])
    folder = str(orders_csv.parent / "brand")
    capsys.readouterr()
    assert main(["-C", folder, "inbox"]) == 0
    shown = capsys.readouterr().out
    assert f"{at.astimezone(ZoneInfo('Asia/Shanghai')):%Y-%m-%d %H:%M}  {first['key']}" in shown
    assert "+00:00" not in shown
    code, said = koipond("inbox", "--play", "clicked")
    assert code == 2
    assert "--key KEY" in said["message"]
    assert main(["-C", folder, "tags", "report"]) == 0
    out = capsys.readouterr().out
    assert "None" not in out
    assert "('" not in out
