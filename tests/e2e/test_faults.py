"""What breaks around the program ends in one line, an exit code and, when asked for, JSON."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import koipond.warehouse.engine as engine
from koipond.cli.app import main
from tests.e2e.conftest import Koipond
from tests.e2e.test_app_first_afternoon import MAPS


def ready(koipond: Koipond, orders_csv: Path) -> Path:
    assert koipond("init", "--clock", "last_fact")[0] == 0
    assert koipond("import", "orders", orders_csv, *MAPS)[0] == 0
    return orders_csv.parent / "brand"


def test_a_damaged_file_of_the_warehouse_is_named(koipond: Koipond, orders_csv: Path) -> None:
    folder = ready(koipond, orders_csv)
    for file in (folder / ".koipond" / "warehouse" / "orders").glob("*.parquet"):
        file.write_bytes(b"not parquet at all")
    code, answer = koipond("layers")
    assert (code, answer["error"]) == (2, "damaged")
    assert "copy" in answer["message"]


def test_a_damaged_store_is_named(koipond: Koipond, orders_csv: Path) -> None:
    folder = ready(koipond, orders_csv)
    for file in (folder / ".koipond").glob("store.sqlite*"):
        file.write_bytes(b"no database" * 1000)
    code, answer = koipond("layers")
    assert code == 2
    assert "store" in answer["message"]


def test_a_disk_without_room_leaves_the_last_version(
    koipond: Koipond, orders_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(koipond, orders_csv)
    before = koipond("layers")[1]

    def full(_path: Path) -> None:
        raise OSError(28, "No space left on device", "warehouse")

    with monkeypatch.context() as patch:
        patch.setattr(engine, "sync", full)
        code, answer = koipond("refresh")
    assert (code, answer["error"]) == (2, "disk_full")
    assert koipond("layers")[1] == before


def test_a_currency_that_is_none_is_refused(koipond: Koipond) -> None:
    code, answer = koipond("init", "--currency", "XXZ")
    assert code == 2
    assert "'XXZ' is no currency in use by ISO 4217; give one such as CNY" in answer["message"]


def test_a_person_is_found_by_the_phone_as_the_country_writes_it(koipond: Koipond, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("customer_id,phone\nc1,13800000002\nc2,13800000001\n")
    assert koipond("init")[0] == 0
    assert koipond("import", "customers", people, "--verified")[0] == 0
    assert koipond("refresh")[0] == 0
    assert "nobody is known as" in koipond("why", "13800000009")[1]["message"]
    assert "no strategy is applied" in koipond("why", "13800000001")[1]["message"], "the person is found"


@pytest.mark.parametrize("command", ["lists", "codes"])
def test_a_device_is_no_file_of_ids_or_codes(koipond: Koipond, command: str) -> None:
    assert koipond("init")[0] == 0
    code, answer = koipond(command, "import", "some_key", "/dev/null")
    assert code == 2
    assert "/dev/null: is no regular file" in answer["message"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_rights_is_named(koipond: Koipond, orders_csv: Path) -> None:
    folder = ready(koipond, orders_csv)
    (folder / ".koipond" / "warehouse").chmod(0o500)
    code, answer = koipond("refresh")
    (folder / ".koipond" / "warehouse").chmod(0o700)
    assert (code, answer["error"]) == (2, "no_rights")


def test_a_server_that_is_down_is_named(
    koipond: Koipond, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KOIPOND_STORE_URL", "postgresql://nobody@127.0.0.1:1/none")
    code, answer = koipond("init", "--store", "KOIPOND_STORE_URL")
    assert code == 2
    assert "127.0.0.1" in answer["message"]
    assert not (tmp_path / "brand" / "koipond.yaml").exists()


def test_ctrl_c_in_the_middle_of_a_query_is_a_cancel(
    koipond: Koipond, orders_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB makes a RuntimeError of it; a refresh must not take that for a fault of a segment."""
    ready(koipond, orders_csv)
    assert koipond("playbook", "add", "dormant_recall")[0] == 0
    assert koipond("apply")[0] == 0
    before = koipond("segments", "list")[1]

    def batches(*_: object) -> None:
        with engine.interruptible():
            raise RuntimeError("Query interrupted")

    with monkeypatch.context() as patch:
        patch.setattr(engine.Engine, "batches", batches)
        code, answer = koipond("refresh")
    assert (code, answer["error"]) == (130, "cancelled")
    assert koipond("segments", "list")[1] == before


def test_a_mistake_of_ours_is_no_finding(
    koipond: Koipond, orders_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(koipond, orders_csv)

    def wrong(*_: object) -> None:
        raise ZeroDivisionError("no")

    monkeypatch.setattr(engine.Engine, "frame", wrong)
    code, answer = koipond("layers")
    assert (code, answer["error"]) == (70, "internal")


def test_lost_keys_are_said_and_not_replaced(
    koipond: Koipond, orders_csv: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ready(koipond, orders_csv)
    before = koipond("layers")[1]
    with monkeypatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path / "elsewhere"))
        for _ in range(2):  # the second time there is no new file either
            code, answer = koipond("layers")
            assert (code, answer["error"]) == (2, "wrong_keys")
            assert "is missing" in answer["message"]
        assert koipond("import", "orders", orders_csv, *MAPS)[0] == 2
    assert koipond("layers")[1] == before


def test_a_reader_that_leaves_ends_nothing() -> None:
    program = [sys.executable, "-m", "koipond.cli", "--help"]
    script = ["bash", "-c", '"$@" | true; echo ${PIPESTATUS[0]}', "-", *program]
    told = subprocess.run(script, capture_output=True, check=True)
    assert told.stdout.strip() == b"0"
    assert b"Traceback" not in told.stderr


def test_the_program_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.split()[0] == "koipond"


def test_ctrl_c_ends_with_130_and_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pressed(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("koipond.cli.definitions.say", pressed)
    assert main(["playbook", "list", "--json"]) == 130
    assert '"cancelled"' in capsys.readouterr().out


def test_a_url_for_the_store_is_refused_and_not_repeated(koipond: Koipond) -> None:
    code, answer = koipond("init", "--store", "postgresql+psycopg://anna:secret@db/brand")
    assert code == 2
    assert "environment variable" in answer["message"]
    assert "secret" not in answer["message"]
