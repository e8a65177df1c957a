"""Segments (BAR-P3): set algebra over 10M customers × 200 segments, and a new rule over 1M profiles.

    PYTHONPATH=src python bench/segments.py [--customers 10000000] [--segments 200] [--profiles 1000000]

Part 1 evaluates random rules of 2 to 10 segments on roaring bitmaps (random membership of 0.1 to 50 %),
against packed numpy bits in the same run; bar: p95 < 5 ms. Part 2 counts every node of rules never seen
before, over published Parquet, from the text to the numbers, against hand-written DuckDB SQL in the same
run; bar: < 150 ms. Writes bench/results/segments.json. Times are wall ms with CPU ms beside them, since
contention inflates the former.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyroaring import BitMap

from koipond.kernel import FixedClock
from koipond.rules import And, InSegment, Not, Or, Rule, default_catalog, parse, walk
from koipond.segments.bitmaps import combine, from_numbers
from koipond.segments.count import count_rule
from koipond.segments.membership import members
from koipond.segments.scope import Scope
from koipond.testing.versions import MemoryVersionLog
from koipond.warehouse import ParquetWarehouse

SEED = 20261121
DAY = 17_318
CATALOG = default_catalog("CNY")


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Return wall ms, CPU ms and what ``work`` returned."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3, result


def summary(values: Sequence[float]) -> dict[str, float]:
    """Return median, p95 and maximum."""
    p95 = float(np.quantile(values, 0.95))
    return {"median": round(statistics.median(values), 2), "p95": round(p95, 2), "max": round(max(values), 2)}


# --- part 1 -------------------------------------------------------------------------------------------------


def random_sets(customers: int, count: int) -> tuple[dict[str, BitMap], dict[str, np.ndarray]]:
    """Return ``count`` random segments as bitmaps and as packed bits."""
    rng = np.random.default_rng(SEED)
    bitmaps, bits = {}, {}
    for number in range(count):
        chosen = rng.random(customers, dtype=np.float32) < rng.uniform(0.001, 0.5)
        bits[f"s{number}"] = np.packbits(chosen)
        bitmaps[f"s{number}"] = from_numbers(np.flatnonzero(chosen))
    return bitmaps, bits


def random_sets_rule(chance: random.Random, terms: int, count: int) -> Rule:
    """Return a rule of ``terms`` segments joined by and, or, and not."""
    parts: list[Rule] = [InSegment(key=f"s{chance.randrange(count)}") for _ in range(terms)]
    while len(parts) > 1:
        size = min(len(parts), chance.choice((2, 2, 3)))
        taken = [Not(part=p) if chance.random() < 0.25 else p for p in parts[:size]]
        joined: Rule = And(parts=tuple(taken)) if chance.random() < 0.6 else Or(parts=tuple(taken))
        parts = [*parts[size:], joined]
    return parts[0]


def packed(rule: Rule, bits: dict[str, np.ndarray]) -> np.ndarray:
    """Evaluate ``rule`` on packed bits."""
    if isinstance(rule, InSegment):
        return bits[rule.key]
    if isinstance(rule, Not):
        return ~packed(rule.part, bits)
    assert isinstance(rule, And | Or)
    join = np.bitwise_and if isinstance(rule, And) else np.bitwise_or
    return join.reduce([packed(part, bits) for part in rule.parts])


def algebra(customers: int, count: int, rounds: int) -> dict[str, Any]:
    """Time random set rules of 2, 3, 5 and 10 terms."""
    bitmaps, bits = random_sets(customers, count)
    everyone, chance = BitMap(range(customers)), random.Random(SEED)
    walls: dict[str, list[float]] = {"all": []}
    cpus: list[float] = []
    bit_cpus: list[float] = []
    for turn in range(rounds):
        terms = (2, 3, 3, 5, 10)[turn % 5]
        rule = random_sets_rule(chance, terms, count)
        wall, cpu, found = timed(lambda rule=rule: combine(rule, bitmaps, {}, everyone))
        _, bit_cpu, other = timed(lambda rule=rule: int(np.bitwise_count(packed(rule, bits)).sum()))
        if customers % 8 == 0:
            assert len(found) == other
        walls.setdefault(f"{terms} terms", []).append(wall)
        walls["all"].append(wall)
        cpus.append(cpu)
        bit_cpus.append(bit_cpu)
    size = sum(len(bitmap.serialize()) for bitmap in bitmaps.values())
    return {
        "customers": customers,
        "segments": count,
        "rules": rounds,
        "bitmap_mb": round(size / 1e6, 1),
        "roaring_ms": {name: summary(values) for name, values in walls.items()},
        "roaring_cpu_ms": summary(cpus),
        "packed_bits_cpu_ms": summary(bit_cpus),
        "bar_ms": 5,
        "met": summary(walls["all"])["p95"] < 5,
    }


# --- part 2 -------------------------------------------------------------------------------------------------

STAGES = ("prospect", "intro", "growth", "mature", "dormant", "churned")
CELLS = tuple(f"{a}_{b}" for a in ("important", "general") for b in ("value", "develop", "keep", "retain"))


def profile_table(rows: int) -> pa.Table:
    """Return a synthetic profile with the columns and the share of missing values of a real one."""
    rng = np.random.default_rng(SEED)
    never = rng.random(rows) < 0.1

    def choice(values: Sequence[str | None]) -> pa.Array:
        codes = pa.array(rng.integers(0, len(values), rows), pa.int32())
        return pa.DictionaryArray.from_arrays(codes, pa.array(list(values), pa.string())).dictionary_decode()

    def whole(low: int, high: int, kind: pa.DataType) -> pa.Array:
        return pa.array(rng.integers(low, high, rows), kind, mask=never)

    last = rng.integers(DAY - 900, DAY, rows)
    columns = {
        "customer_no": pa.array(np.arange(rows), pa.int32()),
        "customer_uid": pa.array([f"{number:032x}" for number in range(rows)]),
        "first_purchase_day": pa.array(last - rng.integers(0, 700, rows), pa.int32(), mask=never),
        "last_purchase_day": pa.array(last, pa.int32(), mask=never),
        "purchase_days": pa.array(np.where(never, 0, rng.geometric(0.15, rows)), pa.int64()),
        "orders_365d": pa.array(np.where(never, 0, rng.geometric(0.2, rows)), pa.int64()),
        "money_365d_fen": pa.array(rng.integers(0, 200_000, rows), pa.int64()),
        "value_365d_fen": pa.array(rng.integers(0, 200_000, rows), pa.int64()),
        "cycle_microdays": whole(5_000_000, 200_000_000, pa.int64()),
        "due_from_day": whole(DAY - 50, DAY + 200, pa.int32()),
        "due_to_day": whole(DAY, DAY + 300, pa.int32()),
        **{f"{axis}_score": whole(1, 6, pa.int64()) for axis in "rfm"},
        "rfm_cell": choice((*CELLS, "outside", None)),
        "rfm_level": choice(("high", "mid", "low", None)),
        "lifecycle": choice(STAGES),
        "aipl": choice(("aware", "interest", "purchase", "loyal", None)),
        "grade": choice(("core", "key", "regular", "fringe", None)),
    }
    flags = (
        "at_risk",
        "due",
        "one_time_buyer",
        "never_bought",
        "member",
        "friend",
        "follower",
        "staff",
        "minor",
    )
    columns |= {flag: pa.array(rng.random(rows) < 0.2) for flag in flags}
    columns["profiling_refused"] = pa.array(rng.random(rows) < 0.01)
    return pa.table(columns)


PAIRS = (
    ("lifecycle in (dormant, churned)", "lifecycle in ('dormant', 'churned')"),
    ("rfm_level in (high, mid)", "rfm_level in ('high', 'mid')"),
    ("rfm_cell = important_keep", "rfm_cell = 'important_keep'"),
    ("grade = core", "grade = 'core'"),
    ("aipl != aware", "aipl <> 'aware'"),
    ("member", "member"),
    ("at_risk", "at_risk"),
    ("one_time_buyer", "one_time_buyer"),
    ("friend = false", "not friend"),
    ("days_since_last_purchase >= {n}", f"{DAY} - last_purchase_day >= {{n}}"),
    ("money_365d >= {n}", "money_365d_fen >= {n} * 100"),
    ("orders_365d > {n}", "orders_365d > {n}"),
    ("repurchase_cycle_days < {n}", "cycle_microdays < {n} * 1000000"),
    ("r_score >= 3", "r_score >= 3"),
    ("last_purchase_on >= 2017-01-01", "last_purchase_day >= 17167"),
)


def random_rule(chance: random.Random, leaves: int) -> tuple[str, str]:
    """Return a new rule of ``leaves`` conditions, as our text and as hand-written SQL."""
    parts = []
    for text, sql in (chance.choice(PAIRS) for _ in range(leaves)):
        n = chance.randrange(2, 300)
        parts.append((text.format(n=n), f"coalesce({sql.format(n=n)}, false)"))
    while len(parts) > 1:
        size = min(len(parts), chance.choice((2, 3)))
        word = chance.choice((" and ", " or "))
        no = "not " if chance.random() < 0.2 else ""
        text, sql = (word.join(part[side] for part in parts[:size]) for side in (0, 1))
        parts = [*parts[size:], (f"{no}({text})", f"{no}({sql})")]
    return parts[0]


def hand_sql(sql: str, file: Path) -> str:
    """Return what a developer would write: one COUNT(*) FILTER a node, in one scan of the file."""
    return (
        f"SELECT {', '.join(f'count(*) FILTER ({node})' for node in nodes_of(sql))} "
        f"FROM read_parquet('{file}') WHERE NOT coalesce(profiling_refused, false)"
    )


def nodes_of(sql: str) -> list[str]:
    """Return the condition and each of its bracketed parts."""
    found, opened = [sql], []
    for at, char in enumerate(sql):
        if char == "(":
            opened.append(at)
        elif char == ")":
            start = opened.pop()
            word = sql[:start].rsplit("(", 1)[-1].split(" ")[-1]
            found.append(f"{'coalesce' if word == 'coalesce' else ''}{sql[start : at + 1]}")
    return [node for node in found if "coalesce" in node]


def counting(rows: int, rounds: int, folder: Path) -> dict[str, Any]:
    """Time counts of rules never seen before, beside hand-written SQL, interleaved."""
    from datetime import UTC, datetime

    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    warehouse = ParquetWarehouse(folder, MemoryVersionLog(), clock)
    with warehouse.write("bench") as writer:
        writer.replace("profile", writer.stage("_profile", profile_table(rows)))
        writer.publish()
    (file,) = (folder / "profile").glob("*.parquet")
    chance = random.Random(SEED)
    ours, cpus, theirs, their_cpus, nodes = [], [], [], [], []
    with warehouse.read() as reader:
        scope = Scope(reader=reader, as_of_day=DAY, catalog=CATALOG)
        for turn in range(rounds + 2):
            text, sql = random_rule(chance, 4 + turn % 9)
            wall, cpu, found = timed(lambda text=text: count_rule(scope, parse(text, CATALOG)))
            query = hand_sql(sql, file)
            other, other_cpu, rows_ = timed(lambda query=query: reader.engine.raw.sql(query).fetchall())
            assert rows_[0][0] == found["count"], (text, sql)
            if turn < 2:  # the first two warm caches on both sides
                continue
            ours.append(wall)
            cpus.append(cpu)
            theirs.append(other)
            their_cpus.append(other_cpu)
            nodes.append(len(list(walk(parse(text, CATALOG)))))
        wall, cpu, people = timed(lambda: members(scope, parse("member and lifecycle = dormant", CATALOG)))
    return {
        "profiles": rows,
        "rules": rounds,
        "nodes_median": statistics.median(nodes),
        "ours_ms": summary(ours),
        "ours_cpu_ms": summary(cpus),
        "hand_sql_ms": summary(theirs),
        "hand_sql_cpu_ms": summary(their_cpus),
        "cpu_ratio": round(statistics.median(a / b for a, b in zip(cpus, their_cpus, strict=True)), 2),
        "members_ms": {"wall": round(wall, 1), "cpu": round(cpu, 1), "members": len(people)},
        "bar_ms": 150,
        "met": summary(ours)["p95"] < 150,
    }


def main() -> None:
    """Run both parts, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=10_000_000)
    parser.add_argument("--segments", type=int, default=200)
    parser.add_argument("--profiles", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=200)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = {
            "algebra": algebra(asked.customers, asked.segments, asked.rounds),
            "count": counting(asked.profiles, max(10, asked.rounds // 4), Path(folder)),
        }
    out = Path(__file__).parent / "results" / "segments.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
