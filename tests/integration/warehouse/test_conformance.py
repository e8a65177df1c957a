"""A refresh on Spark publishes what it publishes on DuckDB: every column of every dataset, row for row.

10,000 customers, three refreshes: the first, an incremental one a week later with new and withdrawn facts,
and one under other definitions, so that every way of scoring is taken once.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyroaring import BitMap

from koipond.facts.ports import Writer
from koipond.facts.schemas import FACTS
from koipond.kernel import InputError, from_epoch_day
from koipond.rules import default_catalog, parse
from koipond.segments.definition import SegmentDefinition
from koipond.segments.layers.definitions import LayerSet
from koipond.segments.membership import refresh_segments
from koipond.segments.ports import ManualTag
from koipond.segments.refresh import refresh
from koipond.segments.scope import Scope
from koipond.segments.segment_state import members_of, read_states
from koipond.segments.tag_definition import TagGroup, TagRule
from koipond.segments.tag_refresh import refresh_tags
from koipond.testing.columns import fact_columns, open_warehouse
from koipond.testing.crowd import Crowd, crowd, news
from koipond.testing.groups import MemoryLists
from koipond.warehouse import ParquetWarehouse
from koipond.warehouse.spark_writer import spark_writer

PEOPLE = 10_000
DAY = 17_000
NOW = datetime(2026, 1, 1, 3, tzinfo=UTC)
CATALOG = default_catalog("CNY")
OTHER_LAYERS = LayerSet.from_mapping(
    {
        "rfm": {
            "window": 90,
            "frequency": "purchase_days",
            "scoring": {"r": "quantile", "f": "rank_first", "m": "fixed"},
            "cuts": {"monetary_fen": [500, 5_000, 9_000, 50_000]},
            "high": "raw_mean",
        },
        "lifecycle": {"prior_gaps": 0},
        "grade": {"window": "all"},
        "aipl": {"browse_days_min": 1, "loyal_days_min": 3, "stock_counts_as_interest": {"friend": True}},
    }
)
SEGMENTS = {
    "asleep": "lifecycle in (dormant, churned) and not (at_risk or due)",
    "recent": "days_since_last_purchase < 60 or money_365d >= 100",
    "city": 'trait.city = "Zürich" or trait.city starts with "é" or trait.age >= 80 or trait.city is missing',
    "tea": 'bought(category contains "e", last 300 days) and items.sum(quantity) >= 2',
    "held": "held_grade in (core, key) and grade != core",
    "busy": "orders.count(last 365 days) >= 2 and orders(weekday in (6, 7), net >= 5).days() >= 1",
    "seen": 'sequence(events("Product Viewed") then orders within 30 days)',
    "unsold": 'sequence(events("Product Added") then no orders within 3 days, last 60 days)',
    "pro": 'events(property.plan = "pro", property.price > 2.5).count() >= 1',
    "reached": 'touches(channel = "email").count(last 30 days) >= 1 and responses("clicked").count() = 0',
    "tagged": "tag.interest = reader and not tag.mood in (glad)",
    "third": 'sample(30%, "s") and not list guests',
    "both": "segment asleep and not segment third",
}
TAGS = (
    ("reader", "events.count(last 20 days) >= 2", False, 30),
    ("buyer", "orders.count(last 30 days) >= 1", True, 0),
)


def segments(keys: tuple[str, ...]) -> list[SegmentDefinition]:
    return [
        SegmentDefinition(key=key, owner="crm", rule=parse(SEGMENTS[key], CATALOG), version=1) for key in keys
    ]


def groups() -> list[TagGroup]:
    rules = tuple(TagRule(value=value, rule=parse(rule, CATALOG)) for value, rule, _, _ in TAGS)
    return [
        TagGroup(key="interest", owner="crm", source="auto", rules=rules, ttl_days=30, version=1),
        TagGroup(key="state", owner="crm", source="auto", rules=rules, exclusive=True, version=1),
        TagGroup(key="mood", owner="crm", source="manual", values=("glad",), version=1),
    ]


MANUAL = [
    ManualTag(
        customer_no=number,
        tag_group="mood",
        value="glad",
        author="lee",
        reason="said so",
        from_day=DAY,
        until_day=None,
        at=NOW,
    )
    for number in range(0, PEOPLE, 3)
]


@dataclass(frozen=True)
class Step:
    """What happens before a refresh, and the refresh."""

    day: int
    layers: LayerSet
    facts: Crowd | None = None
    without_orders: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    tags: bool = True


def run(warehouse: ParquetWarehouse, step: Step, compute: Callable[[Any], Any]) -> dict[str, Any]:
    """Write the facts of ``step`` and refresh with what ``compute`` makes of the writer."""
    with warehouse.write("step") as files:
        if step.without_orders:
            gone = files.stage("gone", pa.table({"order_id": pa.array(step.without_orders)}))
            assert files.remove("orders", gone, ["order_id"]) == len(step.without_orders)
        for dataset, rows in (step.facts.tables if step.facts else {}).items():
            files.append(dataset, files.stage(f"new_{dataset}", rows))
        with compute(files) as writer:
            result = refresh(writer, step.layers, from_epoch_day(step.day)).to_dict()
            scope = Scope(
                reader=writer,
                as_of_day=step.day,
                catalog=CATALOG,
                lists=MemoryLists(guests=range(0, PEOPLE, 7)),
                excluded=BitMap(range(40, 60)),
                members=members_of(read_states(writer)),
            )
            tags = refresh_tags(writer, groups(), scope, MANUAL, NOW) if step.tags else {}
            states = refresh_segments(writer, segments(step.segments), scope, NOW) if step.segments else []
        files.publish()
    assert [state.error for state in (*tags.values(), *states)] == [None] * (len(tags) + len(states))
    return result | {state.key: state.count for state in states}


def published(warehouse: ParquetWarehouse) -> dict[str, pa.Table]:
    """Return every derived dataset as it stands in its files, in an order of its own rows."""
    with warehouse.read() as reader:
        derived = {d for d, files in reader.manifest.datasets.items() if files and d not in FACTS}
        tables = {}
        for dataset in derived:
            files, delta = reader.files_of(dataset)
            assert delta is None, "at this size an upsert writes the whole"
            table = pa.concat_tables([_by_name(pq.ParquetFile(file).read()) for file in files])
            tables[dataset] = table.sort_by([(n, "ascending") for n in table.column_names])
        return tables


def _by_name(table: pa.Table) -> pa.Table:
    """Order the columns, which are read by name, and take "not null" out of their types.

    DuckDB writes that for what happens to hold none, file by file.
    """
    table = table.select(sorted(table.column_names))
    return table.cast(pa.schema([field.with_nullable(True) for field in table.schema], metadata=None))


@pytest.mark.spark
@pytest.mark.slow
def test_spark_publishes_what_duckdb_publishes(spark_session: Any, tmp_path: Path) -> None:
    of = crowd(PEOPLE, DAY)
    later = news(of)
    steps = [
        Step(day=DAY, layers=LayerSet(), segments=tuple(SEGMENTS)),
        Step(day=later.day, layers=LayerSet(), facts=later, without_orders=("o1", "o2", "o500")),
        Step(day=DAY + 36, layers=OTHER_LAYERS, tags=False),
    ]
    plain = open_warehouse(tmp_path / "duckdb", of.tables)
    sparked = open_warehouse(tmp_path / "spark", of.tables)

    def on_spark(files: Any) -> AbstractContextManager[Writer]:
        return spark_writer(files, session=spark_session)

    reasons = []
    for step in steps:
        result = run(plain, step, nullcontext)
        assert run(sparked, step, on_spark) == result
        reasons.append(result["reason"])
        assert all(0 < result[key] < PEOPLE for key in step.segments), "a segment tells nobody apart"
        assert_same(published(plain), published(sparked))
        with plain.read() as one, sparked.read() as other:
            assert one.meta("layers") == other.meta("layers")
            assert one.meta("tags") == other.meta("tags")
    assert reasons == ["first", "incremental", "definition"]
    assert list((tmp_path / "spark" / "spill").glob("*/spark-*")) == []


def assert_same(expected: dict[str, pa.Table], found: dict[str, pa.Table]) -> None:
    assert set(found) == set(expected)
    assert {"base", "profile", "segment_members", "tags", "tag_history"} <= set(found)
    for dataset, table in expected.items():
        assert found[dataset].schema.equals(table.schema), dataset
        for name in table.column_names:
            assert found[dataset][name].equals(table[name]), f"{dataset}.{name}"


@pytest.mark.spark
@pytest.mark.slow
def test_spark_writes_no_facts(spark_session: Any, tmp_path: Path) -> None:
    warehouse = open_warehouse(tmp_path / "w", {"customers": fact_columns("customers", {"customer_no": [1]})})
    with warehouse.write("test") as files, spark_writer(files, session=spark_session) as writer:
        orders = writer.table("orders")
        with pytest.raises(InputError, match="DuckDB"):
            writer.append("orders", orders)
