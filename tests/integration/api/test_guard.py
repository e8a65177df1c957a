"""Who sees the served pages: a token opens them, once in the address, then in a cookie (A40)."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from koipond.api.pages import STYLE
from koipond.api.server import build_server
from koipond.bootstrap import App

TOKEN = "a-token-of-this-start"


@pytest.fixture
def client(app: App) -> TestClient:
    return TestClient(
        build_server(app, token=TOKEN),
        base_url="http://127.0.0.1",
        follow_redirects=False,
        raise_server_exceptions=False,
    )


PEOPLE = [
    "/",
    "/inbox",
    "/inbox?before=5",
    "/reports/recall",
    "/none",
    "/health/",
    "/healthz",
    "/unsubscribe",
]


@pytest.mark.parametrize("path", PEOPLE)
@pytest.mark.parametrize(
    "how", ["none", "wrong", "empty", "cookie of another", "wrong bearer", "two", "non-ascii"]
)
def test_no_page_of_people_opens_without_the_token(client: TestClient, path: str, how: str) -> None:
    mark = "&" if "?" in path else "?"
    headers: dict[str, Any] = {
        "cookie of another": {"cookie": "koipond_brand=other"},
        "wrong bearer": {"authorization": "Bearer wrong"},
        "non-ascii": {"cookie": "koipond_brand=\u00e9".encode()},
    }.get(how, {})
    asked = {
        "wrong": f"{path}{mark}token=wrong",
        "empty": f"{path}{mark}token=",
        "two": f"{path}{mark}token={TOKEN}&token=wrong",
    }.get(how, path)
    answer = client.get(asked, headers=headers)
    assert answer.status_code == 401
    assert TOKEN not in answer.text + str(answer.headers)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_no_method_opens_a_page_without_the_token(client: TestClient, method: str) -> None:
    assert client.request(method, "/inbox").status_code == 401
    assert client.request(method, "/inbox", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 405


def test_the_token_leaves_the_address_for_a_cookie_that_no_script_reads(client: TestClient) -> None:
    answer = client.get(f"/inbox?language=en&token={TOKEN}&before=7")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/inbox?language=en&before=7"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert client.get("/inbox").status_code == 200


def test_the_way_back_never_leads_to_another_host(client: TestClient) -> None:
    for path in ("//evil.example/", "/\\evil.example/", "///evil.example"):
        answer = client.get(f"http://127.0.0.1{path}?token={TOKEN}")
        assert answer.headers.get("location", "/").startswith("/")
        assert not re.match(r"/[/\\]", answer.headers.get("location", "/"))


def test_a_program_may_send_the_token_in_a_header(client: TestClient) -> None:
    assert client.get("/inbox", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_health_and_unsubscribe_stay_open(client: TestClient) -> None:
    assert client.get("/health").status_code == 200
    assert client.get("/unsubscribe/0123456789abcdef0123456789abcdef").status_code == 404  # no such link


ANSWERS = [
    ("GET", "/", 200),
    ("GET", "/inbox", 200),
    ("GET", "/health", 200),
    ("GET", "/unsubscribe/abc", 404),
    ("GET", "/none", 404),
    ("GET", "/reports/none", 400),
    ("GET", "/inbox?before=x", 400),
    ("GET", f"/inbox?before={10**30}", 400),
    ("GET", "/inbox?before=-1", 400),
    ("GET", "/inbox?language=xx", 400),
    ("POST", "/inbox", 405),
    ("DELETE", "/health", 405),
    ("GET", "/" + "?a=" + "b" * 5_000, 414),
]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_every_answer_carries_the_headers(client: TestClient, method: str, path: str, status: int) -> None:
    client.get(f"/?token={TOKEN}")
    require_headers(answer := client.request(method, path))
    assert answer.status_code == status


def test_an_answer_to_a_stranger_and_a_large_body_carry_them_too(client: TestClient) -> None:
    require_headers(client.get("/inbox"))
    require_headers(client.get(f"/?token={TOKEN}"))
    answer = client.post("/unsubscribe/abc", content=b"x" * 70_000)
    assert answer.status_code == 413
    require_headers(answer)


def test_a_mistake_of_ours_is_one_line_without_a_trace(
    client: TestClient, app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("of 13800138000")

    monkeypatch.setattr("koipond.api.server.home_page", broken)
    client.get(f"/?token={TOKEN}")
    answer = client.get("/")
    assert answer.status_code == 500
    require_headers(answer)
    assert answer.json()["error"] == "internal"
    assert "ZeroDivision" not in answer.text
    assert "ZeroDivisionError" in caplog.text
    assert "13800138000" not in caplog.text


def require_headers(answer: Any) -> None:
    headers = answer.headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_pages_hold_the_one_known_style_and_no_script(client: TestClient) -> None:
    client.get(f"/?token={TOKEN}")
    for path in ("/", "/inbox", "/unsubscribe/abc"):
        text = client.get(path).text
        assert re.findall(r"<style>(.*?)</style>", text, re.DOTALL) == [STYLE]
        assert not re.search(r"<script|\son\w+=|style=", text)
