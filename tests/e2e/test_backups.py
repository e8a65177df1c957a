"""Backup and restore: store and warehouse of one moment, out and back, on both stores."""

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from koipond.bootstrap import App, open_app
from koipond.bootstrap import backups as module
from koipond.bootstrap.backups import make_backup
from koipond.bootstrap.restoring import restore_backup
from koipond.facts.ports import Holder
from koipond.settings import SystemClock
from koipond.store import save_keys
from koipond.store.keys import with_new_key, with_retired
from koipond.store.tables import METADATA
from koipond.warehouse import this_process
from tests.e2e.conftest import Koipond
from tests.e2e.test_app_first_afternoon import MAPS

NOT_COPIED = {"lease"}
TRIMMED = {"warehouse_version", "warehouse_file"}  # to the newest version: only its files are copied


def approve_a_plan(koipond: Koipond, orders_csv: Path, *init_options: str) -> None:
    """Make a workspace of buyers with phones and a plan that is approved and not sent."""
    assert koipond("init", "--clock", "last_fact", *init_options)[0] == 0
    people = orders_csv.parent / "people.csv"
    people.write_text("customer_id,phone\n" + "".join(f"m{n},138{n:08d}\n" for n in range(50)))
    for words in (
        ("import", "orders", orders_csv, *MAPS),
        ("import", "customers", people, "--verified"),
        ("playbook", "add", "dormant_recall"),
        ("apply",),
        ("refresh",),
        ("plan",),
        ("approve", "latest", "--by", "anna"),
    ):
        code, answer = koipond(*words)
        assert code == 0, answer


@pytest.fixture
def folder(koipond: Koipond, init_options: tuple[str, ...], orders_csv: Path) -> Path:
    """A workspace with something in most tables: people, consents, codes, arms, touches sent and waiting."""
    approve_a_plan(koipond, orders_csv, *init_options)
    code, answer = koipond("send", "latest")
    assert code == 0, answer
    return orders_csv.parent / "brand"


def rows(app: App) -> dict[str, list[tuple[Any, ...]]]:
    with app.store.database.read() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(sa.select(table))), key=repr)
            for table in METADATA.sorted_tables
            if table.name not in NOT_COPIED
        }


