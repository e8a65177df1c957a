"""What customers saw and did (行为): the latest days of browsing, acting, being reached and praising.

Each window is cut in the filter, so that files in order of time are read only where they matter.
Pure: Ibis expressions.
"""

from types import MappingProxyType
from typing import Any

import ibis

from koipond.facts.ports import IbisTable
from koipond.facts.tables import FactTables, union_all
from koipond.profiles.spec import BaseSpec

REACHED_STATES = ("delivered", "opened", "clicked", "replied")
"""Touch states that mean that the message arrived."""
PASSIVE_RESPONSES = ("delivered", "opened")
ACTIVE_RESPONSES = ("clicked", "replied")


def recent_acts(facts: FactTables, spec: BaseSpec, as_of: Any) -> IbisTable | None:
    """Return customer_no, active_day, passive_day, browse_day, browse_nth_day within the interest window.

    ``browse_nth_day`` is the n-th latest day with browsing, n = ``browse_days_min``. None without facts.
    """
    parts = [
        facts.canonical(part)
        for part in (
            _event_acts(facts.events, spec, as_of),
            _response_acts(facts.responses, spec, as_of),
            _touch_acts(facts.touches, spec, as_of),
        )
        if part is not None
    ]
    if not parts:
        return None
    rows = union_all(parts)
    days = rows.group_by("customer_no", "day").agg(
        active=rows.active.max(), passive=rows.passive.max(), browse=rows.browse.max()
    )
    order = ibis.window(group_by=[days.customer_no, days.browse], order_by=days.day.desc())
    ranked = days.mutate(_rank=ibis.row_number().over(order))
    nth = (ranked.browse == 1) & (ranked["_rank"] == spec.browse_days_min - 1)
    return ranked.group_by("customer_no").agg(
        active_day=ranked.day.max(where=ranked.active == 1),
        passive_day=ranked.day.max(where=ranked.passive == 1),
        browse_day=ranked.day.max(where=ranked.browse == 1),
        browse_nth_day=ranked.day.max(where=nth),
    )


def _event_acts(events: IbisTable | None, spec: BaseSpec, as_of: Any) -> IbisTable | None:
    names = (*spec.browse_events, *spec.active_events, *spec.passive_events)
    if events is None or not names:
        return None
    rows = _recent(events, spec, as_of)
    rows = rows.filter(rows.name.isin(names))
    return _acts(
        rows,
        active=_among(rows.name, spec.active_events),
        passive=_among(rows.name, spec.passive_events),
        browse=_among(rows.name, spec.browse_events),
    )


def _response_acts(responses: IbisTable | None, spec: BaseSpec, as_of: Any) -> IbisTable | None:
    if responses is None:
        return None
    rows = _recent(responses, spec, as_of)
    return _acts(
        rows,
        active=_among(rows.kind, ACTIVE_RESPONSES),
        passive=_among(rows.kind, PASSIVE_RESPONSES),
        browse=_among(rows.kind, ()),
    )


def _touch_acts(touches: IbisTable | None, spec: BaseSpec, as_of: Any) -> IbisTable | None:
    if touches is None:
        return None
    rows = _recent(touches, spec, as_of)
    rows = rows.filter(rows.state.isin(REACHED_STATES))
    nothing = _among(rows.state, ())
    return _acts(rows, active=nothing, passive=_among(rows.state, REACHED_STATES), browse=nothing)


def _recent(rows: IbisTable, spec: BaseSpec, as_of: Any) -> IbisTable:
    return rows.filter(rows.day > as_of - spec.interest_window_days, rows.day <= as_of)


def _acts(rows: IbisTable, *, active: Any, passive: Any, browse: Any) -> IbisTable:
    return rows.select("customer_no", "day", active=active, passive=passive, browse=browse)


def _among(column: Any, names: tuple[str, ...]) -> Any:
    if not names:
        return ibis.literal(0, "int8")
    return ibis.coalesce(column.isin(names), False).cast("int8")


def praise(facts: FactTables, spec: BaseSpec, as_of: Any) -> IbisTable | None:
    """Return customer_no, praise_day: the latest positive review or share in its window."""
    if facts.events is None or not spec.praise_events:
        return None
    events = facts.events
    rows = events.filter(
        events.name.isin(spec.praise_events),
        events.day > as_of - spec.praise_window_days,
        events.day <= as_of,
    )
    rows = facts.canonical(rows.select("customer_no", "day"))
    return rows.group_by("customer_no").agg(praise_day=rows.day.max())


FIRST_DAYS = MappingProxyType(
    {"event_day": ("events",), "touch_day": ("touches", "responses"), "order_day": ("orders", "refunds")}
)
"""Column → the facts whose earliest day it is, of any status and whenever: since when somebody is known."""


def first_days(facts: FactTables, column: str, quiet: IbisTable | None = None) -> IbisTable | None:
    """Return customer_no and ``column`` of FIRST_DAYS, of those in ``quiet`` alone when it is given.

    Only customers who never bought are looked up: reading every event of everyone would cost as much as all
    the purchases. None without facts.
    """
    parts = [getattr(facts, name) for name in FIRST_DAYS[column]]
    rows = [part.select("customer_no", "day") for part in parts if part is not None]
    if not rows:
        return None
    if quiet is not None:
        numbers = _all_numbers(facts, quiet)
        rows = [part.semi_join(numbers, "customer_no") for part in rows]
    found = facts.canonical(union_all(rows))
    return found.group_by("customer_no").agg(**{column: found.day.min()})


def _all_numbers(facts: FactTables, survivors: IbisTable) -> IbisTable:
    """Return the numbers of ``survivors`` and of all that were merged into them."""
    if facts.links is None:
        return survivors
    merged = facts.links.semi_join(survivors.select(survivor_no="customer_no"), "survivor_no")
    return survivors.union(merged.select("customer_no"), distinct=True)
