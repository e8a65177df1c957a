"""Which encoding a text file is in (编码检测), and what to do when it is in none or in two.

What is said leads to the right text when it is obeyed: a file with some broken bytes is to be exported again,
not read in another encoding in which every byte happens to mean something.
"""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from koipond.ingest.privacy import masked, shown_name
from koipond.kernel import InputError, Message, joined
from koipond.sources.chunks import CHUNK_BYTES, SAMPLE_BYTES, Chunks
from koipond.sources.encodings import (
    CHINESE,
    UTF8,
    first_reading,
    guess_encodings,
    is_chinese,
    is_sure_utf8,
    is_utf8,
)

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as that of UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
MARKED = tuple(mark for mark, _ in _BOMS[1:])
"""Marks of text in which zero bytes are right."""
_SHOWN_MAX = 60
_BESIDE = {UTF8: (CHINESE, "big5", "cp932", "cp1252"), CHINESE: (UTF8,)}
"""What rows of a file may be in beside most others; what reads as anything else is broken."""
_LIKE_UTF8 = re.compile(rb"(?:[\xe3-\xe9][\x80-\xbf]{2}){3}")


@dataclass(frozen=True, slots=True)
class Failure:
    """Where a file stops being in an encoding, in words and as a row."""

    said: Message
    row: int


class _Line(NamedTuple):
    row: int
    text: bytes


def detect(path: Path, gzipped: bool, head: bytes) -> str:
    """Return the encoding of ``path``, which begins with ``head``; raise InputError with what to do."""
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            if failure := first_failure(path, gzipped, encoding):
                raise InputError(
                    "{path}: {failure}; the file is damaged, export it again as UTF-8",
                    path=shown_name(path),
                    failure=failure.said,
                )
            return encoding
    failure = first_failure(path, gzipped, UTF8)
    if failure is None:
        return UTF8
    lines = _telling_lines(path, gzipped)
    texts = [line.text for line in lines]
    if is_utf8(texts):
        raise _in_parts(path, failure, _line(path, gzipped, failure.row), UTF8)
    if is_chinese(texts):
        broken = first_failure(path, gzipped, CHINESE)
        stray = _stray_utf8(path, gzipped)
        if stray is not None and (broken is None or stray.row <= broken.row):
            raise _in_parts(path, Failure(failure.said, stray.row), stray.text, CHINESE)
        if broken is None:
            return CHINESE
        raise _in_parts(path, broken, _line(path, gzipped, broken.row), CHINESE)
    fitting = [one for one in guess_encodings(texts) if first_failure(path, gzipped, one) is None]
    if fitting == [CHINESE]:
        return CHINESE
    raise InputError(
        "{path}: {failure}{hint}, or save the file as UTF-8",
        path=shown_name(path),
        failure=failure.said,
        hint=_hint(texts, fitting),
    )


def _in_parts(path: Path, failure: Failure, text: bytes, encoding: str) -> InputError:
    """Return the error of a file in ``encoding`` but for the row of ``failure``: broken, or of another."""
    other = UTF8 if is_sure_utf8(text) else next(iter(guess_encodings([text])), "")
    if other == encoding or other not in _BESIDE[encoding]:
        return InputError(
            "{path}: row {row} is damaged: bytes there are not {plain}, in which the rest of the file is; "
            "export it again",
            path=shown_name(path),
            row=failure.row,
            plain=plain_encoding(encoding),
        )
    return InputError(
        "{path}: is in two encodings: row {row} is {other}, most others are {plain}; export it again as a "
        "whole, or write that row anew as {plain}",
        path=shown_name(path),
        row=failure.row,
        other=plain_encoding(other),
        plain=plain_encoding(encoding),
    )


def _hint(texts: Sequence[bytes], fitting: Sequence[str]) -> str:
    if not fitting:
        return ""
    shown = [masked(first_reading(texts, one)[:_SHOWN_MAX]) for one in fitting]
    if len(fitting) == 1:
        return Message(
            "; it looks like {guess} ('{shown}'), pass --encoding {guess} if that reads right",
            guess=fitting[0],
            shown=shown[0],
        )
    read = [
        Message("{guess} ('{shown}')", guess=guess, shown=one)
        for guess, one in zip(fitting, shown, strict=True)
    ]
    return Message(
        "; it may be {readings}: pass --encoding with the one that reads right", readings=joined(", ", read)
    )


