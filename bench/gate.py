"""P6: durable touches a second through the gate, and rows a second out of the outbox with a no-op channel.

    python bench/gate.py [--customers 100000] [--store sqlite|postgresql|both] [--json FILE]

Bars (design §10): gate ≥ 5,000 durable touches/s, outbox drain ≥ 20,000 rows/s, on each store. The baseline
of the same run is a bare executemany (SQLite) or COPY (PostgreSQL) of rows of the same width, committed in
chunks of the same size, and the disk's fsyncs a second: what the disk and the driver allow at all.
"""

import argparse
import gc
import json
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from koipond.cli.app import GC_THRESHOLDS
from koipond.facts.people import PersonKeys
from koipond.outreach.model import BudgetLine, FrequencyCap, GateCandidate
from koipond.outreach.ports import ChannelSheet, SendResult
from koipond.store import ConsentStatement, Store, memory_keys
from koipond.store.bulk import insert_rows
from koipond.store.imports import GROWN

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
PLACE = ZoneInfo("Asia/Shanghai")
SHEET = ChannelSheet(channel="email", group_size=1_000)
CLAIM = 4_000
POSTGRES = os.environ.get("KOIPOND_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/test")


@contextmanager
def opened(kind: str) -> Iterator[Store]:
    """A fresh store on disk, gone afterwards."""
    schema = f"bench_{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory() as folder:
        url = POSTGRES if kind == "postgresql" else f"sqlite:///{Path(folder) / 'store.db'}"
        with Store.open(url, memory_keys(b"bench"), schema=schema) as store:
            yield store
        if kind == "postgresql":
            engine = sa.create_engine(POSTGRES)
            with engine.begin() as connection:
                connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
            engine.dispose()


def people(store: Store, count: int) -> list[Any]:
    keys = [PersonKeys(source="s", shop_id=str(n), email=f"c{n}@example.org") for n in range(count)]
    refs = store.identity.resolve(keys, NOW)
    said = [
        ConsentStatement(
            customer_no=ref.customer_no,
            channel="email",
            purpose="marketing",
            granted=True,
            at=NOW,
            source="b",
        )
        for ref in refs
    ]
    for start in range(0, count, 20_000):
        store.consents.append(said[start : start + 20_000], NOW)
    return refs


def candidates(refs: list[Any]) -> list[GateCandidate]:
    caps = (FrequencyCap(key="all_channels", touches_max=3, days=7),)
    budgets = (
        BudgetLine(scope="strategy:recall", limit_fen=10**12),
        BudgetLine(scope="strategy:recall:2026-03-02", limit_fen=10**12),
    )
    return [
        GateCandidate(
            customer_no=ref.customer_no,
            customer_uid=ref.customer_uid,
            strategy="dormant_recall",
            strategy_version=3,
            play="gentle_reminder",
            occurrence="2026-03-02",
            variant="a",
            channel="email",
            purpose="marketing",
            content="0123456789abcdef",
            due_at=NOW,
            expires_at=NOW + timedelta(days=2),
            cost_fen=5,
            caps=caps,
            budgets=budgets,
            consent_required=True,
            address_required=True,
            re_entry_days=60,
            duplicate_content_days=30,
            holdout_global_rate=0.05,
            holdout_strategy_rate=0.10,
            holdout_salt="2026",
            per_customer_limit_fen=2_000,
            template="dormant_recall",
            template_version=1,
            values={"name": "王小明", "product": "一件商品", "days": 61, "link": "https://example.org/x"},
        )
        for ref in refs
    ]


def drain(store: Store) -> int:
    """Send all through a channel that does nothing, as the worker does: intent and results in one commit."""
    box, sent = store.outbox(PLACE), 0
    while True:
        claim = box.claim(SHEET, CLAIM, NOW)
        if not claim.touches:
            return sent
        done: list[Any] = []
        for start in range(0, len(claim.touches), SHEET.group_size):
            group = claim.touches[start : start + SHEET.group_size]
            begun = box.advance(SHEET, claim, done=done, begin=group, now=NOW).may_go
            done = [(one, SendResult(key=one.touch_key, outcome="accepted")) for one in begun]
            sent += len(begun)
        box.advance(SHEET, claim, done=done, now=NOW)


