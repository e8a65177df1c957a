"""Half an import leaves no permission: killed before each commit, imported again, undone (A26, A27)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from koipond.ingest import ImportRequest, ImportResult, Kind, import_file, undo_import
from koipond.kernel import BusyError, FixedClock, InputError
from koipond.sources import open_file
from koipond.store import Store
from koipond.store.audit import AuditEntry
from koipond.store.engine import Database
from koipond.store.tables import consent_log, import_batch, past_touch
from koipond.warehouse import ParquetWarehouse

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PLACE = ZoneInfo("UTC")
CONSENTS = "customer_id,channel,purpose,status,at\n" + "".join(
    f"p{n},email,marketing,{'yes' if n < 6 else 'no'},2026-02-0{1 + n % 9} 10:00\n" for n in range(9)
)
TOUCHES = "customer_id,channel,at\n" + "".join(f"p{n},email,2026-02-01 10:00\n" for n in range(5))


class KilledError(BaseException):
    """The process is gone: nothing it does afterwards has any effect."""


class Scene:
    """A store of either kind, and a warehouse beside it."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder, self.clock = store, folder, FixedClock(NOW)
        (folder / "warehouse").mkdir(parents=True)

    @property
    def warehouse(self) -> ParquetWarehouse:
        return ParquetWarehouse(self.folder / "warehouse", self.store.versions, self.clock)

    def load(self, kind: Kind, text: str, name: str = "file.csv", **more: Any) -> ImportResult:
        file = self.folder / name
        file.write_text(text)
        return import_file(
            ImportRequest(kind=kind),
            rows=open_file(file),
            warehouse=self.warehouse,
            identities=self.store.identity,
            journal=self.store.imports,
            clock=self.clock,
            zone=PLACE,
            currency="CNY",
            consents=self.store.consents,
            touches=self.store.touches,
            flags=self.store.people,
            **more,
        )

    def undo(self, import_no: int) -> dict[str, int]:
        return undo_import(
            import_no,
            warehouse=self.warehouse,
            journal=self.store.imports,
            clock=self.clock,
            consents=self.store.consents,
            touches=self.store.touches,
        )

    def bury(self) -> None:
        """Everybody who held a lease is gone."""
        for one in self.store.leases.held():
            gone = AuditEntry(at=self.clock.now(), actor="anna", action="free", subject=one.lease, detail={})
            self.store.leases.free(one.lease, gone)

    def states(self) -> list[bool]:
        return [row["granted"] for row in self.store.consents.current().to_pylist()]

    def count(self, table: sa.Table) -> int:
        with self.store.database.read() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())

    def broken(self) -> dict[str, str]:
        checks = self.store.checks.all(PLACE, NOW + timedelta(hours=1))
        return {one.name: one.detail for one in checks if one.breaks}


@pytest.fixture
def scene(store: Store, tmp_path: Path) -> Scene:
    return Scene(store, tmp_path / "scene")


@contextmanager
def killed_before(monkeypatch: pytest.MonkeyPatch, commit: int) -> Iterator[list[int]]:
    """Kill the process right before commit ``commit`` of the store; nothing is committed after that."""
    done, write = [0], Database.write

    @contextmanager
    def counted(self: Database) -> Iterator[sa.Connection]:
        with write(self) as connection:
            yield connection
            done[0] += 1
            if done[0] >= commit:
                raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(Database, "write", counted)
        yield done


def lives(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, kind: Kind, text: Callable[[int], str], *, first: int = 1
) -> Iterator[int]:
    """Import a file of its own for each commit from ``first`` on, killed before it; yield that commit."""
    for commit in range(first, 40):
        try:
            with killed_before(monkeypatch, commit):
                scene.load(kind, text(commit))
        except KilledError:
            scene.bury()
            yield commit
            continue
        scene.undo(scene.store.imports.entries(1)[0].import_no)
        return
    raise AssertionError("an import does not commit that often")


