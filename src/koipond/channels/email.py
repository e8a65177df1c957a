"""E-mail by SMTP (邮件渠道): reused connections in a private event loop of its own thread.

What an answer means: refused before the message was handed over (4xx, no connection) = may be tried again;
5xx = failed, and the address is dead when the server says so; no answer after DATA = unknown, because the
server may have it. Sources: RFC 5321 §4.5.3.2 and §6.1, channels §3.
"""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiosmtplib

from koipond.channels.bounces import BounceBox
from koipond.channels.mime import build, check_address, check_name
from koipond.channels.sheets import EMAIL
from koipond.kernel import InputError
from koipond.outreach.ports import (
    ChannelSheet,
    MayGoOn,
    Message,
    Response,
    SendResult,
    UnusableAddressError,
    always,
)

_DEAD_STATUS = ("5.1.", "5.2.1", "5.0.0")  # enhanced codes of a mailbox that is not there (RFC 3463)
_DEAD_CODES = (550, 551, 553)
LATE = "its time was over before it was handed over"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailSettings:
    """Where mail is handed over and in whose name. ``security``: none, starttls or tls."""

    host: str
    port: int
    sender: str
    sender_name: str = ""
    security: str = "none"
    username: str | None = None
    password: str | None = None
    bounces: Path | None = None  # Maildir of what comes back to bounces+KEY@domain
    connections: int = 8
    timeout_s: float = 30.0

    @property
    def domain(self) -> str:
        """The domain that mail comes from."""
        return self.sender.rpartition("@")[2]

    def __repr__(self) -> str:
        return f"EmailSettings({self.security}://{self.host}:{self.port} from {self.sender})"


def email_settings(
    url: str, sender: str, sender_name: str = "", bounces: Path | None = None, timeout_s: float = 30.0
) -> EmailSettings:
    """Read ``smtp://[user:password@]host[:port][?starttls=1]`` or ``smtps://…``; raise InputError."""
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise InputError("KOIPOND_SMTP_URL must read smtp://user:password@host:port or smtps://…")
    try:
        port = parts.port
    except ValueError as error:
        raise InputError("KOIPOND_SMTP_URL names no usable port") from error
    plain = "starttls" if "starttls=1" in parts.query else "none"
    check_name(sender_name)
    return EmailSettings(
        host=parts.hostname,
        port=port or (465 if parts.scheme == "smtps" else 587 if plain == "starttls" else 25),
        sender=check_address(sender),
        sender_name=sender_name,
        security="tls" if parts.scheme == "smtps" else plain,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        bounces=bounces,
        timeout_s=timeout_s,
    )


