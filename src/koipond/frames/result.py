"""What every result of the library face can do (结果), and how it is drawn.

A plot is a Vega-Lite v5 specification, a plain dict that any notebook or browser renders; we draw nothing.
Build one from rows and layers: ``chart(rows, [bar_layer(x="grade", y="customers")], title="Grades")``.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

VEGA_LITE = "https://vega.github.io/schema/vega-lite/v5.json"
PlotSpec = dict[str, Any]
"""A Vega-Lite v5 specification, or one layer of it."""


@runtime_checkable
class Result(Protocol):
    """A frozen value handed back by the library face."""

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values that JSON can carry."""
        ...

    def __str__(self) -> str:
        """Return the result as an aligned text table."""
        ...

    def plot(self) -> PlotSpec:
        """Return the result as a Vega-Lite v5 specification."""
        ...


def plain(value: Any) -> Any:
    """Return ``value`` with numpy scalars and arrays, tuples and mappings turned into what JSON can carry.

    A float that is not finite becomes None: JSON has no word for it.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # a numpy scalar or array; numpy itself is too slow to import here
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def chart(
    rows: Sequence[Mapping[str, Any]], layers: Sequence[PlotSpec], *, title: str, width: int = 480
) -> PlotSpec:
    """Return a whole specification: ``layers`` drawn over the inline data ``rows``."""
    return {
        "$schema": VEGA_LITE,
        "title": title,
        "width": width,
        "data": {"values": [plain(row) for row in rows]},
        "layer": [dict(layer) for layer in layers],
    }


def interval_layers(
    *, label: str, estimate: str, low: str, high: str, color: str | None = None, title: str | None = None
) -> list[PlotSpec]:
    """Return a bar from column ``low`` to ``high`` with a point at ``estimate``, one row per ``label``."""
    y = {"field": label, "type": "nominal", "sort": None}
    extra = _color(color)
    axis = {"title": title or estimate}
    return [
        {"mark": {"type": "rule", "size": 2}}
        | {"encoding": {"y": y, "x": _field(low, "quantitative") | axis, "x2": {"field": high}} | extra},
        {"mark": {"type": "point", "filled": True, "size": 60}}
        | {"encoding": {"y": y, "x": _field(estimate, "quantitative") | axis} | extra},
    ]


def line_layer(*, x: str, y: str, color: str | None = None, x_type: str = "quantitative") -> PlotSpec:
    """Return a line through column ``y`` over ``x``, one for each value of ``color``."""
    encoding = {"x": _field(x, x_type), "y": _field(y, "quantitative")} | _color(color)
    return {"mark": {"type": "line"}, "encoding": encoding}


def band_layer(*, x: str, low: str, high: str, color: str | None = None) -> PlotSpec:
    """Return a pale band between columns ``low`` and ``high`` over ``x``."""
    encoding = {"x": _field(x, "quantitative"), "y": _field(low, "quantitative"), "y2": {"field": high}}
    return {"mark": {"type": "area", "opacity": 0.25}, "encoding": encoding | _color(color)}


def bar_layer(*, x: str, y: str, color: str | None = None) -> PlotSpec:
    """Return one upright bar of height ``y`` for each value of ``x``, in row order."""
    encoding = {"x": _field(x, "nominal") | {"sort": None}, "y": _field(y, "quantitative")} | _color(color)
    return {"mark": {"type": "bar"}, "encoding": encoding}


def point_layer(*, x: str, y: str, color: str | None = None) -> PlotSpec:
    """Return a point for each row at (``x``, ``y``), both numbers."""
    encoding = {"x": _field(x, "quantitative"), "y": _field(y, "quantitative")} | _color(color)
    return {"mark": {"type": "point", "filled": True}, "encoding": encoding}


def reference_layer(value: float, *, axis: Literal["x", "y"]) -> PlotSpec:
    """Return a dashed line across the chart at ``value`` of ``axis``, such as zero effect."""
    return {
        "mark": {"type": "rule", "strokeDash": [4, 4], "color": "gray"},
        "encoding": {axis: {"datum": value}},
    }


def _field(name: str, kind: str) -> PlotSpec:
    return {"field": name, "type": kind}


def _color(name: str | None) -> PlotSpec:
    return {} if name is None else {"color": _field(name, "nominal")}
