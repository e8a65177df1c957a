"""Whom a refresh has to look at (受影响的客户): new or withdrawn facts, facts now in sight, deadlines."""

from typing import Any

import ibis

from koipond.ingest.ports import IbisTable, Query, Reader
from koipond.profiles.facts import DATASETS, FactTables, follow, union_all
from koipond.segments.state import Published

CLOCK, FACTS, CORRECTION = 0, 1, 2
"""Ranks of the causes: of several, the greatest stands."""


def affected(
    reader: Reader, facts: FactTables, profile: IbisTable, state: Published, as_of: int
) -> IbisTable:
    """Return customer_no, rank of everyone whose published row may differ on ``as_of``, kept by ``reader``.

    Facts taken away are a correction, and so is a merge or its undoing, of both customers.
    """
    written = reader.changed_customers(DATASETS, state.mark)
    query = Query(
        key=f"affected:{facts.shape}",
        build=lambda v: _ranked(facts, written, profile, v["seen_day"], v["as_of"]),
        values={"seen_day": state.as_of, "as_of": as_of},
    )
    return reader.cache("_affected", query)


def _ranked(facts: FactTables, written: IbisTable, profile: IbisTable, seen: Any, as_of: Any) -> IbisTable:
    corrected = written.removed | (written.dataset == "identity_links")
    parts = [written.select("customer_no", rank=ibis.ifelse(corrected, CORRECTION, FACTS).cast("int64"))]
    for rows in (facts.orders, facts.refunds, facts.events, facts.touches, facts.responses):
        if rows is not None:
            newly = rows.filter(rows.day > seen, rows.day <= as_of)
            parts.append(newly.select("customer_no", rank=ibis.literal(FACTS, "int64")))
    rows = union_all(parts)
    if facts.links is not None:  # the number itself may have been merged away: keep both
        rows = rows.union(follow(rows, facts.links))
    passed = profile.filter(profile.deadline_day <= as_of)
    rows = rows.union(passed.select("customer_no", rank=ibis.literal(CLOCK, "int64")))
    return rows.group_by("customer_no").agg(rank=rows["rank"].max().cast("int64"))
