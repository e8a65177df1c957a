"""Arms are drawn alike in Python, on DuckDB and on Spark (science D6)."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from koipond.experiments.assignment import HOLDOUT, Arms, arms_of_shares, global_holdout
from koipond.kernel import FixedClock, hash_bucket
from koipond.strategy.plan.arms import bucket_of, in_arm
from koipond.strategy.plan.holdout import freeze_holdout, global_arms
from koipond.testing.plans import AS_OF, NOW, request_of
from koipond.testing.versions import MemoryVersionLog
from koipond.warehouse import Engine, EngineOptions, ParquetWarehouse

UIDS = [f"{number * 7_919:032x}" for number in range(2_000)]
GLOBAL = global_holdout("brand", customers=30_000, rotation=14)  # wraps round the end of the buckets
SPLIT = arms_of_shares("brand", "recall/main/script", {"a": 1.0, "b": 1.0, "c": 1.0})


def rows_of(people: Any, *, duckdb: bool) -> Any:
    return people.select(
        "uid",
        bucket=bucket_of("brand", "recall", people.uid, duckdb=duckdb),
        held=in_arm(GLOBAL, HOLDOUT, people.uid, duckdb=duckdb),
    )


def expected() -> dict[str, tuple[int, bool]]:
    return {
        uid: (
            hash_bucket("brand", "recall", uid),
            GLOBAL.arm_of(uid) == HOLDOUT,
        )
        for uid in UIDS
    }


def found(table: pa.Table) -> dict[str, tuple[int, bool]]:
    return {row["uid"]: (row["bucket"], row["held"]) for row in table.to_pylist()}


@pytest.mark.parametrize("duckdb", [True, False], ids=["its own form", "portable form"])
def test_duckdb_draws_as_python_does(tmp_path: Path, duckdb: bool) -> None:
    engine = Engine(tmp_path, EngineOptions(threads=1))
    try:
        people = engine.stage("people", pa.table({"uid": UIDS}))
        assert found(engine.frame(rows_of(people, duckdb=duckdb))) == expected()
    finally:
        engine.close()


def test_shares_are_even() -> None:
    counts = [sum(SPLIT.arm_of(uid) == arm for uid in UIDS) for arm in SPLIT.buckets]
    assert all(abs(count - 667) < 90 for count in counts)


def test_arm_nobody_has_holds_nobody(tmp_path: Path) -> None:
    engine = Engine(tmp_path, EngineOptions(threads=1))
    nobody = Arms(salt="s", scope="x", buckets={HOLDOUT: 0, "rest": 10_000})
    try:
        people = engine.stage("people", pa.table({"uid": UIDS}))
        table = engine.frame(people.select(held=in_arm(nobody, HOLDOUT, people.uid, duckdb=True)))
        assert set(table.column(0).to_pylist()) == {False}
    finally:
        engine.close()


def test_growing_brand_keeps_its_global_hold_out_until_the_rotation_ends(tmp_path: Path) -> None:
    """30,000 customers hold out 6.67 %; 40,000 would hold out 5 %, and let some go in the middle."""
    request = request_of(global_holdout_rate=None)
    warehouse = ParquetWarehouse(tmp_path, MemoryVersionLog(), FixedClock(NOW), EngineOptions(threads=1))
    widths = []
    for day, people in ((AS_OF, 30_000), (AS_OF, 40_000), (AS_OF + timedelta(days=90), 40_000)):
        with warehouse.write("grow") as writer:
            numbers = pa.table({"customer_no": pa.array(range(people), pa.int32())})
            writer.replace("customers", writer.stage("_people", numbers))
            freeze_holdout(writer, day)
            writer.publish()
        with warehouse.read() as reader:
            widths.append(global_arms(reader, replace(request, as_of=day)).buckets[HOLDOUT])
    assert widths == [667, 667, 500]


@pytest.mark.spark
@pytest.mark.slow
def test_spark_draws_as_python_does(spark: Any) -> None:
    people = spark.stage("people_of_arms", pa.table({"uid": UIDS}))
    assert found(spark.frame(rows_of(people, duckdb=False))) == expected()
