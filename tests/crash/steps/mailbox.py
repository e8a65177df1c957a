"""An SMTP server that outlives the killed, in a process of its own."""

import os
import signal
from pathlib import Path
from typing import Any

from tests.crash.smtp import Sink


class MailServer:
    """An SMTP server in a process of its own; every mail it took is a line of ``file``."""

    def __init__(self, file: Path) -> None:
        self.file = file
        file.touch()
        listening, told = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _serve_mail(file, told)
        os.close(told)
        self.url = os.read(listening, 200).decode()
        os.close(listening)

    def keys(self) -> list[str]:
        """Return the keys of the mails taken, in order."""
        return self.file.read_text().split()

    def close(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def _serve_mail(file: Path, told: int) -> None:
    """Serve until killed."""

    class Kept(Sink):
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            said = await super().handle_DATA(server, session, envelope)
            with file.open("a") as out:
                out.write(self.keys[-1] + "\n")
            return said

    with Kept() as sink:
        os.write(told, sink.url.encode())
        while True:
            signal.pause()
