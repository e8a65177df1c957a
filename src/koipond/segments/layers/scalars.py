"""Stage 2 (冻结标量): the few numbers of the population that rows are compared with. Frozen per version.

Source: science D2-D4, engine notes §0. Staff and customers who refuse profiling set none of them. Whole
numbers only: a cut-off is beaten by a value strictly above it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import ibis

from koipond.facts import dialect
from koipond.facts.ports import IbisTable, Query, Reader
from koipond.segments.layers.definitions import LayerSet
from koipond.segments.layers.grade import CUT_NAMES
from koipond.segments.layers.lifecycle import NANO, alone_days
from koipond.segments.layers.rfm import AXES, STEPS, axis_values, score

NEVER = 2**62
"""A cut-off nobody beats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalars:
    """Frozen numbers of one population: ``values`` by name, the day they were taken and the definition."""

    values: Mapping[str, int]
    frozen_day: int
    definition_version: str

    def to_json(self) -> dict[str, Any]:
        """Return plain values for the manifest."""
        return {
            "values": dict(self.values),
            "frozen_day": self.frozen_day,
            "definition_version": self.definition_version,
        }

    @staticmethod
    def from_json(body: Mapping[str, Any]) -> "Scalars":
        """Read what `to_json` wrote."""
        return Scalars(
            values={name: int(value) for name, value in body["values"].items()},
            frozen_day=int(body["frozen_day"]),
            definition_version=str(body["definition_version"]),
        )


def counted(base: IbisTable) -> IbisTable:
    """Return the rows that count in populations: neither staff nor people who refuse profiling."""
    return base.filter(~base.staff, ~base.profiling_refused)


def freeze(
    reader: Reader,
    base: IbisTable,
    gap_counts: Callable[[IbisTable], IbisTable],
    layers: LayerSet,
    as_of: int,
    shape: str,
) -> Scalars:
    """Measure the population of ``base``; ``gap_counts`` counts the gaps of the counted customers.

    ``shape`` tells bases with other columns or expressions apart, so that queries are compiled once each.
    """
    key = f"{layers.fingerprint}:{shape}"
    values = _rfm_values(reader, base, layers, as_of, key)
    gaps = reader.frame(Query(key=f"gaps:{key}", build=lambda _: gap_counts(counted(base))))
    g0 = median_gap(gaps) or layers.lifecycle.default_cycle_days
    values["ln_g0_nano"] = round(math.log(g0) * NANO)
    values |= alone_days(g0, layers.lifecycle)
    values |= _grade_values(reader, base, layers, key)
    return Scalars(values=values, frozen_day=as_of, definition_version=layers.fingerprint)


def _rfm_values(reader: Reader, base: IbisTable, layers: LayerSet, as_of: int, key: str) -> dict[str, int]:
    definition = layers.rfm
    rows = reader.cache("_scored", Query(key=f"scored:{key}", build=lambda _: _scored(base, layers)))

    def sums(_: Mapping[str, Any]) -> IbisTable:
        added = {f"{axis}_value_sum": ibis.coalesce(rows[axis].sum(), 0).cast("int64") for axis in AXES}
        return rows.agg(scored=rows.count(), **added)

    values: dict[str, int] = _one(reader, Query(key=f"value_sums:{key}", build=sums))
    for axis in AXES:
        values |= _cuts(reader, rows, layers, axis, values["scored"], as_of)

    def scores(frozen: Mapping[str, Any]) -> IbisTable:
        # lists are of no use in what follows
        named = base.select(*(name for name in base.columns if name != "gaps"))
        scored = counted(named).filter(lambda t: axis_values(t, definition)["f"] > 0)
        points = {axis: score(scored, definition, axis, frozen, frozen["as_of"]) for axis in AXES}
        return scored.agg(
            **{f"{axis}_score_sum": ibis.coalesce(own.sum(), 0).cast("int64") for axis, own in points.items()}
        )

    return values | _one(
        reader, Query(key=f"score_sums:{key}", build=scores, values={**values, "as_of": as_of})
    )


def _scored(base: IbisTable, layers: LayerSet) -> IbisTable:
    rows = counted(base)
    return rows.select("customer_no", **axis_values(rows, layers.rfm)).filter(lambda t: t.f > 0)


