"""Nothing is unlinked by a command that fails; what is published is proven; `verify` and `doctor` see it."""

import json
import os
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import koipond.warehouse.engine as engine
from koipond.bootstrap import App, open_app
from koipond.facts.ports import Holder
from koipond.kernel import FixedClock, InputError
from koipond.store.tables import lease, warehouse_file
from koipond.warehouse import this_process
from koipond.warehouse.mark import read_mark
from koipond.warehouse.tidying import QUARANTINE_DAYS
from tests.e2e.conftest import Koipond
from tests.e2e.test_app_first_afternoon import MAPS


@pytest.fixture
def folder(koipond: Koipond, init_options: tuple[str, ...], orders_csv: Path) -> Path:
    assert koipond("init", "--clock", "last_fact", *init_options)[0] == 0
    assert koipond("import", "orders", orders_csv, *MAPS)[0] == 0
    assert koipond("refresh")[0] == 0
    return orders_csv.parent / "brand"


def parquet(folder: Path) -> set[Path]:
    return set((folder / ".koipond" / "warehouse").glob("*/*.parquet"))


def broken(koipond: Koipond) -> dict[str, str]:
    """Return the checks of `verify` that are broken, with what they say."""
    code, answer = koipond("verify")
    found = {row["name"]: row["detail"] for row in answer["checks"] if row["status"] != "ok"}
    assert code == (1 if found else 0)
    return found


def publish(app: App, word: str, before: Callable[[], None] = lambda: None) -> None:
    with app.warehouse.write(word) as writer:
        writer.set_meta(word, 1)
        before()
        writer.publish()


def plant(folder: Path) -> Path:
    """Leave a file as a killed writer does."""
    file = folder / ".koipond" / "warehouse" / "orders" / "0000000099-left.parquet"
    file.write_bytes(b"half a file")
    return file


