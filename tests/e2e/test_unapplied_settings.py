"""What `koipond.yaml` says takes effect with `apply` alone; zone and currency stay once there are facts."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from koipond.bootstrap import open_app
from koipond.cli.app import main
from koipond.kernel import RefusedError
from koipond.store import DefinitionChange
from tests.e2e.conftest import Koipond
from tests.e2e.test_app_first_afternoon import MAPS, start

ALL_DAY = {"start_hour": 0, "end_hour": 23}
EDITS: dict[str, Any] = {
    "zone": "America/New_York",
    "currency": "IDR",
    "clock": "system",
    "country": "ID",
    "language": "id",
    "name": "Somebody else",
    "traits": {"shoe_size": {"type": "number"}},
    "quality": {"day_orders_max": 1, "test_words": ["m"]},
    "events": {"browse": ["home"], "purchase": ["paid"]},
    "channels": {"sandbox": {"cost_fen": 99, "quota_per_day": 0}},
    "defaults": {
        "contact_policy": {
            "caps": [{"touches_max": 1, "days": 300}],
            "quiet": ALL_DAY,
            "duplicate_content_days": 366,
            "assumed_consent": {
                "email": {"segment": "newcomers", "basis": "a contract of ten words", "author": "anna"}
            },
        },
        "default_margin_bp": 1,
        "global_holdout_rate": 0.5,
    },
}


def write(folder: Path, **changes: Any) -> str:
    """Change keys of `koipond.yaml`; return what it held before."""
    file = folder / "koipond.yaml"
    before = file.read_text()
    file.write_text(
        yaml.safe_dump({**yaml.safe_load(before), **changes}, sort_keys=False, allow_unicode=True)
    )
    return before


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "brand"


def test_an_edit_of_any_key_changes_nothing_before_apply(
    koipond: Koipond, orders_csv: Path, folder: Path, init_options: tuple[str, ...]
) -> None:
    """A23, every key at once: import, plan, gate, send, layers, report under what was applied."""
    start(koipond, orders_csv, *init_options)
    write(folder, **EDITS)
    other = folder.parent / "more.csv"
    other.write_text("Member,Receipt,Sold at,Paid\nm1,x1,2026-03-29 23:30:00,10.50\n")
    code, answer = koipond("import", "orders", other, *MAPS)
    assert (code, answer["kept"]) == (0, 1)
    with open_app(folder) as app:
        assert app.zone.key == "Asia/Shanghai"
        with app.warehouse.read() as reader:
            orders = reader.table("orders")
            [row] = reader.frame(orders.filter(orders.order_id == "x1")).to_pylist()
    assert row["at_s"] == datetime(2026, 3, 29, 15, 30, tzinfo=UTC).timestamp()
    assert koipond("refresh")[0] == 0
    plan = koipond("plan")[1]
    assert plan["touches"] > 0
    assert koipond("approve", "latest", "--by", "anna")[0] == 0
    sent = koipond("send", "latest")[1]
    assert sent["sent"] == plan["touches"]
    assert sent["deferred"] == 0


@pytest.mark.parametrize("key", sorted(EDITS))
def test_no_key_alone_changes_a_command_before_apply(koipond: Koipond, folder: Path, key: str) -> None:
    """A23, key by key: what is in force is what was applied, and the edit is said."""
    koipond("init")
    with open_app(folder) as app:
        before = app.settings
    write(folder, **{key: EDITS[key] if key != "clock" else "last_fact"})
    with open_app(folder) as app:
        assert app.settings == before
    assert koipond("doctor")[1]["problems"][-2]["problem"].startswith(f"koipond.yaml differs in {key}")
    changes = [field["path"] for change in koipond("diff")[1]["changes"] for field in change["fields"]]
    assert all(path.startswith(key) for path in changes)
    if key != "defaults":  # it names a segment that is not there
        assert koipond("apply")[0] == 0
        with open_app(folder) as app:
            assert app.settings != before


def test_quiet_hours_edited_in_the_evening_hold_from_apply(
    koipond: Koipond, orders_csv: Path, folder: Path, init_options: tuple[str, ...]
) -> None:
    """A23: not applied, they neither open nor shut an hour; applied, they do."""
    start(koipond, orders_csv, *init_options)
    plan = koipond("plan")[1]
    koipond("approve", "latest", "--by", "anna")
    write(folder, defaults={"contact_policy": {"quiet": {"start_hour": 0, "end_hour": 19}}})
    assert koipond("apply")[0] == 0
    write(folder, defaults={"contact_policy": {"quiet": {"start_hour": 3, "end_hour": 4}}})
    sent = koipond("send", "latest")[1]
    assert (sent["sent"], sent["deferred"]) == (0, plan["touches"])
    assert koipond("verify")[1]["breaks"] == 0


def test_a_broken_file_does_not_stop_what_was_applied(
    koipond: Koipond, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    koipond("init")
    write(folder, zone="Mars/Base", surprise=1)
    assert koipond("check")[0] == 1
    capsys.readouterr()
    assert main(["-C", str(folder), "verify", "--json"]) == 0
    assert "koipond.yaml is wrong and has no effect" in capsys.readouterr().err
    assert koipond("apply")[0] != 0


def test_an_unapplied_edit_is_one_line_on_stderr(
    koipond: Koipond, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    koipond("init")
    write(folder, name="Else", language="id")
    capsys.readouterr()
    assert main(["-C", str(folder), "plans", "--json"]) == 0
    err = capsys.readouterr().err.strip().splitlines()
    assert err == ["koipond: koipond.yaml differs in language, name: without effect until: koipond apply"]


def test_a_file_written_by_hand_holds_from_its_first_use(koipond: Koipond, folder: Path) -> None:
    folder.mkdir()
    (folder / "koipond.yaml").write_text(f"key: brand\nid: {'a1' * 16}\nzone: Asia/Jakarta\ncurrency: IDR\n")
    assert koipond("verify")[0] == 0
    write(folder, zone="Asia/Tokyo")
    with open_app(folder) as app:
        assert (app.zone.key, app.definitions.number) == ("Asia/Jakarta", 1)


@pytest.mark.parametrize(("key", "value"), [("zone", "Asia/Tokyo"), ("currency", "JPY")])
def test_zone_and_currency_change_before_facts_and_never_after(
    koipond: Koipond, orders_csv: Path, folder: Path, init_options: tuple[str, ...], key: str, value: str
) -> None:
    """A42's kin: refused by check, diff and apply with what there is and the way; nothing is applied."""
    koipond("init", *init_options)
    before = write(folder, **{key: value})
    assert koipond("apply")[0] == 0
    (folder / "koipond.yaml").write_text(before)
    assert koipond("apply")[0] == 0
    assert koipond("import", "orders", orders_csv, *MAPS)[0] == 0
    write(folder, **{key: value}, name="New name")
    for command, wanted in (("check", 1), ("diff", 1), ("apply", 3)):
        code, answer = koipond(command)
        assert code == wanted, command
        assert "1 imports" in str(answer)
        assert "orders, counted under" in str(answer)
        assert "new workspace" in str(answer)
    assert koipond("import", "orders", orders_csv, *MAPS)[0] == 0  # the edit has no effect on it
    with open_app(folder) as app:
        assert getattr(app.settings, key) != value
        assert app.settings.name != "New name"
    assert koipond("verify")[1]["breaks"] == 0


