"""Sources (数据源): CSV, Parquet, JSONL and Excel as streams of text rows with exact positions."""

from koipond.sources.files import open_file

__all__ = ["open_file"]
