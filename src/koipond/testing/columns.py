"""Build fact tables from the few columns a test is about, and a warehouse that holds them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from koipond.facts.schemas import FACTS
from koipond.kernel import FixedClock
from koipond.testing.versions import MemoryVersionLog
from koipond.warehouse import EngineOptions, ParquetWarehouse

DAY_SECONDS = 86_400


def fact_columns(dataset: str, columns: Mapping[str, Any]) -> pa.Table:
    """Return ``columns`` as rows of ``dataset``; what is not given is null, or follows from what is.

    ``at_s`` is the first second of ``day``; orders are paid and numbered in order; flags are false.
    """
    schema = FACTS[dataset]
    given = {
        name: values.cast(schema.field(name).type)
        if isinstance(values, pa.Array | pa.ChunkedArray)
        else pa.array(values, schema.field(name).type)
        for name, values in columns.items()
    }
    rows = len(next(iter(given.values()))) if given else 0
    filled = [given[name] if name in given else _default(name, rows, given, schema) for name in schema.names]
    return pa.table(filled, schema=schema)


def _default(name: str, rows: int, given: Mapping[str, Any], schema: pa.Schema) -> pa.Array:
    import pyarrow.compute as pc

    kind = schema.field(name).type
    constants: dict[str, Any] = {"status": "paid", "source": "test", "import_no": 1, "line_count": 1}
    if name == "at_s" and "day" in given:
        return pc.multiply(given["day"].cast(kind), DAY_SECONDS)
    if name == "order_no":
        return pa.array(range(rows), kind)
    if name == "customer_uid":
        return pa.array([f"uid{n}" for n in given["customer_no"].to_pylist()], kind)
    if kind == pa.bool_():
        return pa.array([False] * rows, kind)
    return pa.array([constants.get(name)] * rows, kind)


def open_warehouse(
    root: Path, tables: Mapping[str, pa.Table], options: EngineOptions | None = None
) -> ParquetWarehouse:
    """Return a warehouse below ``root`` that has published ``tables`` (name of a fact dataset → rows)."""
    root.mkdir(parents=True, exist_ok=True)
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    warehouse = ParquetWarehouse(root, MemoryVersionLog(), clock, options)
    with warehouse.write("test") as writer:
        for dataset, rows in tables.items():
            writer.append(dataset, writer.stage(f"new_{dataset}", rows))
        writer.publish()
    return warehouse
