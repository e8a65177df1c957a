"""What identifies a person, however people write it (标识识别): phones, e-mails, ID numbers, bank cards.

One exact reading, `spans`, in plain Python. `SUSPECT` is its coarse sieve: an RE2 pattern that Arrow, DuckDB
and Python read alike, and that every text with an identifier fits; so only suspects are read exactly.

A number of a person is told from a plain one by its form: an e-mail has an ``@`` and a domain; a phone its
country's digits (+, 00, 86, 0 or 1[3-9] in front, or the national grouping); a Chinese ID or Indonesian NIK a
region and a date of birth; a bank card an issuer and the Luhn digit (ISO 7812), UnionPay's 62 without it.
Dates, decimals, thousands, EAN-13, epochs and shorter order numbers are none. ``strict`` leaves the bare
numbers of 16 and 18 digits alone that only might be one: for ids of orders and the like. In a column that is
named after contact data (``contact``) any seven digits are one.
"""

import html
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from koipond.ingest.person_numbers import is_document, is_phone, is_plain
from koipond.ingest.regional_numbers import is_regional

MASK = "•••"
_CHINESE = dict(zip("〇零一二三四五六七八九幺", "001234567891", strict=True))


_TENS = (
    "660 6f0 7c0 966 9e6 a66 ae6 b66 be6 c66 ce6 d66 de6 e50 ed0 f20 1040 1090 17e0 1810 1946 1a80 1a90 1b50"
    " 1bb0 1c40 1c50 2080 a620 a8d0 a900 a9d0 a9f0 aa50 abf0 ff10 104a0 10d30 11066 110f0 11136 111d0 112f0"
    " 11450 114d0 11650 116c0 11730 118e0 11950 11c50 11d50 11da0 16a60 16ac0 16b50 1e140 1e2f0 1e950 1fbf0"
)
_MORE = (
    "b2-b3 b9-b9 1369-1371 19d0-19da 2070-2070 2074-2079 2460-2468 2474-247c 2488-2490 24ea-24ea 24f5-24fd"
    " 24ff-24ff 2776-277e 2780-2788 278a-2792 10a40-10a43 10e60-10e68 11052-1105a 1d7ce-1d7ff 1f100-1f10a"
)


def _digit_class() -> str:
    """Every character that stands for a digit (Unicode 14), as the inside of a character class.

    Written out: to look at a million characters would cost every start a tenth of a second.
    """
    spans = [(int(start, 16), int(start, 16) + 9) for start in _TENS.split()]
    spans += [(int(a, 16), int(b, 16)) for a, b in (one.split("-") for one in _MORE.split())]
    return "0-9" + "".join(f"{chr(a)}-{chr(b)}" for a, b in spans) + "".join(_CHINESE)


_D = f"[{_digit_class()}]"
SUSPECT = (
    rf"[@＠﹫]|%[0-9A-Fa-f][0-9A-Fa-f]|\\[ux][0-9A-Fa-f]|&#|&commat|=40|[(\[] ?[aA][tT] ?[)\]]"
    rf"|(?:{_D}[^0-9A-Za-z]{{0,6}}){{7}}{_D}"
)
"""RE2: what may hold an identifier. A superset of what `spans` finds."""

PLAIN = (
    r"^-?[0-9]{1,9}(?:\.[0-9]+)?$"
    r"|^[2-57][0-9]{9,11}$"
    r"|^[12][0-9]{3}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?Z?$"
)
"""RE2: suspects by digits alone that are none: numbers, order numbers and instants as they mostly come."""

LONG_NUMBER = r"\+?[0-9][0-9 \-()./]{9,}"
"""RE2: ten digits and more in a column of numbers; covered where a row is put aside."""

DECLARED = r'[^\s"@]+[@＠][^\s"]+|\+?[0-9][0-9 \-()./]{8,}[0-9]'
"""RE2: what a declared property may hold that rows put aside need not repeat; coarse, for JSON text."""

