"""E-mail as bytes (邮件正文), written out by hand: `email.message` costs 2-4 ms a message (ops §6)."""

import base64
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr

from koipond.kernel import InputError
from koipond.outreach.header_text import control_in, header_fault, one_line
from koipond.outreach.ports import Message, UnusableAddressError


def check_address(address: str | None) -> str:
    """Return ``address`` as it goes on the wire; raise UnusableAddressError for one SMTP cannot carry."""
    if address is None or address.count("@") != 1:
        raise UnusableAddressError("no e-mail address")
    local, _, domain = address.partition("@")
    if (
        not local
        or not domain
        or not local.isascii()
        or control_in(address)
        or any(c <= " " or c in '<>,;:"\\()[]\x7f' for c in address)
    ):
        raise UnusableAddressError("the address has characters that mail servers refuse")
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError as error:
        raise UnusableAddressError("the address has no usable domain") from error


def check_name(name: str) -> str:
    """Return a sender's name that can stand in a header; raise InputError for one that would end it."""
    if fault := header_fault(name):
        raise InputError(
            "the sender's name cannot stand in a header: {fault}; correct 'name' in koipond.yaml", fault=fault
        )
    return name


def build(message: Message, *, to: str, sender: str, sender_name: str, domain: str, now: datetime) -> bytes:
    """Return the message of ``message`` to ``to``; its Message-ID is the touch key at ``domain``.

    Raises InputError when a header cannot be carried by mail.
    """
    try:
        return _build(message, to=to, sender=sender, sender_name=sender_name, domain=domain, now=now)
    except UnicodeError as error:
        raise InputError("the message cannot be written as mail: {error}", error=error) from error


def _build(message: Message, *, to: str, sender: str, sender_name: str, domain: str, now: datetime) -> bytes:
    lines = [
        f"Message-ID: <{message.key}@{domain}>",
        f"Date: {format_datetime(now)}",
        f"From: {formataddr((one_line(sender_name), sender))}",
        f"To: {to}",
        f"Subject: {_encoded(message.subject, len('Subject: '))}",
        *(f"{name}: {one_line(value)}" for name, value in message.headers.items()),
        "MIME-Version: 1.0",
    ]
    if not message.html:
        return "\r\n".join([*lines, *_part("plain", message.text)]).encode("ascii")
    mark = f"=_{message.key}"
    lines += [f'Content-Type: multipart/alternative; boundary="{mark}"', ""]
    for kind, body in (("plain", message.text), ("html", message.html)):
        if body:
            lines += [f"--{mark}", *_part(kind, body)]
    return "\r\n".join([*lines, f"--{mark}--", ""]).encode("ascii")


def _part(kind: str, body: str) -> list[str]:
    coded = base64.encodebytes(body.encode()).decode("ascii").rstrip("\n").replace("\n", "\r\n")
    return [
        f"Content-Type: text/{kind}; charset=utf-8",
        "Content-Transfer-Encoding: base64",
        "",
        coded,
        "",
    ]


def _encoded(text: str, indent: int) -> str:
    """Return a header value: plain when it is ASCII, else as encoded words (RFC 2047).

    Text that looks like an encoded word, as a trait of a customer may, is encoded itself: mail programs then
    show it as it stands and do not read it as another text.
    """
    plain = one_line(text)
    if plain.isascii() and "=?" not in plain:
        return plain
    return Header(plain, "utf-8", header_name=" " * indent).encode(linesep="\r\n")
