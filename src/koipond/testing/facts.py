"""Build small warehouses from plain rows."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from koipond.facts.schemas import FACTS
from koipond.kernel import FixedClock
from koipond.testing.versions import MemoryVersionLog
from koipond.warehouse import EngineOptions, ParquetWarehouse

Rows = Iterable[Mapping[str, Any]]


def fact_table(dataset: str, rows: Rows) -> pa.Table:
    """Return ``rows`` with the columns of ``dataset``; what a row does not say is null."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=FACTS[dataset])


def warehouse_of(folder: Path, **datasets: Rows) -> ParquetWarehouse:
    """Return a warehouse in ``folder`` that holds the rows of each of ``datasets`` as its version 1."""
    folder.mkdir(parents=True, exist_ok=True)
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    warehouse = ParquetWarehouse(folder, MemoryVersionLog(), clock, EngineOptions(threads=1))
    with warehouse.write("build") as writer:
        for dataset, rows in datasets.items():
            writer.append(dataset, writer.stage(f"_{dataset}", fact_table(dataset, rows)))
        writer.publish()
    return warehouse