_EMAIL = re.compile(
    r'(?:"[^"\n]{1,64}"|[^\s@"<>()\[\],;:|]{1,64})\s{0,2}@\s{0,2}'
    r"(?:(?:[\w\-]{1,63}[.])+(?:xn--[\w\-]{2,59}|[^\W\d_]{2,24})"
    r"|(?:[\w\-]{1,63}[.。｡])+(?:[a-z]{2,24}|中国|中國|公司|网络|網絡|网址|香港|台湾|台灣)"
    r"|\[[0-9A-Fa-f.:]{3,45}\])",
    re.IGNORECASE,
)
_GROUP = re.compile(r"[0-9]{17}[xX](?![0-9A-Za-z])|[0-9]+")
_GAP = re.compile(r"[ \t\-./()\[\]_·•~|,*]{1,4}")
_GROUPS_MAX = 60
_DIGITS_MIN, _DIGITS_MAX = 7, 22
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}|\\[ux][0-9A-Fa-f]{2}|&#|&commat|=40|[(\[] ?[aA][tT] ?[)\]]")
_AT = re.compile(r"=40|\s?[(\[] ?[aA][tT] ?[)\]]\s?")
_UNICODE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})")
_CONTACT = re.compile(
    r"phone|mobile|\btel|cell|whats|\bwa\b|_wa\b|contact|msisdn|\bfax|telp|telepon|ponsel|\bhp\b|_hp\b|\bsms\b"
    r"|电话|電話|手机|手機|联系|聯繫|座机|传真",
    re.IGNORECASE,
)

Span = tuple[int, int]


def names_contact(column: str) -> bool:
    """Say whether a column of that name holds phone numbers or the like."""
    return _CONTACT.search(column) is not None


@lru_cache(maxsize=50_000)
def holds(text: str, *, strict: bool = False, contact: bool = False, region: str = "") -> bool:
    """Say whether ``text`` holds an identifier of a person; ``region``: also phones as it writes them."""
    return bool(spans(text, strict=strict, contact=contact, region=region))


def masked(text: str, *, strict: bool = False, region: str = "") -> str:
    """Return ``text`` with whatever identifies a person covered."""
    shown, done = [], 0
    for start, end in spans(text, strict=strict, region=region):
        shown += [text[done:start], MASK]
        done = end
    return "".join([*shown, text[done:]])


def shown_name(path: Path) -> str:
    """Return the name of a file as it may be kept: a file called after a phone number is not."""
    name = path.name.encode("utf-8", "backslashreplace").decode()  # bytes that are no UTF-8
    return masked(name, strict=True)


def spans(text: str, *, strict: bool = False, contact: bool = False, region: str = "") -> list[Span]:
    """Return where in ``text`` identifiers stand, in order and apart."""
    folded, places = _folded(text)
    found = [match.span() for match in _EMAIL.finditer(folded)] if "@" in folded else []
    found += _numbers(folded, strict=strict, contact=contact, region=region)
    if not found and _ESCAPED.search(text) and (plain := _decoded(text)) != text:
        return [(0, len(text))] if spans(plain, strict=strict, contact=contact, region=region) else []
    return _apart([(places[start], places[end - 1] + 1) for start, end in found])


def _decoded(text: str) -> str:
    for _ in range(2):  # a link inside a link
        text = _AT.sub("@", text)
        text = html.unescape(unquote(text))
        text = _UNICODE.sub(lambda match: chr(int(match[1] or match[2], 16)), text)
    return text


def _folded(text: str) -> tuple[str, Sequence[int]]:
    """Return ``text`` in plain digits, blanks and signs without what cannot be seen, and where each stood."""
    if text.isascii():
        return text, range(len(text))
    kept: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        if plain := _plain(character):
            kept.append(plain)
            places.append(place)
    return "".join(kept), places


@lru_cache(maxsize=4_096)
def _plain(character: str) -> str:
    """Return the plain form of one character; empty for one that shows nothing."""
    kind = unicodedata.category(character)
    if kind in ("Cf", "Mn", "Me", "Cs") or character in "\u115f\u1160\u3164\uffa0\u2800":
        return ""
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    if character in _CHINESE:
        return _CHINESE[character]
    if character.isspace() or kind in ("Zs", "Zl", "Zp"):
        return " "
    if kind == "Pd" or character == "\u2212":
        return "-"
    normal = unicodedata.normalize("NFKC", character)
    return normal if len(normal) == 1 else character


