"""Frames (表): take a table in whatever form the caller has it, and print small results as text.

The door of the library face: pandas, Polars, Arrow, Ibis, a Parquet path or a dict of columns → Arrow.
"""

from koipond.frames.accept import TableLike, require_columns, to_arrow
from koipond.frames.text import text_table

__all__ = ["TableLike", "require_columns", "text_table", "to_arrow"]
