"""A synthetic brand for the refresh bars, made inside DuckDB: exponential purchase rates, a tail of whales.

Orders over three years and events over one, both in order of time; a fiftieth of the orders has a refund.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa

from koipond.testing.versions import MemoryVersionLog
from koipond.warehouse import EngineOptions, ParquetWarehouse

DAY = 20_000  # the day of observation
ORDER_DAYS, EVENT_DAYS = 1095, 365
CELLS = 65_536
NAMES = (
    "Product List Viewed",
    "Product Viewed",
    "Page Viewed",
    "Products Searched",
    "Product Added",
    "Cart Viewed",
    "Checkout Started",
    "Coupon Applied",
    "Content Shared",
    "Message Seen",
)


def uniform(row: str, draw: int) -> str:
    """SQL for a number in [0, 1) that depends on the row and the draw."""
    return f"((hash(({row}) * 16 + {draw}) >> 11)::DOUBLE / 9007199254740992.0)"


def shares(people: int = 1_000_000) -> np.ndarray:
    """Return the quantiles of a purchase's buyer: exponential rates, a tenth with a power-law tail."""
    place = (np.arange(people) + 0.5) / people
    rate = -np.log(1 - place)
    tail = place > 0.9
    rate[tail] += 0.3 * (1 - place[tail]) ** -0.5
    upto = np.cumsum(rate) / rate.sum()
    return np.interp((np.arange(CELLS) + 0.5) / CELLS, upto, place)


def customer(row: str, draw: int, customers: int) -> str:
    """SQL for a buyer's number, from the column ``share`` of the cell drawn for the row."""
    place = f"least({customers} - 1, floor({customers} * (share + {uniform(row, draw)} / {CELLS})))::BIGINT"
    return f"(({place} * 2654435761) % {customers})::INTEGER"


def queries(customers: int, orders: int, events: int) -> dict[str, str]:
    """SQL for each fact dataset."""
    u = uniform
    cell = f"JOIN shares ON cell = (hash(i * 16 + 1) % {CELLS})::INTEGER"
    buyer = customer("i", 2, customers)
    day = f"floor({DAY} - {ORDER_DAYS - 1} + {ORDER_DAYS} * (i::DOUBLE / {orders}))::INTEGER"
    amount = f"exp(8.5 + 0.9 * sqrt(-2 * ln({u('i', 5)} + 1e-12)) * cos(6.283185 * {u('i', 6)}))::BIGINT"
    net = f"CASE WHEN {u('i', 7)} < 0.005 THEN 0 ELSE {amount} END"
    other = f"CASE WHEN {u('i', 4)} < 0.99 THEN 'cancelled' ELSE 'pending' END"
    status = f"CASE WHEN {u('i', 4)} < 0.97 THEN 'paid' ELSE {other} END"
    listed = "[" + ", ".join(f"'{name}'" for name in NAMES) + "]"
    kind = f"CASE WHEN {u('i', 4)} < 0.9 THEN hash(i * 16 + 5) % 4 ELSE 4 + hash(i * 16 + 6) % 6 END"
    return {
        "customers": f"""
            SELECT i::INTEGER AS customer_no, md5(i::VARCHAR) AS customer_uid, NULL::BIGINT AS joined_s,
              CASE WHEN {u("i", 1)} < 0.6 THEN ({DAY} - 1500 * {u("i", 2)})::INTEGER END AS joined_day,
              {u("i", 3)} < 0.3 AS member, {u("i", 4)} < 0.1 AS follower, {u("i", 5)} < 0.1 AS friend,
              {u("i", 6)} < 0.001 AS staff, {u("i", 7)} < 0.001 AS minor,
              {u("i", 8)} < 0.002 AS profiling_refused, 1::INTEGER AS import_no
            FROM range({customers}) r(i)""",
        "orders": f"""
            SELECT i AS order_no, 'shop' AS source, 'O' || i AS order_id, {buyer} AS customer_no,
              {day}::BIGINT * 86400 AS at_s, {day} AS day, net AS gross_fen, 0::BIGINT AS discount_fen,
              net AS net_fen, {status} AS status, 'web' AS channel, 's' || (i % 20) AS store,
              NULL::VARCHAR AS staff, NULL::VARCHAR AS coupon, 1::INTEGER AS line_count,
              1::INTEGER AS import_no
            FROM (SELECT i, {net} AS net FROM range({orders}) r(i)) {cell}""",
        "refunds": f"""
            SELECT source, CASE WHEN i % 2 = 0 THEN order_id END AS order_id, customer_no,
              at_s + 864000 AS at_s, least({DAY}, day + 10) AS day, NULL::VARCHAR AS sku,
              NULL::BIGINT AS quantity_milli,
              CASE WHEN i % 10 = 0 THEN net_fen ELSE (net_fen * {u("i", 3)})::BIGINT END AS amount_fen,
              1::INTEGER AS import_no
            FROM (SELECT *, order_no // 50 AS i FROM orders WHERE order_no % 50 = 0 AND net_fen > 0)""",
        "events": f"""
            SELECT 'e' || i AS event_id, 'web' AS source, {buyer} AS customer_no,
              {listed}[(1 + {kind})::INTEGER] AS name, 0::BIGINT AS at_s,
              floor({DAY} - {EVENT_DAYS - 1} + {EVENT_DAYS} * (i::DOUBLE / {events}))::INTEGER AS day,
              NULL::VARCHAR AS sku, NULL::BIGINT AS amount_fen, NULL::VARCHAR AS properties,
              1::INTEGER AS import_no
            FROM range({events}) r(i) {cell}""",
    }


def make(root: Path, log: MemoryVersionLog, clock: object, sizes: tuple[int, int, int]) -> ParquetWarehouse:
    """Write the facts of ``sizes`` = customers, orders, events below ``root`` and publish them."""
    warehouse = ParquetWarehouse(root, log, clock, EngineOptions(threads=2))  # type: ignore[arg-type]
    with warehouse.write("bench") as writer:
        engine = writer.engine
        engine.stage("shares", pa.table({"cell": np.arange(CELLS, dtype="int32"), "share": shares()}))
        for dataset, query in queries(*sizes).items():
            engine.raw.execute(f"CREATE OR REPLACE VIEW made_{dataset} AS {query}")
            writer.append(dataset, engine.ibis.table(f"made_{dataset}"))
            writer.table(dataset)
        writer.publish()
    return warehouse
