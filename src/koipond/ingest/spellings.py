"""One spelling for what names somebody or something (写法归一): addresses and ids as files write them.

The same mailbox or order number comes guarded from a spreadsheet, in full width, with characters nobody sees,
or with its domain in letters or in their ASCII form. Each is decided by the text alone, never by the texts
beside it, so that it does not matter how rows are cut into files. Pure.
"""

import json
import re
import unicodedata
from functools import lru_cache
from urllib.parse import unquote

import idna
import pyarrow as pa
import pyarrow.compute as pc

_MAIL_SCHEME = "mailto:"
_APART = frozenset('@"<>()[],;:、，；|')
"""What stands in no address, but beside and between addresses."""
_JOINERS = "\u200c\u200d"
"""Nobody sees them either, but in some scripts they tell domains apart."""
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f")
_GUARDS = "'‘’‛′´`＇"
"""What keeps a spreadsheet from reading a text as a number; typed curly by some, a backtick in bank bills."""
_FORMULA = re.compile(r"=\"([^\"]*)\"")
_FLOAT = re.compile(r"([0-9]+)\.0+")
_ODD = r"^[='`]|[^\x00-\x7f]|\.0+$|^[\[{]|^(?i:true|false)$"
"""RE2: what `plain_ids` may change."""
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_DOT_ATOM = re.compile(r"[^\s\"(),:;<>@\[\\\].]+(?:\.[^\s\"(),:;<>@\[\\\].]+)*")
_ACE = "xn--"


def unguarded(text: str) -> str:
    """Return ``text`` without what guards it from a spreadsheet: ="007", '007 and '007' are 007 (B14)."""
    bare = text.strip()
    while True:
        found = _FORMULA.fullmatch(bare)
        inner = found[1] if found else bare.lstrip(_GUARDS)
        if inner == bare or not inner.strip():
            return bare
        bare = (inner if found else inner.rstrip(_GUARDS)).strip()


@lru_cache(maxsize=100_000)
def plain_id(text: str) -> str:
    """Return the id ``text`` without guard, unseen characters, full width and the ``.0`` of a float.

    ``'007``, ``００７`` and ``007.0`` are ``007``; '' for a text that names nothing.
    """
    bare = unguarded(text if text.isascii() else _narrow(text))
    found = _FLOAT.fullmatch(bare)
    return found[1] if found else "" if {*bare} <= {*_GUARDS} else bare


def is_no_id(text: str) -> bool:
    """Say whether ``text`` is a truth value, or a list or an object of JSON: such names nobody.

    A GUID in braces is none of these.
    """
    if text.lower() in ("true", "false"):
        return True
    if not (text.startswith(("[", "{")) and text.endswith(("]", "}"))):
        return False
    try:
        return isinstance(json.loads(text), list | dict)
    except (ValueError, RecursionError):
        return False


def plain_ids(texts: pa.Array, *, whose: bool = False) -> pa.Array:
    """Return `plain_id` of each of ``texts``, null for what names nothing.

    ``whose``: each says what its row is about, so one that `is_no_id` is null too.
    """
    if not pc.any(pc.match_substring_regex(texts, _ODD)).as_py():
        return texts
    coded = texts.dictionary_encode()
    found = [plain_id(one) or None for one in coded.dictionary.to_pylist()]
    if whose:
        found = [None if one is None or is_no_id(one) else one for one in found]
    return pa.array(found, pa.string()).take(coded.indices)


