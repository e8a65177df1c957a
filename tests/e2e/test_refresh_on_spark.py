"""`koipond refresh` with `warehouse: {engine: spark}`: another engine, the same answer."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Koipond = Callable[..., tuple[int, Any]]


@pytest.fixture
def brand(koipond: Koipond, tmp_path: Path, orders_csv: Path) -> Path:
    """A workspace with orders, to be refreshed on Spark."""
    folder = tmp_path / "brand"
    assert koipond("init", folder, "--clock", "last_fact")[0] == 0
    assert koipond("import", "orders", orders_csv)[0] == 0
    assert koipond("playbook", "add", "dormant_recall")[0] == 0
    settings = folder / "koipond.yaml"
    settings.write_text(settings.read_text() + "warehouse: {engine: spark}\n")
    assert koipond("apply")[0] == 0
    return folder


@pytest.mark.spark
@pytest.mark.slow
def test_answer_on_spark_is_that_of_duckdb(koipond: Koipond, brand: Path, spark_ready: None) -> None:
    command = [sys.executable, "-m", "koipond.cli", "-C", str(brand), "refresh", "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment())
    assert ran.returncode == 0, ran.stderr
    on_spark = json.loads(ran.stdout)  # the JVM says nothing there
    layers = koipond("layers")[1]
    settings = brand / "koipond.yaml"
    settings.write_text(settings.read_text().replace("engine: spark", "engine: duckdb"))
    assert koipond("apply")[0] == 0
    code, on_duckdb = koipond("refresh", "--full")
    assert code == 0
    assert on_spark["refreshed"] == on_duckdb["refreshed"] == 300
    assert _counts(on_spark) == _counts(on_duckdb)
    assert koipond("layers")[1]["rfm"] == layers["rfm"]
    assert set(on_duckdb["movements"].values()) == {0}, "nobody stands elsewhere"


def _environment() -> dict[str, str]:
    """The subprocess finds the package where this process found it."""
    import koipond as package

    assert package.__file__ is not None
    return {
        **os.environ,
        "PYTHONPATH": str(Path(package.__file__).parents[1]),
        "KOIPOND_SPARK_PARTITIONS": "2",
    }


def _counts(data: Any) -> dict[str, int]:
    return {row["segment"]: row["count"] for row in data["segments"]}


def test_missing_java_is_said_before_anything_is_published(
    koipond: Koipond, brand: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    pytest.importorskip("pyspark", reason="the extra is asked for before Java")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    code, said = koipond("refresh")
    assert code == 2
    assert "Java 17" in json.dumps(said) + capsys.readouterr().err
    code, found = koipond("doctor")
    assert code == 1
    assert [problem["problem"] for problem in found["problems"] if "Spark" in problem["problem"]] == [
        "refreshes are to run on Spark: Spark needs Java 17"
    ]
