"""Fixtures for the whole suite."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from koipond.warehouse.spark_engine import SparkEngine, scratch_below
from koipond.warehouse.spark_session import SparkOptions, spark_lacks, start_session

os.environ.setdefault("KOIPOND_LANGUAGE", "en")  # of commands; what they say in others has tests of its own
_ROOT = Path(__file__).resolve().parents[1]


def pytest_configure() -> None:
    """Take Ctrl-C: a shell that starts the suite in the background has it ignored, here and in children."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets beside the checkout, or a skip that says so."""
    folder = Path(os.environ.get("KOIPOND_SHARED_DATA", _ROOT.parent / "shared" / "data"))
    if not (folder / "README.md").exists():
        pytest.skip(f"the real data sets are not at {folder}; set KOIPOND_SHARED_DATA to test on them")
    return folder


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """The cases beside the checkout, with what makes the newcomer's file, or a skip that says so."""
    folder = _ROOT.parent / "shared" / "cases"
    if not (folder / "make_orders.py").exists():
        pytest.skip(f"the cases are not at {folder}")
    return folder


@pytest.fixture(scope="session")
def spark_ready() -> None:
    """Spark can start here, or a loud skip; under CI=true that it cannot is a failure."""
    lacks = spark_lacks()
    if lacks is not None:
        if os.environ.get("CI") == "true":
            pytest.fail("; ".join(lacks))
        pytest.skip("; ".join(lacks))


@pytest.fixture(scope="session")
def spark_session(spark_ready: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The one Spark session of this pytest process: a JVM serves one, and starting it takes ten seconds."""
    options = SparkOptions(master="local[2]", memory="1g", shuffle_partitions=2)
    session = start_session(tmp_path_factory.mktemp("spark"), options)
    yield session
    session.stop()


@pytest.fixture
def spark(spark_session: Any, tmp_path: Path) -> Iterator[Any]:
    """Our engine on that session; its tables are its own."""
    with scratch_below(tmp_path / "spark") as scratch:
        yield SparkEngine(spark_session, scratch)
