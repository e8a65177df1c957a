import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from koipond.facts.schemas import FACTS
from koipond.kernel import BusyError, FixedClock, InputError
from koipond.testing.versions import MemoryVersionLog
from koipond.warehouse import ParquetWarehouse
from koipond.warehouse.holder import spill_name, this_machine
from koipond.warehouse.parquet import SMALL_FILES_MAX

CLOCK = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))


def events(*ids: str) -> pa.Table:
    rows = [{"event_id": i, "source": "s", "customer_no": 1, "name": "x", "at_s": 1, "day": 0} for i in ids]
    return pa.Table.from_pylist(rows, schema=FACTS["events"])


def ids(warehouse: ParquetWarehouse) -> list[str]:
    with warehouse.read() as reader:
        return sorted(reader.frame(reader.table("events")).column("event_id").to_pylist())


@pytest.fixture
def warehouse(tmp_path: Path) -> ParquetWarehouse:
    (tmp_path / "w").mkdir()
    return ParquetWarehouse(tmp_path / "w", MemoryVersionLog(), CLOCK)


def write(warehouse: ParquetWarehouse, *names: str) -> None:
    with warehouse.write("test") as writer:
        writer.append("events", writer.stage("new", events(*names)))
        writer.set_meta("seen", list(names))
        writer.publish()


def test_a_fact_never_written_is_an_empty_table(warehouse: ParquetWarehouse) -> None:
    assert ids(warehouse) == []
    with warehouse.read() as reader, pytest.raises(InputError, match="koipond refresh"):
        reader.table("profile")


def test_what_is_not_published_is_not_seen_and_leaves_no_file(warehouse: ParquetWarehouse) -> None:
    write(warehouse, "a")
    with warehouse.write("test") as writer:
        writer.append("events", writer.stage("new", events("b")))
    assert ids(warehouse) == ["a"]
    assert len(list(warehouse.root.glob("events/*.parquet"))) == 1


def test_a_reader_keeps_its_version_while_others_publish(warehouse: ParquetWarehouse) -> None:
    write(warehouse, "a")
    with warehouse.read() as reader:
        for name in "bcde":
            with warehouse.write("test") as writer:
                writer.replace("events", writer.stage("new", events(name)))
                writer.publish()
        assert reader.frame(reader.table("events")).column("event_id").to_pylist() == ["a"]
        assert reader.meta("seen") == ["a"]
    assert ids(warehouse) == ["e"]


def test_only_three_versions_stay_on_disk(warehouse: ParquetWarehouse) -> None:
    for name in "abcdef":
        with warehouse.write("test") as writer:
            writer.replace("events", writer.stage("new", events(name)))
            writer.publish()
    assert len(list(warehouse.root.glob("events/*.parquet"))) == 3


def test_remove_rewrites_only_the_files_that_hold_a_key(warehouse: ParquetWarehouse) -> None:
    write(warehouse, "a", "b")
    write(warehouse, "c")
    with warehouse.write("test") as writer:
        before = set(writer.manifest.datasets["events"])
        keys = writer.stage("gone", pa.table({"event_id": ["b", "zz"]}))
        assert writer.remove("events", keys, ["event_id"]) == 1
        assert len(before & set(writer.manifest.datasets["events"])) == 1
        writer.publish()
    assert ids(warehouse) == ["a", "c"]


def test_removed_rows_are_told_once_however_many_files_they_lay_in(warehouse: ParquetWarehouse) -> None:
    for name in "abc":
        write(warehouse, name)
    with warehouse.write("test") as writer:
        since = writer.mark()
        keys = writer.stage("gone", pa.table({"event_id": ["a", "c"]}))
        assert writer.remove("events", keys, ["event_id"]) == 2
        told = writer.frame(writer.changed_customers(["events"], since)).to_pylist()
        assert told == [{"customer_no": 1, "dataset": "events", "removed": True}]
        writer.publish()
    assert ids(warehouse) == ["b"]


def test_settling_merges_many_small_files_and_tells_no_change(warehouse: ParquetWarehouse) -> None:
    names = [f"e{n:02d}" for n in range(SMALL_FILES_MAX + 2)]
    for name in names[:-1]:
        write(warehouse, name)
    with warehouse.write("test") as writer:
        settled = writer.mark()
        writer.append("events", writer.stage("new", events(names[-1])))
        writer.settle(["events", "orders"], settled)
        assert len(writer.manifest.datasets["events"]) == 2
        told = writer.frame(writer.changed_customers(["events"], settled)).to_pylist()
        assert told == [{"customer_no": 1, "dataset": "events", "removed": False}]
        nothing = writer.changed_customers(["events"], writer.mark())
        assert writer.frame(nothing).num_rows == 0
        writer.publish()
    assert ids(warehouse) == names


def test_settling_leaves_a_few_files_alone(warehouse: ParquetWarehouse) -> None:
    for name in "abc":
        write(warehouse, name)
    with warehouse.write("test") as writer:
        before = writer.manifest.datasets["events"]
        writer.settle(["events"], writer.mark())
        assert writer.manifest.datasets["events"] == before


def test_a_second_writer_is_told_who_writes(warehouse: ParquetWarehouse) -> None:
    with (
        warehouse.write("import orders"),
        pytest.raises(BusyError, match="import orders"),
        warehouse.write("refresh"),
    ):
        pass


def test_the_next_writer_removes_what_a_dead_process_spilled(tmp_path: Path) -> None:
    warehouse = ParquetWarehouse(tmp_path, MemoryVersionLog(), CLOCK)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = tmp_path / "spill" / f"{this_machine()}.{dead.pid}"
    renamed = tmp_path / "spill" / f"another-host.{dead.pid}"
    for folder in (left, renamed):
        folder.mkdir(parents=True)
        (folder / "block.tmp").write_bytes(b"x")
    with warehouse.write("next"):
        assert not left.exists()
        assert not renamed.exists()
    assert (tmp_path / "spill" / spill_name()).exists()