def baseline(store: Store, rows: int) -> float:
    """Rows a second of plain appends of a touch's width in chunks of 2,000, one commit each."""
    table = sa.Table(
        "bench_rows",
        sa.MetaData(),
        sa.Column("n", sa.BigInteger, primary_key=True),
        sa.Column("body", sa.Text),
    )
    with store.database.write() as connection:
        table.create(connection)
    body = "x" * 600
    started = time.perf_counter()
    for start in range(0, rows, 2_000):
        with store.database.write() as connection:
            insert_rows(connection, table, ("n", "body"), [(n, body) for n in range(start, start + 2_000)])
    took = time.perf_counter() - started
    with store.database.write() as connection:
        table.drop(connection)
    return rows / took


def syncs(count: int = 200) -> float:
    """Appends of 4 KiB a second, each forced to disk: no commit can be faster."""
    with tempfile.NamedTemporaryFile(buffering=0) as file:
        started = time.perf_counter()
        for _ in range(count):
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
        return count / (time.perf_counter() - started)


class Meter:
    """Wall and CPU seconds of a stretch of work: this process, and the PostgreSQL servers of its connections
    when they run on this machine. CPU tells what a busy machine hides."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wall, self._cpu, self._server = time.perf_counter(), time.process_time(), self._servers()

    def stop(self) -> tuple[float, float, float]:
        """Return wall seconds, CPU seconds here, CPU seconds of the servers."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return wall, cpu, self._servers() - self._server

    def _servers(self) -> float:
        if self._store.database.dialect != "postgresql":
            return 0.0
        query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'koipond'"
        with self._store.database.read() as connection:
            pids = connection.scalars(sa.text(query)).all()
        stats = [Path(f"/proc/{pid}/stat") for pid in pids]
        ticks = [file.read_text().rpartition(")")[2].split()[11:13] for file in stats if file.exists()]
        return sum(int(one) for pair in ticks for one in pair) / os.sysconf("SC_CLK_TCK")


def measure(kind: str, count: int) -> dict[str, Any]:
    with opened(kind) as store:
        started = time.perf_counter()
        refs = people(store, count)
        store.database.recount(GROWN)  # as every import does at its end
        known_s = time.perf_counter() - started
        asked = candidates(refs)
        plain = baseline(store, min(count, 50_000) // 2_000 * 2_000)
        gate = store.gate(PLACE)
        meter = Meter(store)
        decisions = gate.admit(asked, NOW, "p1")
        gate_s, gate_cpu, gate_server = meter.stop()
        touches = sum(d.touch_key is not None for d in decisions)
        meter = Meter(store)
        sent = drain(store)
        drain_s, drain_cpu, drain_server = meter.stop()
        started = time.perf_counter()
        broken = [check for check in store.checks.all(PLACE, NOW) if check.breaks]
        verify_s = time.perf_counter() - started
    assert sent == touches
    assert not broken, broken
    return {
        "store": kind,
        "customers": count,
        "people_with_consent_per_s": round(count / known_s),
        "touches": touches,
        "gate_touches_per_s": round(touches / gate_s),
        "gate_candidates_per_s": round(count / gate_s),
        "gate_cpu_us_per_candidate": round(gate_cpu / count * 1e6, 1),
        "gate_server_us_per_candidate": round(gate_server / count * 1e6, 1),
        "drain_rows_per_s": round(sent / drain_s),
        "drain_cpu_us_per_row": round(drain_cpu / sent * 1e6, 1),
        "drain_server_us_per_row": round(drain_server / sent * 1e6, 1),
        "baseline_rows_per_s": round(plain),
        "fsyncs_per_s": round(syncs()),
        "verify_s": round(verify_s, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--store", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    gc.set_threshold(*GC_THRESHOLDS)  # as the program does
    kinds = ["sqlite", "postgresql"] if options.store == "both" else [options.store]
    found = [measure(kind, options.customers) for kind in kinds]
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
