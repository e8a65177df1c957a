"""Links that go into messages (消息中的链接): what mail and browsers carry; others are refused."""

import re
from urllib.parse import quote, urlsplit, urlunsplit

from koipond.kernel import InputError

_HOST = re.compile(
    r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
)
_PATH_SAFE = "/%:@!$&'()*+,;=~-._"


def usable_url(url: str, name: str = "KOIPOND_PUBLIC_URL") -> str:
    """Return ``url`` in ASCII without a slash at its end: its domain as punycode, its path percent-encoded.

    Raises InputError, naming the setting ``name``, for anything that is no http or https address of a host.
    """
    wrong = InputError(
        "{name} must read https://your.domain, without blanks, user or query; got {url!r}", name=name, url=url
    )
    if any(c <= " " or c in '<>"\\^`{|}\x7f' for c in url):
        raise wrong
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise wrong from error
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise wrong
    if parts.username is not None or parts.password is not None:
        raise wrong
    place = f"[{host}]" if ":" in host else _ascii_host(host, wrong)
    where = place if port is None else f"{place}:{port}"
    return urlunsplit((parts.scheme, where, quote(parts.path.rstrip("/"), safe=_PATH_SAFE), "", ""))


def _ascii_host(host: str, wrong: InputError) -> str:
    try:
        made = host.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise wrong from error
    if not _HOST.fullmatch(made):
        raise wrong
    return made
