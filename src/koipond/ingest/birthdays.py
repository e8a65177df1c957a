"""Birthdays without a year (只有月日的生日): ``03-15``, ``3月15日``, ``15 Mar`` become ``--03-15``.

Rules about birthdays read month and day alone; ages and minors need a year. Which of two numbers is the month
is decided on all of them, as told, else they are left out and said. The form is that of ISO 8601.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import pyarrow as pa

from koipond.facts.ports import IbisTable, Reader
from koipond.ingest.month_names import in_short
from koipond.kernel import Message

YEARLESS = "birthday_without_year"
"""The column of `apart` beside ``birthday``."""

_SHAPE = (
    r"^(?:--)?[0-9]{1,2}[-/.][0-9]{1,2}$|^[0-9]{1,2}月[0-9]{1,2}[日号]?$"
    r"|^[0-9]{1,2}[ -]\pL{3,9}\.?$|^\pL{3,9}\.?[ -][0-9]{1,2}$"
)
_NUMBERS = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})")
_SURE = re.compile(r"--([0-9]{1,2})-([0-9]{1,2})|([0-9]{1,2})月([0-9]{1,2})[日号]?")
_SHORT = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LEAP = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Yearless:
    """``table``: the rows with `YEARLESS` apart from ``birthday``; ``remarks`` on how many there are."""

    table: IbisTable
    remarks: tuple[Message, ...] = ()


def apart(reader: Reader, raw: IbisTable, told: str | None, column: str) -> Yearless:
    """Return ``raw`` with birthdays that name no year in a column of their own.

    ``told``: the order of days and months that the operator named; ``column``: what the file calls them.
    """
    texts = raw.filter(raw["birthday"].re_search(_SHAPE))
    found = reader.frame(
        texts.group_by("birthday").agg(n=texts.count(), row=texts["row"].min()).order_by("row")
    ).to_pylist()
    read = _read([one["birthday"] for one in found], told)
    kept = [one for one in found if read.get(one["birthday"])]
    unsure = [one for one in found if one["birthday"] in read and not read[one["birthday"]]]
    if not kept and not unsure:
        return Yearless(table=raw)
    table = pa.table(
        {"text": pa.array([*read], pa.string()), YEARLESS: pa.array([*read.values()], pa.string())}
    )
    days = reader.stage("import_birthdays", table)
    joined = raw.left_join(days, raw["birthday"] == days["text"])
    birthday = ibis.ifelse(joined["text"].notnull(), ibis.null("string"), joined["birthday"])
    return Yearless(
        table=joined.mutate(birthday=birthday).drop("text"),
        remarks=(*_kept(kept, column), *_unsure(unsure, column)),
    )


def _read(texts: Sequence[str], told: str | None) -> dict[str, str | None]:
    """Return text → ``--MM-DD``, None when month and day may be either way; without what is no day."""
    pairs = {text: found for text in texts if (found := _NUMBERS.fullmatch(text)) is not None}
    ways = {
        "mdy": {text: _day(int(found[1]), int(found[2])) for text, found in pairs.items()},
        "dmy": {text: _day(int(found[2]), int(found[1])) for text, found in pairs.items()},
    }
    fitting = [told] if told in ways else [way for way, days in ways.items() if all(days.values())]
    read: dict[str, str | None] = {}
    for text in texts:
        if text not in pairs:
            read |= {text: day} if (day := _sure(text)) else {}
        elif len({ways[way][text] for way in fitting}) == 1:
            read |= {text: day} if (day := ways[fitting[0]][text]) else {}
        elif any(ways[way][text] for way in ways):
            read[text] = None
    return read


def _sure(text: str) -> str | None:
    found = _SURE.fullmatch(text)
    if found is not None:
        month, day = (int(part) for part in found.groups() if part is not None)
        return _day(month, day)
    parts = sorted(re.split("[ -]", in_short(text)), key=str.isdigit)
    if len(parts) != 2 or parts[0] not in _SHORT or not parts[1].isdigit():
        return None
    return _day(_SHORT.index(parts[0]) + 1, int(parts[1]))


def _day(month: int, day: int) -> str | None:
    try:
        return f"-{date(_LEAP, month, day).isoformat()[4:]}"
    except ValueError:
        return None


def _kept(rows: Sequence[Mapping[str, Any]], column: str) -> tuple[Message, ...]:
    if not rows:
        return ()
    return (
        Message(
            "{count:,} birthdays in {column} have no year: rules about the birthday read their month and "
            "day; ages do not, and whether somebody is a minor stays unknown",
            count=sum(one["n"] for one in rows),
            column=column,
        ),
    )


def _unsure(rows: Sequence[Mapping[str, Any]], column: str) -> tuple[Message, ...]:
    if not rows:
        return ()
    return (
        Message(
            "{count:,} birthdays in {column} have no year, and which number is the month nobody can tell "
            "(row {row} '{text}'): left out; pass --date-format mdy if the month is first, --date-format "
            "dmy if the day is, and import the file again",
            count=sum(one["n"] for one in rows),
            column=column,
            row=rows[0]["row"],
            text=rows[0]["birthday"],
        ),
    )