def test_a_killed_import_of_consents_leaves_no_grant(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A26."""
    seen, shut = 0, 0
    for commit in lives(scene, monkeypatch, "consents", lambda n: CONSENTS.replace("p", f"k{n}-")):
        seen = commit
        finished = scene.store.imports.entries(1)
        whole = bool(finished) and finished[0].outcome == "done"
        assert whole or not any(scene.states()), f"killed before commit {commit}"
        shut += len(scene.states()) > 0
        again = scene.load("consents", CONSENTS.replace("p", f"k{commit}-"))
        assert sorted(scene.states()) == [False] * 3 + [True] * 6
        assert scene.broken() == {}
        scene.undo(again.import_no)
        assert scene.states() == [], f"killed before commit {commit}"
    assert seen > 5
    assert shut > 2, "withdrawals stay whatever becomes of the import"


def copies(scene: Scene) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what holds as the store says it, and as the warehouse's copy does."""
    with scene.warehouse.read() as reader:
        table = reader.table("consents")
        there = reader.frame(table.select(table["customer_no"], "channel", "purpose", "granted", "at_s"))
    return scene.store.consents.current().to_pylist(), sorted(
        there.to_pylist(), key=lambda row: row["customer_no"]
    )


def test_the_same_file_again_brings_the_copy_and_is_counted_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the grants took force the warehouse lacks them, whatever the store says."""
    behind = 0

    def text(commit: int) -> str:
        return f"{CONSENTS},email,marketing,yes,2026-02-01 10:00\n".replace("\np", f"\nk{commit}-")

    for turn, commit in enumerate(lives(scene, monkeypatch, "consents", text, first=6), 1):
        told, copied = copies(scene)
        behind += told != copied and scene.store.imports.entries(1)[0].outcome == "done"
        again = scene.load("consents", text(commit))
        assert again.repeated or again.changes == {"consents_new": 9}, f"killed before commit {commit}"
        told, copied = copies(scene)
        assert told == copied, f"killed before commit {commit}"
        assert len(told) == 9 * turn
        with scene.warehouse.read() as reader:
            counts = {name: reader.scalar(reader.table(name).count()) for name in ("imports", "quarantine")}
        assert counts == {"imports": turn, "quarantine": turn}, f"killed before commit {commit}"
    assert behind, "no kill fell between the grants and their copy"


def test_what_a_killed_import_left_can_be_undone_without_importing_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for commit in lives(scene, monkeypatch, "consents", lambda n: CONSENTS.replace("p", f"k{n}-")):
        entries = scene.store.imports.entries(1)
        if entries and (entries[0].outcome != "undone"):
            scene.undo(entries[0].import_no)
        assert scene.states() == [], f"killed before commit {commit}"
    assert scene.broken() == {}


def test_a_killed_import_of_touches_counts_under_no_cap(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A27."""
    seen = 0
    for commit in lives(scene, monkeypatch, "touches", lambda n: TOUCHES.replace("p", f"k{n}-")):
        seen = commit
        again = scene.load("touches", TOUCHES.replace("p", f"k{commit}-"))
        assert scene.count(past_touch) == 5
        scene.undo(again.import_no)
        assert scene.count(past_touch) == 0, f"killed before commit {commit}"
        assert scene.broken() == {}
    assert seen > 3


@pytest.mark.parametrize(("kind", "text"), [("consents", CONSENTS), ("touches", TOUCHES)])
def test_an_undo_that_was_killed_is_on_record_once_it_is_asked_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, kind: Kind, text: str
) -> None:
    for commit in range(1, 40):
        number = scene.load(kind, text.replace("p", f"k{commit}-", 1)).import_no
        try:
            with killed_before(monkeypatch, commit):
                scene.undo(number)
        except KilledError:
            scene.bury()
        else:
            break
        ended = scene.store.imports.entry(number)
        if ended is not None and ended.outcome != "undone":
            scene.undo(number)
        ended = scene.store.imports.entry(number)
        assert ended is not None
        assert ended.outcome == "undone", f"killed before commit {commit}"
        with pytest.raises(InputError):
            scene.undo(number)
        assert scene.states() == []
        assert scene.count(past_touch) == 0
    assert 3 < commit < 39


def test_a_repeated_import_is_none_that_could_be_undone(scene: Scene) -> None:
    first = scene.load("touches", TOUCHES).import_no
    assert scene.load("touches", TOUCHES).repeated
    newest = scene.store.imports.entries(1)[0].import_no
    assert newest > first
    with pytest.raises(InputError, match=f"no import {newest}"):
        scene.undo(newest)
    assert scene.count(past_touch) == 5


def test_an_import_that_woke_up_after_it_was_given_up_takes_nothing(scene: Scene) -> None:
    started = []

    def sleep_long(*_: object) -> None:
        if not started:
            started.append(True)
            scene.bury()
            scene.load("products", "sku,price\na,1\n", name="other.csv")  # settles the dead

    book = scene.store.consents
    count = book.count_new
    book.count_new = lambda *a, **k: (sleep_long(), count(*a, **k))[1]  # type: ignore[method-assign]
    with pytest.raises(BusyError):
        scene.load("consents", CONSENTS)
    assert not any(scene.states())


