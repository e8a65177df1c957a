"""A real SMTP server that outlives the senders and counts Message-IDs."""

import re
import socket
from types import TracebackType
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_ID = re.compile(rb"^Message-ID: <([0-9a-f]{32})@", re.MULTILINE)


class Sink:
    """Accepts every mail on a loopback port; ``keys`` in the order of their arrival."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port: int = free.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=self._port)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"smtp://127.0.0.1:{self._port}"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        found = _ID.search(envelope.content)
        assert found is not None
        self.keys.append(found.group(1).decode())
        return "250 OK"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()
