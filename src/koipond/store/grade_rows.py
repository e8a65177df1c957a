"""Rows of held grades, a few ten thousand people at a time, inside the caller's transaction.

People who were merged hold one grade: the highest of their numbers, with its runs below. Every number of
theirs that has a row gets it, so that an unmerge leaves each with the grade held so far.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import sqlalchemy as sa

from koipond.segments.layers.grade import GRADES
from koipond.segments.layers.holding import NONE, Held, Ints
from koipond.store.bulk import Row, any_of, insert_rows, upsert_rows
from koipond.store.people import ROOT
from koipond.store.tables import customer, grade_change, held_grade

Fold = Callable[[Held, Ints, Ints], Held]
"""(held, snapshot places, joining days) → what is held then."""

_PLACES = {name: place for place, name in enumerate(GRADES)}
_COLUMNS = ("customer_no", "grade", "runs_below", "since_day", "definition_version")
_CHANGE = ("customer_no", "from_grade", "to_grade", "day", "definition_version")
# the version stays the one under which the grade was reached
_UPSERT = (
    "ON CONFLICT (customer_no) DO UPDATE SET grade = excluded.grade, runs_below = excluded.runs_below,"
    " since_day = excluded.since_day, definition_version = CASE WHEN held_grade.grade = excluded.grade"
    " THEN held_grade.definition_version ELSE excluded.definition_version END"
)


class HeldRows:
    """The rows of ``held_grade`` under one transaction. ``counts``: people by what became of them."""

    def __init__(self, connection: sa.Connection, day: int, definition_version: int) -> None:
        self._connection = connection
        self._day = day
        self._version = definition_version
        self._merged = _merged(connection)
        self._away = np.array(sorted(no for group in self._merged.values() for no, *_ in group), np.int64)
        self._upto = -1
        self.counts: Counter[str] = Counter()

    def fold_range(self, numbers: Ints, snapshot: Ints, joined_day: Ints, fold: Fold) -> None:
        """Fold everybody up to the last of ``numbers`` (ascending, each call beyond the last one).

        Whoever holds a grade and is not among ``numbers`` has no snapshot any more.
        """
        last = int(numbers[-1]) if len(numbers) else None
        where = held_grade.c.customer_no > self._upto
        rows = _load(self._connection, where if last is None else where & (held_grade.c.customer_no <= last))
        self._upto = last if last is not None else self._upto
        gone = np.setdiff1d(rows[0], np.concatenate([numbers, self._away]))
        self._fold(_with_nobody(numbers, snapshot, joined_day, gone), rows, fold)

    def fold_rest(self, fold: Fold) -> None:
        """Fold whoever comes after the last range, and merged people nobody was asked about."""
        nobody = np.array([], np.int64)
        self.fold_range(nobody, nobody, nobody, fold)
        roots = np.array(sorted(self._merged), np.int64)
        self._fold(_with_nobody(nobody, nobody, nobody, roots), (nobody, Held.nothing(0)), fold)

    def fold_some(self, numbers: Ints, snapshot: Ints, joined_day: Ints, fold: Fold) -> None:
        """Fold ``numbers`` (ascending) alone."""
        rows = _load(self._connection, any_of(self._connection, held_grade.c.customer_no, numbers.tolist()))
        self._fold((numbers, snapshot, joined_day), rows, fold)

    def _fold(self, people: tuple[Ints, Ints, Ints], rows: tuple[Ints, Held], fold: Fold) -> None:
        keep = ~np.isin(people[0], self._away)  # merged since the facts were read: the survivor speaks
        order = np.argsort(people[0][keep], kind="stable")
        numbers, snapshot, joined = (column[keep][order] for column in people)
        own = _aligned(numbers, rows)
        groups = [
            (place, self._merged.pop(int(numbers[place])))
            for place in np.flatnonzero(np.isin(numbers, np.array(sorted(self._merged), np.int64)))
        ]
        before = _with_best(own, groups)
        after = fold(before, snapshot, joined)
        self._count(before, after)
        old = _joined(own, _of([row for _, group in groups for row in group]))
        places = np.concatenate(
            [np.arange(len(numbers)), np.array([p for p, group in groups for _ in group], np.int64)]
        )
        everyone = np.concatenate(
            [numbers, np.array([no for _, group in groups for no, *_ in group], np.int64)]
        )
        self._write(everyone, old, _at(after, places))

    def _count(self, before: Held, after: Held) -> None:
        had, has = before.place < NONE, after.place < NONE
        both, moved = had & has, after.place - before.place
        found = {"began": ~had & has, "ended": had & ~has}
        found |= {"up": both & (moved < 0), "down": both & (moved > 0), "kept": both & (moved == 0)}
        self.counts.update({name: int(where.sum()) for name, where in found.items()})

    def _write(self, numbers: Ints, old: Held, new: Held) -> None:
        differs, moved = new.differs(old), new.place != old.place
        put = differs & (new.place < NONE)
        rows: list[Row] = [
            (no, GRADES[place], below, since, self._version)
            for no, place, below, since in zip(
                *(column[put].tolist() for column in (numbers, new.place, new.runs_below, new.since_day)),
                strict=True,
            )
        ]
        upsert_rows(self._connection, held_grade, _COLUMNS, rows, _UPSERT)
        gone = numbers[moved & (new.place == NONE)].tolist()
        if gone:
            mine = any_of(self._connection, held_grade.c.customer_no, gone)
            self._connection.execute(sa.delete(held_grade).where(mine))
        names = (*GRADES, None)
        told: list[Row] = [
            (no, names[was], names[now], self._day, self._version)
            for no, was, now in zip(
                numbers[moved].tolist(), old.place[moved].tolist(), new.place[moved].tolist(), strict=True
            )
        ]
        insert_rows(self._connection, grade_change, _CHANGE, told)


_Row = tuple[int, int, int, int]  # customer_no, place, runs_below, since_day


def _load(connection: sa.Connection, where: Any) -> tuple[Ints, Held]:
    columns = (held_grade.c[name] for name in _COLUMNS[:4])
    query = sa.select(*columns).where(where).order_by(held_grade.c.customer_no)
    rows = [(no, _PLACES[grade], below, since) for no, grade, below, since in connection.execute(query)]
    return np.array([row[0] for row in rows], np.int64), _of(rows)


def _merged(connection: sa.Connection) -> dict[int, list[_Row]]:
    """Return survivor → the rows of the numbers that were merged into it."""
    columns = (held_grade.c[name] for name in _COLUMNS[:4])
    query = sa.select(ROOT, *columns).join(customer, customer.c.customer_no == held_grade.c.customer_no)
    found: dict[int, list[_Row]] = {}
    for root, no, grade, below, since in connection.execute(query.where(customer.c.survivor_no.is_not(None))):
        found.setdefault(root, []).append((no, _PLACES[grade], below, since))
    return found


def _of(rows: list[_Row]) -> Held:
    table = np.array(rows, np.int64).reshape(len(rows), 4)
    return Held(place=table[:, 1], runs_below=table[:, 2], since_day=table[:, 3])


def _at(held: Held, places: Ints) -> Held:
    return Held(
        place=held.place[places], runs_below=held.runs_below[places], since_day=held.since_day[places]
    )


def _joined(left: Held, right: Held) -> Held:
    return Held(
        place=np.concatenate([left.place, right.place]),
        runs_below=np.concatenate([left.runs_below, right.runs_below]),
        since_day=np.concatenate([left.since_day, right.since_day]),
    )


def _aligned(numbers: Ints, rows: tuple[Ints, Held]) -> Held:
    """Return what each of ``numbers`` holds by its own row; ``rows`` are sorted by number."""
    known, held = rows
    found = _joined(held, Held.nothing(1))
    if not len(known):
        return _at(found, np.zeros(len(numbers), np.int64))
    places = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    return _at(found, np.where(known[places] == numbers, places, len(known)))


def _with_best(own: Held, groups: list[tuple[Any, list[_Row]]]) -> Held:
    """Return ``own`` with the highest grade of each merged person, then the fewest runs below."""
    held = _at(own, np.arange(len(own.place)))
    for place, group in groups:
        mine = (int(held.place[place]), int(held.runs_below[place]), int(held.since_day[place]))
        best = min([mine, *(row[1:] for row in group)])
        held.place[place], held.runs_below[place], held.since_day[place] = best
    return held


def _with_nobody(numbers: Ints, snapshot: Ints, joined_day: Ints, gone: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the columns with ``gone`` added, who have no snapshot grade."""
    missing = np.full(len(gone), NONE, np.int64)
    none = np.zeros(len(gone), np.int64)
    return (
        np.concatenate([numbers, gone]),
        np.concatenate([snapshot, missing]),
        np.concatenate([joined_day, none]),
    )
