"""One layer of every customer of a table (单层结果): what the layer functions of `koipond` return."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from koipond.facts.ports import IbisTable
from koipond.frames import PlotSpec, bar_layer, chart, plain, text_table
from koipond.frames.columns import values_of
from koipond.kernel import from_epoch_day
from koipond.segments.layers import rfm
from koipond.segments.layers.compute import Computed
from koipond.segments.layers.definitions import LayerSet
from koipond.segments.layers.lifecycle import EDGES, FLAGS, MICRO, NANO
from koipond.segments.layers.scalars import NEVER

Kind = Literal["rfm", "lifecycle", "aipl", "grade"]
MAIN: Mapping[Kind, str] = {"rfm": "rfm_cell", "lifecycle": "lifecycle", "aipl": "aipl", "grade": "grade"}
"""The column that a layer is named for."""
_HEADS: Mapping[Kind, str] = {
    "rfm": "RFM",
    "lifecycle": "lifecycle stage",
    "aipl": "AIPL stage",
    "grade": "value grade",
}


@dataclass(frozen=True, kw_only=True)
class LayeredCustomers:
    """A layer of each customer as of the end of day ``as_of``.

    ``rows``: one row a customer, sorted by ``customer``; days as dates, money in minor units (``…_fen``).
    ``counts``: what `koipond layers` counts. ``cut_offs``: the numbers that rows were compared with.
    ``definition``: the layer's whole definition as in layers/*.yaml; ``definition_version``: the fingerprint
    that a workspace with this definition, and the defaults otherwise, stamps its refreshes with.
    """

    kind: Kind
    rows: pa.Table
    as_of: date
    buyers: int
    counts: Mapping[str, Any]
    cut_offs: Mapping[str, Any]
    definition: Mapping[str, Any]
    definition_version: str
    notes: tuple[str, ...]

    @property
    def customers(self) -> npt.NDArray[Any]:
        """Return the customers, in the order of ``rows``."""
        return values_of(self.rows["customer"].combine_chunks())

    @property
    def values(self) -> npt.NDArray[np.object_]:
        """Return the cell, stage or grade of each customer, None for none."""
        return np.array(self.rows[MAIN[self.kind]].to_pylist(), dtype=np.object_)

    def table(self) -> pa.Table:
        """Return ``rows``; ``.to_pandas()`` of it is a frame."""
        return self.rows

    def to_dict(self) -> dict[str, Any]:
        """Return counts, cut-offs and definition as plain values, without the single customers."""
        found: dict[str, Any] = plain(
            {
                "layer": self.kind,
                "as_of": self.as_of.isoformat(),
                "customers": self.rows.num_rows,
                "buyers": self.buyers,
                **self.counts,
                "cut_offs": {name: _told(value) for name, value in self.cut_offs.items()},
                "definition": self.definition,
                "definition_version": self.definition_version,
                "notes": self.notes,
            }
        )
        return found

    def __str__(self) -> str:
        head = (
            f"{_HEADS[self.kind]} of {self.rows.num_rows:,} customers, {self.buyers:,} of them buyers,"
            f" as of {self.as_of} (definition {self.definition_version})"
        )
        lines = [head, text_table([MAIN[self.kind], "customers"], list(self._main().items()))]
        lines += [f"{name}: {_shown(value)}" for name, value in self.cut_offs.items()]
        return "\n".join([*lines, *self.notes])

    def plot(self) -> PlotSpec:
        """Return bars of customers by cell, stage or grade."""
        main = MAIN[self.kind]
        rows = [{main: name, "customers": count} for name, count in self._main().items()]
        return chart(rows, [bar_layer(x=main, y="customers")], title=f"{_HEADS[self.kind]}, {self.as_of}")

    def _main(self) -> Mapping[str, int]:
        found: Mapping[str, int] = self.counts["cells" if self.kind == "rfm" else self.kind]
        return found


def _told(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_told(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join("never" if each is None else str(each) for each in value)
    return "never" if value is None else str(value)


def counts_of(kind: Kind, counted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of `count_profile` concerns layer ``kind``."""
    if kind == "rfm":
        return {**counted["rfm"], "scored": counted["rfm"]["customers"]}
    return {kind: counted[kind], **({"flags": counted["flags"]} if kind == "lifecycle" else {})}


