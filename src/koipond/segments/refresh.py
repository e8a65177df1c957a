"""Refresh (刷新): bring the published profile to a day, touching only whom facts or the clock moved.

Scalars are frozen at a full refresh and stay until the next. A refresh is full when it is asked for, when
there is none yet, when definitions changed, when the day goes back, and when `RefreshPolicy` says so; else it
is incremental and equals the full one at the same scalars row for row (design §6, BAR-P2).
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import ibis

from koipond.facts.ports import IbisTable, Query, Reader, Writer
from koipond.facts.schemas import FACTS as FACT_SCHEMAS
from koipond.facts.tables import FactTables, read_facts
from koipond.kernel import epoch_day, from_epoch_day
from koipond.profiles.again import base_again
from koipond.segments.affected import CORRECTION, FACTS, affected, new_in_every_part
from koipond.segments.layers.compute import compute, profile_query
from koipond.segments.layers.definitions import LayerSet
from koipond.segments.layers.profile import is_current, project
from koipond.segments.movements import MOVING, Cause, differing, movement_rows
from koipond.segments.state import BASE, META_KEY, MOVEMENTS, PROFILE, Published, published

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
    reason = _reason(writer, state, layers, day, full=full, policy=policy)
    if state is None or reason in ("definition", "day_went_back") or not writer.has(BASE):
        return _rebuild(writer, layers, facts, state, day, reason)
    whom = affected(writer, facts, layers.base_spec, state, day)
    if reason == "incremental" and _are_many(writer, whom, policy):
        reason = "many_changes"
    if reason == "incremental":
        return _step(writer, layers, facts, state, whom, day)
    return _recut(writer, layers, facts, state, whom, day, reason)


def keeps_scalars(
    reader: Reader, layers: LayerSet, state: Published, day: int, policy: RefreshPolicy = DEFAULT_POLICY
) -> bool:
    """Say whether a refresh on ``day`` would be incremental: then its cut-offs are those of ``state``."""
    if (
        not reader.has(BASE)
        or _reason(reader, state, layers, day, full=False, policy=policy) != "incremental"
    ):
        return False
    whom = affected(reader, read_facts(reader), layers.base_spec, state, day)
    return not _are_many(reader, whom, policy)


def _reason(
    reader: Reader,
    state: Published | None,
    layers: LayerSet,
    day: int,
    *,
    full: bool,
    policy: RefreshPolicy,
) -> Reason:
    if state is None:
        return "first"
    if state.definition_version != layers.fingerprint or not is_current(reader.table(PROFILE)):
        return "definition"
    if day < state.as_of:
        return "day_went_back"
    if full:
        return "asked"
    if day - state.scalars.frozen_day >= policy.recut_after_days:
        return "scalars_old"
    return "incremental"


def _are_many(reader: Reader, whom: IbisTable, policy: RefreshPolicy) -> bool:
    facts = whom.filter(whom["rank"] >= FACTS).count().name("changed")
    query = Query(
        key="are_many",
        build=lambda _: facts.as_table().cross_join(reader.table(PROFILE).agg(n=lambda t: t.count())),
    )
    [row] = reader.frame(query).to_pylist()
    return bool(row["changed"] * 100 > row["n"] * policy.changed_percent_max)


def _rebuild(
    writer: Writer, layers: LayerSet, facts: FactTables, state: Published | None, day: int, reason: Reason
) -> RefreshResult:
    """Compute everything; every difference has the one cause."""
    made = compute(writer, layers, day, facts=facts)
    moves: Counter[str] = Counter()
    if state is not None and writer.has(PROFILE):
        cause = Cause.DEFINITION if reason == "definition" else Cause.CORRECTION
        moves += _log_one_cause(writer, writer.table(PROFILE), made.profile, day, cause)
    writer.replace(BASE, made.base.kept_query)
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
    middle = writer.cache("_middle", profile_query(made.base, layers, state.scalars, day))
    moves = _log_causes(writer, writer.table(PROFILE), middle, whom, day)
    moves += _log_one_cause(writer, middle, made.profile, day, Cause.RECUT)
    writer.replace(BASE, made.base.kept_query)
    rows = writer.replace(PROFILE, made.profile)
    state = Published(as_of=day, scalars=made.scalars, mark=writer.mark())
    return _done(writer, state, reason, rows, moves)


def _step(
    writer: Writer, layers: LayerSet, facts: FactTables, state: Published, whom: IbisTable, day: int
) -> RefreshResult:
    """Compute only whom facts or the clock moved, under the frozen scalars."""
    before = writer.cache("_before", _moving_of(writer.table(PROFILE), whom))
    query = Query(key=f"stored:{layers.base_spec.fingerprint}", build=lambda _: _stored(writer, whom, before))
    stored = writer.cache("_stored", query)
    query = Query(key="whom_parts", build=lambda _: new_in_every_part(whom, before))
    parts = writer.cache("_whom_parts", query)
    base = base_again(writer, facts, layers.base_spec, parts, stored, day)
    query = Query(
        key=f"fresh:{layers.fingerprint}",
        build=lambda v: project(base, layers, v),
        values={**state.scalars.values, "as_of": day},
    )
    fresh = writer.cache("_fresh", query)
    moves = _log_causes(writer, before, fresh, whom, day)
    query = Query(key=f"kept:{layers.base_spec.fingerprint}", build=lambda _: base.drop("customer_uid"))
    writer.upsert(BASE, query, whom)
    rows = writer.upsert(PROFILE, fresh, whom)
    state = Published(as_of=day, scalars=state.scalars, mark=writer.mark())
    return _done(writer, state, "incremental", rows, moves)


def _moving_of(rows: IbisTable, whom: IbisTable) -> Query:
    """What of the published rows of ``whom`` is looked at again; each further column costs reading it."""
    own = rows.select("customer_no", "customer_uid", *MOVING)
    return Query(key=f"of:{rows.get_name()}", build=lambda _: own.semi_join(whom, "customer_no"))


def _stored(writer: Writer, whom: IbisTable, before: IbisTable) -> IbisTable:
    """Return the published base of ``whom`` with the customer_uid of their profiles."""
    uids = before.select("customer_no", "customer_uid")
    return writer.table(BASE).semi_join(whom, "customer_no").inner_join(uids, "customer_no")


def _log_causes(
    writer: Writer, before: IbisTable, after: IbisTable, why: IbisTable, day: int
) -> Counter[str]:
    """Log the differences, each with the cause that ``why`` gives its customer, else the clock."""
    return _log(writer, before, after, day, lambda moved: _causes(moved, why), why.get_name())


def _causes(moved: IbisTable, why: IbisTable) -> IbisTable:
    reasons = why.select(_why_no="customer_no", rank="rank")
    joined = moved.left_join(reasons, moved.customer_no == reasons["_why_no"])
    cause = ibis.cases(
        (joined["rank"] == CORRECTION, Cause.CORRECTION.value),
        (joined["rank"] == FACTS, Cause.FACTS.value),
        else_=Cause.CLOCK.value,
    )
    return joined.mutate(cause=cause)


def _log_one_cause(
    writer: Writer, before: IbisTable, after: IbisTable, day: int, cause: Cause
) -> Counter[str]:
    return _log(
        writer, before, after, day, lambda moved: moved.mutate(cause=ibis.literal(cause.value)), cause
    )


def _log(
    writer: Writer,
    before: IbisTable,
    after: IbisTable,
    day: int,
    with_cause: Callable[[IbisTable], IbisTable],
    key: str,
) -> Counter[str]:
    """Write the movements from ``before`` to ``after``; return how many there are of each cause."""
    key = f"{before.get_name()}:{after.get_name()}:{key}"
    query = Query(key=f"moved:{key}", build=lambda _: with_cause(differing(before, after)))
    moved = writer.cache("_moved", query)
    query = Query(key="movements", build=lambda v: movement_rows(moved, v["as_of"]), values={"as_of": day})
    kept = writer.cache("_movements", query)
    query = Query(key="movement_counts", build=lambda _: kept.group_by("cause").agg(n=kept.count()))
    counts = writer.frame(query).to_pylist()
    if counts:
        writer.append(MOVEMENTS, Query(key="kept_movements", build=lambda _: kept))
    return Counter({row["cause"]: row["n"] for row in counts})


def _done(writer: Writer, state: Published, reason: Reason, rows: int, moves: Counter[str]) -> RefreshResult:
    writer.set_meta(META_KEY, state.to_json())
    writer.settle((*FACT_SCHEMAS, MOVEMENTS), state.mark)
    return RefreshResult(
        as_of=from_epoch_day(state.as_of),
        definition_version=state.definition_version,
        frozen_on=from_epoch_day(state.scalars.frozen_day),
        reason=reason,
        refreshed=rows,
        movements={cause.value: moves[cause.value] for cause in Cause},
    )
