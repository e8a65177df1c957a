"""The loopback server: health, reports, the sandbox inbox, one-click unsubscribe. Endpoints are sync."""

import logging
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from koipond.api.pages import OptOut, home_page, inbox_page, report_page, unsubscribe_page
from koipond.bootstrap import App
from koipond.insights.words import WORDS, Language
from koipond.kernel import InputError, KoipondError

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_STATUS = {1: 422, 2: 400, 3: 409, 4: 423}
_OPT_OUT_STATUS: dict[OptOut, int] = {"ask": 200, "done": 200, "unknown": 404, "failed": 503}


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
    def home(language: str | None = None) -> str:
        return home_page(app, _language(app, language))

    @server.get("/reports/{strategy}", response_class=HTMLResponse)
    def report(strategy: str, language: str | None = None) -> str:
        return report_page(app, strategy, _language(app, language))

    @server.get("/inbox", response_class=HTMLResponse)
    def inbox(language: str | None = None, before: int | None = None) -> str:
        return inbox_page(app, _language(app, language), before)

    @server.api_route("/unsubscribe/{touch_key}", methods=["GET", "HEAD"], response_class=HTMLResponse)
    def ask(touch_key: str) -> HTMLResponse:
        state: OptOut = "ask" if app.store.opt_outs.knows(touch_key) else "unknown"
        return HTMLResponse(unsubscribe_page(touch_key, state), _OPT_OUT_STATUS[state])

    @server.post("/unsubscribe/{touch_key}", response_class=HTMLResponse)
    def unsubscribe(touch_key: str) -> HTMLResponse:
        try:
            state: OptOut = "done" if app.store.opt_outs.record(touch_key, app.clock.now()) else "unknown"
        except Exception:  # whatever it is, nobody may be told that they are out when they are not
            logging.getLogger("koipond").exception("an opt-out was not recorded")
            state = "failed"
        return HTMLResponse(unsubscribe_page(touch_key, state), _OPT_OUT_STATUS[state])

    return server


def _language(app: App, asked: str | None) -> Language:
    if asked is not None and asked not in WORDS:
        raise InputError(f"language '{asked}': use {', '.join(WORDS)}")
    spoken: Any = asked or app.settings.language
    return cast(Language, spoken)
