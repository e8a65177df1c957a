"""AIPL flow and FAST (S10, 人群流转): how customers moved between stages from day to day. Source: science D1.

start = kept + deepened + shallower + lost, for all and for each stage; new = no stage at the start.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Reader
from koipond.facts.tables import FactTables, read_facts
from koipond.kernel import epoch_day
from koipond.profiles.activity import ACTIVE_RESPONSES
from koipond.segments.layers.aipl import STAGES
from koipond.segments.layers.definitions import LayerSet
from koipond.segments.layers.scalars import counted
from koipond.segments.snapshot import profile_on

FAST_STEP_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFlow:
    """Counts of the customers who stood on one stage, or on any, at the start; ``new`` entered it or any."""

    start: int
    kept: int
    deepened: int
    shallower: int
    lost: int
    new: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """The flow between two days. ``matrix``: customers by (stage at the start, at the end), None = none."""

    start_on: date
    end_on: date
    total: StageFlow
    stages: Mapping[str, StageFlow]
    matrix: Mapping[tuple[str | None, str | None], int]

    @property
    def deepened_rate(self) -> float | None:
        """The A of FAST: deepened among the customers who stood below loyal at the start."""
        below = self.total.start - self.stages["loyal"].start
        return self.total.deepened / below if below else None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can carry."""
        return {
            "start_on": self.start_on.isoformat(),
            "end_on": self.end_on.isoformat(),
            "total": asdict(self.total),
            "stages": {name: asdict(flow) for name, flow in self.stages.items()},
            "deepened_rate": self.deepened_rate,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Fast:
    """FAST on a day: customers with a stage, rate deepened in a week, reachable members, active rate."""

    as_of: date
    fertility: int
    advancing_rate: float | None
    superiority: int
    thriving_rate: float | None


def flow(reader: Reader, layers: LayerSet, start_on: date, end_on: date) -> Flow:
    """Return how the customers of ``reader`` moved between AIPL stages from ``start_on`` to ``end_on``."""
    ends = []
    for name, day in (("_flow_start", start_on), ("_flow_end", end_on)):
        rows = counted(profile_on(reader, layers, day))
        ends.append(reader.cache(name, rows.select("customer_no", stage=rows.aipl)))
    before, after = ends
    later = after.select(_no="customer_no", end="stage")
    joined = before.outer_join(later, before.customer_no == later["_no"])  # some came in between
    pairs = joined.group_by(["stage", "end"]).agg(n=joined.count())
    matrix = {(row["stage"], row["end"]): row["n"] for row in reader.frame(pairs).to_pylist()}
    return Flow(
        start_on=start_on,
        end_on=end_on,
        total=_sum(matrix, STAGES),
        stages={stage: _sum(matrix, (stage,)) for stage in STAGES},
        matrix=matrix,
    )


def _sum(matrix: Mapping[tuple[str | None, str | None], int], among: tuple[str, ...]) -> StageFlow:
    def total(kind: str) -> int:
        return sum(n for (a, b), n in matrix.items() if a in among and _kind(a, b) == kind)

    counts = {kind: total(kind) for kind in ("kept", "deepened", "shallower", "lost")}
    new = sum(n for (a, b), n in matrix.items() if a is None and b in among)
    return StageFlow(start=sum(counts.values()), new=new, **counts)


def _kind(before: str, after: str | None) -> str:
    if after is None:
        return "lost"
    step = STAGES.index(after) - STAGES.index(before)
    return "kept" if step == 0 else "deepened" if step > 0 else "shallower"


def fast(reader: Reader, layers: LayerSet, as_of: date) -> Fast:
    """Return FAST on ``as_of``; S counts members with a marketing consent on a channel that reaches them."""
    moved = flow(reader, layers, as_of - timedelta(days=FAST_STEP_DAYS), as_of)
    profile = counted(profile_on(reader, layers, as_of))
    consents = reader.table("consents")
    granted = consents.filter(consents.granted, consents.purpose == "marketing")
    reached = granted.semi_join(reader.table("reachable"), ["customer_no", "channel"]).select("customer_no")
    facts = read_facts(reader)
    members = reader.cache(
        "_members",
        profile.filter(profile.member)
        .semi_join(facts.canonical(reached), "customer_no")
        .select("customer_no", "last_purchase_day"),
    )
    day = epoch_day(as_of)
    size = int(reader.scalar(members.count()))
    active = _engaged(facts, members, layers, day)
    thriving = int(reader.scalar(active.nunique()))
    return Fast(
        as_of=as_of,
        fertility=moved.total.kept + moved.total.deepened + moved.total.shallower + moved.total.new,
        advancing_rate=moved.deepened_rate,
        superiority=size,
        thriving_rate=thriving / size if size else None,
    )


def _engaged(facts: FactTables, members: IbisTable, layers: LayerSet, day: int) -> Any:
    """Return the customer_no of ``members`` who bought, acted or replied within the engaged window."""
    since = day - layers.aipl.engaged_window_days
    parts = [members.filter(members.last_purchase_day > since).select("customer_no")]
    for rows, column, names in (
        (facts.events, "name", layers.aipl.engaged_events),
        (facts.responses, "kind", ACTIVE_RESPONSES[1:]),
    ):
        if rows is not None and names:
            recent = rows.filter(rows[column].isin(names), rows.day > since, rows.day <= day)
            own = facts.canonical(recent.select("customer_no"))
            parts.append(own.semi_join(members, "customer_no").select("customer_no"))
    return ibis.union(*parts).customer_no if len(parts) > 1 else parts[0].customer_no
