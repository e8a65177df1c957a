"""The held grades of the store are the pure fold of everybody's snapshot grades (science D4)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from koipond.kernel import epoch_day, from_epoch_day
from koipond.segments.layers.grade import GRADES, GradeDefinition, HeldGrade, hold, lift, run_due
from koipond.store import Store, memory_keys
from koipond.store.tables import customer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = date(2025, 12, 20)
PEOPLE = 6

snapshots = st.lists(st.sampled_from([*GRADES, None]), min_size=PEOPLE, max_size=PEOPLE)
refreshes = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 12, 31, 31, 31]),  # days since the refresh before
        snapshots,
        st.none() | st.tuples(st.integers(1, PEOPLE), st.integers(1, PEOPLE)),  # a merge before it
    ),
    min_size=1,
    max_size=12,
)
joined_days = st.lists(
    st.sampled_from([None, -200, -90, -30, 0, 1, 12, 31]), min_size=PEOPLE, max_size=PEOPLE
)
definitions = st.builds(
    GradeDefinition, down_after_runs=st.integers(1, 3), protected_days=st.sampled_from([0, 31, 62])
)


class Pure:
    """What science D4 says, one person at a time."""

    def __init__(self, definition: GradeDefinition, joined: list[date | None]) -> None:
        self.definition = definition
        self.joined = joined
        self.held: dict[int, HeldGrade] = {}
        self.root = {no: no for no in range(1, PEOPLE + 1)}
        self.last_run: date | None = None

    def merge(self, one: int, other: int) -> None:
        low, high = sorted((self.root[one], self.root[other]))
        self.root = {no: low if root == high else root for no, root in self.root.items()}
        both = [self.held[no] for no in (low, high) if no in self.held]
        self.held.pop(high, None)
        if both:
            self.held[low] = min(both, key=lambda one: (GRADES.index(one.grade), one.runs_below))

    def refresh(self, day: date, seen: dict[int, str | None]) -> None:
        run = run_due(self.last_run, day)
        for no, snapshot in seen.items():
            if snapshot is None:
                if run:
                    self.held.pop(no, None)
            elif run:
                joined = self.joined[no - 1]
                self.held[no] = hold(
                    self.held.get(no), snapshot, definition=self.definition, joined_on=joined, run_on=day
                )
            else:
                self.held[no] = lift(self.held.get(no), snapshot)
        self.last_run = day if run else self.last_run


def batches(seen: dict[int, str | None], joined: list[date | None]) -> list[pa.RecordBatch]:
    days = [None if joined[no - 1] is None else epoch_day(joined[no - 1] or NOW.date()) for no in seen]
    columns = {"customer_no": list(seen), "grade": list(seen.values()), "joined_day": days}
    schema = pa.schema({"customer_no": pa.int32(), "grade": pa.string(), "joined_day": pa.int32()})
    return list(pa.table(columns, schema=schema).to_batches(max_chunksize=2))


def merge(store: Store, root: dict[int, int]) -> None:
    with store.database.write() as connection:
        for no, survivor in root.items():
            values = {"survivor_no": None if no == survivor else survivor}
            connection.execute(customer.update().where(customer.c.customer_no == no).values(**values))


def told(store: Store) -> dict[int, list[str | None]]:
    """Return what each number held after each of its changes, each leading on from the one before."""
    held: dict[int, list[str | None]] = {}
    for row in store.grades.changes(0, 10_000).to_pylist():
        own = held.setdefault(row["customer_no"], [None])
        assert row["from_grade"] == own[-1] != row["to_grade"]
        own.append(row["to_grade"])
    return held


@settings(max_examples=150, deadline=None)
@given(history=refreshes, joined=joined_days, definition=definitions)
def test_the_stored_fold_is_the_pure_fold(
    history: list[Any], joined: list[int | None], definition: GradeDefinition
) -> None:
    joined_on = [None if n is None else FIRST + timedelta(days=n) for n in joined]
    pure, day = Pure(definition, joined_on), FIRST
    with Store.open("sqlite://", memory_keys(b"t")) as store:
        with store.database.write() as connection:
            rows = [{"customer_no": n, "customer_uid": str(n)} for n in range(1, PEOPLE + 1)]
            connection.execute(customer.insert(), [{**row, "created_s": 0} for row in rows])
        for gap, found, pair in history:
            day += timedelta(days=gap)
            if pair is not None:
                pure.merge(*pair)
                merge(store, pure.root)
            seen = {no: found[no - 1] for no in sorted(set(pure.root.values()))}
            due = run_due(pure.last_run, day)
            pure.refresh(day, seen)
            given_: dict[str, Any] = {"day": day, "definition_version": 1}
            run = store.grades.run(
                batches(seen, joined_on), definition=definition, layers_version="v", now=NOW, **given_
            )
            assert (run is not None) == due
            if not due:
                people = pa.Table.from_batches(batches(seen, joined_on))
                store.grades.lift(people.filter(pa.compute.is_valid(people["grade"])), **given_)
            for no in seen:
                state = store.grades.of(no)
                stored = state and HeldGrade(grade=state.grade, runs_below=state.runs_below)
                assert stored == pure.held.get(no)
        last = told(store)
        for no in set(pure.root.values()):
            members = [last[one][-1] for one, root in pure.root.items() if root == no and one in last]
            best = min((GRADES.index(grade) for grade in members if grade is not None), default=None)
            own = pure.held.get(no)
            assert (None if best is None else GRADES[best]) == (own and own.grade)


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(-400, 400))
def test_a_month_has_one_run_and_an_earlier_day_none(day: date, later: int) -> None:
    other = from_epoch_day(epoch_day(day) + later)
    assert run_due(None, day)
    assert run_due(day, other) == (other > day and (other.year, other.month) != (day.year, day.month))
