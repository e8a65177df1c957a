"""A store that takes questions and never answers: what a running server says, and how soon."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from tests.integration.worker.test_health import (  # noqa: F401  # fixtures
    OPEN,
    Opened,
    app_of,
    eventually,
    store_kind,
)

from koipond.api.server import build_server
from koipond.store.tables import touch
from koipond.worker import patience
from koipond.worker.health import Health


def test_a_store_that_never_answers_keeps_nobody_waiting(
    app_of: Opened,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It takes the connection and says nothing: neither an error nor an end, as behind a stopped proxy."""
    app = app_of("sandbox")
    monkeypatch.setattr(patience, "ANSWER_S", 0.4)
    health, answers = Health(app), threading.Event()
    page = TestClient(build_server(app, health=health, token="t"), base_url="http://127.0.0.1", headers=OPEN)
    assert page.get("/health").status_code == 200
    with app.store.database.read() as connection:
        key = connection.scalars(sa.select(touch.c.touch_key)).first()
    assert page.get(f"/unsubscribe/{key}").status_code == 200
    connect, reading = app.store.database.reader.connect, app.store.database.writer.begin

    def hang(original: Callable[..., Any]) -> Callable[..., Any]:
        def wait(*given: Any, **named: Any) -> Any:
            answers.wait(20)
            return original(*given, **named)

        return wait

    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, logger="koipond.serve"):
        patch.setattr(app.store.database.reader, "connect", hang(connect))
        patch.setattr(app.store.database.writer, "begin", hang(reading))
        began = time.monotonic()
        for _ in range(3):
            answer = page.get("/health")
            assert (answer.status_code, answer.json()["status"]) == (503, "down")
            assert answer.json()["parts"]["store"]["reason"] == "store_unreachable"
        for asked in (page.get, page.post):
            answer = asked(f"/unsubscribe/{key}")
            assert answer.status_code == 503
            assert "opt-out was not recorded" in answer.text
        assert time.monotonic() - began < 8
        assert [line.message for line in caplog.records if "part=store" in line.message][1:] == []
        assert "reason=store_unreachable" in caplog.text
    answers.set()
    eventually(lambda: page.get("/health").status_code == 200)
    assert page.post(f"/unsubscribe/{key}").status_code == 200
    eventually(lambda: not [one for one in threading.enumerate() if one.name == "ask"])


def test_a_hanging_store_stands_in_the_log_although_nobody_asks(
    app_of: Opened,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app, answers = app_of("sandbox"), threading.Event()
    monkeypatch.setattr(patience, "ANSWER_S", 0.3)
    version = app.store.definitions.version
    monkeypatch.setattr(app.store.definitions, "version", lambda: (answers.wait(20), version())[1])
    health = Health(app)
    with caplog.at_level(logging.WARNING, logger="koipond.serve"):
        health.start()
        try:
            eventually(lambda: "part=store" in caplog.text)
            assert "reason=store_unreachable" in caplog.text
        finally:
            answers.set()
            eventually(lambda: health.report()["status"] != "down")
            health.stop()
