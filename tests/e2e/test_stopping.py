"""An operator stops what waits, and settles what nobody knows, by commands alone."""

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from koipond.bootstrap import open_app
from koipond.worker.planning import plan_touches
from tests.e2e.conftest import Koipond
from tests.e2e.test_app_first_afternoon import start


def approved(koipond: Koipond) -> dict[str, object]:
    plan = koipond("plan")[1]
    assert koipond("approve", "latest", "--by", "anna")[0] == 0
    return plan


def strategy_file(tmp_path: Path, key: str) -> Path:
    return tmp_path / "brand" / "strategies" / f"{key}.yaml"


@pytest.mark.parametrize("scope", ["all", "channel:sandbox", "strategy:dormant_recall"])
def test_a_pause_is_seen_everywhere_and_ends(
    koipond: Koipond, orders_csv: Path, init_options: tuple[str, ...], scope: str
) -> None:
    start(koipond, orders_csv, *init_options)
    assert koipond("pause", scope, "--by", "anna", "--reason", "wrong text")[0] == 0
    code, wrong = koipond("pause", "channel:pigeon", "--by", "anna")
    assert code == 2
    assert "channel:sandbox" in wrong["message"]
    assert [one["scope"] for one in koipond("pauses")[1]["pauses"]] == [scope]
    plan = approved(koipond)
    assert any(scope in note and "by anna" in note for note in plan["notes"])  # type: ignore[union-attr, attr-defined]
    stopped = {row["strategy"] for row in plan["losses"] if row["reason"] == "not_running"}  # type: ignore[index, attr-defined, union-attr]
    assert "dormant_recall" in stopped
    told = (play for n in range(0, 90, 3) for play in koipond("why", f"m{n}")[1]["plays"])
    words = next(play["words"]["en"] for play in told if play["reason"] == "not_running")
    assert "paused since" in words
    assert "anna" in words
    sent = koipond("send", "latest")[1]
    assert [one["by"] for one in sent["paused"]] == ["anna"]
    code, doctor = koipond("doctor")
    assert code == 1
    assert any(scope in one["problem"] for one in doctor["problems"])
    assert koipond("resume", scope, "--by", "anna")[1]["resumed"]
    assert koipond("pauses")[1]["pauses"] == []
    again = koipond("plan")[1]
    assert not any(row["reason"] == "not_running" for row in again["losses"])
    assert koipond("verify")[1]["breaks"] == 0


def test_a_pause_set_after_the_plan_blocks_at_the_gate(koipond: Koipond, orders_csv: Path) -> None:
    start(koipond, orders_csv)
    plan = approved(koipond)
    koipond("pause", "channel:sandbox", "--by", "anna")
    sent = koipond("send", "latest")[1]
    assert sent["sent"] == 0
    assert sent["blocked_by"] == {"not_running": plan["touches"]}


def test_a_plan_is_withdrawn_by_command(
    koipond: Koipond, orders_csv: Path, init_options: tuple[str, ...]
) -> None:
    """A19."""
    start(koipond, orders_csv, *init_options)
    approved(koipond)
    code, done = koipond("plans", "withdraw", "latest", "--by", "anna", "--reason", "wrong")
    assert (code, done["status"], done["ended"]) == (0, "withdrawn", 0)
    assert koipond("send", done["plan"])[0] == 3
    assert koipond("plans")[1]["plans"][0]["status"] == "withdrawn"
    assert koipond("plans", "withdraw", "p77", "--by", "anna")[0] == 2
    assert koipond("plans", "withdraw", "latest", "--by", " ")[0] == 2


def test_a_killed_plan_is_neither_latest_nor_approved(
    koipond: Koipond, orders_csv: Path, tmp_path: Path
) -> None:
    """A28."""
    start(koipond, orders_csv)
    good = koipond("plan")[1]["plan"]
    with open_app(tmp_path / "brand") as app:
        args = {"strategies": {}, "definition_version": 1, "warehouse_version": 1}
        dead = app.store.plans.make(as_of=app.observation_day(None), now=app.clock.now(), **args)
    assert [row["status"] for row in koipond("plans")[1]["plans"]] == ["unfinished", "draft"]
    assert koipond("approve", dead.key, "--by", "anna")[0] == 3
    assert koipond("approve", "latest", "--by", "anna")[1]["plan"] == good
    assert koipond("plans", "withdraw", dead.key, "--by", "anna")[0] == 3
    assert koipond("send", "latest")[1]["plan"] == good