def layer_rows(kind: Kind, made: Computed, layers: LayerSet) -> IbisTable:
    """Return customer_uid and the columns of ``kind``; days end in ``_day``."""
    return _ROWS[kind](made, layers)


def _with_base(made: Computed, columns: Mapping[str, Any]) -> IbisTable:
    base = made.base.table.select(_no="customer_no", **columns)
    return made.profile.left_join(base, made.profile.customer_no == base["_no"])


def _rfm(made: Computed, layers: LayerSet) -> IbisTable:
    axes = rfm.axis_values(made.base.table, layers.rfm)
    rows = _with_base(made, {"frequency_count": axes["f"], "monetary_fen": axes["m"]})
    return rows.select(
        "customer_uid",
        "last_purchase_day",
        recency_days=ibis.literal(made.as_of, "int32") - rows.last_purchase_day,
        frequency_count=rows.frequency_count.cast("int64"),
        monetary_fen=rows.monetary_fen.cast("int64"),
        **{name: rows[name] for name in ("r_score", "f_score", "m_score", "rfm_cell", "rfm_level")},
    )


def _lifecycle(made: Computed, _: LayerSet) -> IbisTable:
    rows = made.profile
    return rows.select(
        "customer_uid",
        "last_purchase_day",
        "purchase_days",
        repurchase_cycle_days=rows.cycle_microdays / float(MICRO),
        due_from_day=rows.due_from_day,
        due_to_day=rows.due_to_day,
        lifecycle=rows.lifecycle,
        **{name: rows[name] for name in FLAGS},
    )


def _aipl(made: Computed, _: LayerSet) -> IbisTable:
    acts = ("browse_day", "active_day", "passive_day")
    rows = _with_base(made, {name: name for name in acts})
    return rows.select("customer_uid", "last_purchase_day", *acts, "aipl")


def _grade(made: Computed, layers: LayerSet) -> IbisTable:
    rows = _with_base(made, {"value_fen": f"money_{layers.grade.window.suffix}_fen"})
    return rows.select("customer_uid", value_fen=rows.value_fen.cast("int64"), grade=rows.grade)


_ROWS: Mapping[Kind, Callable[[Computed, LayerSet], IbisTable]] = {
    "rfm": _rfm,
    "lifecycle": _lifecycle,
    "aipl": _aipl,
    "grade": _grade,
}


def cut_offs(kind: Kind, made: Computed, layers: LayerSet) -> dict[str, Any]:
    """Return the numbers that rows of ``kind`` were compared with, in readable units.

    RFM: each axis' four values to beat for scores 2 to 5 (R: last purchase days), None = nobody can.
    Lifecycle: the population's median gap in days, and after how many days a customer with one purchase day
    passes each edge. Grade: least value of each grade. AIPL is compared with windows only.
    """
    values = made.scalars.values
    if kind == "rfm":
        return {axis: _axis_cuts(axis, made, layers) for axis in rfm.AXES}
    if kind == "lifecycle":
        gap = round(float(np.exp(values["ln_g0_nano"] / NANO)), 6)
        return {"median_gap_days": gap} | {f"alone_{e}_days": values[f"alone_{e}_days"] for e in EDGES}
    if kind == "grade":
        names = [name for name in values if name.endswith("_min_fen")]
        return {name: None if values[name] == NEVER else values[name] for name in names}
    return {}


def _axis_cuts(axis: str, made: Computed, layers: LayerSet) -> tuple[Any, ...]:
    if layers.rfm.scoring(axis) == "fixed":
        fixed = layers.rfm.fixed_cuts(axis)
        return tuple(from_epoch_day(made.as_of - day) for day in fixed) if axis == "r" else fixed
    found = [made.scalars.values[f"{axis}_cut_{step}"] for step in rfm.STEPS]
    known = [None if value == NEVER else value for value in found]
    return tuple(from_epoch_day(v) if axis == "r" and v is not None else v for v in known)
