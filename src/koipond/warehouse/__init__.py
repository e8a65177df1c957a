"""Warehouse (数仓): versioned Parquet, read through an in-memory DuckDB; a refresh may run on Spark."""

from koipond.warehouse.engine import Engine, EngineOptions
from koipond.warehouse.holder import host_name, is_alive, is_visible, this_process
from koipond.warehouse.parquet import ParquetReader, ParquetWarehouse, ParquetWriter

__all__ = [
    "Engine",
    "EngineOptions",
    "ParquetReader",
    "ParquetWarehouse",
    "ParquetWriter",
    "host_name",
    "is_alive",
    "is_visible",
    "this_process",
]
