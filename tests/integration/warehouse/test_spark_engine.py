"""Where Spark, or what Ibis writes for it, would answer otherwise than DuckDB: each difference on its own."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest

from koipond.kernel import InputError
from koipond.warehouse import Engine, EngineOptions
from koipond.warehouse.spark_engine import SparkEngine, scratch_below
from koipond.warehouse.spark_session import spark_lacks


@pytest.fixture
def both(spark: SparkEngine, tmp_path: Path) -> Iterator[tuple[Engine, SparkEngine]]:
    """DuckDB and Spark."""
    duckdb = Engine(tmp_path, EngineOptions(threads=1))
    yield duckdb, spark
    duckdb.close()


def answers(engines: Any, rows: pa.Table, ask: Callable[[Any], Any]) -> list[Any]:
    """What ``ask`` gives on each engine, rows in an order of their own."""
    found = [engine.frame(ask(engine.stage("asked", rows))).to_pylist() for engine in engines]
    return [sorted(one, key=lambda row: str(list(row.values()))) for one in found]


@pytest.mark.spark
@pytest.mark.slow
def test_offset_keeps_the_order(both: Any) -> None:
    rows = pa.table({"no": pa.array([5, 3, 9, 1, 7], pa.int32())})
    one, other = answers(both, rows, lambda t: t.order_by(t.no.desc()).limit(2, offset=1))
    assert one == other == [{"no": 5}, {"no": 7}]


@pytest.mark.spark
@pytest.mark.slow
def test_counting_nothing_gives_nought(both: Any) -> None:
    rows = pa.table({"no": pa.array([1, 2], pa.int32())})
    one, other = answers(both, rows, lambda t: t.agg(n=t.count(where=t.no > 5)))
    assert one == other == [{"n": 0}]


@pytest.mark.spark
@pytest.mark.slow
def test_long_numbers_do_not_overflow(spark: SparkEngine) -> None:
    """DuckDB gets its long numbers from `Query` values, which are cast; Spark casts each."""
    table = spark.stage("asked", pa.table({"no": pa.array([2], pa.int64())}))
    whole = ibis.literal(81_394_590, "int64")
    found = spark.frame(table.select(more=table.no * 100 < whole * 50, product=whole * 50))
    assert found.to_pylist() == [{"more": True, "product": 81_394_590 * 50}]


@pytest.mark.spark
@pytest.mark.slow
def test_json_values_keep_their_type(both: Any) -> None:
    values = ["nine", "9", 9, 2.5, 1e300, True, None, [1], {"a": 1}]
    texts = [json.dumps({"v": value}) for value in values] + ["{}", None]
    rows = pa.table({"no": list(range(len(texts))), "text": texts})

    def ask(table: Any) -> Any:
        value = table.text.cast("json")["v"]
        return table.select("no", text=value.unwrap_as("string"), number=value.unwrap_as("float64"))

    one, other = answers(both, rows, ask)
    assert one == other
    by_no = {row["no"]: (row["text"], row["number"]) for row in other}
    assert [by_no[no] for no in range(5)] == [
        ("nine", None),
        ("9", None),
        (None, 9.0),
        (None, 2.5),
        (None, 1e300),
    ]
    assert all(by_no[no] == (None, None) for no in range(5, len(texts)))


@pytest.mark.spark
@pytest.mark.slow
def test_properties_may_have_quotes_in_their_names(spark: SparkEngine) -> None:
    table = spark.stage("asked", pa.table({"text": [json.dumps({"it's": 1, 'a "b"': 2})]}))
    named = {f"n{place}": table.text.cast("json")[name] for place, name in enumerate(("it's", 'a "b"'))}
    found = spark.frame(table.select(**{key: value.unwrap_as("float64") for key, value in named.items()}))
    assert found.to_pylist() == [{"n0": 1.0, "n1": 2.0}]


@pytest.mark.spark
@pytest.mark.slow
def test_property_with_both_quotes_in_its_name_is_refused_on_spark(spark: SparkEngine) -> None:
    table = spark.stage("asked", pa.table({"text": ["{}"]}))
    with pytest.raises(InputError, match="both kinds of quotes"):
        spark.frame(table.select(v=table.text.cast("json")["a'\"b"].unwrap_as("string")))


@pytest.mark.spark
@pytest.mark.slow
def test_logarithms_of_every_gap_round_alike(both: Any) -> None:
    """The personal cycle sums round(ln(gap)·1e9): the two libraries differ in the last bit of some."""
    rows = pa.table({"gap": pa.array(range(1, 36_501), pa.int32())})
    one, other = answers(
        both, rows, lambda t: t.select(t.gap, nano=(t.gap.cast("float64").ln() * 10**9).round().cast("int64"))
    )
    assert one == other


@pytest.mark.spark
@pytest.mark.slow
def test_numbers_with_nulls_stay_whole(spark: SparkEngine) -> None:
    """Through pandas they would come back as floats, and large ones as others."""
    rows = pa.table({"no": pa.array([2**53 + 1, None], pa.int64())})
    found = spark.frame(spark.stage("asked", rows))
    assert found.schema == rows.schema
    assert set(found["no"].to_pylist()) == {2**53 + 1, None}


@pytest.mark.spark
@pytest.mark.slow
def test_batches_come_in_the_size_asked_for(spark: SparkEngine) -> None:
    table = spark.stage("asked", pa.table({"no": list(range(10))}))
    sizes = [batch.num_rows for batch in spark.batches(table, 4)]
    assert sum(sizes) == 10
    assert max(sizes) <= 4


@pytest.mark.spark
@pytest.mark.slow
def test_names_that_spark_does_not_take_are_given_others(spark: SparkEngine) -> None:
    two = [spark.stage(f"segment:{key}", pa.table({"no": [number]})) for number, key in enumerate(("a", "b"))]
    assert [spark.scalar(table.no.max()) for table in two] == [0, 1]
    spark.forget("segment:a")
    assert spark.scalar(two[1].no.max()) == 1


def test_scratch_is_gone_afterwards(tmp_path: Path) -> None:
    with scratch_below(tmp_path) as scratch:
        assert scratch.is_dir()
        assert scratch.is_relative_to(tmp_path / "spill")
    assert not scratch.exists()


def test_missing_pyspark_is_named_with_its_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("koipond.warehouse.spark_session.find_spec", lambda name: None)
    assert spark_lacks() == ("Spark needs the extra", "pip install 'koipond[spark]'")
