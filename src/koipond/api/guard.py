"""Who may see the served pages (访问令牌): one token a start, once in the address, then in a cookie.

`/health` and `/unsubscribe/` are open; everything else shows people, and other users of the machine reach
loopback too. Every answer has headers that keep a browser from running, framing, sniffing or keeping it.
"""

import base64
import hashlib
import logging
import secrets
from collections.abc import Iterable
from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from koipond.ingest.privacy import masked

OPEN = ("/health", "/unsubscribe/")
PARAMETER = "token"
BODY_BYTES_MAX = 65_536
QUERY_BYTES_MAX = 4_096
_LOG = logging.getLogger("koipond.api")
_SHUT = (
    "<!doctype html><html lang=en><head><meta charset=utf-8><title>Koipond</title></head><body>"
    "<p>Open the address that <code>koipond serve</code> printed: it carries the token.</p>"
    "<p lang=zh-CN>请打开 <code>koipond serve</code> 打印的地址，其中带有访问令牌。</p>"
    "<p lang=id>Buka alamat yang dicetak <code>koipond serve</code>: token ada di dalamnya.</p>"
    "</body></html>\n"
)


def new_token() -> str:
    """Return a token of 256 random bits."""
    return secrets.token_urlsafe(32)


def headers_for(styles: Iterable[str]) -> dict[str, str]:
    """Return the headers of every answer; only the style sheets ``styles`` may act on a page."""
    hashes = " ".join(f"'sha256-{_sha256(style)}'" for style in styles) or "'none'"
    policy = f"default-src 'none'; style-src {hashes}; form-action 'self'; base-uri 'none'"
    return {
        "content-security-policy": f"{policy}; frame-ancestors 'none'",
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
    }


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


class Guard:
    """ASGI middleware around the whole server. ``name`` tells the cookies of several servers apart.

    ``region``: whose phones the log covers.
    """

    def __init__(
        self, app: ASGIApp, *, token: str, name: str, styles: Iterable[str], region: str = ""
    ) -> None:
        self._app = app
        self._region = region
        self._token = token
        self._cookie = f"koipond_{name}"
        self._headers = headers_for(styles)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def dressed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
            await send(message)

        try:
            answer = self._refusal(scope) or self._shut(scope)
            await (answer or self._app)(scope, receive, dressed)
        except Exception as error:
            _LOG.error(
                "%s %s ended in %s", scope["method"], _path(scope, self._region), _trace(error, self._region)
            )
            if begun:
                raise
            await _internal()(scope, receive, dressed)

    def _refusal(self, scope: Scope) -> Response | None:
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length[:20]) > BODY_BYTES_MAX:
            return _error(413, "too_large", f"a body has at most {BODY_BYTES_MAX} bytes")
        if len(scope["query_string"]) > QUERY_BYTES_MAX:
            return _error(414, "too_large", f"a query has at most {QUERY_BYTES_MAX} bytes")
        return None

    def _shut(self, scope: Scope) -> Response | None:
        """Return the answer to whoever may not see the page; None for whoever may."""
        path = scope["path"]
        if path == OPEN[0] or path.startswith(OPEN[1]):
            return None
        given = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        tokens = [value for name, value in given if name == PARAMETER]
        if tokens and scope["method"] in ("GET", "HEAD"):
            return self._let_in(path, given) if self._is_token(tokens[-1]) else _shut()
        headers = dict(scope["headers"])
        bearer = headers.get(b"authorization", b"").decode("latin-1")
        if bearer.startswith("Bearer ") and self._is_token(bearer[7:]):
            return None
        return None if self._is_token(self._kept(headers)) else _shut()

    def _let_in(self, path: str, given: list[tuple[str, str]]) -> Response:
        """Put the token into the cookie and out of the address."""
        rest = urlencode([pair for pair in given if pair[0] != PARAMETER])
        place = "/" + path.lstrip("/").replace("\\", "%5C")  # a second slash would name another host
        answer = Response(status_code=303, headers={"location": place + (f"?{rest}" if rest else "")})
        answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict", path="/")
        return answer

    def _kept(self, headers: dict[bytes, bytes]) -> str:
        try:
            found = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1")).get(self._cookie)
        except CookieError:
            return ""
        return "" if found is None else found.value

    def _is_token(self, given: str) -> bool:
        return compare_digest(given.encode("utf-8", "replace"), self._token.encode())


def _shut() -> Response:
    return HTMLResponse(_SHUT, status_code=401)


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": code, "message": message}, status_code=status)


def _internal() -> Response:
    return _error(500, "internal", "this is a mistake of the program; the log has more")


def _path(scope: Scope, region: str) -> str:
    path = str(scope["path"])[:200].split("?")[0].encode("unicode_escape").decode("ascii")
    return masked(path, region=region)


def _trace(error: Any, region: str) -> str:
    import traceback

    return masked("".join(traceback.format_exception(error))[-4_000:], region=region)
