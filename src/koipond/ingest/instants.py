"""Dates and times as people write them → UTC seconds and local days.

The order of day and month is decided on the whole column: 13 in first place somewhere means day first.
When both orders fit and differ, or two ways of writing are mixed, the import stops. Rule: design §5. Ways
that begin with the year cannot be confused and are read side by side; a stray value in a hundred that is
written otherwise is put aside then, and shown with its row (decision 0006).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Reader
from koipond.ingest.date_patterns import fault_of
from koipond.ingest.day_order import day_order
from koipond.ingest.functions import read_aware_instant, read_instant
from koipond.ingest.month_names import SHORT, in_short, names_in, shortened
from koipond.ingest.shapes import Shape
from koipond.kernel import InputError, Message, all_of, joined

_DATES: tuple[tuple[str, str], ...] = (
    # shape of the date part → family; {s} is the separator, ? an order still to be decided
    (r"9999(?P<s>[-/.])9{1,2}(?P=s)9{1,2}", "%Y{s}%m{s}%d"),
    (r"9999年9{1,2}月9{1,2}日", "%Y年%m月%d日"),
    (r"99999999", "%Y%m%d"),
    (r"9{1,2}(?P<s>[-/.])9{1,2}(?P=s)9999", "?{s}Y"),
    (r"9{1,2}(?P<s>[-/.])9{1,2}(?P=s)99", "?{s}y"),
    (rf"9{{1,2}}(?P<s>[-/ ]){SHORT}(?P=s)9999", "%d{s}%b{s}%Y"),
    (rf"9{{1,2}}(?P<s>[-/ ]){SHORT}(?P=s)99", "%d{s}%b{s}%y"),
    (rf"{SHORT} 9{{1,2}}, 9999", "%b %d, %Y"),
)
_TIME = (
    r"(?:(?P<sep>T|  ?|, )9{1,2}:99(?P<sec>:99(?P<frac>\.9{1,9})?)?(?P<half>(?P<gap> ?)[AaPp][Mm])?)?"
    r"(?P<zone> ?(?:Z|UTC|GMT|[+\-]99:?99|[+\-]99))?"
)
_OFFSET = r"(?:Z|UTC|GMT|[+\-](?:0[0-9]|1[0-3])(?::?[0-5][0-9])?|[+\-]14(?::?00)?)$"
"""RE2: an offset that a zone can have, at most 14 hours either way; another one would move a fact by days."""
_EPOCHS = {10: "epoch_s", 13: "epoch_ms"}
_SHEET_DAYS = Message("day numbers of a spreadsheet")
_SHEET_EPOCH = 25_569  # 1970-01-01 in days since 1899-12-30, from which Excel and others count
_SHEET_RANGE = (20_000, 80_000)  # 1954 to 2119
_STRAYS_ONE_IN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class InstantReading:
    """How a column of instants is read: strptime patterns for local and for zoned values, or an epoch."""

    family: str
    patterns: tuple[str, ...] = ()
    aware: tuple[str, ...] = ()
    epoch: str | None = None
    fraction: bool = False
    months: tuple[str, ...] = ()
    """Names of months in the column that are not Jan … Dec, the longest first."""

    def shown(self) -> str:
        return self.family


@dataclass(frozen=True, slots=True)
class _Written:
    family: str
    time: str
    zone: str
    shape: Shape


def choose_instants(
    reader: Reader, table: IbisTable, field: str, shapes: Sequence[Shape], told: str | None, file: str
) -> InstantReading:
    """Return how ``field`` of ``table`` is read; raise InputError naming rows when it is mixed or unclear."""
    if told is not None and "%" in told:
        return _custom(told, shapes)
    written = [w for w in (_parse(shape) for shape in shapes) if w is not None]
    if not written:
        if not shapes:
            return InstantReading(family=Message("no value"))
        _require_no_zone_name(shapes[0], field, file)
        raise InputError(
            "{file}: row {row}, {field}: '{example}' is no date that is known; pass "
            "--date-format, such as '%d.%m.%Y %H:%M'",
            file=file,
            row=shapes[0].row,
            field=field,
            example=shapes[0].example,
        )
    if told is not None:
        written = [w for w in written if _agrees(w.family, told)] or written
    written = _side_by_side(written)
    families = dict.fromkeys(w.family for w in written)
    if all(name.startswith("%Y") for name in families):
        return _reading(joined(", ", families), written)
    if len(families) > 1:
        raise InputError(
            "{file}: {field} mixes ways of writing dates: {two}", file=file, field=field, two=_two(written)
        )
    (family,) = families
    if family.startswith("epoch") or family == _SHEET_DAYS:
        return InstantReading(family=family, epoch=family)
    if family.startswith("?"):
        family = day_order(reader, table, field, family, told, [w.shape for w in written], file)
    return _reading(family, written)


def _require_no_zone_name(shape: Shape, field: str, file: str) -> None:
    """Raise InputError for a date of Java or Unix: CST is China, Cuba or Chicago, so nobody knows when."""
    found = re.fullmatch(
        r"[A-Z][a-z]{2} [A-Z][a-z]{2} +[0-9]{1,2} [0-9:]{8} ([A-Z]{2,5}) [0-9]{4}", shape.example
    )
    if found is not None:
        raise InputError(
            "{file}: row {row}, {field}: '{example}': {zone} is the name of several zones; if it is that of "
            "the workspace in all rows, pass --date-format '%a %b %d %H:%M:%S {zone} %Y' (rows written "
            "otherwise are then put aside)",
            file=file,
            row=shape.row,
            field=field,
            example=shape.example,
            zone=found[1],
        )


def _side_by_side(written: Sequence[_Written]) -> list[_Written]:
    """Return ``written`` without strays beside ways that begin with the year."""
    sure = [w for w in written if w.family.startswith("%Y")]
    strays = sum(w.shape.count for w in written) - sum(w.shape.count for w in sure)
    rare = strays * _STRAYS_ONE_IN <= sum(w.shape.count for w in sure)
    return sure if sure and rare else list(written)


def read_seconds(text: Any, reading: InstantReading) -> tuple[Any, Any]:
    """Return (local seconds of values without zone, UTC seconds of those with one); null where unreadable."""
    none = ibis.null("int64")
    if reading.epoch == _SHEET_DAYS:
        return _sheet_seconds(text), none
    if reading.epoch is not None:
        number = text.try_cast("int64")
        return none, number if reading.epoch == "epoch_s" else (number / 1000).floor().cast("int64")
    text = shortened(text, reading.months)
    local = aware = none
    if reading.patterns:
        plain = _whole_seconds(text) if reading.fraction else text
        local = _seconds(read_instant(plain, _list(reading.patterns)))
    if reading.aware:
        known = ibis.ifelse(text.re_search(_OFFSET), text, ibis.null("string"))
        aware = _seconds(read_aware_instant(_zoned(known), _list(reading.aware)))
    return local, aware


def _sheet_seconds(text: Any) -> Any:
    """Return the local seconds of day numbers; their fractions are to the second."""
    day = text.try_cast("float64")
    day = ibis.ifelse((day >= _SHEET_RANGE[0]) & (day < _SHEET_RANGE[1]), day, ibis.null("float64"))
    return ((day - _SHEET_EPOCH) * 86_400).round().cast("int64")


def _agrees(family: str, told: str) -> bool:
    """Say whether a value of ``family`` may be written in the order ``told``."""
    if family.startswith("?"):
        return told != "ymd" or family.endswith("y")
    return (told == "ymd" and family.startswith("%Y")) or (told == "dmy" and family.startswith("%d"))


def _whole_seconds(text: Any) -> Any:
    return text.re_replace(r"(:[0-9]{2})\.[0-9]{1,9}", r"\1")


def _zoned(text: Any) -> Any:
    plain = _whole_seconds(text)
    return plain.re_replace(r" ?(?:Z|UTC|GMT)$", "+0000").re_replace(
        r" ?([+\-][0-9]{2}):?([0-9]{2})?$", r"\1\2"
    )


def _seconds(instant: Any) -> Any:
    return instant.epoch_seconds().cast("int64")


def _list(patterns: Sequence[str]) -> Any:
    return ibis.literal(list(patterns), type="array<string>")


def _custom(pattern: str, shapes: Sequence[Shape]) -> InstantReading:
    """Return the reading that ``pattern`` asks for; names of months may be those of any language we know."""
    names = names_in(shape.text for shape in shapes) if "%b" in pattern or "%B" in pattern else ()
    if (fault := fault_of(pattern)) is not None:
        raise InputError(fault)
    if "%z" in pattern:
        if not pattern.endswith("%z"):
            raise InputError(
                "--date-format '{pattern}': write %z last, as in '%Y-%m-%d %H:%M:%S%z'", pattern=pattern
            )
        return InstantReading(family=pattern, aware=(pattern.replace("%B", "%b"),), months=names)
    return InstantReading(family=pattern, patterns=(pattern.replace("%B", "%b"),), months=names)


def is_date(text: str) -> bool:
    """Say whether ``text`` is written in one of the ways that are known."""
    shape = Shape(text=re.sub("[0-9]", "9", text), leading_zero=False, count=1, row=0, example=text)
    return _parse(shape) is not None


def _parse(shape: Shape) -> _Written | None:
    text = in_short(shape.text)
    if re.fullmatch(r"99999(?:\.9+)?", text):
        return _Written(_SHEET_DAYS, "", "", shape)
    if re.fullmatch("9{10}|9{13}", text):
        return _Written(_EPOCHS[len(text)], "", "", shape)
    for pattern, family in _DATES:
        match = re.fullmatch(pattern + _TIME, text)
        if match is None:
            continue
        groups = match.groupdict()
        zone = groups["zone"] or ""
        if zone and not groups["sep"]:
            return None
        name = family.replace("{s}", groups.get("s") or "")
        return _Written(name, _time(groups), "%z" if zone else "", shape)
    return None


def _time(groups: dict[str, str | None]) -> str:
    if not groups["sep"]:
        return ""
    hour = "%I" if groups["half"] else "%H"
    seconds = ":%S" if groups["sec"] else ""
    half = (groups["gap"] or "") + "%p" if groups["half"] else ""
    return f"{groups['sep']}{hour}:%M{seconds}{half}"


def _reading(family: str, written: Sequence[_Written]) -> InstantReading:
    own = {w.family: family if w.family.startswith("?") else w.family for w in written}
    local = dict.fromkeys(own[w.family] + w.time for w in written if not w.zone)
    aware = dict.fromkeys(own[w.family] + w.time + w.zone for w in written if w.zone)
    return InstantReading(
        family=family,
        patterns=tuple(local),
        aware=tuple(aware),
        fraction=any(re.search(r":99\.9", w.shape.text) for w in written),
        months=names_in(w.shape.text for w in written) if "%b" in family else (),
    )


def _two(written: Sequence[_Written]) -> str:
    firsts: dict[str, Shape] = {}
    for w in sorted(written, key=lambda w: w.shape.row):
        firsts.setdefault(w.family, w.shape)
    words = [
        Message("row {row} '{text}'", row=shape.row, text=shape.example)
        for shape in list(firsts.values())[:3]
    ]
    return Message(
        "{words}; write them all alike, or pass --date-format with the one that is right (rows "
        "written otherwise are then put aside)",
        words=all_of(words),
    )
