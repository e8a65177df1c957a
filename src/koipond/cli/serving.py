"""`koipond serve`: health, reports and the inbox on loopback, and the send loop."""

import socket
import sys
from typing import Annotated

import typer

from koipond.cli.reply import JsonFlag, note, say
from koipond.kernel import BusyError, InputError

DEFAULT_PORT = 8765
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
        import uvicorn

        from koipond.api.server import build_server
        from koipond.bootstrap import open_app
        from koipond.worker.loop import SendLoop

        listener = _listen(port)
        with open_app(context.obj) as app:
            _ = app.public_url  # one that mail cannot carry is refused before anything is served
            loop = SendLoop(app) if sending else None
            url = f"http://{_LOOPBACK}:{listener.getsockname()[1]}/"
            note(f"{url}  (Ctrl-C ends it)")
            if as_json:
                say({"url": url, "sending": sending, **app.stamp()}, str, as_json=True)
                sys.stdout.flush()
            if loop:
                loop.start()
            try:
                config = uvicorn.Config(build_server(app), log_level="warning", access_log=False)
                uvicorn.Server(config).run(sockets=[listener])
            finally:
                listener.close()
                if loop:
                    loop.stop()


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_LOOPBACK, port))
    except PermissionError as error:
        raise InputError(f"port {port} needs rights this user lacks; choose one above 1023") from error
    except OSError as error:
        raise BusyError(f"port {port} is taken; choose another with --port, or --port 0") from error
    return listener
