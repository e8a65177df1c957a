"""Mail that comes back (退信): bounces (RFC 3464), complaints (RFC 5965) and opt-outs, read from a Maildir.

The mail server delivers everything for ``bounces+KEY@…`` and ``unsubscribe+KEY@…`` there. KEY is the touch's.
"""

import mailbox
import re
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from pathlib import Path

from koipond.outreach.ports import Response, ResponseKind

READ_MAX = 1_000  # messages read at once
MAIL_BYTES_MAX = 1_000_000
_PLUS = re.compile(r"\b(bounces|unsubscribe)\+([0-9a-f]{32})@")
_ID = re.compile(r"<([0-9a-f]{32})@")
_DEAD = re.compile(r"5\.(0\.0|1\.\d+|2\.1)")  # no such mailbox or domain, mailbox disabled


class BounceBox:
    """A Maildir. What was read goes when the caller comes back, so nothing is lost when it dies between."""

    def __init__(self, folder: Path) -> None:
        self._box = mailbox.Maildir(folder, create=True)
        self._told: list[str] = []

    def read(self, now: datetime) -> list[Response]:
        """Return what the mail says about touches; forget the mail returned the time before."""
        for name in self._told:
            self._box.discard(name)
        self._told = sorted(self._box.keys())[:READ_MAX]
        found = []
        for name in self._told:
            found += list(parse(self._box.get_bytes(name)[:MAIL_BYTES_MAX], now))
        return found


def parse(raw: bytes, now: datetime) -> Iterator[Response]:
    """Yield what one mail says about a touch: at most one response, none for any other mail."""
    mail = message_from_bytes(raw, policy=policy.compat32)
    key = _key(mail)
    if key is None:
        return
    said = _kind(mail)
    if said is not None:
        kind, detail = said
        yield Response(touch_key=key, kind=kind, at=now, detail=detail[:500])


def _kind(mail: Message) -> tuple[ResponseKind, str] | None:
    report = str(mail.get_param("report-type", "")).lower()
    if report == "feedback-report":
        return "complained", "feedback report"
    if report == "delivery-status":
        return _bounce(mail)
    to = _PLUS.search(_receivers(mail))
    return ("unsubscribed", "by mail") if to and to.group(1) == "unsubscribe" else None


def _bounce(mail: Message) -> tuple[ResponseKind, str] | None:
    """Say that the address is dead; a full mailbox, a delay or a refused text is no reason to drop it."""
    for part in mail.walk():
        action = str(part.get("Action", "")).strip().lower()
        status = str(part.get("Status", "")).strip()
        if action == "failed" and _DEAD.match(status):
            return "bounced", f"{status} {part.get('Diagnostic-Code', '')}".strip()
    return None


def _key(mail: Message) -> str | None:
    """Return the touch key: in the address the mail went to, else in the Message-ID it gives back."""
    to = _PLUS.search(_receivers(mail))
    if to:
        return to.group(2)
    for part in mail.walk():
        if part.get_content_type() in ("message/rfc822", "text/rfc822-headers"):
            payload = part.get_payload()
            inner = payload[0] if isinstance(payload, list) and payload else payload
            text = inner.as_string() if isinstance(inner, Message | EmailMessage) else str(inner)
            found = _ID.search(text)
            if found:
                return found.group(1)
    return None


def _receivers(mail: Message) -> str:
    return " ".join(str(mail.get(name, "")) for name in ("Delivered-To", "X-Original-To", "To")).lower()
