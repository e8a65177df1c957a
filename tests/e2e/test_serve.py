"""`koipond serve` as a process: it says what does not work, follows other processes, and ends in order."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import yaml

from koipond.bootstrap import open_app
from tests.e2e.conftest import Koipond
from tests.e2e.test_app_first_afternoon import MAPS

Serve = Callable[..., tuple["subprocess.Popen[str]", str]]
BAD_PORT = {"KOIPOND_SMTP_URL": "smtp://127.0.0.1:99999", "KOIPOND_MAIL_FROM": "hello@brand.example"}


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    started: list[subprocess.Popen[str]] = []

    def start(*options: str, **environment: str) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-m", "koipond.cli", "-C", str(tmp_path / "brand"), "serve", "--json"]
        process = subprocess.Popen(
            [*command, "--port", "0", *options],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        return process, json.loads(process.stdout.readline())["url"]

    yield start
    for one in started:
        if one.poll() is None:
            one.kill()
        one.communicate()


def health(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(urljoin(url, "/health"), timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def test_links_name_the_port_that_is_served(koipond: Koipond, tmp_path: Path, serve: Serve) -> None:
    """U24: what another process sends leads to the server that runs."""
    assert koipond("init", "--clock", "last_fact")[0] == 0
    _, url = serve("--no-send")
    with open_app(tmp_path / "brand") as app:
        assert app.unsubscribe_url("k") == urljoin(url, "/unsubscribe/k")


def eventually(found: Callable[[], Any], tries: int = 300) -> Any:
    pause = threading.Event()
    for _ in range(tries):
        try:
            if answer := found():
                return answer
        except OSError:  # it has not begun to listen
            pass
        pause.wait(0.1)
    raise AssertionError("it never came true")


def test_a_bad_smtp_port_is_said_by_health_and_log_and_it_ends_in_order(
    koipond: Koipond, serve: Serve, init_options: tuple[str, ...]
) -> None:
    """A31, as an operator sees it; SIGTERM ends it with 0 and leaves no lease."""
    koipond("init", *init_options)
    process, url = serve(**BAD_PORT)
    found = eventually(lambda: _if(health(url), lambda h: h["status"] != "ok"))
    mail = found["parts"]["sending"]["channels"]["email"]
    assert (found["status"], mail["state"], mail["reason"]) == ("degraded", "stopped", "not_configured")
    assert "port" in mail["why"]
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.count("event=stopped part=sending.email") == 1
    assert "Traceback" not in said


def _if(found: dict[str, Any], right: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
    return found if right(found) else None


def test_a_running_server_sees_what_others_apply_import_and_refresh(
    koipond: Koipond, serve: Serve, tmp_path: Path, orders_csv: Path, init_options: tuple[str, ...]
) -> None:
    koipond("init", "--clock", "last_fact", "--language", "en", *init_options)
    process, url = serve()
    eventually(lambda: health(url)["status"] == "ok")
    file = tmp_path / "brand" / "koipond.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "name": "A new name"}))
    assert "A new name" not in _page(url)
    koipond("apply")
    assert "A new name" in _page(url)
    koipond("import", "orders", orders_csv, *MAPS)
    koipond("playbook", "add", "dormant_recall")
    koipond("apply")
    koipond("refresh")
    page = _page(url)
    with open_app(tmp_path / "brand") as app:
        assert f"As of {app.observation_day(None)}" in page
        seen = health(url)
        assert seen["definition_version"] == app.definitions.number
        assert seen["warehouse_version"] == app.warehouse_version
    assert "/reports/dormant_recall" in page
    assert process.poll() is None


def _page(url: str) -> str:
    """Open the address with its token as a browser does: the token becomes a cookie."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with browser.open(url, timeout=60) as answer:
        return str(answer.read().decode())
