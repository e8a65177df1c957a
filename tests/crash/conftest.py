"""Both kinds of store for the crash suite; the PostgreSQL schema is dropped afterwards."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

POSTGRES_URL = os.environ.get(
    "KOIPOND_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/test"
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_kind(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    kind: str = request.param
    return kind


@pytest.fixture
def workspace_key() -> str:
    return f"crash{uuid.uuid4().hex[:8]}"


@pytest.fixture
def store_variable(
    store_kind: str, workspace_key: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str | None]:
    """Name of the variable with the store's URL, None for SQLite in the folder."""
    if store_kind == "sqlite":
        yield None
        return
    engine = sa.create_engine(POSTGRES_URL, connect_args={"connect_timeout": 3})
    try:
        engine.connect().close()
    except sa.exc.OperationalError as error:
        message = f"no PostgreSQL answers at {POSTGRES_URL} ({error.orig})"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    monkeypatch.setenv("CRASH_STORE_URL", POSTGRES_URL)
    yield "CRASH_STORE_URL"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS koipond_{workspace_key} CASCADE")
    engine.dispose()
