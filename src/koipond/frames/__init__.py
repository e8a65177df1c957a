"""Frames (表): take a table in whatever form the caller has it, and show small results as text or as a plot.

The door of the library face: pandas, Polars, Arrow, Ibis, a Parquet path or a dict of columns → Arrow.
"""

from koipond.frames.accept import TableLike, pick_columns, require_columns, to_arrow, with_names
from koipond.frames.result import (
    PlotSpec,
    Result,
    band_layer,
    bar_layer,
    chart,
    interval_layers,
    line_layer,
    plain,
    point_layer,
    reference_layer,
)
from koipond.frames.text import text_table

__all__ = [
    "PlotSpec",
    "Result",
    "TableLike",
    "band_layer",
    "bar_layer",
    "chart",
    "interval_layers",
    "line_layer",
    "pick_columns",
    "plain",
    "point_layer",
    "reference_layer",
    "require_columns",
    "text_table",
    "to_arrow",
    "with_names",
]
