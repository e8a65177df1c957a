"""Fixtures for the whole suite."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from koipond.warehouse.spark_session import SparkOptions, spark_lacks, start_session

_ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets beside the checkout, or a skip that says so."""
    folder = Path(os.environ.get("KOIPOND_SHARED_DATA", _ROOT.parent / "shared" / "data"))
    if not (folder / "README.md").exists():
        pytest.skip(f"the real data sets are not at {folder}; set KOIPOND_SHARED_DATA to test on them")
    return folder


@pytest.fixture(scope="session")
def spark_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The one Spark session of this pytest process, or a loud skip; under CI=true its absence is a failure.

    One only: a JVM serves a process, and every start takes ten seconds and more.
    """
    lacks = spark_lacks()
    if lacks is not None:
        if os.environ.get("CI") == "true":
            pytest.fail("; ".join(lacks))
        pytest.skip("; ".join(lacks))
    options = SparkOptions(master="local[2]", memory="1g", shuffle_partitions=2)
    session = start_session(tmp_path_factory.mktemp("spark"), options)
    yield session
    session.stop()


@pytest.fixture
def spark(spark_session: Any) -> Any:
    """Spark behind Ibis; what a test leaves behind is gone before the next one."""
    import ibis

    spark_session.catalog.clearCache()
    for table in spark_session.catalog.listTables():
        spark_session.catalog.dropTempView(table.name)
    return ibis.pyspark.connect(spark_session)
