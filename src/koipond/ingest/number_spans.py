"""Where numbers of a person stand in a text (号码定位): groups of digits with separators. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from koipond.ingest.person_numbers import is_document, is_mobile, is_phone, is_plain, is_thousands
from koipond.ingest.regional_numbers import Taken, is_regional

Span = tuple[int, int]

_GROUP = re.compile(r"[0-9]+")
_CHAIN = re.compile(r"[0-9](?:(?:\W|_){0,4}[0-9]){6,}")
_USUAL = frozenset(" \t\r\n-./()[]_·•~|,*+")
_GROUPS_MAX = 60
_GROUPS_READ_MAX = 2_000  # each costs up to half a millisecond
_DIGITS_MIN, _DIGITS_MAX = 7, 22
_CHECKED_ID_DIGITS = 17  # and an X
_LAST_X = re.compile(r"[ \-]?[xX](?![0-9A-Za-z])")
_MONEY = r"[¥￥$€£]|(?:\b(?:IDR|CNY|RMB|USD|EUR|GBP|VND|JPY|KRW|Rp))\b\.?"
_MONEY_BEFORE = re.compile(rf"(?:{_MONEY})\s?$", re.IGNORECASE)
_MONEY_BEHIND = re.compile(rf"\s?(?:{_MONEY}|元)", re.IGNORECASE)
_MONEY_CHARS = 5
_EXPONENT = re.compile(
    r"(?<![0-9A-Za-z.,])([0-9])(?:[.,]([0-9]{1,18}))?[ ]?[eE][ ]?\+?0?(9|1[0-9])(?![0-9A-Za-z]|[.,][0-9])"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a text is read. ``strict``: it may be an id of an order or the like, where a bare number of 16 or
    18 digits is none of a person; ``region``: whose national phones are taken as well, none when empty;
    ``taken``: which of these, by default every form, in a strict reading those with brackets.
    """

    strict: bool = False
    region: str = ""
    taken: Taken | None = None


@dataclass(frozen=True, slots=True)
class _Chain:
    """Groups of digits one behind the other in ``text``, and what separates them."""

    text: str
    matches: list[re.Match[str]]
    groups: list[str]
    gaps: list[str]
    is_whole: bool  # nothing else stands in the text

    def before(self, first: int) -> str:
        return self.gaps[first - 1] if first else ""

    def behind(self, last: int) -> str:
        return self.gaps[last] if last < len(self.gaps) else ""


def number_spans(text: str, reading: Reading) -> Iterator[Span]:
    """Yield where in ``text``, in plain digits and signs, numbers of a person stand, in order.

    Of a text with very many numbers the first are read one by one; the rest is covered as a whole.
    """
    yield from _exponents(text, reading)
    groups = 0
    for found in _CHAIN.finditer(text):
        chain = _chain(text, *found.span())
        groups += len(chain.groups)
        if groups > _GROUPS_READ_MAX:
            yield found.start(), len(text)
            return
        yield from _in_chain(chain, reading)


def _chain(text: str, start: int, end: int) -> _Chain:
    matches = [*_GROUP.finditer(text, start, end)]
    gaps = [text[a.end() : b.start()] for a, b in pairwise(matches)]
    whole = len(text.strip(" +()")) == matches[-1].end() - matches[0].start()
    return _Chain(text, matches, [match[0] for match in matches], gaps, whole)


def _exponents(text: str, reading: Reading) -> Iterator[Span]:
    """1.38E+10: a phone or a card as spreadsheets show it."""
    for match in _EXPONENT.finditer(text):
        size = int(match[3]) + 1
        digits = (match[1] + (match[2] or "")).ljust(size, "0")[:size]
        if is_mobile(digits) or is_document([digits], [], strict=reading.strict):
            yield match.span()


def _in_chain(chain: _Chain, reading: Reading) -> Iterator[Span]:
    first = 0
    while first < len(chain.groups):
        last = _longest(chain, first, reading)
        if last is not None:
            begin, end = chain.matches[first].start(), chain.matches[last].end()
            while begin and chain.text[begin - 1] in "+(":
                begin -= 1
            digits = sum(map(len, chain.groups[first : last + 1]))
            if digits == _CHECKED_ID_DIGITS and (tail := _LAST_X.match(chain.text, end)):
                end = tail.end()
            yield begin, end
        first = first + 1 if last is None else last + 1


