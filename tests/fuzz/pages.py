"""Every endpoint of the server under hostile paths, queries, headers, methods and bodies."""

from typing import Any
from urllib.parse import quote

from fastapi.testclient import TestClient

from koipond.api.server import build_server
from koipond.bootstrap import App
from tests.fuzz.values import Draw

TOKEN = "fuzz-token"
STATUSES = {200, 303, 400, 401, 404, 405, 409, 413, 414, 422, 423}


def client_of(app: App) -> TestClient:
    server = build_server(app, token=TOKEN)
    return TestClient(
        server, base_url="http://127.0.0.1", follow_redirects=False, raise_server_exceptions=False
    )


def run(draw: Draw, app: App, client: TestClient) -> str:
    routes = [route.path for route in build_routes(app)]
    path = draw.random.choice(routes) if draw.chance(0.9) else "/" + draw.text()
    known = {"strategy": list(app.definitions.strategies), "touch_key": ["1-1-1"]}
    for name, keys in known.items():
        value = draw.random.choice(keys) if keys and draw.chance(0.5) else draw.text()
        path = path.replace("{" + name + "}", quote(value, safe=draw.random.choice(("", "/"))))
    path = quote(path, safe=draw.random.choice(("/%{}", "/%{};:@=+,'!*()$&")))
    pairs = [
        (draw.random.choice(("language", "before", "token", draw.text())), _value(draw))
        for _ in range(draw.random.randrange(4))
    ]
    query = "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs)
    signed = draw.chance(0.8)
    headers: dict[str, Any] = {"authorization": f"Bearer {TOKEN}"} if signed else {}
    if draw.chance(0.2):
        headers["cookie"] = quote(draw.text())
    method = draw.random.choice(("GET",) * 12 + ("POST", "HEAD", "PUT", "DELETE", "OPTIONS"))
    body = draw.random.randbytes(draw.random.choice((0, 0, 10, 5_000)))
    try:
        answer = client.request(method, f"{path}?{query}", headers=headers, content=body)
    except ValueError:  # the client itself refuses such an address
        return "no address"
    told = f"{method} {path!r}?{query!r} signed={signed}"
    assert answer.status_code in STATUSES, f"{told}: {answer.status_code}: {answer.text[:500]}"
    assert "Traceback" not in answer.text, told
    assert "default-src 'none'" in answer.headers["content-security-policy"], told
    inner = path.split("?")[0]
    opened = inner == "/health" or inner.startswith("/unsubscribe/")
    if answer.status_code == 200 and not opened and method != "HEAD":
        assert signed, told
    return f"status {answer.status_code}"


def _value(draw: Draw) -> str:
    return draw.random.choice(("zh", "en", "id", "1", "50")) if draw.chance(0.6) else draw.text()


def build_routes(app: App) -> list[Any]:
    return [route for route in build_server(app, token=TOKEN).routes if hasattr(route, "path")]