@pytest.mark.parametrize("fault", ["disk full", "wrong file", "killed before the commit"])
def test_a_command_that_fails_unlinks_nothing(
    koipond: Koipond, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    plant(folder)
    before = {file: file.read_bytes() for file in parquet(folder)}
    (tmp_path / "bad.csv").write_text("Member,Receipt,Sold at,Paid\nm1,r1,yesterday,12,50\n")
    real = engine.sync

    def full(path: Path) -> None:
        if path.suffix == ".parquet":
            raise OSError(28, "No space left on device", str(path))
        real(path)

    with monkeypatch.context() as patch:
        if fault == "disk full":
            patch.setattr(engine, "sync", full)
            assert koipond("refresh", "--full")[0] == 2
        elif fault == "wrong file":
            assert koipond("import", "orders", tmp_path / "bad.csv", *MAPS)[0] == 2
        else:
            patch.setattr("koipond.store.versions._forget_old", lambda *_: os.fspath(1))  # type: ignore[arg-type]
            assert koipond("refresh", "--full")[0] == 70  # a mistake of ours, as far as anybody can tell
    after = {file: file.read_bytes() for file in parquet(folder)}
    assert before.items() <= after.items()
    assert broken(koipond) == {}
    assert koipond("refresh")[0] == 0


def test_what_no_version_named_waits_in_quarantine_for_days(koipond: Koipond, folder: Path) -> None:
    left = plant(folder)
    detail = next(row for row in koipond("verify")[1]["checks"] if row["name"] == "warehouse_files")
    assert (detail["status"], detail["detail"]) == ("ok", "1 files that no version names")
    assert koipond("refresh")[0] == 0
    assert not left.exists()
    [aside] = (folder / ".koipond" / "warehouse" / "quarantine").rglob(left.name)
    assert aside.read_bytes() == b"half a file"
    detail = next(row for row in koipond("verify")[1]["checks"] if row["name"] == "warehouse_files")
    assert detail["detail"] == "1 in quarantine"
    for days, there in ((QUARANTINE_DAYS, True), (QUARANTINE_DAYS + 1, False)):
        clock = FixedClock(datetime.now(UTC) + timedelta(days=days))
        with open_app(folder, machine=clock) as app, app.warehouse.write("later") as writer:
            writer.set_meta("later", days)
            writer.publish()
        assert aside.exists() == there


def test_retired_files_are_deleted_and_forgotten(koipond: Koipond, folder: Path) -> None:
    for _ in range(5):
        assert koipond("refresh", "--full")[0] == 0
    with open_app(folder) as app:
        kept = app.store.versions.kept(app.machine.now())
        named = {(d, file) for m in kept for d, files in m.datasets.items() for file in files}
        assert len(kept) == 3
        assert set(app.store.versions.files()) == named
        assert {(file.parent.name, file.name) for file in parquet(folder)} == named
    assert not (folder / ".koipond" / "warehouse" / "quarantine").exists()


def test_a_file_of_a_later_writer_is_not_taken_for_a_leaving(koipond: Koipond, folder: Path) -> None:
    """A writer that stood still after its publication finds files that another one is writing by then."""
    with open_app(folder) as app, app.warehouse.write("slow") as writer:
        writer.set_meta("slow", 1)
        writer.publish()
        beside = plant(folder)
    assert beside.exists()


def harm_size(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"x")


def harm_bytes(file: Path) -> None:
    body = bytearray(file.read_bytes())
    body[len(body) // 2] ^= 255
    file.write_bytes(body)


@pytest.mark.parametrize(
    ("harm", "words"),
    [(Path.unlink, "is missing"), (harm_size, "were published"), (harm_bytes, "sha256")],
    ids=["missing", "another size", "another content"],
)
def test_verify_sees_a_file_that_is_not_what_was_published(
    koipond: Koipond, folder: Path, harm: Callable[[Path], None], words: str
) -> None:
    assert broken(koipond) == {}
    file = next((folder / ".koipond" / "warehouse").glob("orders/*.parquet"))
    harm(file)
    found = broken(koipond)
    assert words in found["warehouse_files"]
    assert f"orders/{file.name}" in found["warehouse_files"]
    assert ("pair" in found) == (words != "sha256")
    assert "orders/" in json.dumps(koipond("doctor")[1]) or words == "sha256"


def test_files_written_before_there_were_checksums_get_theirs_by_the_next_version(
    koipond: Koipond, folder: Path
) -> None:
    """A workspace of an older release: no ids, no mark, no record of files."""
    with open_app(folder) as app, app.store.database.write() as connection:
        connection.execute(sa.delete(warehouse_file))
        connection.exec_driver_sql("DELETE FROM workspace_setting WHERE name IN ('store_id', 'warehouse_id')")
        connection.exec_driver_sql("DELETE FROM workspace_setting WHERE name = 'workspace_id'")
    (folder / ".koipond" / "warehouse" / "warehouse.json").unlink()
    assert broken(koipond) == {}
    assert read_mark(folder / ".koipond" / "warehouse")[0] is not None
    assert koipond("refresh")[0] == 0
    with open_app(folder) as app:
        now = app.store.versions.current()
        named = {(d, file) for d, files in now.datasets.items() for file in files}
        assert named <= set(app.store.versions.files())


def test_verify_sees_a_damaged_store(koipond: Koipond, orders_csv: Path) -> None:
    """A page that no command happens to read."""
    assert koipond("init")[0] == 0
    store = orders_csv.parent / "brand" / ".koipond" / "store.sqlite"
    with open_app(orders_csv.parent / "brand") as app, app.store.database.write() as connection:
        for number in range(2_000):
            text = str(random.Random(number).random()) * 20
            connection.exec_driver_sql(
                "INSERT INTO workspace_setting VALUES (?, ?)", (f"x{number}", f'"{text}"')
            )
    body = bytearray(store.read_bytes())
    body[len(body) // 4 * 3 : len(body) // 4 * 3 + 4096] = bytes(4096)
    store.write_bytes(body)
    code, answer = koipond("verify")
    assert code in (1, 2)
    assert "store" in json.dumps(answer)
    assert koipond("backup", orders_csv.parent / "b")[0] == 2
    assert not (orders_csv.parent / "b").exists()


def test_verify_and_doctor_see_leases_that_end_too_late(koipond: Koipond, folder: Path) -> None:
    """A29, A44: who holds what since when and until when, and the command that frees it."""
    now = datetime.now(UTC)
    ahead = Holder(host="other~boot~9", pid=7, started="1", purpose="import orders x.csv")
    with open_app(folder) as app:
        held = app.store.leases.open("import", ahead, now + timedelta(days=1))
        own = app.store.leases.open("sender", this_process("send"), now)
    assert held in broken(koipond)["lease_holders"]
    code, answer = koipond("doctor")
    assert code == 1
    rows = {row["lease"]: row for row in answer["leases"]}
    assert (rows[held]["host"], rows[held]["process"], rows[held]["state"]) == ("other", 7, "unseen")
    assert (rows[own]["kind"], rows[own]["state"]) == ("sender", "runs")
    problem = next(row for row in answer["problems"] if "is ahead" in row["problem"])
    assert f"koipond leases free {held[:8]} --by" in problem["fix"]
    assert koipond("leases", "free", held[:8], "--by", "anna")[0] == 0
    code, answer = koipond("leases", "free", held, "--by", "anna")
    assert code == 2
    assert "koipond leases" in answer["message"]
    assert [row["lease"] for row in koipond("leases")[1]["leases"]] == [own]
    assert broken(koipond) == {}
    with open_app(folder) as app:
        assert [entry.action for entry in app.store.audit.entries(1)] == ["free lease"]


def test_verify_sees_leases_that_nobody_removed_and_versions_that_are_gone(
    koipond: Koipond, folder: Path
) -> None:
    now = datetime.now(UTC)
    with open_app(folder) as app:
        old = app.store.leases.open("sender", this_process("send"), now - timedelta(days=3))
        reader, _ = app.store.versions.open_reader(this_process("read"), now)
        with app.store.database.write() as connection:
            connection.execute(sa.update(lease).where(lease.c.lease == reader).values(version=99))
    detail = broken(koipond)["lease_holders"]
    assert old in detail
    assert "version 99" in detail


@pytest.mark.parametrize("host", ["renamed~{sight}", "{name}~another~1"], ids=["renamed", "made anew"])
def test_an_import_killed_elsewhere_holds_nothing_for_longer_than_its_heart(
    koipond: Koipond, folder: Path, orders_csv: Path, host: str
) -> None:
    """A29."""
    name, _, sight = this_process("x").host.partition("~")
    dead = Holder(host=host.format(name=name, sight=sight), pid=2**22 + 1, started="1", purpose="import")
    now = datetime.now(UTC)
    with open_app(folder) as app:
        app.store.versions.acquire_writer(dead, now, lambda _: True)
    code, answer = koipond("import", "orders", orders_csv, *MAPS)
    if "renamed" in host:
        assert code == 0, "it is seen to be dead"
        return
    assert (code, answer["error"]) == (4, "busy")
    assert "lease ends by" in answer["message"]
    with open_app(folder, machine=FixedClock(now + timedelta(seconds=61))) as app:
        publish(app, "next")
    assert koipond("import", "orders", orders_csv, *MAPS)[0] == 0


def test_a_folder_that_is_replaced_while_a_command_runs_is_not_published_to(
    koipond: Koipond, folder: Path, tmp_path: Path
) -> None:
    root = folder / ".koipond" / "warehouse"

    def moved() -> None:
        root.rename(tmp_path / "away")
        root.mkdir()

    with open_app(folder) as app, pytest.raises(InputError, match="moved or replaced"):
        publish(app, "x", moved)
    assert koipond("layers")[0] == 2
    if root.exists():
        root.rename(tmp_path / "empty")
    (tmp_path / "away").rename(root)
    assert koipond("refresh")[0] == 0
    assert broken(koipond) == {}


def kills() -> list[str]:
    return ["mark begun", "committed", "mark done"]


@pytest.mark.parametrize("step", kills())
def test_a_publication_killed_between_any_two_steps_leaves_a_pair_that_works(
    koipond: Koipond, folder: Path, orders_csv: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Killed(BaseException):
        pass

    with open_app(folder) as app:
        before = app.store.versions.current().version
        log, mark = app.warehouse.versions, app.warehouse.mark
        assert mark is not None
        after = {"mark begun": (mark, "begin"), "committed": (log, "publish"), "mark done": (mark, "finish")}
        what, name = after[step]
        real: Callable[..., Any] = getattr(what, name)

        def stopped(*given: Any, **named: Any) -> None:
            real(*given, **named)
            raise Killed

        monkeypatch.setattr(what, name, stopped)
        with pytest.raises(Killed):
            publish(app, "killed")
    with open_app(folder) as again:
        assert again.pair.state == "joined"
        assert again.store.versions.current().version == before + (step != "mark begun")
    assert broken(koipond) == {}
    for words in (("refresh",), ("layers",), ("import", "orders", orders_csv, *MAPS)):
        assert koipond(*words)[0] == 0
