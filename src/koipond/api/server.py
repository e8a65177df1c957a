"""The loopback server: health, reports, the sandbox inbox, one-click unsubscribe. Endpoints are sync."""

from typing import Annotated, Any, cast

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from koipond.api.guard import Guard, new_token
from koipond.api.pages import STYLE, home_page, inbox_page, report_page, unsubscribe_page
from koipond.bootstrap import App
from koipond.insights.words import WORDS, Language
from koipond.kernel import InputError, KoipondError
from koipond.outreach.ports import Response

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_STATUS = {1: 422, 2: 400, 3: 409, 4: 423}


_SEQ_MAX = 2**53


def build_server(app: App, token: str | None = None) -> FastAPI:
    """Return the server of one workspace; it answers on loopback names only, so no page can rebind to it.

    ``token`` opens the pages of people; a new one is drawn when it is None.
    """
    server = FastAPI(title="Koipond", docs_url=None, redoc_url=None, openapi_url=None)
    server.add_middleware(TrustedHostMiddleware, allowed_hosts=list(LOOPBACK))
    server.add_middleware(Guard, token=token or new_token(), name=app.settings.key, styles=[STYLE])

    @server.exception_handler(KoipondError)
    def refused(_request: Request, error: KoipondError) -> JSONResponse:
        status = _STATUS.get(error.exit_code, 500)
        return JSONResponse({"error": error.code, "message": str(error)}, status_code=status)

    @server.exception_handler(RequestValidationError)
    def unreadable(_request: Request, error: RequestValidationError) -> JSONResponse:
        named = ", ".join(str(fault["loc"][-1]) for fault in error.errors())
        said = {"error": "bad_input", "message": f"{named}: not a value that fits; look at the link again"}
        return JSONResponse(said, status_code=400)

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
    def inbox(
        language: str | None = None, before: Annotated[int | None, Query(ge=0, le=_SEQ_MAX)] = None
    ) -> str:
        return inbox_page(app, _language(app, language), before)

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


def _language(app: App, asked: str | None) -> Language:
    if asked is not None and asked not in WORDS:
        raise InputError(f"language '{asked}': use {', '.join(WORDS)}")
    spoken: Any = asked or app.settings.language
    return cast(Language, spoken)
