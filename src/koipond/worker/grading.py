"""Held grades at a refresh (当前等级): the monthly run, who is lifted at once, and both told as facts."""

from datetime import date
from typing import Any

import ibis

from koipond.bootstrap import App
from koipond.facts.ports import IbisTable, Writer
from koipond.facts.schemas import FACTS
from koipond.kernel import epoch_day
from koipond.segments.held import CHANGES
from koipond.segments.layers.grade import run_due
from koipond.segments.state import BASE, MOVEMENTS, PROFILE
from koipond.store.grades import GradeRun

TOLD = "store_grade_changes"
BATCH = 100_000
ROUNDS_MAX = 10_000


def hold_grades(app: App, writer: Writer, day: date) -> dict[str, Any]:
    """Bring held grades to ``day`` after its profile was written; the caller publishes.

    The first refresh of a month runs everybody, any other lifts whom it moved up. Nothing happens before the
    first apply, and on days to come. Return the run, None without one, and how many were lifted.
    """
    run, lifted = None, 0
    version = app.store.definitions.version()
    if version > 0 and day <= app.observation_day(None):
        last = app.store.grades.last_run()
        if run_due(None if last is None else last.day, day):
            run = _run(app, writer, day, version)
        if run is None and last is not None:
            lifted = _lift(app, writer, last, day, version)
    _tell(app, writer)
    return {"run": None if run is None else run.to_dict(), "lifted": lifted}


def _run(app: App, writer: Writer, day: date, version: int) -> GradeRun | None:
    people = _people(writer).order_by("customer_no")
    return app.store.grades.run(
        writer.batches(people, BATCH),
        day=day,
        definition=app.layers.grade,
        definition_version=version,
        layers_version=app.layers.fingerprint,
        now=app.clock.now(),
    )


def _lift(app: App, writer: Writer, last: GradeRun, day: date, version: int) -> int:
    """Lift whoever moved to another snapshot grade since the last run, as far as they moved up."""
    if not writer.has(MOVEMENTS):
        return 0
    moves = writer.table(MOVEMENTS)
    moved = moves.filter(moves.layer == "grade", moves.day >= epoch_day(last.day)).select("customer_no")
    people = _people(writer).semi_join(moved.distinct(), "customer_no")
    rows = writer.frame(people.filter(ibis._.grade.notnull()))
    return app.store.grades.lift(rows, day=day, definition_version=version) if rows.num_rows else 0


def _people(writer: Writer) -> IbisTable:
    profile, base = writer.table(PROFILE), writer.table(BASE)
    joined = base.select(_base_no="customer_no", joined_day="joined_day")
    return profile.left_join(joined, profile.customer_no == joined["_base_no"]).select(
        "customer_no", "grade", "joined_day"
    )


def _tell(app: App, writer: Writer) -> None:
    """Write the changes that were not told yet; how far is published with them."""
    told = int(writer.meta(TOLD) or 0)
    for _ in range(ROUNDS_MAX):
        rows = app.store.grades.changes(told, BATCH)
        if rows.num_rows == 0:
            break
        writer.append(CHANGES, writer.stage("_told_grades", rows.cast(FACTS[CHANGES])))
        told = rows.column("change_no")[-1].as_py()
    writer.set_meta(TOLD, told)
