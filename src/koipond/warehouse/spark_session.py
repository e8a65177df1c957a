"""A Spark session (Spark 会话) that keeps to itself: files below one folder, ports on loopback, no UI.

Spark left alone writes `spark-warehouse` and scratch files where it was started, listens on the machine's
network address, and gives Python 15 seconds to shake hands with the JVM, too little on a busy machine.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from koipond.kernel import InputError, Message, joined

JAVA_MIN = 17
_VERSION = re.compile(r'version "(\d+)')


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkOptions:
    """Where Spark runs and how much it may use.

    ``master``: a Spark master URL; ``local[*]`` = the cores of this machine. ``memory``: heap of the driver.
    ``shuffle_partitions``: parts that a group-by or join is split into; 200, Spark's own, is for clusters.
    """

    master: str = "local[*]"
    memory: str = "2g"
    shuffle_partitions: int = 8

    @property
    def is_local(self) -> bool:
        """Whether driver and executors are one process."""
        return self.master.startswith("local")


def spark_lacks() -> tuple[str, str] | None:
    """Return what Spark lacks on this machine and the fix, or None when it can start."""
    if find_spec("pyspark") is None:
        return Message("Spark needs the extra"), Message("pip install 'koipond[spark]'")
    java = _java()
    install = Message(
        "apt-get install openjdk-{java_min}-jre-headless, or set JAVA_HOME to a Java ≥ {java_min}",
        java_min=JAVA_MIN,
    )
    if java is None:
        return f"Spark needs Java {JAVA_MIN}", install
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = _VERSION.search(said.stderr + said.stdout)
    if said.returncode or found is None:
        return Message(
            "Spark needs Java {java_min}, and {java} does not run", java_min=JAVA_MIN, java=java
        ), install
    if int(found[1]) < JAVA_MIN:
        return Message(
            "Spark needs Java {java_min}, and {java} is Java {found}",
            java_min=JAVA_MIN,
            java=java,
            found=found[1],
        ), install
    return None


def _java() -> str | None:
    """Return the Java that Spark would start: that of JAVA_HOME, else the first on the path."""
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else shutil.which("java")


def start_session(folder: Path, options: SparkOptions | None = None) -> Any:
    """Return the Spark session of this process, started with its files below ``folder``; stop it yourself.

    A process has one JVM: a second call before `stop` gets the first session. Raises InputError when Spark
    lacks something.
    """
    lacks = spark_lacks()
    if lacks is not None:
        raise InputError(joined("; ", lacks))
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("koipond")
    for name, value in _settings(folder.resolve(), options or SparkOptions()).items():
        builder = builder.config(f"spark.{name}", value)
    return builder.getOrCreate()


def _settings(folder: Path, options: SparkOptions) -> dict[str, str]:
    settings = {
        "master": options.master,
        "driver.memory": options.memory,
        "log.level": "ERROR",
        "ui.enabled": "false",
        "ui.showConsoleProgress": "false",
        "sql.catalogImplementation": "in-memory",  # no Derby database where we happen to stand
        "sql.warehouse.dir": str(folder / "warehouse"),
        "local.dir": str(folder / "scratch"),
        "sql.shuffle.partitions": str(options.shuffle_partitions),
        "sql.session.timeZone": "UTC",
        "sql.ansi.enabled": "true",  # an overflow is an error, not another number
        "python.authenticate.socketTimeout": "10m",
    }
    if options.is_local:
        # without a host Spark announces the network address, even where it only listens on loopback
        settings |= {"driver.host": "127.0.0.1", "driver.bindAddress": "127.0.0.1"}
    return settings
