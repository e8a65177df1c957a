"""What text that is not UTF-8 is written in (编码): decided on the lines of a file that are not ASCII. Pure.

Each test is one that other text fails. GB18030: nearly all ideographs are of the 3,755 commonest simplified
ones, or four bytes stand for one as nowhere else. Big5: pairs whose second byte no GBK text lacks so often.
Japanese: full-width kana. Korean: nothing but syllables. Western: accented letters where words have them.
charset-normalizer decides the rest, among encodings that files are written in.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

UTF8, CHINESE = "utf-8", "gb18030"
_COMMON = frozenset("àâäáãåæçéèêëíìîïñóòôöõøœúùûüßÀÂÄÁÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØŒÚÙÛÜ")
_SIGNS = frozenset("«»€£¥§°ºª·²³¡¿’‘“”–—…™®© \u00a0")
_WESTERN = ("cp1252", "cp850", "mac_roman")
_OTHERS = (
    *("cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874", "cp866"),
    *("iso8859_2", "iso8859_5", "iso8859_7", "iso8859_9", "koi8_r", "cp852", "cp949"),
)
_KANA = range(0x3041, 0x30FF)
_HALF_KANA = range(0xFF61, 0xFFA0)
_KOREAN_MIN = 10  # different ones
_RUN = re.compile("\ufffd+")
_PLAUSIBLE, _SOME = 0.6, 0.3
_TELLING_BYTES = 400
_CHARS_MIN = _SHOWN_MAX = 3
_BROKEN_MAX = 8
_NO_TEXT = ("Co", "Cn")


@dataclass(frozen=True, slots=True)
class _Pairs:
    """What the bytes of a text are as GB18030: ideographs, those of the commonest, of four bytes;
    signs of full width when there is nothing else; what is no text."""

    ideographs: int
    common: int
    four: int
    signs: int
    strange: int
    bad: int

    @property
    def plausible(self) -> bool:
        """Whether most of it is Chinese of today; a few broken bytes apart."""
        known = self.ideographs + self.four
        if not known:
            return self.signs > 0 and not self.strange and not self.bad
        if self.bad * _CHARS_MIN > known or self.strange * 10 > known:
            return False
        return self.common + self.four >= _PLAUSIBLE * known


def is_utf8(lines: Sequence[bytes]) -> bool:
    """Say whether ``lines``, none of which is ASCII, are UTF-8 for the most part, but some are not."""
    good = [line for line in lines if _decoded(line, UTF8) is not None]
    sure = sum(is_sure_utf8(line) for line in lines)
    return (sure > 0 and sure * 2 >= len(lines)) or (len(good) >= _CHARS_MIN and len(good) * 2 >= len(lines))


def is_sure_utf8(line: bytes) -> bool:
    """Say whether characters of three bytes stand in ``line`` and hardly anything that is no UTF-8."""
    text = _RUN.sub("\ufffd", line.decode(UTF8, "replace"))
    bad = text.count("\ufffd")
    long = sum(character >= "\u0800" for character in text) - bad
    return long > bad * _CHARS_MIN


def is_chinese(lines: Sequence[bytes]) -> bool:
    """Say whether ``lines`` are Chinese in GB18030, a few broken bytes apart."""
    sample = b"\n".join(lines)
    if _is_japanese(sample, "euc_jp") or _is_korean(sample):
        return False
    return _pairs(sample).plausible


def guess_encodings(lines: Sequence[bytes]) -> list[str]:
    """Return what ``lines``, each of which is whole and not ASCII, may be in, the likeliest first."""
    sample = b"\n".join(lines)
    for encoding in ("cp932", "euc_jp"):
        if _is_japanese(sample, encoding):
            return [encoding]
    if _is_korean(sample):
        return ["cp949"]
    pairs = _pairs(sample)
    if pairs.plausible and not pairs.bad:
        return [CHINESE]
    if western := _western(sample):
        return western
    if eastern := _eastern(sample, pairs):
        return eastern
    from charset_normalizer import from_bytes

    found = from_bytes(sample, cp_isolation=list(_OTHERS))
    return [str(one.encoding) for one in list(found)[:_SHOWN_MAX]]


def first_reading(lines: Sequence[bytes], encoding: str) -> str:
    """Return the first cell of ``lines`` that is not ASCII, as ``encoding`` reads it; '' when it cannot."""
    text = _decoded(lines[0], encoding) if lines else None
    if text is None:
        return ""
    mark = max(",;\t|", key=text.count)
    return next((cell.strip().strip('"') for cell in text.split(mark) if not cell.isascii()), "")


def _pairs(sample: bytes) -> _Pairs:
    text = "\n".join(map(_mended, sample.split(b"\n")))
    found = [character for character in text if not character.isascii()]
    bad = found.count("\ufffd")
    coded = [(c.encode(CHINESE), unicodedata.category(c)) for c in found if c != "\ufffd"]
    ideographs = [code for code, kind in coded if kind == "Lo" and len(code) == 2]
    return _Pairs(
        ideographs=len(ideographs),
        common=sum(_is_common(code.decode(CHINESE)) for code in ideographs),
        four=sum(len(code) == 4 and kind not in _NO_TEXT for code, kind in coded),
        signs=len(coded) if all(code[0] in (0xA1, 0xA3) for code, _ in coded) else 0,
        strange=sum(kind in _NO_TEXT for _, kind in coded),
        bad=bad,
    )


def _eastern(sample: bytes, pairs: _Pairs) -> list[str]:
    """Return what fits when the characters are not the commonest: traditional, rare, or with few kana."""
    simple = _decoded(sample, "gb2312") is not None and len(sample) < _TELLING_BYTES
    if simple and pairs.ideographs:
        return [CHINESE]
    found = ["cp932"] if _is_japanese(sample, "cp932", kana_min=1) else []
    if not _beyond_big5(sample) and _is_big5(sample):
        found.append("big5")
    whole = not pairs.bad and not pairs.strange and pairs.ideographs > 0
    if whole and (_beyond_big5(sample) or pairs.common >= _SOME * pairs.ideographs) and _is_usual(sample):
        found.append(CHINESE)
    return found


def _mended(line: bytes) -> str:
    """Return ``line`` as GB18030 with a mark for each broken byte, and what follows it in step again."""
    done = ""
    for _ in range(_BROKEN_MAX):
        try:
            return done + line.decode(CHINESE)
        except UnicodeDecodeError as error:
            done += line[: error.start].decode(CHINESE) + "\ufffd"
            rests = (line[error.start + 1 :], line[error.start + 2 :])
            line = max(rests, key=lambda rest: sum(map(_is_common, rest.decode(CHINESE, "replace"))))
    return done + line.decode(CHINESE, "replace")


def _is_common(character: str) -> bool:
    code = character.encode(CHINESE)
    return len(code) == 2 and 0xB0 <= code[0] <= 0xD7 and code[1] >= 0xA1


def _is_usual(sample: bytes) -> bool:
    """Say whether nearly all are common characters, of today or traditional ones."""
    found = [c for c in sample.decode(CHINESE, "replace") if unicodedata.category(c) == "Lo"]
    usual = sum(_is_common(c) or 0xA4 <= c.encode("big5", "replace")[0] <= 0xC6 for c in found)
    return usual >= _PLAUSIBLE * len(found)


def _is_big5(sample: bytes) -> bool:
    """Say whether most characters are of the 5,401 commonest of Big5."""
    text = _decoded(sample, "big5")
    codes = [c.encode("big5") for c in text or "" if unicodedata.category(c) == "Lo"]
    return len(codes) > 1 and sum(0xA4 <= code[0] <= 0xC6 for code in codes) >= _PLAUSIBLE * len(codes)


def _beyond_big5(sample: bytes) -> bool:
    """Say whether a pair of ``sample`` has bytes that Big5 never has, as traditional characters of GBK do."""
    codes = [c.encode(CHINESE) for c in sample.decode(CHINESE, "replace") if not c.isascii()]
    return any(code[0] <= 0xA0 or 0x80 <= code[1] <= 0xA0 for code in codes)


def _is_japanese(sample: bytes, encoding: str, kana_min: int = 2) -> bool:
    text = _decoded(sample, encoding)
    if text is None:
        return False
    kana = sum(ord(character) in _KANA for character in text)
    return kana >= kana_min and not any(ord(character) in _HALF_KANA for character in text)


def _is_korean(sample: bytes) -> bool:
    """Say whether all is syllables: a Chinese text of that length has characters that read as others."""
    text = _decoded(sample, "cp949")
    letters = [c for c in text or "" if not c.isascii() and unicodedata.category(c) == "Lo"]
    return len({*letters}) >= _KOREAN_MIN and all("가" <= c <= "힣" for c in letters)


def _western(sample: bytes) -> list[str]:
    """Return the western encodings in which ``sample`` reads best, all of them when none reads better."""
    marks = {encoding: _western_mark(text) for encoding in _WESTERN if (text := _decoded(sample, encoding))}
    best = max(marks.values(), default=0.0)
    return [encoding for encoding, mark in marks.items() if mark == best] if best > 0 else []


def _western_mark(text: str) -> float:
    """Return how much ``text`` reads as western words: letters of theirs, small inside, few side by side."""
    foreign = sum(not character.isascii() for character in text)
    pairs = sum(not a.isascii() and not b.isascii() for a, b in pairwise(text))
    if pairs * 4 > foreign + 4:
        return -1.0
    mark = 0.0
    for before, one, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if one.isascii():
            continue
        if one in _COMMON:
            small_before = before.isalpha() and before.islower()
            mark += -2 if one.isupper() and (small_before or (after.islower() and before.isalpha())) else 1
        elif one in _SIGNS:
            mark -= 2 if before.isalpha() and after.isalpha() and one != "’" else 0
        else:
            mark -= 2
    return mark


def _decoded(sample: bytes, encoding: str) -> str | None:
    try:
        return sample.decode(encoding)
    except UnicodeDecodeError:
        return None
