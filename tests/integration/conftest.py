"""A workspace of its own for each test, opened as commands open it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from koipond.bootstrap import App, start_workspace


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with start_workspace(
        tmp_path / "brand",
        key="brand",
        name="Brand",
        zone="Asia/Shanghai",
        currency="CNY",
        clock="system",
        language="en",
        store=None,
    ) as made:
        yield made