def _cuts(reader: Reader, rows: IbisTable, layers: LayerSet, axis: str, n: int, as_of: int) -> dict[str, int]:
    scoring = layers.rfm.scoring(axis)
    cuts: list[tuple[int, int]] = []
    if n and scoring == "rank":
        places = [-(-step * n // 5) for step in (1, 2, 3, 4)]
        cuts = [(value, 0) for value in at_places(reader, rows, axis, n, places)]
    elif n and scoring == "quantile":
        cuts = [(cut, 0) for cut in _quantile_cuts(reader, rows, axis, n, as_of)]
    elif n and scoring == "rank_first":
        cuts = _first_cuts(reader, rows, axis, n)
    cuts += [(NEVER, 0)] * (len(STEPS) - len(cuts))
    named = {f"{axis}_cut_{step}": value for step, (value, _) in zip(STEPS, cuts, strict=True)}
    if scoring == "rank_first":
        named |= {f"{axis}_tie_{step}": number for step, (_, number) in zip(STEPS, cuts, strict=True)}
    return named


def _quantile_cuts(reader: Reader, rows: IbisTable, axis: str, n: int, as_of: int) -> list[int]:
    """Type-7 cut points, right-closed, equal edges merged, the least and the greatest value being edges too.

    Recency is cut as days since, so its bins close at the other end of the last purchase day.
    """
    sign = -1 if axis == "r" else 1
    heights = [Fraction((n - 1) * step, 5) for step in range(6)]
    places = sorted({p for h in heights for p in (math.floor(h) + 1, min(math.floor(h) + 2, n))})
    places = sorted({n + 1 - p for p in places}) if axis == "r" else places
    found = dict(zip(places, at_places(reader, rows, axis, n, places), strict=True))

    def value(place: int) -> int:  # ascending in days since for recency
        return as_of - found[n + 1 - place] if sign < 0 else found[place]

    points = [
        value(math.floor(h) + 1)
        + (h - math.floor(h)) * (value(min(math.floor(h) + 2, n)) - value(math.floor(h) + 1))
        for h in heights
    ]
    inner = [point for point in dict.fromkeys(points) if points[0] < point < points[-1]]
    floors = [math.floor(point) for point in inner]
    return [as_of - low - 1 for low in reversed(floors)] if sign < 0 else floors


def _first_cuts(reader: Reader, rows: IbisTable, axis: str, n: int) -> list[tuple[int, int]]:
    """Cut the order by value, then customer_no, into five: pandas' rank(method="first") and qcut."""
    order = [rows[axis].desc() if axis == "r" else rows[axis], rows.customer_no]
    cuts = []
    for step in (1, 2, 3, 4):
        place = math.floor(1 + Fraction((n - 1) * step, 5))
        row = rows.order_by(order).limit(1, offset=place - 1).select(value=rows[axis], no=rows.customer_no)
        found = reader.frame(row)
        cuts.append((int(found["value"][0].as_py()), int(found["no"][0].as_py())))
    return cuts


def at_places(reader: Reader, rows: IbisTable, column: str, n: int, places: list[int]) -> list[int]:
    """Return the values at 1-based ``places`` of the ``n`` sorted values of ``column``; exact."""
    value = rows[column].cast("int64")
    if dialect.has_lists(rows):
        # the engine takes element ceil(n·q): the middle of the place's own step cannot round away
        fractions = ibis.literal([(place - 0.5) / n for place in places], "array<float64>")
        found = reader.frame(rows.agg(v=dialect.order_statistics(value, fractions)))
        return [int(v) for v in found["v"][0].as_py()]
    counts = rows.group_by(v=value).agg(n=rows.count())
    upto = counts.mutate(upto=counts.n.sum().over(ibis.cumulative_window(order_by=counts.v)))
    least = {f"p{i}": upto.v.min(where=upto.upto >= place) for i, place in enumerate(places)}
    one = _one(reader, upto.agg(**least))
    return [one[f"p{i}"] for i in range(len(places))]


def median_gap(gaps: Any) -> float | None:
    """Return the median of a table of gap, n; of an even number, the mean of the middle two; None of none."""
    pairs = sorted(zip(gaps["gap"].to_pylist(), gaps["n"].to_pylist(), strict=True))
    total = sum(n for _, n in pairs)
    wanted, found, upto = [(total + 1) // 2, total // 2 + 1], [], 0
    for gap, n in pairs:
        upto += n
        while wanted and wanted[0] <= upto:
            found.append(gap)
            wanted.pop(0)
    return sum(found) / 2 if total else None


def _grade_values(reader: Reader, base: IbisTable, layers: LayerSet, key: str) -> dict[str, int]:
    definition = layers.grade

    def spenders() -> IbisTable:
        rows = counted(base)
        return rows.select(value=rows[f"money_{definition.window.suffix}_fen"]).filter(lambda t: t.value > 0)

    def total(_: Mapping[str, Any]) -> IbisTable:
        rows = spenders()
        return rows.agg(whole=ibis.coalesce(rows.value.sum(), 0).cast("int64"))

    def cuts(known: Mapping[str, Any]) -> IbisTable:
        rows = spenders()
        sums = rows.group_by("value").agg(total=dialect.whole(rows.value.sum()))
        upto = sums.total.sum().over(ibis.cumulative_window(order_by=sums.value.desc()))
        ranked = sums.select("value", ahead=dialect.whole(upto) - sums.total)
        percents = (definition.core_percent, definition.key_percent, definition.regular_percent)
        least = {
            f"{name}_min_fen": ranked.value.min(where=ranked.ahead * 100 < known["whole"] * percent)
            for name, percent in zip(CUT_NAMES, percents, strict=True)
        }
        return ranked.agg(**least)

    whole = _one(reader, Query(key=f"spent:{key}", build=total))
    found = reader.frame(Query(key=f"grade_cuts:{key}", build=cuts, values=whole)).to_pylist()[0]
    return {name: NEVER if value is None else int(value) for name, value in found.items()}


def _one(reader: Reader, expression: IbisTable | Query) -> dict[str, int]:
    """Run an aggregate of one row."""
    return {name: int(value) for name, value in reader.frame(expression).to_pylist()[0].items()}
