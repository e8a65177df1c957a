"""kill -9 in the middle of an import: nothing is half-written, and the next import goes on."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

ROWS = 150_000
WAIT_S = 120
CLI = (sys.executable, "-m", "koipond.cli")

pytestmark = pytest.mark.slow


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    source = Path(__file__).resolve().parents[3] / "src"
    return {
        **os.environ,
        "PYTHONPATH": str(source),
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "c"),
    }


def koipond(environment: dict[str, str], folder: Path, *words: str) -> dict[str, Any]:
    done = subprocess.run(
        [*CLI, "-C", str(folder), *words, "--json"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def kill_when(import_: "subprocess.Popen[bytes]", happened: Any) -> None:
    """Kill ``import_`` as soon as ``happened``; fail when it ends before."""
    deadline = time.monotonic() + WAIT_S
    while not happened():
        assert import_.poll() is None, "the import ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    import_.send_signal(signal.SIGKILL)
    assert import_.wait() == -signal.SIGKILL


def test_a_killed_import_leaves_no_trace(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "brand"
    small, big = tmp_path / "small.csv", tmp_path / "big.csv"
    head = "user_id,order_id,at,amount\n"
    small.write_text(head + "1,A,2025-01-01,5\n")
    big.write_text(
        head + "".join(f"{i // 3 % 5000},O{i // 3},2025-01-0{i % 9 + 1},1.5\n" for i in range(ROWS))
    )
    koipond(environment, folder, "init", str(folder))
    koipond(environment, folder, "import", "orders", str(small))
    warehouse = next(path.parents[1] for path in folder.rglob("orders/*.parquet"))
    for dataset in ("spill", "order_lines"):
        before = {path.name for path in (warehouse / dataset).glob("*")}
        running = subprocess.Popen(
            [*CLI, "-C", str(folder), "import", "orders", str(big)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        kill_when(running, lambda d=dataset, b=before: {p.name for p in (warehouse / d).glob("*")} - b)
        report = koipond(environment, folder, "quality")
        assert (report["read"], report["kept"]) == (1, 1), dataset
    done = koipond(environment, folder, "import", "orders", str(big))
    assert (done["read"], done["kept"], done["files"][0]["changes"]["orders_new"]) == (ROWS, ROWS, 50_000)
    report = koipond(environment, folder, "quality")
    assert report["kept"] == ROWS + 1
    assert len(list((warehouse / "orders").glob("*.parquet"))) == 2, "files of killed imports are gone"


def test_consents_of_a_killed_import_leave_no_grant(tmp_path: Path, environment: dict[str, str]) -> None:
    """A26, with kill -9: the withdrawals hold, the grants do not; again and undone, nothing is left."""
    folder, file = tmp_path / "brand", tmp_path / "said.csv"
    said = "".join(f"{n},email,{'yes' if n % 3 else 'no'},2026-01-01 10:00\n" for n in range(30_000))
    file.write_text("customer_id,channel,status,at\n" + said)
    koipond(environment, folder, "init", str(folder))

    def count(condition: str) -> int:
        with closing(sqlite3.connect(folder / ".koipond" / "store.sqlite", timeout=30)) as store:
            query = f"SELECT count(*) FROM consent_log WHERE void_s IS NULL AND {condition}"
            return int(store.execute(query).fetchone()[0])

    running = subprocess.Popen(
        [*CLI, "-C", str(folder), "import", "consents", str(file)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    kill_when(running, lambda: count("NOT granted"))
    assert (count("granted"), count("NOT granted")) == (0, 10_000)
    done = koipond(environment, folder, "import", "consents", str(file))
    assert (count("granted"), count("NOT granted")) == (20_000, 10_000)
    koipond(environment, folder, "quality", "undo", str(done["files"][0]["import_no"]))
    assert count("true") == 0
