"""The effect layer by layer (分层结果, S57): in the layer each customer stood in when his arm was drawn.

The layer of that day is read off the movements: what the first later movement moved from, else the value of
the last refresh. Movements are what refreshes saw, so they fit no profile of another day: a layer after the
draw would be an outcome. At the planned end small layers lean on the others (partial
pooling); before it each stands alone, with an interval that holds at every look.
"""

from collections.abc import Mapping
from typing import Any

import ibis

from koipond.experiments.adjustment import Target
from koipond.experiments.always_valid import AlwaysValidBound
from koipond.experiments.bounds import Bound, FixedBound
from koipond.experiments.breakdown import break_down
from koipond.experiments.statistics import MetricSums
from koipond.facts.ports import IbisTable, Reader
from koipond.kernel import InputError
from koipond.segments.state import MOVEMENTS, PROFILE

NO_LAYER = "none"


def with_layer(reader: Reader, rows: IbisTable, layer: str) -> IbisTable:
    """Return ``rows`` with a column ``layer``: the customer's value when the arm was drawn."""
    profile = reader.table(PROFILE)
    if reader.has(PROFILE) and layer in (stored := reader.stored(PROFILE)).columns:
        profile = stored
    now = profile.select("customer_no", _now=layer)
    placed = rows.left_join(now, "customer_no").drop("customer_no_right")
    if not reader.has(MOVEMENTS):
        return placed.mutate(layer=placed["_now"].fill_null(NO_LAYER)).drop("_now")
    moves = reader.table(MOVEMENTS).filter(lambda t: t.layer == layer)
    later = moves.inner_join(rows.select("customer_no", "drawn_day"), "customer_no")
    later = later.filter(later.day > later.drawn_day)
    place = ibis.row_number().over(group_by="customer_no", order_by=[later.day, later.cause, later.before])
    first = later.mutate(_place=place, _moved=True).filter(lambda t: t["_place"] == 0)
    joined = placed.left_join(first.select("customer_no", "before", "_moved"), "customer_no")
    joined = joined.drop("customer_no_right")
    value = joined["_moved"].fill_null(False).ifelse(joined.before, joined["_now"])
    return joined.mutate(layer=value.fill_null(NO_LAYER)).drop("_now", "_moved", "before")


def breakdown_rows(
    cells: Mapping[tuple[str, str], MetricSums],
    *,
    control: str,
    treated: str,
    alpha: float,
    bound: Bound | None = None,
) -> list[dict[str, Any]]:
    """Return one row a layer: customers, and the difference in conversion with its interval.

    ``bound``: that of the report; pooled over the layers for a fixed horizon, else each layer alone and valid
    at every look. ``absolute`` is None where that tells nothing. ``cells``: (arm, layer) → statistics. Empty
    when fewer than two layers hold customers of both arms.
    """
    layers = sorted({layer for _, layer in cells})
    columns = next((stats.columns for stats in cells.values()), ())
    empty = MetricSums.empty(columns)
    pairs = {
        layer: (cells.get((control, layer), empty), cells.get((treated, layer), empty)) for layer in layers
    }
    try:
        found = break_down(
            pairs, Target(numerator="converted"), name="conversion", alpha=alpha, bound=_always(bound)
        )
    except InputError:
        return []
    return [
        {
            "value": one.layer,
            "customers": one.control_customers + one.treated_customers,
            "metric": found.metric,
            "method": found.method,
            "absolute": None
            if one.difference is None
            else {"estimate": one.difference, "low": one.low, "high": one.high},
            "own": one.own,
        }
        for one in found.layers
    ]


def _always(bound: Bound | None) -> AlwaysValidBound | None:
    """Return what holds before the planned end; the looks of a group-sequential plan are planned for the
    whole, not for a layer."""
    if bound is None or isinstance(bound, FixedBound | AlwaysValidBound):
        return bound if isinstance(bound, AlwaysValidBound) else None
    return AlwaysValidBound(alpha=bound.alpha)