def content(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    with open_app(folder) as app:
        return rows(app)


def destroy(folder: Path) -> None:
    """Lose everything but the keys."""
    with open_app(folder) as app:
        schema = app.store.database.schema
        if schema is not None:
            with app.store.database.write() as connection:
                connection.exec_driver_sql(f'DROP SCHEMA "{schema}" CASCADE')
    shutil.rmtree(folder)


def dropped_schemas(folder: Path) -> Callable[[], None]:
    """Return what drops every schema of the workspace, those moved aside as well."""
    with open_app(folder) as app:
        schema, url = app.store.database.schema, app.store.database.reader.url

    def drop() -> None:
        if schema is None:
            return
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            query = sa.text("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, :name)")
            for name in connection.scalars(query, {"name": schema}).all():
                connection.exec_driver_sql(f'DROP SCHEMA "{name}" CASCADE')
        engine.dispose()

    return drop


def test_what_was_backed_up_comes_back_row_for_row(
    koipond: Koipond, folder: Path, tmp_path: Path, orders_csv: Path
) -> None:
    before, layers, plans = content(folder), koipond("layers")[1], koipond("plans")[1]
    yaml = (folder / "koipond.yaml").read_text()
    code, made = koipond("backup", tmp_path / "b")
    assert code == 0
    assert koipond("verify")[0] == 0
    drop = dropped_schemas(folder)
    destroy(folder)
    code, done = koipond("restore", tmp_path / "b")
    assert code == 0, done
    assert (done["version"], done["aside"], done["aside_schema"]) == (made["version"], None, None)
    after = content(folder)
    for name, found in before.items():
        if name in TRIMMED:
            assert set(after[name]) <= set(found)
            assert after[name]
        else:
            assert after[name] == found, name
    assert koipond("layers")[1] == layers
    assert koipond("plans")[1] == plans
    assert (folder / "koipond.yaml").read_text() == yaml
    assert koipond("diff")[1]["changes"] == []
    assert koipond("verify")[1]["breaks"] == 0
    assert koipond("inbox")[1]["messages"] > 0
    for words in (("import", "orders", orders_csv, *MAPS), ("refresh",), ("plan",), ("verify",)):
        assert koipond(*words)[0] == 0
    drop()


def test_the_present_state_is_moved_aside_and_only_when_that_is_said(
    koipond: Koipond, folder: Path, tmp_path: Path, orders_csv: Path
) -> None:
    layers = koipond("layers")[1]
    assert koipond("backup", tmp_path / "b")[0] == 0
    more = orders_csv.parent / "more.csv"
    more.write_text("Member,Receipt,Sold at,Paid\nx1,new-1,2026-03-28 10:00:00,10.00\n")
    assert koipond("import", "orders", more, *MAPS)[0] == 0
    newer = content(folder)
    code, answer = koipond("restore", tmp_path / "b")
    assert (code, answer["error"]) == (3, "refused")
    assert "--replace" in answer["message"]
    assert content(folder) == newer
    drop = dropped_schemas(folder)
    code, done = koipond("restore", tmp_path / "b", "--replace")
    assert code == 0, done
    assert koipond("layers")[1] == layers
    assert koipond("verify")[1]["breaks"] == 0
    aside = Path(done["aside"])
    assert list((aside / "warehouse").glob("orders/*.parquet"))
    assert (aside / "folder" / "koipond.yaml").exists()
    assert (aside / "store.sqlite").exists() or done["aside_schema"]
    drop()


def test_who_said_no_after_the_backup_is_still_not_reached(
    koipond: Koipond, folder: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """What was said by an operator or a click stands in no file that could be imported again."""
    request.addfinalizer(dropped_schemas(folder))
    assert koipond("backup", tmp_path / "kept")[0] == 0
    no = tmp_path / "no.csv"
    no.write_text("customer_id,channel,status\nm3,email,withdrawn\n")
    assert koipond("people", "suppress", "m2", "--reason", "complaint", "--by", "anna")[0] == 0
    assert koipond("import", "consents", no)[0] == 0
    code, answer = koipond("restore", tmp_path / "kept", "--replace")
    assert (code, answer["noes_kept"], answer["suppressions_kept"]) == (0, 1, 1), answer
    with open_app(folder) as app:
        suppressed = app.store.people.find("m2").pop().customer_no
        assert [one.reason for one in app.store.consents.suppressions([suppressed])] == ["complaint"]
        refused = app.store.people.find("m3").pop().customer_no
        assert [(one.channel, one.granted) for one in app.store.consents.history([refused])] == [
            ("email", False)
        ]
    assert koipond("verify")[1]["breaks"] == 0


def test_a_backup_from_before_a_rotation_is_brought_under_the_key_of_now(
    koipond: Koipond, folder: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Otherwise nobody would be recognised: each no would fall on a new customer, and count for nobody."""
    request.addfinalizer(dropped_schemas(folder))
    assert koipond("backup", tmp_path / "kept")[0] == 0
    customers = len(content(folder)["customer"])
    for _ in range(2):
        assert koipond("keys", "rotate")[0] == 0
    assert koipond("restore", tmp_path / "kept", "--replace")[0] == 0
    no = tmp_path / "no.csv"
    no.write_text("customer_id,channel,status\nm3,email,withdrawn\n")
    assert koipond("import", "consents", no)[0] == 0
    assert len(content(folder)["customer"]) == customers
    with open_app(folder) as app:
        [refused] = app.store.people.find("m3")
        assert not app.store.consents.history([refused.customer_no])[-1].granted
        assert app.store.unfindable() == []
    assert koipond("verify")[1]["breaks"] == 0


def test_an_older_store_put_back_by_hand_refuses_to_look_people_up(
    koipond: Koipond, folder: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(dropped_schemas(folder))
    with open_app(folder) as app:
        ring = app.store.keys
    save_keys(with_retired(with_new_key(ring)))  # as after a rotation that this store knows nothing of
    before = content(folder)
    no = tmp_path / "no.csv"
    no.write_text("customer_id,channel,status\nm3,email,withdrawn\n")
    for words in (
        ("import", "consents", no),
        ("import", "customers", tmp_path / "people.csv"),
        ("people", "suppress", "m2", "--reason", "complaint", "--by", "anna"),
        ("people", "show", "m2"),
    ):
        code, answer = koipond(*words)
        assert (code, answer["error"]) == (3, "refused"), words
        assert "koipond keys rotate" in answer["message"]
    after = content(folder)
    assert [after[name] for name in ("customer", "identifier", "consent")] == [
        before[name] for name in ("customer", "identifier", "consent")
    ]
    assert "keys" in [one["name"] for one in koipond("verify")[1]["checks"] if one["status"] == "broken"]
    assert "koipond keys rotate" in [row["fix"] for row in koipond("doctor")[1]["problems"]]
    assert koipond("keys", "rotate")[0] == 0
    assert koipond("import", "consents", no)[0] == 0
    assert len(content(folder)["customer"]) == len(before["customer"])
    assert koipond("verify")[1]["breaks"] == 0


def test_restoring_onto_the_same_state_needs_no_word(koipond: Koipond, folder: Path, tmp_path: Path) -> None:
    drop = dropped_schemas(folder)
    assert koipond("backup", tmp_path / "b")[0] == 0
    assert koipond("restore", tmp_path / "b")[0] == 0
    assert koipond("verify")[1]["breaks"] == 0
    drop()


def test_either_side_that_is_gone_comes_back_with_the_other(
    koipond: Koipond, folder: Path, tmp_path: Path
) -> None:
    """A09, A10, A11: the way back that the refusal names."""
    assert koipond("backup", tmp_path / "b")[0] == 0
    drop = dropped_schemas(folder)
    shutil.rmtree(folder / ".koipond" / "warehouse")
    code, answer = koipond("layers")
    assert code == 2
    assert "koipond restore BACKUP --replace" in answer["message"]
    assert koipond("restore", tmp_path / "b", "--replace")[0] == 0
    assert koipond("verify")[1]["breaks"] == 0
    drop()


def test_a_backup_that_is_not_whole_is_taken_for_none(
    koipond: Koipond, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_write_manifest", stopped)
        assert koipond("backup", tmp_path / "b")[0] == 130
    assert not (tmp_path / "b").exists()
    assert not list(tmp_path.glob(".b*"))
    assert koipond("backup", tmp_path / "b")[0] == 0
    code, answer = koipond("backup", tmp_path / "b")
    assert code == 2
    assert "is there already" in answer["message"]
    before = content(folder)
    damages: dict[str, Callable[[Path], None]] = {
        "backup.json": lambda file: file.unlink(),
        "warehouse/warehouse.json": lambda file: file.write_text("{}"),
        "folder/koipond.yaml": lambda file: file.unlink(),
    }
    parquet = next((tmp_path / "b" / "warehouse").glob("orders/*.parquet"))
    damages[str(parquet.relative_to(tmp_path / "b"))] = lambda file: file.write_bytes(
        file.read_bytes()[:-1] + b"x"
    )
    for name, harm in damages.items():
        shutil.copytree(tmp_path / "b", tmp_path / "harmed")
        harm(tmp_path / "harmed" / name)
        code, answer = koipond("restore", tmp_path / "harmed", "--replace")
        assert code == 2, name
        shutil.rmtree(tmp_path / "harmed")
    assert content(folder) == before
    assert koipond("verify")[1]["breaks"] == 0


def test_a_backup_is_for_its_owner_alone_and_holds_no_key(
    koipond: Koipond, folder: Path, tmp_path: Path
) -> None:
    code, made = koipond("backup", tmp_path / "b")
    assert code == 0
    everything = [tmp_path / "b", *(tmp_path / "b").rglob("*")]
    assert {path.stat().st_mode & 0o077 for path in everything} == {0}
    keys = json.loads(Path(made["keys"]).read_text())
    secrets = [key["secret"].encode() for key in keys["keys"].values()]
    for file in everything:
        if file.is_file():
            assert not any(secret in file.read_bytes() for secret in secrets)


def test_without_the_keys_nothing_is_touched(
    koipond: Koipond, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert koipond("backup", tmp_path / "b")[0] == 0
    before = content(folder)
    with monkeypatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path / "elsewhere"))
        code, answer = koipond("restore", tmp_path / "b", "--replace")
    assert (code, answer["error"]) == (2, "wrong_keys")
    assert "put your copy of that file back" in answer["message"]
    assert content(folder) == before


def test_somebody_who_works_on_it_is_not_cut_off(koipond: Koipond, folder: Path, tmp_path: Path) -> None:
    assert koipond("backup", tmp_path / "b")[0] == 0
    now = datetime.now(UTC)
    with open_app(folder) as app:
        held = app.store.leases.open("sender", this_process("send"), now)
        gone = Holder(host=this_process("x").host, pid=2**22 + 1, started="9", purpose="import")
        app.store.leases.open("import", gone, now)
        app.store.leases.open(
            "reader", Holder(host="old", pid=1, started="", purpose="x"), now - timedelta(1)
        )
    code, answer = koipond("restore", tmp_path / "b", "--replace")
    assert (code, answer["error"]) == (4, "busy")
    assert "send (process" in answer["message"]
    drop = dropped_schemas(folder)
    with open_app(folder) as app:
        app.store.leases.close(held)
    assert koipond("restore", tmp_path / "b", "--replace")[0] == 0
    assert koipond("leases")[1]["leases"] == []
    drop()


def test_another_workspace_is_not_overwritten(koipond: Koipond, folder: Path, tmp_path: Path) -> None:
    assert koipond("backup", tmp_path / "b")[0] == 0
    assert koipond("init", tmp_path / "second")[0] == 0
    code, answer = koipond("-C", tmp_path / "second", "restore", tmp_path / "b", "--replace")
    assert code == 2
    assert "another workspace" in answer["message"]


def test_a_publication_in_the_middle_is_met_by_beginning_anew(
    koipond: Koipond, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Consistent beside a running server: the files are those of the version that the store's copy names."""
    turns = iter([True, True, False])
    real = module.snapshot

    def raced(database: Any) -> Any:
        if next(turns):
            with open_app(folder) as other, other.warehouse.write("beside") as writer:
                writer.set_meta("beside", 1)
                writer.publish()
        return real(database)

    monkeypatch.setattr(module, "snapshot", raced)
    with open_app(folder) as app:
        made = make_backup(app, tmp_path / "b", lambda *_: None)
        assert made.store.at.version == app.store.versions.current().version
    drop = dropped_schemas(folder)
    assert koipond("restore", tmp_path / "b")[0] == 0
    assert koipond("verify")[1]["breaks"] == 0
    drop()


def test_rows_written_while_the_store_is_copied_are_not_in_it(
    koipond: Koipond, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = module._copy_both

    def beside(*given: Any) -> Any:
        with open_app(folder) as other:
            other.store.settings.set("beside", 1)
        return real(*given)

    monkeypatch.setattr(module, "_copy_both", beside)
    before = content(folder)
    assert koipond("backup", tmp_path / "b")[0] == 0
    assert content(folder) != before
    drop = dropped_schemas(folder)
    assert koipond("restore", tmp_path / "b", "--replace")[0] == 0
    assert content(folder)["workspace_setting"] == before["workspace_setting"]
    drop()


class Stopped(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", range(1, 12))
def test_a_restore_that_was_killed_is_refused_or_done_and_goes_on(
    koipond: Koipond, orders_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """At each rename: no command works on one new and one old side; the same command brings both back."""
    assert koipond("init", "--clock", "last_fact")[0] == 0
    assert koipond("import", "orders", orders_csv, *MAPS)[0] == 0
    assert koipond("refresh")[0] == 0
    layers = koipond("layers")[1]
    assert koipond("backup", tmp_path / "b")[0] == 0
    assert koipond("refresh")[0] == 0
    calls = iter(range(1, 1000))
    rename = Path.rename

    def stop(path: Path, target: Path) -> Path:
        if next(calls) == step:
            raise Stopped
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", stop)
        with suppress(Stopped):  # the last steps are more than it has
            restore_backup(tmp_path / "brand", tmp_path / "b", SystemClock(), lambda *_: None, replace=True)
    code, answer = koipond("layers")
    assert code == 2 if "error" in answer else answer == layers
    assert koipond("restore", tmp_path / "b", "--replace")[0] == 0
    assert koipond("layers")[1] == layers
    assert koipond("verify")[1]["breaks"] == 0
