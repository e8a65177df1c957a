"""Store and warehouse belong together: A09, A10, A11, A42 and their neighbours, by commands alone."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from koipond.bootstrap import open_app
from tests.e2e.conftest import POSTGRES_URL, Koipond
from tests.e2e.test_app_first_afternoon import MAPS

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("refresh",),
    ("layers",),
    ("plan",),
    ("segments", "list"),
    ("import", "orders", "ORDERS", *MAPS),
    ("keys", "rotate"),
    ("apply",),
)
TRIO = ("store.sqlite", "store.sqlite-wal", "store.sqlite-shm")


@pytest.fixture
def folder(koipond: Koipond, init_options: tuple[str, ...], orders_csv: Path) -> Path:
    assert koipond("init", "--clock", "last_fact", *init_options)[0] == 0
    assert koipond("import", "orders", orders_csv, *MAPS)[0] == 0
    assert koipond("refresh")[0] == 0
    return orders_csv.parent / "brand"


@pytest.fixture
def sqlite(koipond: Koipond, orders_csv: Path) -> Path:
    assert koipond("init", "--clock", "last_fact")[0] == 0
    assert koipond("import", "orders", orders_csv, *MAPS)[0] == 0
    assert koipond("refresh")[0] == 0
    return orders_csv.parent / "brand"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of the warehouse and of an embedded store, but SQLite's own working files."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and not file.name.endswith(("-shm", "-wal")) and "spill" not in file.parts
    }


def refused(koipond: Koipond, orders_csv: Path, state: str, *words: str) -> None:
    """Every command ends with 2 and the same words, touches no file, and `doctor` says the same."""
    folder = orders_csv.parent / "brand"
    before = contents(folder)
    for command in COMMANDS:
        given = [orders_csv if word == "ORDERS" else word for word in command]
        code, answer = koipond(*given)
        assert code == 2, (command, answer)
        for word in words:
            assert word in answer["message"], (command, answer)
    assert contents(folder) == before
    code, answer = koipond("doctor")
    assert code == 1
    assert words[0] in answer["problems"][0]["problem"]
    assert answer["problems"][0]["fix"]
    code, answer = koipond("verify")
    assert code in (1, 2)
    assert words[0] in json.dumps(answer), state


def works(koipond: Koipond, orders_csv: Path) -> None:
    for command in (("refresh",), ("layers",), ("verify",)):
        assert koipond(*command)[0] == 0
    assert koipond("import", "orders", orders_csv, *MAPS)[0] == 0


@pytest.mark.postgres
def test_the_url_of_another_empty_database_deletes_nothing(
    koipond: Koipond, orders_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A09: refused before a table is made there; with the right URL everything works again."""
    engine = sa.create_engine(POSTGRES_URL, isolation_level="AUTOCOMMIT")
    other = f"other_{os.getpid()}"
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {other}")
    key = f"t{os.getpid()}a09"
    try:
        monkeypatch.setenv("KOIPOND_STORE_URL", POSTGRES_URL)
        assert koipond("init", "--clock", "last_fact", "--store", "KOIPOND_STORE_URL", "--key", key)[0] == 0
        assert koipond("import", "orders", orders_csv, *MAPS)[0] == 0
        assert koipond("refresh")[0] == 0
        wrong = sa.make_url(POSTGRES_URL).set(database=other)
        monkeypatch.setenv("KOIPOND_STORE_URL", wrong.render_as_string(hide_password=False))
        refused(koipond, orders_csv, "store_gone", "is empty", "right database")
        elsewhere = sa.create_engine(wrong)
        with elsewhere.connect() as connection:
            made = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'koipond%%'"
            assert connection.exec_driver_sql(made).scalar() == 0
        elsewhere.dispose()
        monkeypatch.setenv("KOIPOND_STORE_URL", POSTGRES_URL)
        works(koipond, orders_csv)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {other} WITH (FORCE)")
            connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS koipond_{key} CASCADE")
        engine.dispose()


