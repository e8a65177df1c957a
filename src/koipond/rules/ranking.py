"""The share of a crowd with the highest values (前 x%): who belongs to it is one comparison with a cut-off.

Only people with a value other than 0 are ranked: who has nothing is in no top. The cut-off is the value of
the last who belongs; whoever has as much belongs too.
"""

from collections.abc import Iterable
from typing import Any

import ibis

from koipond.rules.tree import BUCKETS


def cut_of(values: Iterable[float | None], buckets: int) -> float | None:
    """Return the least value of the top ``buckets`` of 10,000 of ``values``; None when nobody is ranked."""
    ranked = sorted((value for value in values if value), reverse=True)
    inside = [value for place, value in enumerate(ranked) if place * BUCKETS < buckets * len(ranked)]
    return inside[-1] if inside else None


def cut_of_ibis(value: Any, table: Any, buckets: int) -> Any:
    """Return `cut_of` of the column ``value`` of ``table`` as a scalar expression."""
    crowd = table.select(ranked=value)
    crowd = crowd.filter(crowd.ranked.notnull() & (crowd.ranked != 0))
    place = ibis.row_number().over(order_by=ibis.desc(crowd.ranked))
    many = crowd.ranked.count().over()
    placed = crowd.mutate(place=place, many=many)
    inside = placed.filter(placed.place * BUCKETS < placed.many * buckets)
    return inside.aggregate(cut=inside.ranked.min()).cut.as_scalar()
