"""The loopback server: which names it answers to."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from koipond.api.server import build_server
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


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost"])
def test_it_answers_on_loopback_names(app: App, host: str) -> None:
    assert TestClient(build_server(app), base_url=f"http://{host}").get("/health").status_code == 200


@pytest.mark.parametrize("host", ["testserver", "koipond.example", "127.0.0.1.nip.io"])
def test_no_other_name_reaches_it(app: App, host: str) -> None:
    assert TestClient(build_server(app), base_url=f"http://{host}").get("/health").status_code == 400
