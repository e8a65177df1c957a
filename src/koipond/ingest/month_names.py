"""Names of months (月份名) in English, Indonesian and Chinese, long and short, as files write them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

_NAMES: Mapping[str, str] = {
    "Jan": "January Januari 一月",
    "Feb": "February Februari Pebruari Peb 二月",
    "Mar": "March Maret 三月",
    "Apr": "April 四月",
    "May": "Mei 五月",
    "Jun": "June Juni 六月",
    "Jul": "July Juli 七月",
    "Aug": "August Agustus Agt Agu Ags 八月",
    "Sep": "September Sept 九月",
    "Oct": "October Oktober Okt 十月",
    "Nov": "November Nopember Nop 十一月",
    "Dec": "December Desember Des 十二月",
}
SHORT = "(?:" + "|".join(_NAMES) + ")"
_SHORT_OF = {
    word.lower(): short for short, names in _NAMES.items() for word in (short, *names.split())
}  # 十一月 before 一月: the longest first
_WORDS = sorted(_SHORT_OF, key=lambda word: (-len(word), word))
_ANY = re.compile("|".join(rf"\b{word}\b\.?" if word.isascii() else word for word in _WORDS), re.IGNORECASE)


def in_short(text: str) -> str:
    """Return ``text`` with every name of a month as one of Jan … Dec."""
    return _ANY.sub(lambda found: _SHORT_OF[found[0].rstrip(".").lower()], text)


def names_in(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the names of months in ``texts`` that are not written Jan … Dec, as they stand there."""
    found = {name for text in texts for name in _ANY.findall(text)}
    return tuple(sorted((name for name in found if name not in _NAMES), key=lambda name: (-len(name), name)))


def shortened(text: Any, names: Iterable[str]) -> Any:
    """Return the column ``text`` with ``names``, the longest first, replaced by Jan … Dec."""
    for name in names:
        text = text.replace(name, _SHORT_OF[name.rstrip(".").lower()])
    return text
