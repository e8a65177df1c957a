import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from koipond.kernel import BusyError, InputError
from koipond.store import Store, memory_keys
from koipond.store import engine as engines


def test_a_write_inside_a_write_is_told_instead_of_hanging(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path / 's.db'}", memory_keys(b"k")) as store:
        with (
            store.database.write(),
            pytest.raises(AssertionError, match="inside another"),
            store.database.write(),
        ):
            pass
        store.settings.set("still", "works")
        assert store.settings.get("still") == "works"


def test_a_store_another_process_keeps_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_MS", 50)
    file = tmp_path / "s.db"
    with Store.open(f"sqlite:///{file}", memory_keys(b"k")) as store:
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(BusyError, match="another process"):
            store.settings.set("a", 1)
        other.execute("ROLLBACK")
        other.close()
        store.settings.set("a", 1)


def test_readers_never_write(tmp_path: Path) -> None:
    with (
        Store.open(f"sqlite:///{tmp_path / 's.db'}", memory_keys(b"k")) as store,
        store.database.read() as connection,
        pytest.raises(sa.exc.OperationalError, match="readonly"),
    ):
        connection.exec_driver_sql("DELETE FROM counter")


def test_what_rolled_back_leaves_nothing(open_store: Callable[[], Store]) -> None:
    store = open_store()

    def interrupted() -> None:
        with store.database.write() as connection:
            connection.exec_driver_sql("INSERT INTO counter (name, value) VALUES ('x', 7)")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert store.numbers.reserve("x", 1) == 1


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(InputError, match="someone") as caught:
        Store.open("postgresql://someone:secret@127.0.0.1:1/x", memory_keys(b"k"))
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_text("this is not a database, it is a letter to a friend" * 50)
    with pytest.raises(InputError, match="not a database"):
        Store.open(f"sqlite:///{tmp_path / 's.db'}", memory_keys(b"k"))
