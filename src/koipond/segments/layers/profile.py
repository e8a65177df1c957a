"""Stage 3 (画像): each customer's row, by comparing the base with frozen numbers. Pure: Ibis expressions.

A published row holds only what facts, clock edges or definitions change. ``deadline_day`` is a day before
which no published column changes by the clock alone; on most such days one does.
"""

from collections.abc import Mapping
from typing import Any

import ibis

from koipond.facts.ports import IbisTable
from koipond.profiles.base import window_edge
from koipond.segments.layers import aipl, grade, lifecycle, rfm
from koipond.segments.layers.definitions import LayerSet

LAYERS = ("rfm_cell", "rfm_level", "lifecycle", "aipl", "grade")
"""Columns whose changes are movements; so are the flags of `lifecycle.FLAGS`."""

FACT_COLUMNS = ("member", "friend", "follower", "minor", "profiling_refused")
MEASURES = (
    "first_purchase_day",
    "last_purchase_day",
    "purchase_days",
    "orders_365d",
    "money_365d_fen",
    "value_365d_fen",
    "cycle_microdays",
    "due_from_day",
    "due_to_day",
)
DERIVED = (
    *MEASURES,
    "r_score",
    "f_score",
    "m_score",
    "rfm_cell",
    "rfm_level",
    "lifecycle",
    "at_risk",
    "due",
    "one_time_buyer",
    "never_bought",
    "aipl",
    "grade",
    "deadline_day",
)
"""Columns that are null for a customer who refuses profiling."""
COLUMNS = ("customer_no", "customer_uid", "staff", *DERIVED, *FACT_COLUMNS)
_FAR = 2**31 - 1


def is_current(profile: IbisTable) -> bool:
    """Say whether ``profile`` has every column of this release; one that an earlier one wrote may not."""
    return set(COLUMNS) <= set(profile.columns)


def project(base: IbisTable, layers: LayerSet, values: Mapping[str, Any]) -> IbisTable:
    """Return the profile of everybody in ``base`` who is known by ``as_of``.

    ``values`` are the frozen scalars and ``as_of``.
    """
    as_of = values["as_of"]
    rows = base.drop("gaps") if "gaps" in base.columns else base
    rows = rows.filter(lifecycle.known(rows, as_of))
    rows = lifecycle.with_days(rows, layers.lifecycle, values)
    rows = rows.mutate(aipl=aipl.stage(rows, layers.aipl, as_of), **_scores(rows, layers, values))
    rows = rows.mutate(
        value_365d_fen=rows.money_365d_fen,
        grade=grade.grade(rows, layers.grade, values),
        deadline_day=_deadline(rows, layers, as_of),
        **_rfm(rows, layers, values),
        **lifecycle.columns(rows, layers.lifecycle, as_of),
    )
    rows = rows.select(*COLUMNS)
    hidden = {name: ibis.cases((~rows.profiling_refused, rows[name])) for name in DERIVED}
    return rows.mutate(**hidden).select(*COLUMNS)


def _scored(rows: IbisTable, layers: LayerSet) -> Any:
    return (rows.purchase_days > 0) & (rfm.axis_values(rows, layers.rfm)["f"] > 0)


def _scores(rows: IbisTable, layers: LayerSet, values: Mapping[str, Any]) -> dict[str, Any]:
    scored = _scored(rows, layers)
    return {
        f"{axis}_score": ibis.cases((scored, rfm.score(rows, layers.rfm, axis, values, values["as_of"])))
        for axis in rfm.AXES
    }


def _rfm(rows: IbisTable, layers: LayerSet, values: Mapping[str, Any]) -> dict[str, Any]:
    scored = _scored(rows, layers)
    high = [rfm.is_high(rows, layers.rfm, axis, values, values["as_of"]) for axis in rfm.AXES]
    total = rows.r_score + rows.f_score + rows.m_score
    return {
        "rfm_cell": ibis.cases((scored, rfm.cell(*high)), (rows.purchase_days > 0, "outside")),
        "rfm_level": ibis.cases((scored, rfm.level(total, layers.rfm))),
    }


def _deadline(rows: IbisTable, layers: LayerSet, as_of: Any) -> Any:
    days = [window_edge(rows, layers.base_spec)]
    days += rfm.edges(rows, layers.rfm)
    days += lifecycle.edges(rows, layers.lifecycle)
    days += aipl.edges(rows, layers.aipl)
    ahead = [ibis.ifelse(day > as_of, day.cast("int32"), ibis.literal(_FAR, "int32")) for day in days]
    return ibis.greatest(ibis.least(*ahead), 0).nullif(_FAR).cast("int32")
