"""Texts in plain digits and signs (归一): of every script, without what cannot be seen. Pure."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

_CHINESE = dict(
    zip("〇零一二三四五六七八九幺壹贰貳叁參肆伍陆陸柒捌玖", "001234567891122334566789", strict=True)
)


_TENS = (
    "660 6f0 7c0 966 9e6 a66 ae6 b66 be6 c66 ce6 d66 de6 e50 ed0 f20 1040 1090 17e0 1810 1946 1a80 1a90 1b50"
    " 1bb0 1c40 1c50 2080 a620 a8d0 a900 a9d0 a9f0 aa50 abf0 ff10 104a0 10d30 11066 110f0 11136 111d0 112f0"
    " 11450 114d0 11650 116c0 11730 118e0 11950 11c50 11d50 11da0 16a60 16ac0 16b50 1e140 1e2f0 1e950 1fbf0"
)
_MORE = (
    "b2-b3 b9-b9 1369-1371 19d0-19da 2070-2070 2074-2079 2460-2468 2474-247c 2488-2490 24ea-24ea 24f5-24fd"
    " 24ff-24ff 2776-277e 2780-2788 278a-2792 10a40-10a43 10e60-10e68 11052-1105a 1d7ce-1d7ff 1f100-1f10a"
)


def digit_class() -> str:
    """Every character that stands for a digit (Unicode 14), as the inside of a character class.

    Written out: to look at a million characters would cost every start a tenth of a second.
    """
    spans = [(int(start, 16), int(start, 16) + 9) for start in _TENS.split()]
    spans += [(int(a, 16), int(b, 16)) for a, b in (one.split("-") for one in _MORE.split())]
    return "0-9" + "".join(f"{chr(a)}-{chr(b)}" for a, b in spans) + "".join(_CHINESE)


def folded(text: str) -> tuple[str, Sequence[int]]:
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
