"""The loopback server: health, reports, the sandbox inbox, one-click unsubscribe. Endpoints are sync."""

import logging
from typing import Annotated, Any, cast

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from koipond.api.guard import Guard, new_token
from koipond.api.pages import STYLE, OptOut, home_page, inbox_page, report_page, unsubscribe_page
from koipond.bootstrap import App
from koipond.bootstrap.following import Following
from koipond.ingest.privacy import masked
from koipond.insights.words import WORDS, Language
from koipond.kernel import BusyError, InputError, KoipondError
from koipond.worker.health import Health
from koipond.worker.patience import Patience

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_STATUS = {1: 422, 2: 400, 3: 409, 4: 423}
_OPT_OUT_STATUS: dict[OptOut, int] = {"ask": 200, "done": 200, "unknown": 404, "failed": 503}


_SEQ_MAX = 2**53


def build_server(app: App, *, health: Health | None = None, token: str | None = None) -> FastAPI:
    """Return the server of one workspace; it answers on loopback names only, so no page can rebind to it.

    Each request works on the workspace as it stands then. ``health``: what looks after the server;
    ``token`` opens the pages of people, a new one is drawn when it is None.
    """
    server = FastAPI(title="Koipond", docs_url=None, redoc_url=None, openapi_url=None)
    server.add_middleware(TrustedHostMiddleware, allowed_hosts=list(LOOPBACK))
    region = app.settings.region
    server.add_middleware(
        Guard, token=token or new_token(), name=app.settings.key, styles=[STYLE], region=region
    )
    looked_after, following, patience = health or Health(app), Following(app), Patience()
    now = following.current

    @server.exception_handler(KoipondError)
    def refused(_request: Request, error: KoipondError) -> JSONResponse:
        status = _STATUS.get(error.exit_code, 500)
        told = masked(str(error), strict=True, region=region, taken="all")
        return JSONResponse({"error": error.code, "message": told}, status_code=status)

    @server.exception_handler(RequestValidationError)
    def unreadable(_request: Request, error: RequestValidationError) -> JSONResponse:
        named = ", ".join(str(fault["loc"][-1]) for fault in error.errors())
        said = {"error": "bad_input", "message": f"{named}: not a value that fits; look at the link again"}
        return JSONResponse(said, status_code=400)

    @server.get("/health")
    def health_of_all() -> JSONResponse:
        report = looked_after.report()
        body = {**report, **_versions(app, patience, is_down=report["status"] == "down")}
        return JSONResponse(body, status_code=503 if body["status"] == "down" else 200)

    @server.get("/", response_class=HTMLResponse)
    def home(language: str | None = None) -> str:
        return home_page(found := now(), looked_after, _language(found, language))

    @server.get("/reports/{strategy}", response_class=HTMLResponse)
    def report(strategy: str, language: str | None = None) -> str:
        return report_page(found := now(), strategy, _language(found, language))

    @server.get("/inbox", response_class=HTMLResponse)
    def inbox(
        language: str | None = None, before: Annotated[int | None, Query(ge=0, le=_SEQ_MAX)] = None
    ) -> str:
        return inbox_page(found := now(), _language(found, language), before)

    @server.api_route("/unsubscribe/{touch_key}", methods=["GET", "HEAD"], response_class=HTMLResponse)
    def ask(touch_key: str) -> HTMLResponse:
        try:
            known = patience.ask(lambda: app.store.opt_outs.knows(touch_key))
            state: OptOut = "ask" if known else "unknown"
        except Exception:
            logging.getLogger("koipond").exception("an opt-out page was not found")
            state = "failed"
        return HTMLResponse(unsubscribe_page(touch_key, state), _OPT_OUT_STATUS[state])

    @server.post("/unsubscribe/{touch_key}", response_class=HTMLResponse)
    def unsubscribe(touch_key: str) -> HTMLResponse:
        try:
            known = patience.ask(lambda: _opt_out(now(), touch_key))
            state: OptOut = "done" if known else "unknown"
        except Exception:  # whatever it is, nobody may be told that they are out when they are not
            logging.getLogger("koipond").exception("an opt-out was not recorded")
            state = "failed"
        return HTMLResponse(unsubscribe_page(touch_key, state), _OPT_OUT_STATUS[state])

    return server


def _opt_out(app: App, touch_key: str) -> bool:
    return app.store.opt_outs.record(touch_key, app.clock.now())


def _versions(app: App, patience: Patience, *, is_down: bool) -> dict[str, Any]:
    """Return which versions are in force, nulls while the store does not answer."""
    try:
        if is_down:
            raise BusyError("the store does not work")
        number, warehouse_version = patience.ask(lambda: app.latest().versions())
    except Exception:  # what is wrong stands in the parts
        return {"workspace": app.boot.key, "warehouse_version": None, "definition_version": None}
    return {
        "workspace": app.boot.key,
        "warehouse_version": warehouse_version,
        "definition_version": number,
    }


def _language(app: App, asked: str | None) -> Language:
    if asked is not None and asked not in WORDS:
        raise InputError("language '{asked}': use {words}", asked=asked, words=", ".join(WORDS))
    spoken: Any = asked or app.settings.language
    return cast(Language, spoken)