@pytest.mark.postgres
def test_the_url_of_another_workspaces_database_is_refused(
    koipond: Koipond, orders_csv: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A09 and A42: one key, two folders, one database; the second may not even be made."""
    monkeypatch.setenv("KOIPOND_STORE_URL", POSTGRES_URL)
    key = f"t{os.getpid()}a42"
    options = ("--store", "KOIPOND_STORE_URL", "--key", key)
    try:
        assert koipond("init", "--clock", "last_fact", *options)[0] == 0
        assert koipond("import", "orders", orders_csv, *MAPS)[0] == 0
        assert koipond("refresh")[0] == 0
        before = koipond("layers")[1]
        code, answer = koipond("init", tmp_path / "second", "--currency", "IDR", *options)
        assert code == 2
        assert "another workspace" in answer["message"]
        assert "--key" in answer["message"]
        second = tmp_path / "second"
        assert not (second / "koipond.yaml").exists()
        text = (tmp_path / "brand" / "koipond.yaml").read_text()
        identity = next(line for line in text.splitlines() if line.startswith("id:"))
        second.mkdir(exist_ok=True)
        (second / "koipond.yaml").write_text(text.replace(identity, "id: " + "a" * 32).replace("CNY", "IDR"))
        for command in ("apply", "refresh"):
            code, answer = koipond("-C", second, command)
            assert code == 2
            assert "another workspace" in answer["message"]
        assert koipond("layers")[1] == before
    finally:
        engine = sa.create_engine(POSTGRES_URL)
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS koipond_{key} CASCADE")
        engine.dispose()


@pytest.mark.parametrize("parts", [TRIO, TRIO[:1]], ids=["all", "the main file alone"])
def test_a_store_that_was_moved_away_deletes_nothing(
    koipond: Koipond, sqlite: Path, orders_csv: Path, parts: tuple[str, ...], tmp_path: Path
) -> None:
    """A10."""
    state, away = sqlite / ".koipond", tmp_path / "away"
    away.mkdir()
    for name in parts:
        if (state / name).exists():
            (state / name).rename(away / name)
    refused(koipond, orders_csv, "store_gone", "is empty", "store.sqlite with its -wal and -shm")
    assert not (state / "store.sqlite").exists()
    for file in away.iterdir():
        file.rename(state / file.name)
    works(koipond, orders_csv)


def test_an_empty_file_in_the_place_of_the_store_is_no_store(
    koipond: Koipond, sqlite: Path, orders_csv: Path, tmp_path: Path
) -> None:
    """A10: somebody touched it."""
    store = sqlite / ".koipond" / "store.sqlite"
    store.rename(tmp_path / "away")
    store.touch()
    refused(koipond, orders_csv, "store_gone", "is empty")
    assert store.stat().st_size == 0
    (tmp_path / "away").replace(store)
    works(koipond, orders_csv)


def test_a_store_from_an_older_copy_says_so(
    koipond: Koipond, sqlite: Path, orders_csv: Path, tmp_path: Path
) -> None:
    """A11: four versions old."""
    store, kept = sqlite / ".koipond" / "store.sqlite", tmp_path / "copy"
    shutil.copy(store, kept)
    for _ in range(4):
        assert koipond("refresh")[0] == 0
    shutil.copy(store, tmp_path / "newest")
    shutil.copy(kept, store)
    refused(koipond, orders_csv, "store_older", "is older than its warehouse", "koipond restore")
    shutil.copy(tmp_path / "newest", store)
    works(koipond, orders_csv)


def test_a_warehouse_from_an_older_copy_says_so(
    koipond: Koipond, folder: Path, orders_csv: Path, tmp_path: Path
) -> None:
    root, kept = folder / ".koipond" / "warehouse", tmp_path / "copy"
    shutil.copytree(root, kept)
    for _ in range(4):
        assert koipond("refresh")[0] == 0
    root.rename(tmp_path / "newest")
    shutil.copytree(kept, root)
    refused(koipond, orders_csv, "warehouse_older", "is older than its store", "koipond restore")
    shutil.rmtree(root)
    (tmp_path / "newest").rename(root)
    works(koipond, orders_csv)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


EMPTIED: dict[str, tuple[Callable[[Path], None], str]] = {
    "the folder is gone": (shutil.rmtree, "all"),
    "its files are gone": (lambda root: [f.unlink() for f in root.glob("*/*.parquet")] and None, "all"),
    "one dataset is gone": (lambda root: shutil.rmtree(root / "profile"), "profile/"),
    "one file is gone": (lambda root: next((root / "orders").glob("*.parquet")).unlink(), "orders/"),
    "one file is cut": (lambda root: cut(next((root / "orders").glob("*.parquet"))), "another size"),
}


@pytest.mark.parametrize("how", EMPTIED)
def test_a_warehouse_that_lacks_files_is_refused_and_they_can_be_put_back(
    koipond: Koipond, folder: Path, orders_csv: Path, tmp_path: Path, how: str
) -> None:
    root, kept = folder / ".koipond" / "warehouse", tmp_path / "copy"
    shutil.copytree(root, kept)
    harm, words = EMPTIED[how]
    harm(root)
    refused(koipond, orders_csv, "files_missing", words, "koipond restore")
    shutil.copytree(kept, root, dirs_exist_ok=True)
    works(koipond, orders_csv)


def test_the_state_of_another_workspace_is_refused(
    koipond: Koipond, sqlite: Path, orders_csv: Path, tmp_path: Path
) -> None:
    """The whole `.koipond`, or its warehouse alone, of somebody else."""
    assert koipond("init", tmp_path / "second", "--clock", "last_fact")[0] == 0
    own, other = sqlite / ".koipond", tmp_path / "second" / ".koipond"
    own.rename(tmp_path / "own")
    shutil.copytree(other, own)
    refused(koipond, orders_csv, "store_of_another_workspace", "another workspace")
    shutil.rmtree(own)
    shutil.copytree(tmp_path / "own", own)
    shutil.rmtree(own / "warehouse")
    shutil.copytree(other / "warehouse", own / "warehouse")
    refused(koipond, orders_csv, "warehouse_stranger", "another workspace")
    shutil.rmtree(own)
    (tmp_path / "own").rename(own)
    works(koipond, orders_csv)


def test_init_over_what_is_left_of_a_workspace_is_refused(
    koipond: Koipond, sqlite: Path, orders_csv: Path
) -> None:
    before = contents(sqlite / ".koipond")
    (sqlite / "koipond.yaml").rename(sqlite / "kept")
    code, answer = koipond("init")
    assert code == 2
    assert "another folder" in answer["message"]
    assert contents(sqlite / ".koipond") == before
    (sqlite / "kept").rename(sqlite / "koipond.yaml")
    works(koipond, orders_csv)


def test_a_state_folder_that_is_gone_is_no_new_workspace(
    koipond: Koipond, sqlite: Path, orders_csv: Path, tmp_path: Path
) -> None:
    """An unmounted disk: the keys say that there was one."""
    (sqlite / ".koipond").rename(tmp_path / "away")
    refused(koipond, orders_csv, "both_gone", "both empty", "put the folder .koipond back")
    assert not (sqlite / ".koipond").exists()
    (tmp_path / "away").rename(sqlite / ".koipond")
    works(koipond, orders_csv)


@pytest.mark.postgres
def test_two_copies_of_one_folder_do_not_publish_on_one_store(
    koipond: Koipond, orders_csv: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KOIPOND_STORE_URL", POSTGRES_URL)
    key = f"t{os.getpid()}two"
    try:
        made = koipond("init", "--clock", "last_fact", "--store", "KOIPOND_STORE_URL", "--key", key)
        assert made[0] == 0
        assert koipond("import", "orders", orders_csv, *MAPS)[0] == 0
        shutil.copytree(tmp_path / "brand", tmp_path / "copy")
        assert koipond("-C", tmp_path / "copy", "refresh")[0] == 0
        refused(koipond, orders_csv, "warehouse_older", "is older than its store", "copy of this folder")
        assert koipond("-C", tmp_path / "copy", "verify")[0] == 0
    finally:
        engine = sa.create_engine(POSTGRES_URL)
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS koipond_{key} CASCADE")
        engine.dispose()


def test_a_lost_mark_is_made_anew_when_everything_is_there(
    koipond: Koipond, folder: Path, orders_csv: Path
) -> None:
    mark = folder / ".koipond" / "warehouse" / "warehouse.json"
    before = mark.read_text()
    mark.unlink()
    assert koipond("layers")[0] == 0
    assert json.loads(mark.read_text()) == json.loads(before)
    mark.write_text(before[:40])
    refused(koipond, orders_csv, "mark_damaged", "warehouse.json cannot be read")
    mark.unlink()
    works(koipond, orders_csv)


def test_a_log_that_was_taken_from_a_killed_store_is_missed(
    koipond: Koipond, sqlite: Path, orders_csv: Path, tmp_path: Path
) -> None:
    """A10: after a kill the newest commits stand in store.sqlite-wal alone."""
    state = sqlite / ".koipond"
    with open_app(sqlite) as app, app.warehouse.write("beside") as writer:
        for number in range(3):
            writer.set_meta("beside", number)
            writer.publish()
        killed = shutil.copytree(state, tmp_path / "killed")  # as a kill leaves it: nothing was closed
    assert (killed / "store.sqlite-wal").stat().st_size
    state.rename(tmp_path / "closed")
    killed.rename(state)
    (state / "store.sqlite-wal").rename(tmp_path / "wal")
    (state / "store.sqlite-shm").unlink(missing_ok=True)
    refused(koipond, orders_csv, "store_older", "is older than its warehouse", "with its -wal and -shm")
