"""BAR-P1 and P2: the refresh against hand-tuned DuckDB SQL and against itself in full, in the same run.

    python bench/refresh.py [--customers 1000000 --orders 10000000 --events 20000000] [--huge]
                            [--pairs 5] [--folder DIR] [--json FILE]

P1: CPU of a full refresh over that of bench/refresh_hand*.sql for the same columns, and its peak memory.
P2: CPU of a full refresh over that of an incremental one on the next day, when 1 % of the customers bought,
and whether the result equals the full one at the same frozen scalars, row for row. Each figure is the median
of interleaved pairs, every run in its own process, CPU after imports and compilation.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any

import duckdb
from refresh_facts import DAY, make

from koipond.facts.ports import Manifest
from koipond.kernel import FixedClock, from_epoch_day
from koipond.segments.layers.compute import compute
from koipond.segments.layers.definitions import LayerSet
from koipond.segments.layers.lifecycle import alone_days
from koipond.segments.layers.profile import COLUMNS
from koipond.segments.refresh import RefreshPolicy, refresh
from koipond.segments.state import published
from koipond.testing.versions import MemoryVersionLog
from koipond.warehouse import EngineOptions, ParquetWarehouse, ParquetWriter
from koipond.warehouse.checksums import records

HERE = Path(__file__).parent
CLOCK = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
LAYERS = LayerSet()
NEVER_FULL = RefreshPolicy(recut_after_days=10**6, changed_percent_max=10**6)
SMALL = (1000, 5000, 5000)  # compiles every query before the clock starts


class Keeper(MemoryVersionLog):
    """A log that opens one kept version and lets no file of the others be removed."""

    def __init__(self, folder: Path, manifest: str) -> None:
        super().__init__()
        self._all = [read_manifest(file) for file in folder.glob("*.json")]
        self._versions.append(read_manifest(folder / manifest))

    def kept(self, now: datetime) -> list[Manifest]:  # noqa: ARG002  nothing expires here
        return self._all


def save(log: MemoryVersionLog, file: Path) -> None:
    """Keep the newest manifest, so that another process can open the warehouse."""
    now = log.current()
    body = {"version": now.version, "datasets": dict(now.datasets), "meta": dict(now.meta)}
    file.write_text(json.dumps(body))


def read_manifest(file: Path) -> Manifest:
    """Read what `save` wrote."""
    body = json.loads(file.read_text())
    datasets = {name: tuple(files) for name, files in body["datasets"].items()}
    return Manifest(version=body["version"], datasets=datasets, meta=body["meta"])


def opened(folder: Path, manifest: str) -> ParquetWarehouse:
    """Open the warehouse in ``folder`` at the version kept in the file ``manifest``."""
    return ParquetWarehouse(folder / "w", Keeper(folder, manifest), CLOCK, EngineOptions(threads=2))


@contextmanager
def measured() -> Iterator[dict[str, float]]:
    """Yield a dict that receives the CPU and wall seconds and the peak resident megabytes of the block."""
    found: dict[str, float] = {}
    cpu, wall = time.process_time(), time.perf_counter()
    yield found
    found["cpu_s"] = time.process_time() - cpu
    found["wall_s"] = time.perf_counter() - wall
    lines = Path("/proc/self/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    found["peak_mb"] = int(status["VmHWM"].split()[0]) / 1024


def full(folder: Path, manifest: str, day: int) -> dict[str, Any]:
    """Time a full refresh; nothing is published, so the next run finds the same state."""
    with opened(folder, manifest).write("full") as writer:
        before = named(writer)
        with measured() as found:
            refresh(writer, LAYERS, from_epoch_day(day), full=True)
        return {**found, "checksums_cpu_s": checksums(writer, before)}


def named(writer: ParquetWriter) -> set[tuple[str, str]]:
    """Return the files that the writer's manifest names."""
    return {(dataset, file) for dataset, files in writer.manifest.datasets.items() for file in files}


def checksums(writer: ParquetWriter, before: set[tuple[str, str]]) -> float:
    """Time the digests of what a publication would name first: its price on top of a refresh."""
    with measured() as found:
        records(writer.root, named(writer) - before, 2)
    return found["cpu_s"]