def test_another_folder_of_the_same_workspace_changes_no_zone(
    koipond: Koipond, orders_csv: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A42: a second checkout with the same id on one store."""
    koipond("init")
    koipond("import", "orders", orders_csv, *MAPS)
    second = tmp_path / "second"
    second.mkdir()
    text = (folder / "koipond.yaml").read_text()
    (second / "koipond.yaml").write_text(text.replace("Asia/Shanghai", "Asia/Tokyo"))
    (second / ".koipond").symlink_to(folder / ".koipond")
    assert main(["-C", str(second), "apply", "--json"]) == 3
    with open_app(second) as app:
        assert app.zone.key == "Asia/Shanghai"


def test_the_key_of_a_workspace_stays(koipond: Koipond, folder: Path) -> None:
    koipond("init")
    write(folder, key="another")
    assert koipond("apply")[0] == 3
    assert [f["code"] for f in koipond("check")[1]["findings"]] == ["key_fixed"]


def test_the_clock_goes_on_but_not_back(koipond: Koipond, orders_csv: Path, folder: Path) -> None:
    """To last_fact it would step behind touches that are stamped already, and caps would not see them."""
    start(koipond, orders_csv)
    koipond("plan")
    before = write(folder, clock="system")
    assert koipond("apply")[0] == 0
    (folder / "koipond.yaml").write_text(before)
    code, answer = koipond("apply")
    assert (code, "clock" in answer["message"]) == (3, True)


def test_the_store_itself_refuses_a_zone_under_facts(
    koipond: Koipond, orders_csv: Path, folder: Path, init_options: tuple[str, ...]
) -> None:
    """Whoever applies: the transaction looks, so that no import comes between diff and apply."""
    koipond("init", *init_options)
    koipond("import", "orders", orders_csv, *MAPS)
    with open_app(folder) as app:
        [own] = [one for one in app.definitions.applied if one.kind == "workspace"]
        body = {**own.body, "zone": "Asia/Tokyo"}
        change = DefinitionChange(kind="workspace", key=own.key, was=own.version, body=body)
        with pytest.raises(RefusedError, match="zone Asia/Shanghai cannot become Asia/Tokyo"):
            app.store.definitions.apply([change], author="x", now=app.machine.now())
        gone = DefinitionChange(kind="workspace", key=own.key, was=own.version)
        with pytest.raises(RefusedError, match="key"):
            app.store.definitions.apply([gone], author="x", now=app.machine.now())


def test_verify_sees_a_changed_zone_and_a_forged_body(
    koipond: Koipond, orders_csv: Path, folder: Path, init_options: tuple[str, ...]
) -> None:
    koipond("init", *init_options)
    koipond("import", "orders", orders_csv, *MAPS)
    with open_app(folder) as app, app.store.database.write() as connection:
        connection.exec_driver_sql("UPDATE import_batch SET began_s = 1")
        connection.exec_driver_sql(
            "INSERT INTO definition (kind, key, version, fingerprint, body, managed_by, apply_no)"
            " SELECT kind, key, version + 1, fingerprint, replace(body, 'Shanghai', 'Tokyo'), managed_by,"
            " apply_no FROM definition WHERE kind = 'workspace'"
        )
        connection.exec_driver_sql(
            "INSERT INTO definition (kind, key, version, fingerprint, body, managed_by, apply_no)"
            " SELECT kind, 'stranger', 1, fingerprint, body, managed_by, apply_no"
            " FROM definition WHERE kind = 'workspace' AND version = 1"
        )
    code, answer = koipond("verify")
    found = {check["name"]: check["detail"] for check in answer["checks"] if check["status"] != "ok"}
    assert code == 1
    assert "zone became Asia/Tokyo" in found["settings"]
    assert "2 workspaces" in found["settings"]
    assert "version 2 of workspace" in found["definitions"]


def test_an_open_workspace_finds_what_others_applied_imported_and_refreshed(
    koipond: Koipond, orders_csv: Path, folder: Path, init_options: tuple[str, ...]
) -> None:
    koipond("init", "--clock", "last_fact", *init_options)
    with open_app(folder) as app:
        assert app.latest() is app
        first = app.clock.now()
        write(folder, name="New")
        koipond("apply")
        assert app.settings.name != "New"
        seen = app.latest()
        assert seen.settings.name == "New"
        assert seen.store is app.store
        koipond("import", "orders", orders_csv, *MAPS)
        later = seen.latest()
        assert later.clock.now() < first  # on the day of the newest order
        assert later.warehouse is later.latest().warehouse
        koipond("playbook", "add", "dormant_recall")
        koipond("apply")
        koipond("refresh")
        assert "dormant_recall" in later.latest().definitions.strategies
