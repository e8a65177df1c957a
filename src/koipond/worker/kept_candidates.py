"""The candidates of plans as the warehouse keeps them (候选留存): whole for 35 days, in one shape."""

from collections.abc import Sequence
from datetime import date

import ibis
import pyarrow as pa

from koipond.facts.ports import Query, Writer
from koipond.kernel import epoch_day, from_epoch_day
from koipond.strategy.plan import CANDIDATES as PLANNED
from koipond.strategy.plan import Plan

CANDIDATES = "candidates"
KEPT_DAYS = 35
"""Candidates are kept whole this long (design §7), then only the plan's counts."""


def keep_candidates(writer: Writer, made: Plan, day: date, killed: Sequence[str]) -> None:
    """Add the candidates of ``made``; those of old plans go, and those of plans that were ``killed``."""
    if writer.has(CANDIDATES):
        old = writer.table(CANDIDATES)
        first_s = _start_s(from_epoch_day(epoch_day(day) - KEPT_DAYS))
        before = Query(
            key="plans_before",
            build=lambda v: old.filter(old.due_s < v["first_s"]).select("plan").distinct(),
            values={"first_s": first_s},
        )
        gone = writer.frame(before)
        if killed:
            left = writer.frame(old.filter(old.plan.isin(killed)).select("plan").distinct())
            gone = pa.concat_tables([gone, left])
        if gone.num_rows:
            writer.remove(CANDIDATES, writer.stage("_plans_gone", gone), ["plan"])
        _widen(writer)
    writer.append(CANDIDATES, made.candidates)


def _widen(writer: Writer) -> None:
    """Give the candidates of an earlier release the columns that it did not write: one dataset has one
    shape."""
    if not writer.has(CANDIDATES):
        return
    old = writer.table(CANDIDATES)
    kinds = ibis.Schema.from_pyarrow(PLANNED)
    missing = {name: ibis.null(str(kinds[name])) for name in PLANNED.names if name not in old.columns}
    if missing:
        writer.replace(CANDIDATES, old.mutate(**missing).select(*PLANNED.names))


def _start_s(day: date) -> int:
    return epoch_day(day) * 86_400