def incremental(folder: Path, manifest: str, day: int) -> dict[str, Any]:
    """Time an incremental refresh."""
    with opened(folder, manifest).write("incremental") as writer:
        before = named(writer)
        with measured() as found:
            result = refresh(writer, LAYERS, from_epoch_day(day), policy=NEVER_FULL)
        assert not result.full
        return {**found, "refreshed": result.refreshed, "checksums_cpu_s": checksums(writer, before)}


def hand(folder: Path, manifest: str, day: int) -> dict[str, Any]:
    """Time the SQL by hand."""
    datasets = read_manifest(folder / manifest).datasets
    con = duckdb.connect()
    con.execute(
        f"SET threads = 2; SET memory_limit = '6GB'; SET temp_directory = '{folder}/spill_hand';"
        "SET preserve_insertion_order = false;"
        "CREATE MACRO h(refused, x) AS CASE WHEN NOT refused THEN x END;"
        f"CREATE MACRO a(d) AS CASE WHEN d > {day} THEN d ELSE 2147483647 END"
    )
    for dataset in ("customers", "orders", "refunds", "events"):
        files = ", ".join(f"'{folder}/w/{dataset}/{file}'" for file in datasets[dataset])
        con.execute(f"CREATE VIEW {dataset} AS SELECT * FROM read_parquet([{files}])")
    first = Template((HERE / "refresh_hand.sql").read_text())
    last = Template((HERE / "refresh_hand_profile.sql").read_text())
    with measured() as found:
        con.execute(first.substitute(D=day))
        con.execute(last.substitute(hand_values(con, folder, day)))
    con.close()
    return found


def hand_values(con: duckdb.DuckDBPyConnection, folder: Path, day: int) -> dict[str, Any]:
    """Read the cut-offs that the first script left in one-row tables."""
    [(r, f, m)] = con.execute("SELECT r, f, m FROM cuts").fetchall()
    [(n, rs, fs, ms)] = con.execute("SELECT n, rs, fs, ms FROM sums_of_scores").fetchall()
    [(core, key, regular)] = con.execute("SELECT core, key, regular FROM grades").fetchall()
    [(g0,)] = con.execute("SELECT g0 FROM cycle").fetchall()
    axes = {"r": r, "f": f, "m": m}
    values = {f"{axis}{i + 1}": cut for axis, cuts in axes.items() for i, cut in enumerate(cuts)}
    values |= {name.removesuffix("_days"): days for name, days in alone_days(g0, LAYERS.lifecycle).items()}
    values |= {"n": n, "rs": rs, "fs": fs, "ms": ms, "core": core, "key": key, "regular": regular}
    return values | {"D": day, "ln_g0": round(math.log(g0) * 1e9), "OUT": f"{folder}/hand.parquet"}


RUNS = {"full": full, "hand": hand, "incremental": incremental}