class EmailChannel:
    """SMTP (port `koipond.outreach.ports.Channel`). Connections are opened when first needed."""

    def __init__(self, settings: EmailSettings, sheet: ChannelSheet = EMAIL) -> None:
        self.sheet = replace(sheet, channel="email")
        self._settings = settings
        self._bounces = BounceBox(settings.bounces) if settings.bounces else None
        self._loop = asyncio.new_event_loop()
        self._lines = [_Line(settings) for _ in range(settings.connections)]
        self._thread = threading.Thread(target=self._loop.run_forever, name="smtp", daemon=True)
        self._thread.start()

    def prepare(self, message: Message, now: datetime) -> Message:
        """Return ``message`` with its address as it goes on the wire and its bytes; raise InputError."""
        return _prepared(message, self._settings, now)

    def send(
        self, messages: Sequence[Message], now: datetime, may_go_on: MayGoOn = always
    ) -> list[SendResult]:
        """Hand ``messages`` over on all connections at once; one result each, in order.

        ``may_go_on`` is asked before each message, and once more before its text is handed over.
        """
        work = self._send(messages, now, may_go_on)
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def why_down(self) -> str | None:
        """Return why the server cannot take mail now, None when it answers (port `Probed`)."""
        return asyncio.run_coroutine_threadsafe(self._lines[0].why_down(), self._loop).result()

    def collect(self, now: datetime) -> Sequence[Response]:
        """Return the bounces, complaints and opt-outs that came back by mail."""
        return self._bounces.read(now) if self._bounces else []

    def close(self) -> None:
        """Say goodbye to the server and end the thread."""
        asyncio.run_coroutine_threadsafe(self._quit(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _send(self, messages: Sequence[Message], now: datetime, may_go_on: MayGoOn) -> list[SendResult]:
        results: dict[int, SendResult] = {}
        left = iter(enumerate(messages))

        async def work(line: _Line) -> None:
            for place, message in left:  # shared: each line takes the next one
                results[place] = await _safely(line, message, now, may_go_on)

        await asyncio.gather(*(work(line) for line in self._lines[: len(messages)]))
        return [results[place] for place in range(len(messages))]

    async def _quit(self) -> None:
        await asyncio.gather(*(line.quit() for line in self._lines))


async def _safely(line: "_Line", message: Message, now: datetime, may_go_on: MayGoOn) -> SendResult:
    """Deliver; whatever goes wrong unforeseen may have happened after the text was handed over."""
    try:
        return await line.deliver(message, now, may_go_on)
    except Exception as error:
        return SendResult(key=message.key, outcome="unknown", detail=f"{type(error).__name__}: {error}"[:500])


class _Line:
    """One connection, used by one message at a time."""

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings
        self._smtp: aiosmtplib.SMTP | None = None

    async def deliver(self, message: Message, now: datetime, may_go_on: MayGoOn) -> SendResult:
        """Hand one message over and say what became of it."""
        settings = self._settings
        returned = f"bounces+{message.key}@{settings.domain}" if settings.bounces else settings.sender
        try:
            ready = message if message.wire else _prepared(message, settings, now)
        except InputError as error:
            dead = isinstance(error, UnusableAddressError)
            return SendResult(key=message.key, outcome="failed", detail=str(error), suppress=dead)
        if not may_go_on():
            return SendResult(key=message.key, outcome="withheld", detail=LATE)
        early = await self._envelope(message.key, returned, ready.address or "")
        if early is None and not may_go_on():
            return await self._take_back(message.key)
        return early or await self._data(message.key, ready.wire)

    async def quit(self) -> None:
        """End the connection politely; a server that is gone does not matter."""
        if self._smtp is not None and self._smtp.is_connected:
            try:
                await self._smtp.quit()
            except (aiosmtplib.SMTPException, OSError):
                self._smtp.close()
        self._smtp = None

    async def _envelope(self, key: str, sender: str, to: str) -> SendResult | None:
        """Connect, name sender and receiver; return a result when it ends here: nothing was handed over."""
        try:
            smtp = await self._connected()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:  # a wrong password too
            return self._unreachable(key, f"no connection: {error}")
        try:
            await smtp.mail(sender)
        except aiosmtplib.SMTPResponseException as error:  # it refuses the sender, whoever it is for
            return self._unreachable(key, f"the server refuses the sender: {error.code} {error.message}")
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return self._unreachable(key, f"no connection: {error}")
        try:
            await smtp.rcpt(to)
        except aiosmtplib.SMTPResponseException as error:
            return await self._said_no(key, error, dead=_is_dead(error.code, error.message))
        except (aiosmtplib.SMTPException, OSError) as error:
            return self._lost(key, "refused", f"connection lost before DATA: {error}")
        return None

    async def _data(self, key: str, body: bytes) -> SendResult:
        """Hand the text over. Without an answer nobody knows whether the server took it."""
        assert self._smtp is not None
        try:
            await self._smtp.data(body)
        except aiosmtplib.SMTPDataError as error:
            return await self._said_no(key, error, dead=False)
        except (aiosmtplib.SMTPException, OSError) as error:
            return self._lost(key, "unknown", f"no answer after DATA: {error}")
        return SendResult(key=key, outcome="accepted")

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._smtp is not None and self._smtp.is_connected:
            return self._smtp
        s = self._settings
        self._smtp = aiosmtplib.SMTP(
            hostname=s.host,
            port=s.port,
            username=s.username,
            password=s.password,
            local_hostname=s.domain,
            timeout=s.timeout_s,
            use_tls=s.security == "tls",
            start_tls=s.security == "starttls",
        )
        await self._smtp.connect()
        return self._smtp

    async def _take_back(self, key: str) -> SendResult:
        """Leave a message whose time is over after its envelope: nothing of it was handed over."""
        try:
            if self._smtp is not None:
                await self._smtp.rset()
        except (aiosmtplib.SMTPException, OSError):
            self._drop()
        return SendResult(key=key, outcome="withheld", detail=LATE)

    async def _said_no(self, key: str, error: aiosmtplib.SMTPResponseException, *, dead: bool) -> SendResult:
        """Turn a negative answer into a result and make the connection ready for the next message."""
        detail = f"{error.code} {error.message}"[:500]
        try:
            if self._smtp is not None and error.code != 421:
                await self._smtp.rset()
            else:
                self._drop()
        except (aiosmtplib.SMTPException, OSError):
            self._drop()
        if error.code < 500:
            return SendResult(key=key, outcome="refused", detail=detail)
        return SendResult(key=key, outcome="failed", detail=detail, suppress=dead)

    def _unreachable(self, key: str, detail: str) -> SendResult:
        self._drop()
        return SendResult(key=key, outcome="refused", detail=detail[:500], unreachable=True)

    async def why_down(self) -> str | None:
        """Return why the server cannot be reached or refuses us, None when it answers."""
        try:
            await (await self._connected()).noop()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            self._drop()
            return f"no connection: {error}"[:500]
        return None

    def _lost(self, key: str, outcome: str, detail: str) -> SendResult:
        self._drop()
        return SendResult(
            key=key, outcome="unknown" if outcome == "unknown" else "refused", detail=detail[:500]
        )

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None


def _prepared(message: Message, settings: EmailSettings, now: datetime) -> Message:
    to = check_address(message.address)
    body = build(
        with_mailto(message, settings),
        to=to,
        sender=settings.sender,
        sender_name=settings.sender_name,
        domain=settings.domain,
        now=now,
    )
    return replace(message, address=to, wire=body)


def with_mailto(message: Message, settings: EmailSettings) -> Message:
    """Return ``message`` with a way to opt out by mail, where mail that comes back is read."""
    link = message.headers.get("List-Unsubscribe")
    if link is None or settings.bounces is None:
        return message
    mail = f"<mailto:unsubscribe+{message.key}@{settings.domain}>"
    return replace(message, headers={**message.headers, "List-Unsubscribe": f"{link}, {mail}"})


def _is_dead(code: int, message: str) -> bool:
    """Say whether a refused receiver does not exist: by the enhanced code when there is one."""
    enhanced = message.split(maxsplit=1)[0] if message[:2] in ("5.", "4.") else ""
    return enhanced.startswith(_DEAD_STATUS) if enhanced else code in _DEAD_CODES
