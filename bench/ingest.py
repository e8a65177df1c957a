"""Import of an orders file: rows per CPU second, peak memory, beside hand-written DuckDB SQL in the same run.

    PYTHONPATH=src python bench/ingest.py [--rows 1000000] [--pairs 3] [--folder /tmp]

The file has 8 columns and 4 lines an order. The SQL is told everything that the import finds out (encoding,
formats, columns), trusts every row, and writes the same orders and lines: read_csv with types, one GROUP BY,
two sorted Parquet files. Prints CPU seconds (median over interleaved pairs, after imports) and writes
bench/results/ingest.json.
"""

import argparse
import json
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from koipond.testing.memory import MemoryWorkspace

FILE = """copy (
  select 'C' || lpad((o * 7919 % {customers})::varchar, 7, '0') as CustomerID, 'O' || o as InvoiceNo,
         strftime(timestamp '2024-01-01' + to_seconds((o * 613) % 63000000), '%Y-%m-%d %H:%M:%S')
           as InvoiceDate,
         'S' || (hash(i) % 5000) as StockCode, 1 + hash(i * 3) % 5 as Quantity,
         ((hash(i * 5) % 10000) / 100.0)::decimal(10, 2) as UnitPrice,
         'store ' || (o % 50) as store, ['APP', '小程序', 'POS'][1 + o % 3] as channel
  from (select i, i // 4 as o from range({rows}) t(i))) to '{file}' (header)"""
BY_HAND = """
create table raw as select * from read_csv('{file}', header = true, columns = {{
  'CustomerID': 'VARCHAR', 'InvoiceNo': 'VARCHAR', 'InvoiceDate': 'TIMESTAMP', 'StockCode': 'VARCHAR',
  'Quantity': 'INTEGER', 'UnitPrice': 'DECIMAL(10,2)', 'store': 'VARCHAR', 'channel': 'VARCHAR'}});
create table people as select CustomerID, row_number() over () as customer_no
  from (select distinct CustomerID from raw);
create table lines as select InvoiceNo, customer_no, epoch(InvoiceDate)::bigint as at_s, StockCode,
  Quantity * 1000 as quantity_milli, (Quantity * UnitPrice * 100)::bigint as amount_fen, store, channel
  from raw join people using (CustomerID);
create table orders as select InvoiceNo, row_number() over () as order_no, min(customer_no) as customer_no,
  min(at_s) as at_s, sum(amount_fen)::bigint as net_fen, min(store) as store, min(channel) as channel,
  count(*) as line_count from lines group by InvoiceNo;
copy (select * from orders order by customer_no, at_s) to '{out}/orders.parquet' (compression zstd);
copy (select order_no, l.* from lines l join orders using (InvoiceNo) order by l.customer_no, l.at_s)
  to '{out}/lines.parquet' (compression zstd);"""


def cpu(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def ours(file: Path, folder: Path) -> None:
    result = MemoryWorkspace(folder / "ours").load("orders", file)
    assert result.kept == result.read


def by_hand(file: Path, folder: Path) -> None:
    with duckdb.connect() as connection:
        for statement in BY_HAND.format(file=file, out=folder).split(";\n"):
            connection.execute(statement).fetchall()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    times: dict[str, list[float]] = {"ours": [], "by hand": []}
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        file = folder / "orders.csv"
        customers = max(1, options.rows // 20)
        duckdb.sql(FILE.format(rows=options.rows, customers=customers, file=file))
        size = file.stat().st_size
        for _ in range(options.pairs):
            times["ours"].append(cpu(lambda: ours(file, folder)))
            shutil.rmtree(folder / "ours")
            times["by hand"].append(cpu(lambda: by_hand(file, folder)))
    mine, hand = (statistics.median(times[who]) for who in ("ours", "by hand"))
    report = {
        "rows": options.rows,
        "file_bytes": size,
        "cpu_s": {"ours": mine, "by_hand": hand},
        "ratio": mine / hand,
        "rows_per_cpu_s": options.rows / mine,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(report, indent=2))
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "ingest.json").write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
