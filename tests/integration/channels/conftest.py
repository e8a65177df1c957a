"""A real SMTP server (aiosmtpd) that behaves by address."""

import asyncio
import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from koipond.channels.email import EmailChannel, EmailSettings


class Sink:
    """Keeps what it accepts. ``hard@``, ``full@``, ``later@`` and ``policy@`` refuse; ``silent@`` takes the
    text and hangs up; ``gone@`` hangs up before it."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.senders: list[str] = []
        self.sessions: set[tuple[str, int]] = set()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        name = address.partition("@")[0]
        answers = {
            "hard": "550 5.1.1 no such user",
            "old": "550 no such user",
            "full": "552 5.2.2 mailbox full",
            "policy": "550 5.7.1 not from you",
            "later": "451 4.3.0 try again",
        }
        if name in answers:
            return answers[name]
        if name == "gone":
            hang_up(server)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        name = envelope.rcpt_tos[0].partition("@")[0]
        if name == "spam":
            return "554 5.7.1 looks like spam"
        if name == "busy":
            return "452 4.3.1 try again"
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.senders.append(envelope.mail_from or "")
        self.sessions.add(session.peer)
        if name == "silent":
            hang_up(server)
        return "250 OK"


def hang_up(server: SMTP) -> None:
    transport = server.transport
    assert isinstance(transport, asyncio.Transport)
    transport.abort()


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def server(sink: Sink) -> Iterator[Controller]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    yield controller
    if not controller.loop.is_closed():  # a test may have stopped it
        controller.stop()


@pytest.fixture
def settings(server: Controller) -> EmailSettings:
    return EmailSettings(
        host="127.0.0.1",
        port=server.port,
        sender="hello@brand.example",
        sender_name="锦鲤 Brand",
        timeout_s=5,
    )


@pytest.fixture
def channel(settings: EmailSettings) -> Iterator[EmailChannel]:
    channel = EmailChannel(settings)
    yield channel
    channel.close()
