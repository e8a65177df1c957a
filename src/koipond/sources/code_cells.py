"""Cells that hold more than a code, or none (券码单元格): labels, numbering, states and remarks beside it.

What is certain comes off; a code that its own cell marks as used is left out; whatever else is no code alone
refuses the file, so that nobody is sent a heading or half a code.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from koipond.ingest.mapping import plain_name
from koipond.ingest.spellings import unguarded
from koipond.kernel import InputError, Message, joined, shortened
from koipond.sources.code_words import CODE, are_counted, is_gone, is_total

MARKS = "\t,;|，；"
"""What may stand between cells."""
Row = tuple[int, list[str]]

_SHOWN = 10  # lines named one by one
_NUMBERED = re.compile(r"[(（\[【]?([0-9]{1,7})(?:[.．、)）\]】:：]\s*|\s+)(\S.*)")
_LABELLED = re.compile(r"([^:：=]{1,24}?)\s*[:：=]\s*(\S.*)")
_LED = re.compile(r"(\S{1,24})\s+(\S+)")
_TAILED = re.compile(r"(\S+?)(\s*(?:[#＃(（\[【]|//)\s*|\s+[-–—]+\s*|\s+)(.*\S)")
_LETTERED = re.compile(r"([!-~]+)([^\x00-\x7f]+)")
_REMARK = re.compile(r"\S\s+(?:[#＃]|//)")
_DAMAGED = re.compile(
    r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{1,3}|[0-9][.,][0-9]+[eE][0-9]{1,3}"
    r"|#+|#(?:N/A|REF!|NAME\?|VALUE!|DIV/0!|NULL!|NUM!)"
)
_FLOAT = re.compile(r"[0-9]+\.0+")


def _cell(marks: str) -> re.Pattern[str]:
    """Return what reads one cell: guarded, quoted, or up to the next of ``marks``."""
    end = rf" *(?=[{marks}]|$)"
    return re.compile(rf' *(?:="([^"]*)"{end}|"((?:[^"]|"")*)"{end}|([^{marks}]*))')


_CELLS = {marks: _cell(marks) for marks in (MARKS, *MARKS)}


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Rows whose cell of the code holds the code alone. ``used``: lines of which it said that it is gone."""

    rows: list[Row]
    used: frozenset[int]


def split(text: str, marks: str) -> list[str]:
    """Return the cells of a line, without quotes and guards."""
    cells, place = [], 0
    while True:
        match = _CELLS[marks].match(text, place)
        assert match is not None  # it matches the empty text
        guarded, quoted, plain = match.groups()
        cell = guarded if guarded is not None else plain if quoted is None else quoted.replace('""', '"')
        cells.append(unguarded(cell.strip()))
        place = match.end() + 1
        if place > len(text):
            return cells


def clean(file: str, rows: Sequence[Row], place: int) -> Cleaned:
    """Return ``rows`` with nothing but the code in the cell at ``place``.

    Raises InputError naming the lines that hold none: headings, totals, numbers a spreadsheet has shortened,
    remarks, and blanks within where other codes have none.
    """
    headings = [line for line, cells in rows if plain_name(cells[place]) in CODE]
    totals = [line for line, cells in rows if is_total(cells[place]) or any(map(is_total, cells))]
    kept = [row for row in rows if row[0] not in {*headings, *totals}]
    texts = _each([cells[place] for _, cells in kept], _without_numbers, _without_labels)
    states = [_state(text) for text in texts]
    used = frozenset(line for (line, _), (_, gone) in zip(kept, states, strict=True) if gone)
    found = [
        (line, [*cells[:place], code, *cells[place + 1 :]])
        for (line, cells), (code, _) in zip(kept, states, strict=True)
    ]
    free = [(line, cells[place]) for line, cells in found if line not in used]
    _require_codes(file, headings, totals, free)
    return Cleaned(found, used)


def lines_of(lines: Sequence[int]) -> Message:
    """Return ``lines`` in words, the first of them one by one."""
    return shortened(", ", [Message("line {line}", line=line) for line in lines], _SHOWN)


def _require_codes(
    file: str, headings: Sequence[int], totals: Sequence[int], free: Sequence[tuple[int, str]]
) -> None:
    floats = bool(free) and all(_FLOAT.fullmatch(text) for _, text in free)
    damaged = [line for line, text in free if floats or _DAMAGED.fullmatch(text)]
    blank = [line for line, text in free if any(map(str.isspace, text))]
    remarked = [line for line, text in free if _REMARK.search(text)]
    more = remarked if len(blank) == len(free) else blank
    found = (
        (headings, Message("a heading in place of a code in {lines}", lines=lines_of(headings))),
        (totals, Message("a total in place of a code in {lines}", lines=lines_of(totals))),
        (
            damaged,
            Message(
                "a number that a spreadsheet has shortened or changed in {lines}: format the column as text "
                "and export it again",
                lines=lines_of(damaged),
            ),
        ),
        (more, Message("a blank or a remark beside the code in {lines}", lines=lines_of(more))),
    )
    faults = [said for lines, said in found if lines]
    if faults:
        raise InputError(
            "{file}: {faults}; mend or remove these lines", file=file, faults=joined("; ", faults)
        )


def _each(texts: list[str], *steps: Callable[[list[str]], list[str]]) -> list[str]:
    for step in steps:
        texts = step(texts)
    return texts


def _without_numbers(texts: list[str]) -> list[str]:
    """Take off running numbers that stand before every code: ``1. ZC1``, ``2、ZC2``."""
    found = [_NUMBERED.fullmatch(text) for text in texts if text]
    numbers = [one[1] for one in found if one]
    if not numbers or len(numbers) < len(found) or int(numbers[0]) > 1 or not are_counted(numbers):
        return texts
    return [one[2] if (one := _NUMBERED.fullmatch(text)) else text for text in texts]


def _without_labels(texts: list[str]) -> list[str]:
    """Take off what only says that a code follows: ``券码：XE1``; without a colon when every line has it."""
    bare = [one[2] if (one := _LABELLED.fullmatch(t)) and plain_name(one[1]) in CODE else t for t in texts]
    led = [_LED.fullmatch(text) for text in bare if text]
    if not all(one and plain_name(one[1]) in CODE for one in led):
        return bare
    return [one[2] if (one := _LED.fullmatch(text)) else text for text in bare]


def _state(text: str) -> tuple[str, bool]:
    """Return the code in ``text`` and whether a state behind it says that it is gone.

    English words for a free code may belong to it (``SHIP FREE``) unless a sign stands between.
    """
    for form in (_TAILED, _LETTERED):
        found = form.fullmatch(text)
        if found is None or not plain_name(word := found[found.re.groups]):
            continue
        gone = is_gone(word, flag=False)
        if gone or (gone is False and (not word.isascii() or found[2].strip())):
            return found[1], gone
    return text, False
