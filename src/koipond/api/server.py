"""The loopback server: health, reports, the sandbox inbox, one-click unsubscribe. Endpoints are sync."""

from html import escape
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from koipond.bootstrap import App
from koipond.insights.render import to_html
from koipond.insights.words import WORDS
from koipond.kernel import InputError, KoipondError
from koipond.outreach.ports import Response
from koipond.worker.reporting import report_dict, strategy_report

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
INBOX_MAX = 100
_STATUS = {1: 422, 2: 400, 3: 409, 4: 423}


def build_server(app: App) -> FastAPI:
    """Return the server of one workspace; it answers on loopback names only, so no page can rebind to it."""
    server = FastAPI(title="Koipond", docs_url=None, redoc_url=None, openapi_url=None)
    server.add_middleware(TrustedHostMiddleware, allowed_hosts=list(LOOPBACK))

    @server.exception_handler(KoipondError)
    def refused(_request: Request, error: KoipondError) -> JSONResponse:
        status = _STATUS.get(error.exit_code, 500)
        return JSONResponse({"error": error.code, "message": str(error)}, status_code=status)

    @server.get("/health")
    def health() -> dict[str, Any]:
        return {
            "status": "ok",
            "workspace": app.settings.key,
            "warehouse_version": app.store.versions.current().version,
            "definition_version": app.store.definitions.version(),
        }

    @server.get("/", response_class=HTMLResponse)
    def home() -> str:
        return _home(app)

    @server.get("/reports/{strategy}", response_class=HTMLResponse)
    def report(strategy: str, language: str | None = None) -> str:
        return _report_page(app, strategy, language)

    @server.get("/inbox", response_class=HTMLResponse)
    def inbox() -> str:
        return _inbox_page(app)

    @server.get("/unsubscribe/{touch_key}", response_class=HTMLResponse)
    def ask(touch_key: str) -> str:
        return unsubscribe_page(touch_key, done=False)

    @server.post("/unsubscribe/{touch_key}", response_class=HTMLResponse)
    def unsubscribe(touch_key: str) -> str:
        now = app.clock.now()
        answer = Response(touch_key=touch_key, kind="unsubscribed", at=now)
        app.store.outbox(app.zone).respond([answer], now)
        return unsubscribe_page(touch_key, done=True)

    return server


def _report_page(app: App, key: str, language: str | None) -> str:
    if language is not None and language not in WORDS:
        raise InputError(f"language '{language}': use {', '.join(WORDS)}")
    spoken: Any = language or app.settings.language
    with app.reading() as (reader, day):
        made = strategy_report(app, reader, key, day, language=spoken)
        return to_html(report_dict(app, made, day), currency=app.settings.currency, language=spoken)


def unsubscribe_page(touch_key: str, *, done: bool) -> str:
    """Return the page behind an unsubscribe link: a button (mail scanners follow links), then the answer.

    The answer is the same for an unknown key, so that nobody can try keys out.
    """
    if done:
        body = "<p>已退订。 You are unsubscribed. Anda sudah berhenti berlangganan.</p>"
    else:
        body = (
            f"<form method=post action='/unsubscribe/{escape(touch_key, quote=True)}'>"
            "<button>退订 · Unsubscribe · Berhenti berlangganan</button></form>"
        )
    return f"<!doctype html><html><meta charset=utf-8><title>Unsubscribe</title><body>{body}</html>"


def _inbox_page(app: App) -> str:
    box = app.sandbox()
    messages, differ = box.count()
    shown = "".join(
        f"<article><p class=note>{m.accepted_at:%Y-%m-%d %H:%M} · {escape(m.key)} · {escape(m.language)}</p>"
        f"<h2>{escape(m.subject)}</h2><pre>{escape(m.text)}</pre></article>"
        for m in box.messages(INBOX_MAX)
    )
    box.close()
    return (
        "<!doctype html><html><meta charset=utf-8><title>Inbox</title><style>"
        "body{font:15px/1.5 system-ui;max-width:48rem;margin:2rem auto;padding:0 1rem}"
        "article{border-top:1px solid #dfe5ea;padding:.6rem 0}h2{font-size:1.05rem;margin:.2rem 0}"
        "pre{white-space:pre-wrap;font:inherit;margin:0}.note{color:#5b6875;margin:0}</style>"
        f"<h1>Sandbox</h1><p>{messages:,} messages, {differ:,} different touches</p>{shown}</html>"
    )


def _home(app: App) -> str:
    rows = "".join(
        f"<li><a href='/reports/{escape(key)}'>{escape(strategy.name.get('en', key))}</a> "
        f"{escape(strategy.owner)}</li>"
        for key, strategy in sorted(app.runtime.strategies.items())
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Koipond</title>"
        "<body style='font:15px/1.6 system-ui;max-width:48rem;margin:2rem auto'>"
        f"<h1>{escape(app.settings.name or app.settings.key)}</h1>"
        f"<p><a href='/inbox'>Sandbox inbox</a> · <a href='/health'>Health</a></p>"
        f"<h2>Reports</h2><ul>{rows or '<li>no strategy is applied yet</li>'}</ul>"
    )