def test_the_candidates_of_a_killed_plan_go_with_the_next(
    koipond: Koipond, orders_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(koipond, orders_csv)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    def planned() -> set[str]:
        with open_app(tmp_path / "brand") as app, app.warehouse.read() as reader:
            rows = reader.frame(reader.table("candidates").select("plan").distinct())
            return set(rows.column("plan").to_pylist())

    with open_app(tmp_path / "brand") as app, monkeypatch.context() as patched:
        patched.setattr(type(app.store.plans), "finish", killed)
        with pytest.raises(KeyboardInterrupt):
            plan_touches(app, [], None)
    assert planned() == {"p1"}
    assert koipond("plan")[1]["plan"] == "p2"
    assert koipond("plan")[1]["plan"] == "p3"
    assert planned() == {"p2", "p3"}


def test_another_priority_on_the_same_day_makes_nobody_new(
    koipond: Koipond, orders_csv: Path, tmp_path: Path
) -> None:
    """A24: plan, why and gate agree."""
    start(koipond, orders_csv)
    for key in ("newcomer_welcome", "dormant_recall", "high_value_care"):
        file = strategy_file(tmp_path, key)
        body = yaml.safe_load(file.read_text())
        file.write_text(yaml.safe_dump({**body, "re_entry_days": 0, "priority": 50}, allow_unicode=True))
    settings = tmp_path / "brand" / "koipond.yaml"
    policy = {"defaults": {"contact_policy": {"duplicate_content_days": 0}}}
    settings.write_text(yaml.safe_dump({**yaml.safe_load(settings.read_text()), **policy}))
    assert koipond("apply", "--author", "t")[0] == 0
    assert koipond("refresh")[0] == 0
    first = approved(koipond)
    assert koipond("send", "latest")[1]["sent"] == first["touches"]
    for key in ("newcomer_welcome", "dormant_recall", "high_value_care"):
        file = strategy_file(tmp_path, key)
        file.write_text(file.read_text().replace("priority: 50", "priority: 51"))
    assert koipond("apply", "--author", "t")[0] == 0
    second = approved(koipond)
    again = [row for row in second["losses"] if row["reason"] == "re_entry"]  # type: ignore[attr-defined, union-attr]
    assert sum(row["candidates"] for row in again) == first["touches"]
    assert second["touches"] == 0
    assert koipond("send", "latest")[1]["sent"] == 0
    assert koipond("inbox")[1]["messages"] == first["touches"]


def lose(tmp_path: Path, count: int) -> list[str]:
    """Make touches unknown, as a killed sender leaves them, and return their keys."""
    with open_app(tmp_path / "brand") as app, app.store.database.write() as connection:
        connection.execute(sa.text(f"UPDATE outbox SET state = 'unknown' WHERE touch_no <= {count}"))
        connection.execute(
            sa.text(f"DELETE FROM touch_event WHERE kind = 'accepted' AND touch_no <= {count}")
        )
        query = "SELECT touch_key FROM touch WHERE touch_no <= :n ORDER BY touch_no"
        return list(connection.scalars(sa.text(query), {"n": count}))


def test_the_sandbox_settles_its_unknown_touches_itself(
    koipond: Koipond, orders_csv: Path, tmp_path: Path
) -> None:
    """A35: those that arrived, and those that did not."""
    start(koipond, orders_csv)
    approved(koipond)
    koipond("send", "latest")
    keys = lose(tmp_path, 4)
    box = tmp_path / "brand" / ".koipond" / "sandbox.sqlite"
    engine = sa.create_engine(f"sqlite:///{box}")
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM message WHERE key = :key"), {"key": keys[0]})
    engine.dispose()
    assert koipond("touches", "unknown")[1]["unknown"] == 4
    koipond("send", "latest")
    assert koipond("touches", "unknown")[1]["touches"] == []
    with open_app(tmp_path / "brand") as app:
        assert app.store.unknowns.states(keys)[keys[0]][0] == "failed"
        assert app.store.unknowns.states(keys)[keys[1]][0] == "accepted"


def test_an_operator_settles_by_key_by_list_and_by_mail_log(
    koipond: Koipond, orders_csv: Path, tmp_path: Path
) -> None:
    """A35."""
    start(koipond, orders_csv)
    approved(koipond)
    koipond("send", "latest")
    keys = lose(tmp_path, 8)
    shown = koipond("touches", "unknown")[1]
    assert [row["key"] for row in shown["touches"]] == keys
    assert {*shown["touches"][0]} == {"key", "customer_no", "channel", "plan", "since"}
    one = koipond("touches", "settle", keys[0], "--accepted", "--by", "anna")
    assert (one[0], one[1]["accepted"], one[1]["unknown"]) == (0, 1, 7)
    again = koipond("touches", "settle", keys[0], "--accepted", "--by", "anna")
    assert (again[0], again[1]["accepted"], again[1]["already"]) == (0, 0, 1)
    code, wrong = koipond("touches", "settle", keys[0], "f" * 32, "nonsense", "--failed", "--by", "anna")
    assert code == 2
    assert "nonsense" in wrong["message"]
    code, wrong = koipond("touches", "settle", keys[0], "f" * 32, "--failed", "--by", "anna")
    assert code == 2
    assert "no such touch" in wrong["message"]
    assert "not unknown" in wrong["message"]
    listed = tmp_path / "list.csv"
    listed.write_text(f"{keys[1]},accepted\n{keys[2]}, failed\n\n{keys[3].upper()},failed\n")
    assert koipond("touches", "settle", "--file", listed, "--by", "anna")[1]["failed"] == 2
    log = tmp_path / "mail.log"
    log.write_text(
        f"mx1 message-id=<{keys[4]}@brand.example> status=sent\nother\n<{'a' * 32}@else.example>\n"
        f"mx1 message-id=<{keys[5]}@brand.example> status=sent\n"
    )
    assert koipond("touches", "settle", "--file", log, "--by", "anna")[0] == 2
    done = koipond("touches", "settle", "--file", log, "--accepted", "--by", "anna")[1]
    assert (done["accepted"], done["unknown"]) == (2, 2)
    assert koipond("touches", "settle", "--by", "anna")[0] == 2
    assert koipond("touches", "settle", keys[6], "--by", "anna")[0] == 2
    assert koipond("doctor")[0] == 1
    assert koipond("verify")[1]["breaks"] == 0


def test_a_file_of_codes_that_another_list_holds_is_refused_by_line(
    koipond: Koipond, orders_csv: Path, tmp_path: Path
) -> None:
    """A22."""
    start(koipond, orders_csv)
    assert koipond("playbook", "add", "dormant_recall_code")[0] == 0
    offers = tmp_path / "brand" / "offers"
    (first,) = offers.glob("*.yaml")
    key = first.stem
    shutil.copy(first, offers / "second.yaml")
    (offers / "second.yaml").write_text(first.read_text().replace(f"key: {key}", "key: second"))
    assert koipond("apply", "--author", "t")[0] == 0
    codes = tmp_path / "codes.txt"
    codes.write_text("C1\nC2\nC3\n")
    assert koipond("codes", "import", key, codes)[1]["added"] == 3
    other = tmp_path / "other.txt"
    other.write_text("\nfresh\nc2\nＣ3\nD\u200b1\n")
    code, wrong = koipond("codes", "import", "second", other)
    assert code == 2
    assert all(f"line {line} " in wrong["message"] for line in (3, 4, 5))
    assert [row["list"] for row in koipond("codes", "list")[1]["lists"]] == [key]


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://锦鲤.example", "https://xn--jc5ao1m.example/unsubscribe/"),
        ("https://brand.example/店/", "https://brand.example/%E5%BA%97/unsubscribe/"),
    ],
)
def test_a_public_url_in_any_script_goes_into_mail_as_ascii(
    koipond: Koipond, orders_csv: Path, monkeypatch: pytest.MonkeyPatch, url: str, link: str
) -> None:
    """A13."""
    monkeypatch.setenv("KOIPOND_PUBLIC_URL", url)
    start(koipond, orders_csv)
    plan = approved(koipond)
    assert koipond("send", "latest")[1]["sent"] == plan["touches"]
    texts = [one["text"] for one in koipond("inbox")[1]["shown"]]
    assert all("unsubscribe" not in text or link in text for text in texts)


@pytest.mark.parametrize("url", ["ftp://brand.example", "https://", "https://a b.example", "brand.example"])
def test_a_public_url_that_mail_cannot_carry_is_refused_before_anything_is_claimed(
    koipond: Koipond, orders_csv: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """A13: nothing is left unknown."""
    start(koipond, orders_csv)
    approved(koipond)
    monkeypatch.setenv("KOIPOND_PUBLIC_URL", url)
    code, wrong = koipond("send", "latest")
    assert code == 2
    assert "KOIPOND_PUBLIC_URL" in wrong["message"]
    assert "KOIPOND_PUBLIC_URL" in koipond("doctor")[1]["message"]
    monkeypatch.delenv("KOIPOND_PUBLIC_URL")
    assert koipond("touches", "unknown")[1]["unknown"] == 0
    assert koipond("send", "latest")[1]["unknown"] == 0
