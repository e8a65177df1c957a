"""Refresh (刷新): bring the published profile to a day, touching only whom facts or the clock moved.

Scalars are frozen at a full refresh and stay until the next. A refresh is full when it is asked for, when
there is none yet, when definitions changed, when the day goes back, and when `RefreshPolicy` says so; else it
is incremental and equals the full one at the same scalars row for row (design §6, BAR-P2).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import ibis

from koipond.ingest.ports import IbisTable, Query, Writer
from koipond.kernel import epoch_day, from_epoch_day
from koipond.profiles.base import base_table
from koipond.profiles.facts import FactTables, read_facts
from koipond.segments.affected import CLOCK, CORRECTION, FACTS, affected
from koipond.segments.layers.compute import compute, profile_query
from koipond.segments.layers.definitions import LayerSet
from koipond.segments.movements import Cause, differing, movement_rows
from koipond.segments.state import META_KEY, MOVEMENTS, PROFILE, Published, published

Reason = Literal[
    "first", "definition", "day_went_back", "asked", "many_changes", "scalars_old", "incremental"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshPolicy:
    """When a refresh is full without being asked.

    ``recut_after_days``: age at which scalars are frozen anew; left alone, a cut-off of recency would in time
    be beaten by every active customer. ``changed_percent_max``: share of customers with new facts up to which
    looking at them alone is cheaper than at everyone.
    """

    recut_after_days: int = 7
    changed_percent_max: int = 20


DEFAULT_POLICY = RefreshPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshResult:
    """What a refresh did. ``refreshed``: rows computed; ``movements``: how many by cause."""

    as_of: date
    definition_version: str
    frozen_on: date
    reason: Reason
    refreshed: int
    movements: Mapping[str, int]

    @property
    def full(self) -> bool:
        """Whether every row was computed and the scalars were frozen anew."""
        return self.reason != "incremental"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can carry."""
        return {
            "as_of": self.as_of.isoformat(),
            "definition_version": self.definition_version,
            "frozen_on": self.frozen_on.isoformat(),
            "full": self.full,
            "reason": self.reason,
            "refreshed": self.refreshed,
            "movements": dict(self.movements),
        }


def refresh(
    writer: Writer,
    layers: LayerSet,
    as_of: date,
    *,
    full: bool = False,
    policy: RefreshPolicy = DEFAULT_POLICY,
) -> RefreshResult:
    """Write profile and movements of ``as_of`` into ``writer``; the caller publishes."""
    day, state, facts = epoch_day(as_of), published(writer), read_facts(writer)
    reason = _reason(state, layers, day, full=full, policy=policy)
    if state is None or reason in ("definition", "day_went_back") or not writer.has(PROFILE):
        return _rebuild(writer, layers, facts, state, day, reason)
    whom = affected(writer, facts, writer.table(PROFILE), state, day)
    if reason == "incremental" and _are_many(writer, whom, policy):
        reason = "many_changes"
    if reason == "incremental":
        return _step(writer, layers, facts, state, whom, day)
    return _recut(writer, layers, facts, state, whom, day, reason)


def _reason(
    state: Published | None, layers: LayerSet, day: int, *, full: bool, policy: RefreshPolicy
) -> Reason:
    if state is None:
        return "first"
    if state.definition_version != layers.fingerprint:
        return "definition"
    if day < state.as_of:
        return "day_went_back"
    if full:
        return "asked"
    if day - state.scalars.frozen_day >= policy.recut_after_days:
        return "scalars_old"
    return "incremental"


def _are_many(writer: Writer, whom: IbisTable, policy: RefreshPolicy) -> bool:
    facts = whom.filter(whom["rank"] > CLOCK).count().name("changed")
    query = Query(
        key="are_many",
        build=lambda _: facts.as_table().cross_join(writer.table(PROFILE).agg(n=lambda t: t.count())),
    )
    [row] = writer.frame(query).to_pylist()
    return bool(row["changed"] * 100 > row["n"] * policy.changed_percent_max)


