"""Texts written so that machines or spam filters pass them (转义写法), read back to be judged. Pure.

Percent encoding (RFC 3986), HTML entities, ``\\u0040``, quoted-printable ``=40``, ``(at)`` and ``(dot)``,
base64 (RFC 4648, both alphabets). Escapes in escapes are read to a depth; what goes deeper is no export.
"""

import html
import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator
from urllib.parse import unquote

_BLOCK = "[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_\\-]"
SUSPECT = (
    rf"%[0-9A-Fa-f][0-9A-Fa-f]|\\[ux][0-9A-Fa-f]|&#|&commat|=40|[(\[{{] ?(?i:at) ?[)\]}}]|(?i: dot )"
    rf"|(?:{_BLOCK}){{3}}"
)
"""RE2: what may be written so. Base64 of ASCII has zero bits at known places: three such blocks in a row."""

DEPTH_MAX = 8
_ESCAPED = re.compile(
    r"%[0-9A-Fa-f]{2}|\\[ux][0-9A-Fa-f]{2}|&#|&commat|=40|[(\[{] ?(?:at|[.]) ?[)\]}]| dot ", re.IGNORECASE
)
_AT = re.compile(r"=40|\s?[(\[{] ?at ?[)\]}]\s?", re.IGNORECASE)
_DOT = re.compile(r"\s?[(\[{] ?(?:dot|[.]) ?[)\]}]\s?|\s+dot\s+", re.IGNORECASE)
_SPOKEN_AT = re.compile(r"\s+at\s+", re.IGNORECASE)
_UNICODE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})")
_TOKEN = re.compile(r"(?<![A-Za-z0-9+/_\-])[A-Za-z0-9+/_\-]{12,1400}={0,2}")
_BASE64 = re.compile(rf"(?:{_BLOCK}){{3,}}[A-Za-z0-9+/_\-]{{0,3}}={{0,2}}")

Span = tuple[int, int]


def is_escaped(text: str) -> bool:
    """Say whether something in ``text`` is written in another way than it is meant."""
    return _ESCAPED.search(text) is not None


def decoded(text: str) -> str | None:
    """Return ``text`` as it is meant; None when it is escaped deeper than `DEPTH_MAX`."""
    for _ in range(DEPTH_MAX):
        plain = _once(text)
        if plain == text:
            return text
        text = plain
    return None


def _once(text: str) -> str:
    spelled = _DOT.sub(".", text)
    if spelled != text:
        text = _SPOKEN_AT.sub("@", spelled)
    text = html.unescape(unquote(_AT.sub("@", text)))
    return _UNICODE.sub(lambda match: chr(int(match[1] or match[2], 16)), text)


def base64_tokens(text: str) -> Iterator[tuple[Span, str]]:
    """Yield where a token of base64 stands in ``text`` and the printable text it hides."""
    for token in _TOKEN.finditer(text):
        for piece in _pieces(token):
            if hidden := _hidden(text[slice(*piece)]):
                yield piece, hidden
                break


def _pieces(token: re.Match[str]) -> Iterator[Span]:
    """Yield the token, and what stands in it behind a slash: a part of a path."""
    yield token.span()
    for slash in re.finditer("/", token[0]):
        yield token.start() + slash.end(), token.end()


def _hidden(token: str) -> str:
    written = token.rstrip("=")
    if len(written) % 4 == 1 or not _BASE64.fullmatch(token):
        return ""
    alternative = b"-_" if "-" in written or "_" in written else None
    try:
        plain = b64decode(written + "=" * (-len(written) % 4), altchars=alternative)
        hidden = plain.decode("ascii")
    except (Error, UnicodeDecodeError):
        return ""
    return hidden if hidden.isprintable() else ""
