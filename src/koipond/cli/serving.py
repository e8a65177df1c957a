"""`koipond serve`: health, reports and the inbox on loopback, and the send loop."""

import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from koipond.cli.reply import JsonFlag, note, say
from koipond.kernel import BusyError, InputError, phrase
from koipond.kernel.port import DEFAULT_PORT

if TYPE_CHECKING:
    from koipond.bootstrap import App
    from koipond.worker.health import Health
    from koipond.worker.loop import SendLoop

_LOOPBACK = "127.0.0.1"


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="Serve health, reports and the inbox on 127.0.0.1; send what is due.")
    def serve(
        context: typer.Context,
        port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = DEFAULT_PORT,
        sending: Annotated[bool, typer.Option("--send/--no-send", help="Run the send loop.")] = True,
        as_json: JsonFlag = False,
    ) -> None:
        from koipond.api.guard import PARAMETER, new_token
        from koipond.bootstrap import open_app
        from koipond.bootstrap.served import serve_on
        from koipond.worker.board import Board
        from koipond.worker.health import Health
        from koipond.worker.loop import SendLoop

        listener = _listen(port)
        with open_app(context.obj) as app:
            serve_on(app.store.settings, listener.getsockname()[1])
            _ = app.public_url  # one that mail cannot carry is refused before anything is served
            board = Board(app.machine, app.settings.region)
            loop = SendLoop(app, board) if sending else None
            health = Health(app, board, loop)
            token = new_token()
            url = f"http://{_LOOPBACK}:{listener.getsockname()[1]}/?{PARAMETER}={token}"
            note(phrase("{url}  (Ctrl-C ends it)", url=url))
            if as_json:
                say({"url": url, "sending": sending, **app.stamp()}, str, as_json=True)
                sys.stdout.flush()
            with _ended_by_term():
                _serve(app, listener, health, loop, token)


def _serve(
    app: "App", listener: socket.socket, health: "Health", loop: "SendLoop | None", token: str
) -> None:
    """Answer until a signal ends it; then let the group that is being sent finish, and give leases back."""
    import uvicorn

    from koipond.api.server import build_server

    health.start()
    if loop:
        loop.start()
    try:
        config = uvicorn.Config(
            build_server(app, health=health, token=token),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=10,
        )
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        listener.close()
        if loop:
            loop.stop()
        health.stop()


@contextmanager
def _ended_by_term() -> Iterator[None]:
    """Let SIGTERM end the server as Ctrl-C does, in order: the default would drop everything on the spot."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(_signal: int, _frame: object) -> None:
        raise SystemExit(0)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_LOOPBACK, port))
    except PermissionError as error:
        raise InputError(
            "port {port} needs rights this user lacks; choose one above 1023", port=port
        ) from error
    except OSError as error:
        raise BusyError("port {port} is taken; choose another with --port, or --port 0", port=port) from error
    return listener
