"""What text that is not UTF-8 is written in (编码): decided on the lines of a file that are not ASCII.

Each test is one that other text fails: full-width kana is Japanese, text made of the commonest simplified
characters alone is Chinese, text all of whose letters western languages use is western. charset-normalizer
decides the rest.
"""

from collections.abc import Sequence
from itertools import pairwise

_TELLING_BYTES = 200
_WESTERN = frozenset(
    "àâäáãåæçéèêëíìîïñóòôöõøœúùûüÿßÀÂÄÁÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØŒÚÙÛÜßðÐþÞ«»€£¥§°ºª·²³¡¿’‘“”–—…™®© \u00a0"
)
_KANA = range(0x3041, 0x30FF)
_HALF_KANA = range(0xFF61, 0xFFA0)


def guess_encoding(lines: Sequence[bytes]) -> str | None:
    """Return what ``lines``, each of which is whole and not ASCII, look like; None when nothing fits."""
    sample = b"\n".join(lines)
    if _is_japanese(sample):
        return "cp932"
    if sum(byte > 127 for byte in sample) < _TELLING_BYTES and _decoded(sample, "gb2312") is not None:
        return "gb18030"
    for encoding in ("cp1252", "cp850"):
        if _is_western(sample, encoding):
            return encoding
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    return None if best is None else str(best.encoding)


def first_reading(lines: Sequence[bytes], encoding: str) -> str:
    """Return the first cell of ``lines`` that is not ASCII, as ``encoding`` reads it; '' when it cannot."""
    text = _decoded(lines[0], encoding) if lines else None
    if text is None:
        return ""
    mark = max(",;\t|", key=text.count)
    return next((cell.strip().strip('"') for cell in text.split(mark) if not cell.isascii()), "")


def _is_japanese(sample: bytes) -> bool:
    text = _decoded(sample, "cp932")
    if text is None:
        return False
    kana = sum(ord(character) in _KANA for character in text)
    return kana >= 2 and not any(ord(character) in _HALF_KANA for character in text)


def _is_western(sample: bytes, encoding: str) -> bool:
    """Say whether all beyond ASCII is of western languages, one letter here and one there."""
    text = _decoded(sample, encoding)
    foreign = [character for character in text or "" if not character.isascii()]
    return bool(foreign) and all(character in _WESTERN for character in foreign) and _few_in_a_row(text or "")


def _few_in_a_row(text: str) -> bool:
    """Western words have few accented letters side by side; Chinese read as western is made of them."""
    pairs = sum(not a.isascii() and not b.isascii() for a, b in pairwise(text))
    return pairs * 4 <= sum(not character.isascii() for character in text)


def _decoded(sample: bytes, encoding: str) -> str | None:
    try:
        return sample.decode(encoding)
    except UnicodeDecodeError:
        return None