def _longest(chain: _Chain, first: int, reading: Reading) -> int | None:
    """Return the last group of the longest identifier that begins with group ``first``."""
    best, digits = None, 0
    for last in range(first, min(len(chain.groups), first + _GROUPS_MAX)):
        digits += len(chain.groups[last])
        if digits > _DIGITS_MAX:
            break
        if digits >= _DIGITS_MIN and _is_one(chain, first, last, reading):
            best = last
    return best


def _is_one(chain: _Chain, first: int, last: int, reading: Reading) -> bool:
    """Say whether the groups ``first`` to ``last`` are one identifier."""
    part, inner = chain.groups[first : last + 1], chain.gaps[first:last]
    if _is_fraction(chain, first, last) or not _is_regular(part, inner):
        return False
    torn = _is_torn(chain, first, last)
    if torn and (reading.strict or not _is_certain(part, inner)):
        return False
    if is_thousands(part, inner) and _is_price(chain, first, last):
        return False
    start = chain.matches[first].start()
    plus = "+" in chain.text[max(0, start - 2) : start]
    alone = chain.is_whole and len(part) == len(chain.groups)
    if is_phone(part, inner, plus=plus, alone=alone, strict=reading.strict):
        return True
    digits = "".join(part)
    if len(digits) == _CHECKED_ID_DIGITS and _LAST_X.match(chain.text, chain.matches[last].end()):
        return is_document([digits + "X"], [], strict=reading.strict)
    if is_document(part, inner, strict=reading.strict):
        return True
    return bool(reading.region) and _is_at_home(chain, first, last, reading)


def _is_at_home(chain: _Chain, first: int, last: int, reading: Reading) -> bool:
    part, inner = chain.groups[first : last + 1], chain.gaps[first:last]
    if is_plain(part, inner) or _in_word(chain, first, last):
        return False
    return is_regional(
        part,
        inner,
        reading.region,
        apart=not first and last == len(chain.groups) - 1,
        bracket=chain.text.endswith("(", 0, chain.matches[first].start()),
        taken=reading.taken or ("bracketed" if reading.strict else "all"),
    )


def _is_regular(part: list[str], inner: list[str]) -> bool:
    """Say whether separators that nobody usually puts into a number are all the same and the groups whole."""
    if all(_USUAL.issuperset(gap) for gap in inner):
        return True
    sizes = set(map(len, part))
    return len(set(inner)) == 1 and (min(sizes) > 1 or sizes == {1})


def _is_certain(part: list[str], inner: list[str]) -> bool:
    """138-1234-5678-801: a mobile in its own grouping is one, whatever follows."""
    return len(set(inner)) == 1 and tuple(map(len, part)) == (3, 4, 4) and is_mobile("".join(part))


def _is_price(chain: _Chain, first: int, last: int) -> bool:
    start, end = chain.matches[first].start(), chain.matches[last].end()
    before = chain.text[max(0, start - _MONEY_CHARS) : start]
    return bool(_MONEY_BEFORE.search(before) or _MONEY_BEHIND.match(chain.text, end))


def _in_word(chain: _Chain, first: int, last: int) -> bool:
    """Say whether a Latin letter stands right before or behind: a part of a code, such as a UUID."""
    start, end = chain.matches[first].start(), chain.matches[last].end()
    around = chain.text[max(0, start - 1) : start] + chain.text[end : end + 1]
    return any(one.isascii() and one.isalpha() for one in around)


def _is_torn(chain: _Chain, first: int, last: int) -> bool:
    """Say whether what stands just outside separates as it does inside: then it is a piece of something."""
    outside = {chain.before(first), chain.behind(last)} - {"", " "}
    return bool(outside.intersection(chain.gaps[first:last]))


def _is_fraction(chain: _Chain, first: int, last: int) -> bool:
    """Say whether one group is what follows the point of a decimal number: 0.8414709848078965."""
    if first != last or chain.before(first) != ".":
        return False
    whole, group = chain.groups[first - 1], chain.groups[first]
    return whole == "0" or (len(whole) <= 6 and len(group) > 11)