def _numbers(text: str, *, strict: bool, contact: bool, region: str) -> list[Span]:
    found: list[Span] = []
    chain: list[re.Match[str]] = []
    for group in _GROUP.finditer(text):
        if chain and not _GAP.fullmatch(text, chain[-1].end(), group.start()):
            found += _in_chain(text, chain, strict=strict, contact=contact, region=region)
            chain = []
        chain.append(group)
    return found + _in_chain(text, chain, strict=strict, contact=contact, region=region)


def _in_chain(
    text: str, chain: list[re.Match[str]], *, strict: bool, contact: bool, region: str
) -> list[Span]:
    """Find identifiers in groups of digits with separators between them."""
    groups = [match[0] for match in chain]
    gaps = [text[a.end() : b.start()] for a, b in pairwise(chain)]
    if contact and sum(map(len, groups)) >= _DIGITS_MIN:
        return [(chain[0].start(), chain[-1].end())]
    found: list[Span] = []
    first = 0
    while first < len(groups):
        last = _longest(text, chain, groups, gaps, first, strict=strict, region=region)
        if last is not None:
            begin = chain[first].start()
            while begin and text[begin - 1] in "+(":
                begin -= 1
            found.append((begin, chain[last].end()))
        first = first + 1 if last is None else last + 1
    return found


def _longest(
    text: str,
    chain: list[re.Match[str]],
    groups: list[str],
    gaps: list[str],
    first: int,
    *,
    strict: bool,
    region: str,
) -> int | None:
    """Return the last group of the longest identifier that begins with group ``first``."""
    plus = "+" in text[max(0, chain[first].start() - 2) : chain[first].start()]
    whole = len(text.strip(" +()")) == chain[-1].end() - chain[0].start()
    best, digits = None, ""
    for last in range(first, min(len(groups), first + _GROUPS_MAX)):
        digits += groups[last]
        if len(digits) > _DIGITS_MAX:
            break
        inner = gaps[first:last]
        if (
            len(digits) < _DIGITS_MIN
            or _is_torn(gaps, first, last)
            or _is_fraction(groups, gaps, first, last)
        ):
            continue
        part = groups[first : last + 1]
        alone = whole and len(part) == len(groups)
        if is_phone(part, inner, plus=plus, alone=alone, strict=strict) or is_document(
            part, inner, strict=strict
        ):
            best = last
        elif region and not is_plain(part, inner) and not _in_word(text, chain[first], chain[last]):
            apart = not first and last == len(groups) - 1
            bracket = text[: chain[first].start()].endswith("(")
            if is_regional(part, inner, region, apart=apart, bracket=bracket, strict=strict):
                best = last
    return best


def _in_word(text: str, first: re.Match[str], last: re.Match[str]) -> bool:
    """Say whether a Latin letter stands right before or behind: a part of a code, such as a UUID."""
    around = text[max(0, first.start() - 1) : first.start()] + text[last.end() : last.end() + 1]
    return any(one.isascii() and one.isalpha() for one in around)


def _is_torn(gaps: list[str], first: int, last: int) -> bool:
    """Say whether what stands just outside separates as it does inside: then it is a piece of something."""
    inner = set(gaps[first:last])
    before = gaps[first - 1] if first else None
    after = gaps[last] if last < len(gaps) else None
    return bool(inner & ({before, after} - {None, " "}))


def _is_fraction(groups: list[str], gaps: list[str], first: int, last: int) -> bool:
    """Say whether one group is what follows the point of a decimal number: 0.8414709848078965."""
    if first != last or not first or gaps[first - 1] != ".":
        return False
    return groups[first - 1] == "0" or (len(groups[first - 1]) <= 6 and len(groups[first]) > 11)


def _apart(found: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(found):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