def _rebuild(
    writer: Writer, layers: LayerSet, facts: FactTables, state: Published | None, day: int, reason: Reason
) -> RefreshResult:
    """Compute everything; every difference has the one cause."""
    made = compute(writer, layers, day, facts=facts)
    moves: Counter[str] = Counter()
    if state is not None and writer.has(PROFILE):
        cause = Cause.DEFINITION if reason == "definition" else Cause.CORRECTION
        moved = differing(writer.table(PROFILE), made.profile)
        moves += _log(writer, movement_rows(moved, ibis.literal(day), cause.value))
    rows = writer.replace(PROFILE, made.profile)
    state = Published(as_of=day, scalars=made.scalars, mark=writer.mark())
    return _done(writer, state, reason, rows, moves)


def _recut(
    writer: Writer,
    layers: LayerSet,
    facts: FactTables,
    state: Published,
    whom: IbisTable,
    day: int,
    reason: Reason,
) -> RefreshResult:
    """Compute everything under the old scalars, then under new ones: two steps, each with its cause."""
    made = compute(writer, layers, day, facts=facts)
    middle = writer.cache("_middle", profile_query(made.base, layers, state.scalars, day, facts.shape))
    moves = _log_causes(writer, writer.table(PROFILE), middle, whom, day)
    recut = Query(
        key=f"recut:{middle.get_name()}:{made.profile.get_name()}",
        build=lambda v: movement_rows(differing(middle, made.profile), v["as_of"], Cause.RECUT.value),
        values={"as_of": day},
    )
    moves += _log(writer, recut)
    rows = writer.replace(PROFILE, made.profile)
    state = Published(as_of=day, scalars=made.scalars, mark=writer.mark())
    return _done(writer, state, reason, rows, moves)


def _step(
    writer: Writer, layers: LayerSet, facts: FactTables, state: Published, whom: IbisTable, day: int
) -> RefreshResult:
    """Compute only whom facts or the clock moved, under the frozen scalars."""
    own = facts.restricted(whom)
    base = base_table(writer, own, layers.base_spec, day).table
    fresh = writer.cache("_fresh", profile_query(base, layers, state.scalars, day, own.shape))
    moves = _log_causes(writer, writer.table(PROFILE), fresh, whom, day)
    rows = writer.upsert(PROFILE, fresh, whom)
    state = Published(as_of=day, scalars=state.scalars, mark=writer.mark())
    return _done(writer, state, "incremental", rows, moves)


def _log_causes(
    writer: Writer, before: IbisTable, after: IbisTable, why: IbisTable, day: int
) -> Counter[str]:
    """Log the differences, each with the cause that ``why`` gives its customer, else the clock."""
    return _log(
        writer,
        Query(
            key=f"causes:{before.get_name()}:{after.get_name()}:{why.get_name()}",
            build=lambda v: _with_causes(differing(before, after), why, v["as_of"]),
            values={"as_of": day},
        ),
    )


def _with_causes(moved: IbisTable, why: IbisTable, day: Any) -> IbisTable:
    reasons = why.select(_why_no="customer_no", rank="rank")
    joined = moved.left_join(reasons, moved.customer_no == reasons["_why_no"])
    cause = ibis.cases(
        (joined["rank"] == CORRECTION, Cause.CORRECTION.value),
        (joined["rank"] == FACTS, Cause.FACTS.value),
        else_=Cause.CLOCK.value,
    )
    return movement_rows(joined, day, cause)


def _log(writer: Writer, rows: Any) -> Counter[str]:
    kept = writer.cache("_movements", rows)
    query = Query(key="movement_counts", build=lambda _: kept.group_by("cause").agg(n=kept.count()))
    counts = writer.frame(query).to_pylist()
    if counts:
        writer.append(MOVEMENTS, Query(key="movements", build=lambda _: kept))
    return Counter({row["cause"]: row["n"] for row in counts})


def _done(writer: Writer, state: Published, reason: Reason, rows: int, moves: Counter[str]) -> RefreshResult:
    writer.set_meta(META_KEY, state.to_json())
    return RefreshResult(
        as_of=from_epoch_day(state.as_of),
        definition_version=state.definition_version,
        frozen_on=from_epoch_day(state.scalars.frozen_day),
        reason=reason,
        refreshed=rows,
        movements={cause.value: moves[cause.value] for cause in Cause},
    )