def normal_email(text: str) -> str | None:
    """Return the one spelling of an address, None when ``text`` is no address or more than one (RFC 5321).

    In lower case and half width, the domain in ASCII (RFC 5891) without the dot at its end. The scheme and
    the headers of a link (``mailto:a@b.example?subject=…``, RFC 6068) are no part of it, nor is a guard, a
    character that cannot be seen, or a pair of quotes that holds nothing to be quoted.
    """
    address = _seen(text).lower()
    if address.startswith(_MAIL_SCHEME):
        address = unquote(address.removeprefix(_MAIL_SCHEME).partition("?")[0]).strip()
    name, at, domain = unguarded(address).rpartition("@")
    name, domain = _mailbox(name), _domain(domain)
    if not (at and name and "." in domain) or any(c.isspace() for c in address):
        return None
    is_quoted = len(name) > 2 and name[0] == name[-1] == '"'
    is_several = _APART & {*domain} or (not is_quoted and _APART & {*name})
    return None if is_several else f"{name}@{domain}"


def respelled(kind: str, value: str) -> str:
    """Return the one spelling of an identifier of ``kind`` as an earlier release kept it."""
    if kind == "shop_id":
        return plain_id(value) or value
    return (normal_email(value) or value) if kind == "email" else value


def former_spellings(kind: str, value: str) -> list[str]:
    """Return how earlier releases may have kept the normal ``value`` of ``kind``, as far as can be foreseen.

    An address with its domain in letters or with a dot, an id guarded or as a float.
    """
    if kind == "email":
        return _former_emails(value)
    if kind != "shop_id":
        return []
    return [f"'{value}", *([f"{value}.0"] if value.isascii() and value.isdigit() else [])]


def _former_emails(address: str) -> list[str]:
    name, _, domain = address.rpartition("@")
    lettered = ".".join(map(_letters, domain.split(".")))
    kept = (f"{name}@{one}{dot}" for one in (domain, lettered) for dot in ("", "."))
    return [one for one in dict.fromkeys(kept) if one != address]


def _seen(text: str) -> str:
    """Return ``text`` in half width without what cannot be seen, but for joiners within."""
    if text.isascii():
        return text.strip()
    wide = unicodedata.normalize("NFKC", text)
    kept = "".join(c for c in wide if c in _JOINERS or not is_unseen(c))
    return kept.strip(_JOINERS + " \t\r\n\u00a0")


def is_unseen(character: str) -> bool:
    """Say whether ``character`` shows nothing at all, not even a blank."""
    if character.isascii():
        return False
    kind = unicodedata.category(character)
    return kind == "Cf" or character in _FILLERS or "\ufe00" <= character <= "\ufe0f"


def _mailbox(name: str) -> str:
    name = name if name.isascii() else "".join(c for c in name if c not in _JOINERS)
    if len(name) > 2 and name[0] == name[-1] == '"':
        bare = _ESCAPED.sub(r"\1", name[1:-1])
        return bare if _DOT_ATOM.fullmatch(bare) else name
    return name


def _domain(domain: str) -> str:
    labels = domain.replace("。", ".").rstrip(".").split(".")
    return ".".join(label if label.isascii() else _ascii(label) for label in labels)


@lru_cache(maxsize=10_000)
def _ascii(label: str) -> str:
    """Return a label of a domain in ASCII; one that no register takes (an emoji) as DNS would write it."""
    bare = "".join(c for c in label if c not in _JOINERS)
    for one in (label, bare):
        try:
            return idna.encode(one, uts46=True).decode()
        except UnicodeError:
            continue
    return bare if bare.isascii() else _ACE + bare.encode("punycode").decode()


def _letters(label: str) -> str:
    if not label.startswith(_ACE):
        return label
    try:
        return label.removeprefix(_ACE).encode().decode("punycode")
    except UnicodeError:
        return label


def _narrow(text: str) -> str:
    """Return ``text`` composed, in half width, with plain digits and blanks, without what cannot be seen."""
    shown = (_narrow_one(c) for c in text if not is_unseen(c))
    return unicodedata.normalize("NFC", "".join(shown))


@lru_cache(maxsize=4_096)
def _narrow_one(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Nd":
        return str(unicodedata.digit(character))
    if kind == "Zs":
        return " "
    if unicodedata.decomposition(character).startswith(("<wide>", "<narrow>")):
        return unicodedata.normalize("NFKC", character)
    return character
