"""What identifies a person, however people write it (标识识别): phones, e-mails, ID numbers, bank cards.

One exact reading, `_spans`, in plain Python. `SUSPECT` is its coarse sieve: an RE2 pattern that Arrow, DuckDB
and Python read alike, and that every text with an identifier fits; so only suspects are read exactly.

A number of a person is told from a plain one by its form: an e-mail has an ``@`` and a domain; a phone its
country's digits (+, 00, 86, 0 or 1[3-9] in front, or the national grouping); a Chinese ID or Indonesian NIK a
region and a date of birth; a bank card an issuer and the Luhn digit (ISO 7812), UnionPay's 62 without it.
Dates, decimals, thousands, EAN-13, epochs and shorter order numbers are none. ``strict`` leaves the bare
numbers of 16 and 18 digits alone that only might be one: for ids of orders and the like. In a column that is
named after contact data, documents or accounts less will do (`tells`).
"""

import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from pathlib import Path

from koipond.ingest.escapes import SUSPECT as ESCAPES
from koipond.ingest.escapes import base64_tokens, decoded, is_escaped
from koipond.ingest.folding import digit_class, folded
from koipond.ingest.number_spans import Reading, number_spans
from koipond.ingest.person_columns import telling
from koipond.ingest.person_texts import SUSPECT as LETTERED
from koipond.ingest.person_texts import lettered
from koipond.ingest.regional_numbers import Taken, country_code

MASK = "•••"
_D = f"[{digit_class()}]"
SUSPECT = (
    rf"{LETTERED}|{ESCAPES}"
    r"|[0-9] ?[eE] ?\+?0?(?:9|1[0-9])(?:[^0-9A-Za-z]|$)|[０-９] ?[ＥｅeE]"
    rf"|(?:{_D}[^0-9A-Za-z]{{0,6}}){{7}}{_D}"
)
"""RE2: what may hold an identifier. A superset of what `masked` covers."""

_PLAIN_FORMS = (
    r"^-?[0-9]{1,9}$|^-?(?:0|[1-9][0-9]{0,8})\.[0-9]+$|^1[0-9]{9}$"
    r"|^[12][0-9]{3}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?Z?$"
)

ZERO = r"^0[1-9][0-9]{7,11}$"
"""RE2: bare numbers with one 0 in front; a phone only as `home_pattern` says."""

_FORMED = ("62", *map(str, range(80, 90)))  # how mobiles with a country code or with trunk 8 begin


@cache
def plain_of(region: str) -> str:
    """Return RE2 for suspects by digits alone that are none in ``region``: numbers and instants as mostly
    written, and bare numbers of 10 to 12 digits that begin as no phone with a country code does.
    """
    code = country_code(region)
    starts = [str(n) for n in range(20, 100) if str(n) not in _FORMED and not _may_begin(str(n), code)]
    bare = rf"{_PLAIN_FORMS}|^(?:{'|'.join(starts)})[0-9]{{8,10}}$"
    return bare if code == "1" else rf"{bare}|^1[0-2][0-9]{{8,10}}$|^1[3-9][0-9]{{10}}$"


def _may_begin(start: str, code: str) -> bool:
    return bool(code) and (start.startswith(code) or code.startswith(start))


PLAIN = plain_of("")
"""RE2: the same where no country is known."""

LONG_NUMBER = r"\+?[0-9][0-9 \-()./]{9,}"
"""RE2: ten digits and more in a column of numbers; covered where a row is put aside."""

DECLARED = r'[^\s"@]+[@＠][^\s"]+|\+?[0-9][0-9 \-()./]{8,}[0-9]'
"""RE2: what a declared property may hold that rows put aside need not repeat; coarse, for JSON text."""

_WORD = re.compile(r"\S+")
_KEPT_CHARS_MAX = 200
_SAID_CHARS_MAX = 2_000

Span = tuple[int, int]


def holds(text: str, *, strict: bool = False, region: str = "", taken: Taken | None = None) -> bool:
    """Say whether ``text`` holds an identifier of a person; `Reading` has how it is read."""
    reading = Reading(strict=strict, region=region, taken=taken)
    return bool(_spans(text, reading)) if len(text) > _KEPT_CHARS_MAX else _holds(text, reading)


@lru_cache(maxsize=50_000)
def _holds(text: str, reading: Reading) -> bool:
    return bool(_spans(text, reading))


def tells(column: str, text: str, *, region: str = "") -> bool:
    """Say whether ``text`` in a column called ``column`` identifies a person, by itself or by that name."""
    told = telling(column)
    return (told is not None and told(folded(text)[0])) or holds(text, region=region)


def masked(text: str, *, strict: bool = False, region: str = "", taken: Taken | None = None) -> str:
    """Return ``text`` with whatever identifies a person covered; `Reading` has how it is read."""
    found = _spans(text, Reading(strict=strict, region=region, taken=taken))
    return _covered(text, found, lambda _: MASK)


def said(error: BaseException, region: str) -> str:
    """Return what ``error`` says as it may be kept."""
    return masked(str(error)[:_SAID_CHARS_MAX], region=region)


def shown_name(path: Path, region: str = "") -> str:
    """Return the name of a file as it may be kept: a file called after a phone number is not."""
    name = path.name.encode("utf-8", "backslashreplace").decode()  # bytes that are no UTF-8
    return masked(name, strict=True, region=region, taken="all")


def _spans(text: str, reading: Reading) -> list[Span]:
    """Return where in ``text`` identifiers stand, in order and apart."""
    found = _plain_spans(text, reading)
    if is_escaped(text):
        return _apart(found + _escaped_spans(text, found, reading))
    return found


def _plain_spans(text: str, reading: Reading) -> list[Span]:
    plain, places = folded(text)
    if plain.isdigit():
        return _apart([(places[start], places[end - 1] + 1) for start, end in number_spans(plain, reading)])
    found = [*lettered(plain, strict=reading.strict), *number_spans(plain, reading)]
    found = [(places[start], places[end - 1] + 1) for start, end in found]
    for place, hidden in base64_tokens(text):
        if _plain_spans(hidden, reading):
            found.append(place)
    return _apart(found)


def _escaped_spans(text: str, found: list[Span], reading: Reading) -> list[Span]:
    """Return what stands escaped in ``text`` beside what was ``found`` as it stands: by words, else all."""
    rest = _covered(text, found, lambda size: MASK[0] * size)
    if not _hides(rest, reading):
        return []
    more = [word.span() for word in _WORD.finditer(rest) if is_escaped(word[0]) and _hides(word[0], reading)]
    left = _covered(rest, more, lambda size: MASK[0] * size)
    return [(0, len(text))] if not more or _hides(left, reading) else more


def _hides(text: str, reading: Reading) -> bool:
    plain = decoded(text)
    return plain is None or (plain != text and bool(_plain_spans(plain, reading)))


def _covered(text: str, found: Sequence[Span], cover: Callable[[int], str]) -> str:
    shown, done = [], 0
    for start, end in found:
        shown += [text[done:start], cover(end - start)]
        done = end
    return "".join([*shown, text[done:]])


def _apart(found: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(found):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
