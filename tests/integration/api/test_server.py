"""The loopback server: which names it answers to, and what its pages show."""

import re
from datetime import UTC, datetime
from html import escape

import pytest
from fastapi.testclient import TestClient

from koipond.api.pages import PAGE_MESSAGES
from koipond.api.server import build_server
from koipond.bootstrap import App
from koipond.outreach.ports import Message


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost"])
def test_it_answers_on_loopback_names(app: App, host: str) -> None:
    assert TestClient(build_server(app), base_url=f"http://{host}").get("/health").status_code == 200


@pytest.mark.parametrize("host", ["testserver", "koipond.example", "127.0.0.1.nip.io"])
def test_no_other_name_reaches_it(app: App, host: str) -> None:
    assert TestClient(build_server(app), base_url=f"http://{host}").get("/health").status_code == 400


def message(number: int) -> Message:
    return Message(key=f"key{number:03d}", address=None, subject=f"<b>number {number}", language="en")


@pytest.fixture
def page(app: App) -> TestClient:
    client = TestClient(build_server(app, token="t0ken"), base_url="http://127.0.0.1")
    client.get("/?token=t0ken")
    return client


@pytest.mark.parametrize(
    ("language", "tag", "said"),
    [("zh", "zh-CN", "还没有触达"), ("en", "en", "No touch yet"), ("id", "id", "Belum ada sentuhan")],
)
def test_the_overview_speaks_three_languages(page: TestClient, language: str, tag: str, said: str) -> None:
    text = page.get(f"/?language={language}").text
    assert f"<html lang={tag}>" in text
    assert said in text


def test_the_overview_shows_every_invariant(page: TestClient, app: App) -> None:
    checks = app.store.checks.all(app.zone, app.clock.now())
    text = page.get("/").text
    assert checks
    rows = [row for row in text.split("<tr>") if "<td class=text>holds</td>" in row]
    shown = {row.partition("<span title='")[2].partition("'")[0]: row for row in rows}
    assert all(escape(one.says.in_language("en")) in shown[one.name] for one in checks)


@pytest.mark.parametrize("path", ["/?language=fr", "/inbox?language=<b>", "/reports/none_such"])
def test_what_is_not_there_is_refused_in_words(page: TestClient, path: str) -> None:
    answer = page.get(path)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_the_inbox_is_paged_in_local_time_and_escaped(page: TestClient, app: App) -> None:
    count = PAGE_MESSAGES + 5
    at = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
    box = app.sandbox()
    box.send([message(number) for number in range(count)], at)
    box.close()
    first = page.get("/inbox").text
    assert f"{count} messages, {count} different touches" in first
    assert "2026-03-02 02:30 Asia/Shanghai" in first
    assert "&lt;b&gt;number 54" in first
    assert "<b>number" not in first
    [older] = re.findall(r"href='(/inbox\?language=en&amp;before=\d+)'>Older", first)
    second = page.get(older.replace("&amp;", "&")).text
    shown = [int(n) for n in re.findall(r"&lt;b&gt;number (\d+)", first + second)]
    assert shown == list(reversed(range(count)))
    assert "Older" not in second
