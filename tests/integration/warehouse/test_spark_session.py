"""A Spark session leaves nothing where it was started and is heard on loopback alone."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from koipond.warehouse.spark_session import spark_lacks


@pytest.mark.spark
@pytest.mark.slow
def test_tables_and_scratch_files_stay_below_the_folder(
    spark_session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path(spark_session.conf.get("spark.sql.warehouse.dir").removeprefix("file:"))
    spark_session.range(10).groupBy("id").count().write.saveAsTable("left_behind")
    try:
        assert (folder / "left_behind" / "_SUCCESS").exists()
        assert list(folder.with_name("scratch").iterdir())
        assert list(tmp_path.iterdir()) == []
    finally:
        spark_session.sql("DROP TABLE left_behind")


@pytest.mark.spark
@pytest.mark.slow
def test_every_port_is_on_loopback(spark_session: Any) -> None:
    context = spark_session.sparkContext
    assert context.uiWebUrl is None
    assert context.getConf().get("spark.driver.host") == "127.0.0.1"
    jvm = int(spark_session._jvm.java.lang.ProcessHandle.current().pid())
    assert _listening(jvm) == {"127.0.0.1"}


def _listening(pid: int) -> set[str]:
    """The addresses that process ``pid`` listens on (Linux's own list: hexadecimal, words reversed)."""
    if not Path("/proc/net/tcp6").exists():
        pytest.skip("only Linux tells who listens where")
    own = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if stat.S_ISSOCK(handle.stat().st_mode):
                own.add(os.readlink(handle).removeprefix("socket:[").removesuffix("]"))
        except FileNotFoundError:  # closed meanwhile
            continue
    addresses = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and columns[9] in own:  # 0A: listening
                octets = bytes.fromhex(columns[1].partition(":")[0][-8:])[::-1]
                addresses.add(".".join(map(str, octets)))
    return addresses


@pytest.mark.parametrize(
    ("says", "lacks"),
    [
        ('echo openjdk version \\"17.0.15\\" >&2', None),
        ('echo openjdk version \\"21\\" >&2', None),
        ('echo java version \\"1.8.0_402\\" >&2', "is Java 1"),
        ('echo openjdk version \\"11.0.2\\" >&2', "is Java 11"),
        ("exit 1", "does not run"),
    ],
)
def test_java_is_asked_for_its_version(
    says: str, lacks: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyspark", reason="the extra is asked for before Java")
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\n{says}\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    found = spark_lacks()
    assert (found is None) if lacks is None else (found is not None and lacks in found[0])


def test_missing_java_is_named_with_its_fix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="the extra is asked for before Java")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert spark_lacks() == (
        "Spark needs Java 17",
        "apt-get install openjdk-17-jre-headless, or set JAVA_HOME to a Java ≥ 17",
    )
