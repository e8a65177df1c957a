"""Held grades: one suite on both stores."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from koipond.facts.people import PersonKeys
from koipond.facts.schemas import FACTS
from koipond.kernel import epoch_day
from koipond.segments.layers.grade import GradeDefinition
from koipond.store import Store
from koipond.store.grades import GradeRun
from koipond.store.verify import Check

NOW = datetime(2026, 1, 1, tzinfo=UTC)
JANUARY, FEBRUARY, MARCH, APRIL = (date(2026, month, 1) for month in (1, 2, 3, 4))
LONG_AGO = epoch_day(date(2020, 1, 1))


def people(*grades: str | None, joined: int | None = LONG_AGO) -> pa.RecordBatch:
    """Customers 1, 2, … with these snapshot grades."""
    rows = [{"customer_no": n, "grade": g, "joined_day": joined} for n, g in enumerate(grades, 1)]
    schema = pa.schema({"customer_no": pa.int32(), "grade": pa.string(), "joined_day": pa.int32()})
    return pa.RecordBatch.from_pylist(rows, schema=schema)


def run(store: Store, day: date, *batches: pa.RecordBatch, version: int = 1) -> GradeRun | None:
    options: dict[str, Any] = {"definition_version": version, "layers_version": "abc", "now": NOW}
    return store.grades.run(batches, day=day, definition=GradeDefinition(), **options)


def counts(found: GradeRun | None) -> tuple[int, ...]:
    assert found is not None
    return found.began, found.up, found.down, found.kept, found.ended


def grades(store: Store, *numbers: int) -> list[str | None]:
    return [None if (state := store.grades.of(n)) is None else state.grade for n in numbers]


def test_up_at_once_and_down_after_two_runs_below(store: Store) -> None:
    assert store.grades.last_run() is None
    assert counts(run(store, JANUARY, people("key", "core", None, "fringe"))) == (3, 0, 0, 0, 0)
    assert counts(run(store, FEBRUARY, people("core", "key", "key", "fringe"), version=2)) == (1, 1, 0, 2, 0)
    assert grades(store, 1, 2, 3, 4) == ["core", "core", "key", "fringe"]
    assert counts(run(store, MARCH, people("core", "regular", None, "fringe"), version=3)) == (0, 0, 1, 2, 1)
    assert grades(store, 1, 2, 3, 4) == ["core", "regular", None, "fringe"]
    found = store.grades.of(2)
    assert found is not None
    assert (found.since, found.runs_below, found.definition_version) == (MARCH, 0, 3)
    last = store.grades.last_run()
    assert last is not None
    assert (last.day, last.ran_at, last.definition_version, last.layers_version) == (MARCH, NOW, 3, "abc")


def test_nobody_falls_within_ninety_days_of_joining(store: Store) -> None:
    joined = epoch_day(date(2026, 1, 1))  # 1 April is day 90
    for day in (JANUARY, FEBRUARY, MARCH, APRIL):
        run(store, day, people("core" if day == JANUARY else "fringe", joined=joined))
        assert grades(store, 1) == ["core"], day
    run(store, date(2026, 5, 1), people("fringe", joined=joined))
    assert grades(store, 1) == ["fringe"]


def test_a_month_runs_once_and_earlier_days_change_nothing(store: Store) -> None:
    run(store, FEBRUARY, people("key"))
    for day in (FEBRUARY, date(2026, 2, 28), JANUARY):
        assert run(store, day, people("core")) is None
    assert grades(store, 1) == ["key"]
    options: dict[str, Any] = {"definition_version": 1}
    assert store.grades.lift(pa.Table.from_batches([people("core")]), day=JANUARY, **options) == 0
    assert store.grades.lift(pa.Table.from_batches([people("core")]), day=date(2026, 2, 9), **options) == 1
    assert store.grades.lift(pa.Table.from_batches([people("fringe")]), day=date(2026, 2, 9), **options) == 0
    assert grades(store, 1) == ["core"]


def test_before_the_first_run_nobody_is_lifted(store: Store) -> None:
    table = pa.Table.from_batches([people("core")])
    assert store.grades.lift(table, day=JANUARY, definition_version=1) == 0
    assert grades(store, 1) == [None]


def test_a_merged_customer_holds_the_higher_grade_and_an_unmerge_lowers_nobody(store: Store) -> None:
    keys = [PersonKeys(source="s", shop_id=name) for name in "abc"]
    store.identity.resolve(keys, NOW)
    run(store, JANUARY, people("regular", "fringe", "core"))
    phone = "+8613800000001"
    shared = [PersonKeys(source="s", shop_id=n, phone=phone, verified=True) for n in ("a", "c")]
    store.identity.resolve(shared, NOW)
    assert grades(store, 1, 2, 3) == ["core", "fringe", "core"]
    assert counts(run(store, FEBRUARY, people("key", "fringe"))) == (0, 0, 0, 2, 0)
    (link,) = store.people.links()
    store.people.unmerge(link.link_no, "wang", NOW)
    assert grades(store, 1, 2, 3) == ["core", "fringe", "core"]
    assert counts(run(store, MARCH, people("key", "fringe", "fringe"))) == (0, 0, 2, 1, 0)
    assert grades(store, 1, 2, 3) == ["key", "fringe", "fringe"]


def test_a_failed_run_leaves_nothing(store: Store) -> None:
    def broken() -> Any:
        yield people("core", "key")
        raise RuntimeError("the disk is full")

    options: dict[str, Any] = {"definition_version": 1, "layers_version": "abc", "now": NOW}
    with pytest.raises(RuntimeError, match="the disk is full"):
        store.grades.run(broken(), day=JANUARY, definition=GradeDefinition(), **options)
    assert store.grades.last_run() is None
    assert grades(store, 1, 2) == [None, None]
    assert store.grades.changes(0, 10).num_rows == 0


def test_of_two_processes_one_runs_the_month(open_store: Callable[[], Store]) -> None:
    stores = [open_store(), open_store()]
    run(stores[0], JANUARY, people(*["key"] * 500))
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda store: run(store, FEBRUARY, people(*["fringe"] * 500)), stores))
    assert sorted(one is None for one in found) == [False, True]
    state = stores[0].grades.of(1)
    assert state is not None
    assert (state.grade, state.runs_below) == ("key", 1)


def test_changes_are_told_once_and_in_order(store: Store) -> None:
    run(store, JANUARY, people("key", "core", "fringe"))
    run(store, FEBRUARY, people("core", "core", None))
    told, after = [], 0
    while (part := store.grades.changes(after, 2)).num_rows:
        assert part.schema == FACTS["grade_changes"]
        told += part.to_pylist()
        after = told[-1]["change_no"]
    assert [(row["customer_no"], row["from_grade"], row["to_grade"]) for row in told] == [
        (1, None, "key"),
        (2, None, "core"),
        (3, None, "fringe"),
        (1, "key", "core"),
        (3, "fringe", None),
    ]
    assert [row["day"] for row in told] == [epoch_day(JANUARY)] * 3 + [epoch_day(FEBRUARY)] * 2


@pytest.mark.parametrize(
    ("breach", "says"),
    [
        (
            "UPDATE held_grade SET grade = 'core' WHERE customer_no = 4",
            "4 holds core, the last change says fringe",
        ),
        ("DELETE FROM held_grade WHERE customer_no = 1", "1 holds none, the last change says core"),
        ("DELETE FROM grade_change WHERE customer_no = 4", "4 holds fringe, the last change says none"),
        (
            "DELETE FROM grade_change WHERE customer_no = 1 AND from_grade IS NULL",
            "begins at key, the one before it ended at none",
        ),
    ],
)
def test_verify_sees_a_held_grade_without_its_change(store: Store, breach: str, says: str) -> None:
    run(store, JANUARY, people("key", "core", None, "fringe"))
    run(store, FEBRUARY, people("core", "key", None, "fringe"))
    run(store, MARCH, people("core", "regular", None, "fringe"))
    assert held_grades_check(store).breaks == 0
    with store.database.write() as connection:
        connection.exec_driver_sql(breach)
    found = held_grades_check(store)
    assert (found.breaks, says in found.detail) == (1, True), found.detail


def held_grades_check(store: Store) -> Check:
    return next(one for one in store.checks.all(ZoneInfo("UTC"), NOW) if one.name == "held_grades")
