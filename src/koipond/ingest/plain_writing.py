"""Numbers and dates in the one way of writing that the engines read (书写归一): spaces, digits, words. Pure.

Regular expressions of engines know spaces, digits and dashes of ASCII alone, and neither 万 nor 下午. What
means the same is written so before anything is decided; what does not become a date stays as it is, so that
who reads an error sees the cell of the file.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping

from koipond.ingest.currency_signs import SIGN
from koipond.ingest.instants import is_date

ODD_NUMBER = r"[^ -~]|[0-9] ?[A-Za-z]|:-"
"""RE2: a text of a column of numbers that may be written otherwise."""
ODD_DATE = (
    r"[^ -~]|[A-Za-z]{3}|  |[0-9] [0-9]{1,2}\.[0-9]|[0-9]{10}|[0-9] ?[AaPp]\.|[0-9]{8}T|[0-9]:[0-9:]+ ?[AaPp]"
)
"""RE2: a text of a column of dates that may be written otherwise."""

_MARKS = {"\u066b": ".", "\u066c": ",", "\u2212": "-", "\u3002": "."}
_POWERS: Mapping[str, int] = {
    **{"千": 3, "万": 4, "萬": 4, "百万": 6, "百萬": 6, "千万": 7, "千萬": 7, "亿": 8, "億": 8},
    **{"rb": 3, "ribu": 3, "jt": 6, "juta": 6},
}
_POWER = "|".join(sorted(_POWERS, key=lambda word: (-len(word), word)))
_POWERED = re.compile(
    rf"(?P<head>[^万萬亿億千百]*[0-9]) ?(?:(?P<power>(?i:{_POWER}))\.?|(?<=[0-9])(?P<k>k)) ?"
    rf"(?P<tail>(?:{SIGN})?,?-?\)?)"
)
_NO_CENTS = re.compile(r"(?<=[0-9]):-(?= |$)")


def plain_number(text: str) -> str:
    """Return the number ``text`` with marks of ASCII, 万, rb and the like as a power of ten."""
    plain = _NO_CENTS.sub("", plain_marks(text))
    found = _POWERED.fullmatch(plain)
    if found is None:
        return plain
    power = 3 if found["k"] else _POWERS[found["power"].lower()]
    return f"{found['head']}e{power}{found['tail']}"


_UNITS = re.compile(
    r"[(（\[] *(?:单位 *[:：] *|in |dalam |Rp\.? *|IDR *)?"
    r"(百万|百萬|千万|千萬|万|萬|亿|億|千|ribu|juta|thousand|million)(?:an|s)?"
    r"(?: *(?:元|人民币|RMB|CNY|Rp\.?|rupiah|IDR|USD))? *[)）\]] *$",
    re.IGNORECASE,
)


def unit_power(column: str) -> int:
    """Return the power of ten that the amounts of ``column`` are written in by its name: 4 of 金额(万元)."""
    found = _UNITS.search(column)
    return 0 if found is None else {**_POWERS, "thousand": 3, "million": 6}[found[1].lower()]


def powered(text: str, power: int) -> str:
    """Return the number ``text`` times ten to the ``power``; one with a power of its own stays."""
    found = re.fullmatch(r"([^0-9]*[0-9](?:[0-9.,' ]*[0-9])?[.,]?)([^0-9]*)", text)
    return text if found is None or not power else f"{found[1]}e{power}{found[2]}"


def plain_marks(text: str) -> str:
    """Return ``text`` with digits, spaces, dashes and full-width signs as ASCII has them."""
    return text if text.isascii() else "".join(map(_plain, text)).strip()


def _plain(mark: str) -> str:
    if mark.isascii():
        return mark
    if mark in _MARKS:
        return _MARKS[mark]
    if mark.isdecimal():
        return str(unicodedata.decimal(mark))
    kind = unicodedata.category(mark)
    if kind in ("Zs", "Cf", "Pd"):
        return {"Zs": " ", "Cf": "", "Pd": "-"}[kind]
    return chr(ord(mark) - 0xFEE0) if "\uff01" <= mark <= "\uff5e" else mark


_WEEKDAYS = (
    "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|Mon|Tues|Tue|Wed|Thurs|Thur|Thu|Fri|Sat|Sun"
    "|Senin|Selasa|Rabu|Kamis|Jum'at|Jumat|Sabtu|Minggu|Ahad|Sen|Sel|Rab|Kam|Jum|Sab|Min"
)
_CLOCK = r"[0-9]{1,2}:[0-9]{1,2}(?::[0-9]{1,2})?"
_BEFORE_NOON, _AFTER_NOON = "上午|早上|早晨|清晨|凌晨|午前|am|AM", "下午|傍晚|午后|午後|pm|PM"
_ZONES = {"WIB": "+07:00", "WITA": "+08:00", "WIT": "+09:00"}
_Replacement = str | Callable[[re.Match[str]], str]


def _two(found: re.Match[str]) -> str:
    return ":".join(part.zfill(2) for part in (found["h"], found["m"] or "00", found["s"] or "") if part)


def _half(found: re.Match[str]) -> str:
    """Return a time with the half of its day behind it; 14:05 and 00:05 need none."""
    half = "AM" if re.fullmatch(_BEFORE_NOON, found["half"]) else "PM"
    hour = int(found["clock"].split(":")[0])
    needed = 1 <= hour <= 12
    fits = half == "PM" if hour > 12 else half == "AM"
    return f"{found['clock']} {half}" if needed else found["clock"] if fits else found[0]


_STEPS: tuple[tuple[re.Pattern[str], _Replacement], ...] = (
    (re.compile(r"[(]?(?:星期|周|礼拜|週)[一二三四五六日天][)]?"), " "),
    (re.compile(rf"(?<![^\W\d_])(?:{_WEEKDAYS})(?![^\W\d_])[.,]*", re.IGNORECASE), " "),
    (re.compile("^ +"), ""),
    (re.compile(r"^([0-9]{4})\. ?([0-9]{1,2})\. ?([0-9]{1,2})\.(?= |$)"), r"\1.\2.\3"),
    (re.compile(r"(?:晚上|晚间|夜晚) ?(?=(?:0?[6-9]|1[0189]|2[0-3])[:时時点點])"), "下午 "),
    (re.compile(r"中午 ?(?=12[:时時点點])"), "下午 "),
    (re.compile(r" *\([^)]*\)$"), ""),  # the zone's name behind its offset
    (re.compile(r"\b(?:GMT|UTC)(?=[+\-][0-9])"), ""),
    (re.compile(r" ?\b(WIB|WITA|WIT)$"), lambda found: _ZONES[found[1]]),
    (re.compile(r"(?<=[0-9])(?:st|nd|rd|th)\b"), ""),
    (re.compile(r"\b(?:pukul|jam|at)\b", re.IGNORECASE), " "),
    (re.compile(r"(?<=[0-9])[号號]"), "日"),
    (re.compile(r"(?<=日)(?=[0-9])"), " "),
    (re.compile(r"(?P<h>[0-9]{1,2}) ?[时時点點](?:(?P<m>[0-9]{1,2})分?(?:(?P<s>[0-9]{1,2})秒?)?)?整?"), _two),
    (re.compile(r"(?<=[0-9日, T])[ ,]+(?P<h>[0-9]{1,2})\.(?P<m>[0-9]{2})(?:\.(?P<s>[0-9]{2}))?(?![0-9.])"),
     lambda found: " " + _two(found)),
    (re.compile(r"\b([ap])\.? ?m\.?(?![a-z])", re.IGNORECASE), lambda found: found[1].upper() + "M"),
    (re.compile(rf"(?P<half>{_BEFORE_NOON}|{_AFTER_NOON}) ?(?P<clock>{_CLOCK})"), _half),
    (re.compile(r"(?<=[0-9]) (pagi|sore)\b"), lambda found: " AM" if found[1] == "pagi" else " PM"),
    (re.compile(rf"(?P<clock>{_CLOCK}) ?(?P<half>AM|PM)\b"), _half),
    (re.compile(r"^((?:19|20)[0-9]{6})[T ]?([0-9]{2})([0-9]{2})([0-9]{2})?(?=$|Z|[+\-])"),
     lambda found: f"{found[1]} {found[2]}:{found[3]}" + (f":{found[4]}" if found[4] else "")),
    (re.compile(r"^([0-9]{10}|[0-9]{13})\.[0-9]{1,9}$"), r"\1"),
    (re.compile(r"^([A-Za-z]{3,9}\.? +[0-9]{1,2}) +([0-9:]+) +([0-9]{4})$"), r"\1 \3 \2"),
    (re.compile(r"^([A-Za-z]{3,9}\.?) +([0-9]{1,2}),? +([0-9]{4})"), r"\1 \2, \3"),
    (re.compile(r"(?<=日)(?=[0-9])"), " "),
    (re.compile(r" +"), " "),
)  # fmt: skip
"""In this order; each leaves a text alone that it does not fit."""


def plain_date(text: str) -> str:
    """Return the date ``text`` without the day of the week, a time as 14:05 or 2:05 PM; else as it is."""
    plain = plain_marks(text)
    for pattern, behind in _STEPS:
        plain = pattern.sub(behind, plain)
    plain = plain.strip(" ,")
    return plain if is_date(plain) else text