def zero_fault(path: Path, gzipped: bool, head: bytes) -> str:
    """Say where the first zero byte is; only a ``head`` of which every other byte often is one is UTF-16.

    One of which each fourth byte is zero, and that beside it nearly so, is UTF-32.
    """
    if order := _order_of_utf32(head):
        return Message(
            "holds zero bytes and looks like UTF-32; pass --encoding utf-32-{order} if that is right",
            order=order,
        )
    odd = head[1::2].count(0)
    even = head[::2].count(0)
    if max(odd, even) * 10 > len(head) and min(odd, even) * 10 < max(odd, even):
        order = "le" if odd > even else "be"
        return Message(
            "holds zero bytes and looks like UTF-16; pass --encoding utf-16-{order} if that is right",
            order=order,
        )
    line, rest = 1, b""
    for chunk in Chunks(path, gzipped):
        good, zero, _ = chunk.partition(b"\0")
        line += good.count(b"\n")
        rest = good.rpartition(b"\n")[2] if b"\n" in good else rest[-SAMPLE_BYTES:] + good
        if zero:
            break
    column = max(rest.count(mark) for mark in (b",", b";", b"\t", b"|")) + 1
    return Message(
        "row {line}, column {column}: a zero byte stands there; the file is damaged, mend that row",
        line=line,
        column=column,
    )


def _order_of_utf32(head: bytes) -> str:
    """Return ``le`` or ``be`` when ``head`` looks like UTF-32, else nothing."""
    quarters = [head[place : len(head) // 4 * 4 : 4] for place in range(4)]
    for order, high, plane in (("le", 3, 2), ("be", 0, 1)):
        if quarters[high] and not any(quarters[high]) and max(quarters[plane]) <= 0x10:
            return order
    return ""


def first_failure(path: Path, gzipped: bool, encoding: str) -> "Failure | None":
    """Return where ``path`` stops being ``encoding``, or None."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, rest = 1, ""
    try:
        for chunk in Chunks(path, gzipped):
            before = chunk
            text = decoder.decode(chunk)
            line += text.count("\n")
            rest = text.rpartition("\n")[2] if "\n" in text else rest[-SAMPLE_BYTES:] + text
        before = b""
        decoder.decode(b"", final=True)
    except UnicodeError as error:  # a bare one: UTF-16 or UTF-32 without the mark at its start
        good = ""
        if before and isinstance(error, UnicodeDecodeError):
            good = error.object[: error.start].decode(encoding, "ignore")
        line += good.count("\n")
        start = good.rpartition("\n")[2] if "\n" in good else rest + good
        column = max(start.count(mark) for mark in ",;\t|") + 1
        said = Message(
            "row {line}, column {column}: the bytes there are not {plain}",
            line=line,
            column=column,
            plain=plain_encoding(encoding),
        )
        return Failure(said, line)
    return None


def plain_encoding(encoding: str) -> str:
    """Return ``encoding`` as people call it."""
    return "UTF-8" if encoding.startswith("utf-8") else encoding.upper()


def _telling_lines(path: Path, gzipped: bool) -> list[_Line]:
    """Return the first lines that are not ASCII, each whole, about `SAMPLE_BYTES` of them."""
    lines: list[_Line] = []
    size, rest, row = 0, b"", 1
    for chunk in Chunks(path, gzipped):
        *whole, rest = (rest + chunk).split(b"\n")
        found = [_Line(row + place, line) for place, line in enumerate(whole) if not line.isascii()]
        row += len(whole)
        size += sum(len(line.text) for line in found)
        lines += found
        if size >= SAMPLE_BYTES or len(rest) > CHUNK_BYTES:  # more than a line can have is not waited for
            return lines or [_Line(row, rest[:SAMPLE_BYTES])]
    return lines if rest.isascii() else [*lines, _Line(row, rest)]


def _stray_utf8(path: Path, gzipped: bool) -> _Line | None:
    """Return the first line of a Chinese file that is UTF-8 instead."""
    rest, row = b"", 1
    for chunk in Chunks(path, gzipped):
        *whole, rest = (rest + chunk).split(b"\n")
        if _LIKE_UTF8.search(chunk):
            for place, line in enumerate(whole):
                if _LIKE_UTF8.search(line) and is_sure_utf8(line) and not is_chinese([line]):
                    return _Line(row + place, line)
        row, rest = row + len(whole), rest[:CHUNK_BYTES]
    found = _LIKE_UTF8.search(rest) and is_sure_utf8(rest) and not is_chinese([rest])
    return _Line(row, rest) if found else None


def _line(path: Path, gzipped: bool, wanted: int) -> bytes:
    """Return the line ``wanted`` of ``path``, the first being 1."""
    row, rest = 1, b""
    for chunk in Chunks(path, gzipped):
        *whole, last = (rest + chunk).split(b"\n")
        if row + len(whole) > wanted:
            return whole[wanted - row]
        row, rest = row + len(whole), last[:CHUNK_BYTES]
    return rest
