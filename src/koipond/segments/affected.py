"""Whom a refresh has to look at (受影响的客户): new or withdrawn facts, facts now in sight, deadlines."""

from collections.abc import Mapping
from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Query, Reader
from koipond.facts.tables import DATASETS, FactTables, follow, union_all
from koipond.profiles.base import window_edge
from koipond.profiles.spec import BaseSpec
from koipond.segments.state import BASE, PROFILE, Published

CLOCK, FACTS, CORRECTION = 0, 1, 2
"""Ranks of the causes: of several, the greatest stands."""
PARTS = ("purchases", "acts", "person")
_PURCHASES = ("orders", "refunds")
_ACTS = ("events", "touches", "responses")


def affected(reader: Reader, facts: FactTables, spec: BaseSpec, state: Published, as_of: int) -> IbisTable:
    """Return everyone whose published row may differ on ``as_of``, kept by ``reader``.

    Columns: customer_no, ``rank`` of the cause, and which parts of the base are out of date: ``purchases``,
    ``acts``, ``person``. Facts taken away are a correction, and so is a merge or its undoing, of both.
    """
    written = reader.changed_customers(DATASETS, state.mark)
    profile, base = reader.table(PROFILE), reader.table(BASE)

    def build(values: Mapping[str, Any]) -> IbisTable:
        day = values["as_of"]
        passed = profile.filter(profile.deadline_day <= day)
        left = base.filter(window_edge(base, spec) <= day)
        clock = [_part(passed, CLOCK), _part(left, CLOCK, purchases=True)]
        joining = base.filter(base.joined_day > values["seen_day"], base.joined_day <= day)
        clock.append(_part(joining, CLOCK))
        rows = union_all([*_by_facts(facts, written, values["seen_day"], day), *clock])
        worst = {name: rows[name].max().cast("int64") for name in ("rank", *PARTS)}
        found = rows.group_by("customer_no").agg(**worst)
        return found.mutate(**{name: found[name] == 1 for name in PARTS})

    query = Query(
        key=f"affected:{facts.shape}:{spec.fingerprint}",
        build=build,
        values={"seen_day": state.as_of, "as_of": as_of},
    )
    return reader.cache("_affected", query)


def new_in_every_part(whom: IbisTable, held: IbisTable) -> IbisTable:
    """Return `affected` rows; of whoever has no row in ``held`` yet, every part is to be measured."""
    known = held.select(_held="customer_no")
    rows = whom.left_join(known, whom.customer_no == known["_held"])
    return rows.mutate(**{name: rows[name] | rows["_held"].isnull() for name in PARTS}).drop("_held")


def _part(
    rows: IbisTable, rank: Any, *, purchases: Any = False, acts: Any = False, person: Any = False
) -> IbisTable:
    parts = {"rank": rank, "purchases": purchases, "acts": acts, "person": person}
    literals = {
        name: ibis.literal(int(value), "int64") if isinstance(value, int) else value.cast("int64")
        for name, value in parts.items()
    }
    return rows.select("customer_no", **literals)


def _by_facts(facts: FactTables, written: IbisTable, seen: Any, as_of: Any) -> list[IbisTable]:
    """Whose facts were written or taken away, and whose come into sight. Whoever loses facts is seen anew:
    without purchases, any event counts as a relation."""
    person = written.dataset.isin(("customers", "identity_links", "left_out"))
    corrected = written.removed | written.dataset.isin(("identity_links", "left_out"))
    acts = person | corrected | written.dataset.isin((*_ACTS, "refunds"))
    purchases = person | written.dataset.isin(_PURCHASES)
    rank = ibis.ifelse(corrected, CORRECTION, FACTS)
    parts = [_part(written, rank, purchases=purchases, acts=acts, person=person)]
    for name in (*_PURCHASES, *_ACTS):
        if (rows := getattr(facts, name)) is not None:
            coming = rows.filter(rows.day > seen, rows.day <= as_of)
            refund = name == "refunds"
            parts.append(_part(coming, FACTS, purchases=name in _PURCHASES, acts=refund or name in _ACTS))
    if facts.links is not None:  # the number itself may have been merged away: keep both
        parts.append(follow(union_all(parts), facts.links))
    return parts
