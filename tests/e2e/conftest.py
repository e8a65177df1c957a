"""A workspace as an operator makes it: through the command line alone."""

import json
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from koipond.cli.app import main

Koipond = Callable[..., tuple[int, Any]]


POSTGRES_URL = os.environ.get(
    "KOIPOND_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/test"
)


@pytest.fixture
def koipond(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Koipond:
    """Run a command on one workspace with --json; return the exit code and what stdout held."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "brand"

    def run(*arguments: str | Path) -> tuple[int, Any]:
        capsys.readouterr()
        code = main(["-C", str(folder), *map(str, arguments), "--json"])
        out = capsys.readouterr().out
        return code, json.loads(out) if out.strip() else None

    return run


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def init_options(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, ...]]:
    """What `init` needs for a store of each kind; the PostgreSQL schema is dropped afterwards."""
    if request.param == "sqlite":
        yield ()
        return
    engine = sa.create_engine(POSTGRES_URL, connect_args={"connect_timeout": 3})
    key = f"t{uuid.uuid4().hex[:12]}"
    try:
        engine.connect().close()
    except sa.exc.OperationalError as error:
        message = f"no PostgreSQL answers at {POSTGRES_URL} ({error.orig})"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    monkeypatch.setenv("KOIPOND_STORE_URL", POSTGRES_URL)
    yield ("--store", "KOIPOND_STORE_URL", "--key", key)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS koipond_{key} CASCADE")
    engine.dispose()


@pytest.fixture
def orders_csv(tmp_path: Path) -> Path:
    """Ninety days of 300 customers with other column names than ours, 30 of them regular until they stop."""
    lines = ["Member,Receipt,Sold at,Paid"]
    for member in range(300):
        step = 5 + member % 9
        stop = 60 if member % 3 == 0 else 90
        for turn, day in enumerate(range(member % 7, stop, step)):
            when = f"2026-{1 + day // 30:02d}-{1 + day % 28:02d} 11:{member % 60:02d}:00"
            lines.append(f"m{member},r{member}-{turn},{when},{20 + (member * 7 + day) % 90}.50")
    path = tmp_path / "till export.csv"
    path.write_text("\n".join(lines) + "\n")
    return path
