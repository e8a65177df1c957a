"""Warehouse (数仓): versioned Parquet read through an in-memory DuckDB, or Spark."""
