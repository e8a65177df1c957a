"""The door of an import alone: what looking for identifiers costs a value, beside a column only sealed.

    PYTHONPATH=src python bench/door.py [--values 100000] [--pairs 3] [--region GB]

Columns of different values: order numbers, SKUs, UUIDs, amounts, words, and bare numbers that begin with 0,
which any country's phones may be. ``seal`` is the cost of a column that is only sealed. ``library`` asks
libphonenumber about every bare 0-number, as is done without its patterns. Prints CPU microseconds a value
(medians of interleaved pairs) and writes bench/results/door.json.
"""

import argparse
import json
import random
import statistics
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import phonenumbers
import pyarrow as pa

from koipond.ingest import privacy
from koipond.ingest.door import Door
from koipond.ingest.mapping import ColumnMap

SEED = 20260101


def columns(count: int) -> dict[str, tuple[str, str, pa.Array]]:
    """Return name → (field, type, values) of the columns under test."""
    draw = random.Random(SEED)
    words = ("tea", "green", "white heart", "mug", "nike", "gift box")
    made: dict[str, tuple[str, str, Callable[[], str]]] = {
        "order_id 2025…": ("order_id", "text", lambda: f"2025{draw.randrange(10**8):08d}"),
        "order_id of 11 digits": ("order_id", "text", lambda: str(draw.randrange(10**10, 10**11))),
        "event_id UUID": ("event_id", "text", lambda: str(uuid.UUID(int=draw.getrandbits(128)))),
        "sku": ("sku", "text", lambda: f"SKU-{draw.randrange(10**6):06d}"),
        "amount": ("amount", "money", lambda: f"{draw.randrange(10**6) / 100:.2f}"),
        "category of words": ("category", "text", lambda: " ".join(draw.choices(words, k=4))),
        "category 0…": ("category", "text", lambda: f"0{draw.randrange(10**10):010d}"),
    }
    return {
        name: (field, kind, pa.array([value() for _ in range(count)]))
        for name, (field, kind, value) in made.items()
    }


def door(region: str) -> Door:
    mapping = ColumnMap(kind="orders", columns={}, others=())
    return Door(mapping=mapping, declared=frozenset(), blind=lambda text: f"id:{hash(text)}", region=region)


def cpu_us(work: Callable[[], Any], count: int) -> float:
    privacy._holds.cache_clear()
    start = time.process_time()
    work()
    return (time.process_time() - start) / count * 1e6


def library(values: pa.Array, region: str) -> int:
    """Return how many of ``values`` libphonenumber takes for valid numbers at home."""
    found = 0
    for text in values.to_pylist():
        try:
            found += phonenumbers.is_valid_number(phonenumbers.parse(text, region))
        except phonenumbers.NumberParseException:
            continue
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--values", type=int, default=100_000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--region", default="GB")
    given = parser.parse_args()
    table, count = columns(given.values), given.values
    works: dict[str, Callable[[], Any]] = {
        name: (lambda field=field, kind=kind, values=values: door(given.region).texts(values, field, kind))
        for name, (field, kind, values) in table.items()
    }
    zeros = table["category 0…"][2]
    works["seal alone"] = lambda: door(given.region).texts(zeros, "phone", "identifier")
    works["library, category 0…"] = lambda: library(zeros, given.region)
    times: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()  # imports and metadata
    for _ in range(given.pairs):
        for name, work in works.items():
            times[name].append(cpu_us(work, count))
    medians = {name: round(statistics.median(each), 2) for name, each in times.items()}
    ratio = round(medians["library, category 0…"] / medians["category 0…"], 2)
    for name, value in medians.items():
        print(f"{value:8.2f} µs a value  {name}")
    print(f"{ratio:8.2f} × cheaper than asking the library about every number that begins with 0")
    out = Path("bench/results/door.json")
    out.parent.mkdir(exist_ok=True)
    data = {"values": count, "region": given.region, "cpu_us": medians, "library_ratio": ratio}
    out.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