def test_withdrawals_are_taken_while_another_process_writes(scene: Scene) -> None:
    """A43."""
    with scene.warehouse.write("refresh"), pytest.raises(BusyError) as refused:
        scene.load("consents", CONSENTS, patience=lambda _: False)
    assert scene.states() == [False] * 3
    assert "3 withdrawals are in force; 6 grants are not" in str(refused.value)
    assert scene.broken() == {}
    again = scene.load("consents", CONSENTS)
    assert sorted(scene.states()) == [False] * 3 + [True] * 6
    with scene.warehouse.read() as reader:
        assert reader.scalar(reader.table("customers").count()) == 9
    scene.undo(again.import_no)
    assert scene.states() == []


def test_a_file_of_withdrawals_is_done_without_the_warehouse(scene: Scene) -> None:
    text = "customer_id,status\nx1,stop\nx2,stop\n"
    with scene.warehouse.write("refresh"):
        found = scene.load("consents", text, patience=lambda _: False)
    assert (found.kept, found.notes["copies_that_wait_for_the_warehouse"]) == (2, 1)
    assert scene.states() == [False, False]


def test_rows_that_withdrawals_put_aside_without_the_warehouse_are_kept_by_the_next_writer(
    scene: Scene,
) -> None:
    text = "customer_id,status,channel\nx1,stop,email\n,stop,sms\n,stop,email\n"
    with scene.warehouse.write("refresh"):
        found = scene.load("consents", text, patience=lambda _: False)
    assert (found.kept, found.notes["rows_put_aside_that_wait"]) == (1, 2)
    assert [sample.values["channel"] for sample in found.samples["missing_customer"]] == ["sms", "email"]
    assert aside(scene) == []
    expected = [(found.import_no, 3, "missing_customer"), (found.import_no, 4, "missing_customer")]
    for turn in range(3):
        scene.load("products", f"sku\ns{turn}\n")
        assert aside(scene) == expected
    assert dict(scene.store.imports.put_by_rows()) == {}
    entry = scene.store.imports.entry(found.import_no)
    assert entry is not None
    assert "put_by" not in entry.summary


def aside(scene: Scene) -> list[tuple[int, int, str]]:
    with scene.warehouse.read() as reader:
        if not reader.has("quarantine"):
            return []
        rows = reader.frame(reader.table("quarantine").order_by("import_no", "row")).to_pylist()
    return [(row["import_no"], row["row"], row["rule"]) for row in rows]


def test_the_rest_waits_for_the_other_process(scene: Scene) -> None:
    """A43: the lease is free when it is asked again."""
    writing = scene.warehouse.write("refresh")
    writing.__enter__()
    asked = []

    def wait(busy: BusyError) -> bool:
        asked.append(scene.states())
        writing.__exit__(None, None, None)
        return True

    scene.load("consents", CONSENTS, patience=wait)
    assert asked == [[False] * 3], "the withdrawals were in force while it waited"
    assert sorted(scene.states()) == [False] * 3 + [True] * 6


@pytest.mark.parametrize("outcome", ["failed", "published", None])
def test_verify_sees_grants_of_an_import_that_did_not_end(scene: Scene, outcome: str | None) -> None:
    scene.load("consents", CONSENTS)
    with scene.store.database.write() as connection:
        connection.execute(sa.update(import_batch).values(outcome=outcome))
    assert "unfinished_grants" in scene.broken()
    assert ("dead_imports" in scene.broken()) == (outcome != "failed")


def test_verify_sees_a_state_that_the_log_does_not_say(scene: Scene) -> None:
    scene.load("consents", CONSENTS)
    with scene.store.database.write() as connection:
        connection.exec_driver_sql("UPDATE consent SET granted = NOT granted WHERE customer_no = 8")
        connection.exec_driver_sql("DELETE FROM consent WHERE customer_no = 2")
    assert "customer 2" in scene.broken()["consents"]
    assert "customer 8" in scene.broken()["consents"]


def test_verify_sees_a_statement_without_effect(scene: Scene) -> None:
    scene.load("consents", CONSENTS)
    with scene.store.database.write() as connection:
        mine = sa.update(consent_log).where(consent_log.c.customer_no == 7)
        connection.execute(mine.values(channel="carrier pigeon"))
    assert "carrier pigeon" in scene.broken()["statements"]