def run_alone(kind: str, folder: Path, small: Path, manifest: str, day: int) -> dict[str, Any]:
    """Run one measurement in a process of its own."""
    command = [sys.executable, __file__, "--one", kind, str(folder), str(small), manifest, str(day)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def prepare(folder: Path, sizes: tuple[int, int, int]) -> None:
    """Make the facts, refresh them, and add a day on which 1 % of the customers buy."""
    log = MemoryVersionLog()
    warehouse = make(folder / "w", log, CLOCK, sizes)
    save(log, folder / "facts.json")
    with warehouse.write("first") as writer:
        refresh(writer, LAYERS, from_epoch_day(DAY))
        writer.publish()
    save(log, folder / "refreshed.json")
    with warehouse.write("a day") as writer:
        writer.table("orders")
        writer.engine.raw.execute(
            f"""CREATE VIEW new_orders AS
              SELECT * REPLACE (order_no::INTEGER AS customer_no, {sizes[1]} + order_no AS order_no,
                'N' || order_no AS order_id, 'paid' AS status, 2 AS import_no,
                {DAY + 1} AS day, {DAY + 1}::BIGINT * 86400 AS at_s)
              FROM orders WHERE order_no < {sizes[0]} AND order_no % 100 = 7"""
        )
        writer.append("orders", writer.engine.ibis.table("new_orders"))
        writer.publish()
    save(log, folder / "next_day.json")


def differing_rows(left: Path, right: Path) -> int:
    """Count the customers whose rows differ in any column; both files hold one row a customer."""
    con = duckdb.connect()
    differ = " OR ".join(f"l.{name} IS DISTINCT FROM r.{name}" for name in COLUMNS)
    both = f"read_parquet('{left}') l FULL JOIN read_parquet('{right}') r ON l.customer_no = r.customer_no"
    [(rows,)] = con.execute(f"SELECT count(*) FROM {both} WHERE {differ}").fetchall()
    con.close()
    return int(rows)


def check_hand(folder: Path) -> int:
    """Count the rows on which the hand SQL and the refresh disagree."""
    [file] = read_manifest(folder / "refreshed.json").datasets["profile"]
    return differing_rows(folder / "w" / "profile" / file, folder / "hand.parquet")


def check_incremental(folder: Path) -> int:
    """Count the rows on which the incremental refresh and the full one at the same scalars disagree."""
    with opened(folder, "next_day.json").write("check") as writer:
        refresh(writer, LAYERS, from_epoch_day(DAY + 1), policy=NEVER_FULL)
        state = published(writer)
        assert state is not None
        writer.engine.write(writer.table("profile"), folder / "incremental.parquet")
        made = compute(writer, LAYERS, DAY + 1, scalars=state.scalars)
        writer.engine.write(made.profile, folder / "full.parquet")
    return differing_rows(folder / "incremental.parquet", folder / "full.parquet")


def bench(folder: Path, small: Path, sizes: tuple[int, int, int], pairs: int) -> dict[str, Any]:
    """Return the bars with their raw figures."""
    plan = {
        "full": ("full", "facts.json", DAY),
        "hand": ("hand", "facts.json", DAY),
        "incremental": ("incremental", "next_day.json", DAY + 1),
        "full_next_day": ("full", "next_day.json", DAY + 1),
    }
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in plan}
    for _ in range(pairs):
        for name, (kind, manifest, day) in plan.items():
            runs[name].append(run_alone(kind, folder, small, manifest, day))
    cpu = {name: [run["cpu_s"] for run in found] for name, found in runs.items()}
    against_hand = [a / b for a, b in zip(cpu["full"], cpu["hand"], strict=True)]
    against_full = [a / b for a, b in zip(cpu["full_next_day"], cpu["incremental"], strict=True)]
    return {
        "customers": sizes[0],
        "orders": sizes[1],
        "events": sizes[2],
        "P1": {
            "cpu_ratio": statistics.median(against_hand),
            "peak_mb": max(run["peak_mb"] for run in runs["full"]),
            "differing_rows": check_hand(folder),
        },
        "P2": {
            "cpu_ratio": statistics.median(against_full),
            "refreshed": runs["incremental"][0]["refreshed"],
            "differing_rows": check_incremental(folder),
        },
        "checksums_share": {
            name: statistics.median(run["checksums_cpu_s"] / run["cpu_s"] for run in runs[name])
            for name in ("full", "incremental")
        },
        "cpu_s": {name: statistics.median(seconds) for name, seconds in cpu.items()},
        "runs": runs,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--orders", type=int, default=10_000_000)
    parser.add_argument("--events", type=int, default=20_000_000)
    parser.add_argument("--huge", action="store_true", help="10M customers, 100M orders, 100M events")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the facts go; used again when they are there")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)  # KIND FOLDER SMALL MANIFEST DAY
    args = parser.parse_args()
    if args.one:
        kind, folder, small, manifest, day = args.one
        if kind != "hand":  # imports and compilation happen on a tiny brand of the same shape
            RUNS[kind](Path(small), manifest, int(day))
        print(json.dumps(RUNS[kind](Path(folder), manifest, int(day))))
        return
    sizes = (args.customers, args.orders, args.events)
    if args.huge:
        sizes = (10_000_000, 100_000_000, 100_000_000)
    folder = args.folder or Path(tempfile.mkdtemp(prefix="koipond-bench-"))
    for place, size in ((folder / "big", sizes), (folder / "small", SMALL)):
        if not (place / "next_day.json").exists():
            (place / "w").mkdir(parents=True, exist_ok=True)
            prepare(place, size)
    found = bench(folder / "big", folder / "small", sizes, args.pairs)
    text = json.dumps(found, indent=1)
    if args.json:
        args.json.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
