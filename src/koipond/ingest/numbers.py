"""Numbers as people write them (1,234.50 · 1.234,50 · ¥12 · (3.20) · 5- · 12,-) → exact decimals.

Which mark is the decimal one is decided on all number columns of the file together. When both readings
fit and differ, the import stops: a wrong guess would be wrong by a thousand. Rule: design §5.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import ibis

from koipond.ingest.currency_signs import SIGN, is_sign
from koipond.ingest.shapes import Shape, first
from koipond.kernel import MONEY_MAX, InputError, Message

_NO_CENTS = r"[.,][-–—]{1,2}"  # the dash stands for cents that are not there, not for a minus
_SIGN = r"[+\-−]"
_SHAPE = re.compile(
    rf"^(?P<open>\()?\s*(?P<s1>{_SIGN})?\s*(?P<c1>{SIGN})?\s*(?P<s2>{_SIGN})?\s*"
    rf"(?P<body>[9.,'’   ]*9[9.,'’   ]*?)(?P<exp>[eE][+\-]?9{{1,3}})?(?P<bare>(?<=9){_NO_CENTS})?"
    rf"\s*(?P<c2>{SIGN})?\s*(?P<s3>-)?"
    r"\s*(?P<close>\))?$"
)
_SPACES = "'’  "  # further marks that only ever group digits
_SCALE_MAX = 18
_DIGITS_MAX = 38
_INT64_DIGITS = 18
_WHOLE_MAX = 18  # more digits are put aside, so that other rows keep their fractions
_FACTOR_WHOLE_MAX = 11  # a quantity or a price of more is beyond `UNITS_MAX`
_EXACT_SCALE_MAX = _DIGITS_MAX - 14  # so that `UNITS_MAX` fits before the mark
UNITS_MAX = MONEY_MAX
"""No amount in minor units, no quantity in thousandths is larger: a sum of 900,000 of them fits 64 bits."""


@dataclass(frozen=True, slots=True)
class Marks:
    """How numbers are written: the ``decimal`` mark and, when not empty, the one between thousands."""

    decimal: str = "."
    thousands: str = ","

    def shown(self) -> str:
        if not self.thousands:
            return Message("decimal '{decimal}', no mark between thousands", decimal=self.decimal)
        return Message(
            "decimal '{decimal}', thousands '{thousands}'", decimal=self.decimal, thousands=self.thousands
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberReading:
    """How one column is read. ``whole`` and ``fraction``: the most digits before and after the mark."""

    marks: Marks
    decorated: bool
    grouped: bool
    all_fit: bool
    whole: int
    fraction: int

    @property
    def width(self) -> int:
        return min(_DIGITS_MAX, max(1, self.whole + self.scale))

    @property
    def scale(self) -> int:
        return min(self.fraction, _SCALE_MAX, max(0, _DIGITS_MAX - self.whole))


@dataclass(frozen=True, slots=True)
class _Body:
    whole: int
    fraction: int
    grouped: bool


def choose_marks(
    columns: Mapping[str, Sequence[Shape]],
    decimal: str | None,
    thousands: str | None,
    file: str,
    *,
    whole: Collection[str] = (),
    pointed: Collection[str] = (),
) -> Marks:
    """Return the marks that fit the text ``columns``; raise InputError naming rows when none or two do.

    ``whole``: columns of money in a currency without decimals, where 1,234 is grouped and nothing else.
    ``pointed``: columns of money of a thousand parts, where 1.234 has three decimals and nothing else.
    """
    told = _told(decimal, thousands)
    if told is not None:
        return told
    point, comma = Marks(".", ","), Marks(",", ".")
    only_point: list[tuple[str, Shape]] = []
    only_comma: list[tuple[str, Shape]] = []
    either: list[tuple[str, Shape]] = []
    for field, shapes in columns.items():
        for shape in shapes:
            as_point, as_comma = _fit(shape, point), _fit(shape, comma)
            if field in whole and as_point is not None and as_comma is not None:
                as_point = None if as_point.fraction > as_comma.fraction else as_point
                as_comma = None if as_point and as_comma.fraction > as_point.fraction else as_comma
            elif field in pointed and as_point is not None and as_point.fraction:
                as_comma = None
            if as_point != as_comma:
                bucket = only_point if as_comma is None else only_comma if as_point is None else either
                bucket.append((field, shape))
    if only_point and only_comma:
        raise InputError(
            "{file}: numbers are written in two ways: {two}", file=file, two=_two(only_point, only_comma)
        )
    if only_comma:
        return comma
    if either and not only_point:
        field, shape = min(either, key=lambda pair: pair[1].row)
        raise InputError(
            "{file}: row {row}, {field}: '{example}' can be read with a decimal or a "
            "thousands mark, and no other row tells which; pass --decimal '.' or --decimal "
            "',' (or --thousands with the other one)",
            file=file,
            row=shape.row,
            field=field,
            example=shape.example,
        )
    return point


def number_reading(shapes: Sequence[Shape], marks: Marks) -> NumberReading:
    """Return how to read a column of ``shapes`` written with ``marks``."""
    fits = [(shape, _fit(shape, marks)) for shape in shapes]
    bodies = [body for _, body in fits if body is not None and body.whole <= _WHOLE_MAX]
    return NumberReading(
        marks=marks,
        decorated=any(_is_decorated(shape.text) for shape, body in fits if body is not None),
        grouped=any(body.grouped for body in bodies),
        all_fit=len(bodies) == len(fits),
        whole=max([body.whole for body in bodies], default=1),
        fraction=max([body.fraction for body in bodies], default=0),
    )


def read_number(text: Any, reading: NumberReading) -> Any:
    """Return the exact decimal that ``text`` writes, null where it writes none."""
    marks = reading.marks
    value = text
    if not reading.all_fit:
        value = ibis.ifelse(text.re_search(_pattern(marks)), text, ibis.null("string"))
    if reading.decorated:
        value = value.re_replace(rf"([0-9]){_NO_CENTS}", r"\1")
        negative = value.re_search(r"^\s*\(|^[^0-9]*[-−]|[0-9][^0-9eE]*-\s*\)?$")
        bare = value.re_replace(SIGN, "").re_replace(r"[()\s+−]|-\s*$|^\s*-", "")
        bare = bare.re_replace(r"^-", "")
        value = ibis.ifelse(negative, ibis.literal("-").concat(bare), bare)
    if reading.grouped:
        for mark in {marks.thousands, *_SPACES} - {"", "."}:
            value = value.replace(mark, "")
        if marks.thousands == ".":
            value = value.replace(".", "")
    if marks.decimal == ",":
        value = value.replace(",", ".")
    return value.try_cast(f"decimal({reading.width}, {reading.scale})")


def multiply(left: Any, left_reading: NumberReading, right: Any, right_reading: NumberReading) -> Any:
    """Return ``left`` × ``right`` exactly; null where the digits of a row do not fit."""
    scale_left, scale_right = left_reading.scale, right_reading.scale
    digits = left_reading.width + right_reading.width
    if digits > _DIGITS_MAX:  # one row of very many digits must not stop the others
        wholes = [min(one.whole, _FACTOR_WHOLE_MAX) for one in (left_reading, right_reading)]
        room = _DIGITS_MAX - sum(wholes)
        scale_left = min(scale_left, max(room - scale_right, room // 2))
        scale_right = min(scale_right, room - scale_left)
        left, right = _narrow(left, wholes[0], scale_left), _narrow(right, wholes[1], scale_right)
    width = 18 if digits <= 18 else _DIGITS_MAX
    product = left.cast(f"decimal({width}, {scale_left})") * right.cast(f"decimal({width}, {scale_right})")
    return product.try_cast(f"decimal({width}, {scale_left + scale_right})")


def _narrow(value: Any, whole: int, scale: int) -> Any:
    """Return ``value`` with fewer digits; null where it would not be the same number."""
    kind = value.type()
    narrow = value.try_cast(f"decimal({max(1, whole + scale)}, {scale})")
    return ibis.ifelse(narrow.try_cast(kind) == value, narrow, ibis.null(narrow.type()))


def to_units(value: Any, digits: int) -> Any:
    """Return decimal ``value`` in 10^-``digits`` units, rounded half away from zero, as int64.

    Null beyond `UNITS_MAX`: one such row would overflow every sum it is part of.
    """
    units = _units(value, digits)
    return ibis.ifelse(units.abs() <= UNITS_MAX, units, ibis.null("int64"))


def _units(value: Any, digits: int) -> Any:
    kind = value.type()
    if kind.scale <= digits and kind.precision - kind.scale + 2 * digits < _INT64_DIGITS:
        exact = f"decimal({_INT64_DIGITS}, {digits})"
        return (value.cast(exact) * ibis.literal(10**digits, type="int64")).cast("int64")
    scale = max(1, kind.scale)
    width = 18 if kind.precision - kind.scale + scale + digits <= 17 else _DIGITS_MAX
    if width == _DIGITS_MAX:  # what is beyond the bound, or finer than anybody pays, must not overflow
        scale = min(scale, _EXACT_SCALE_MAX)
        value = ibis.ifelse(value.abs() <= UNITS_MAX // 10**digits, value, ibis.null(kind))
    exact = f"decimal({width}, {scale})"
    shifted = (value.try_cast(exact) * ibis.literal(10**digits, type="int64")).cast(exact)
    size = (shifted.abs() + ibis.literal(Decimal("0.5"), type=exact)).floor()
    return (size * value.sign()).try_cast("int64")


def _told(decimal: str | None, thousands: str | None) -> Marks | None:
    if decimal is None and thousands is None:
        return None
    if decimal is None:
        return Marks("." if thousands != "." else ",", thousands or "")
    other = "," if decimal == "." else "."
    return Marks(decimal, other if thousands is None else thousands)


def _fit(shape: Shape, marks: Marks) -> _Body | None:
    """Return how many digits ``shape`` has when read with ``marks``, None when it cannot be."""
    match = _SHAPE.match(shape.text)
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    if sum(bool(match[sign]) for sign in ("s1", "s2", "s3", "open")) > 1:
        return None
    if any(match[sign] and not is_sign(match[sign]) for sign in ("c1", "c2")):
        return None
    if match["bare"] and match["bare"][0] != marks.decimal:
        return None
    groups = "".join({marks.thousands, *_SPACES} - {"", marks.decimal})
    whole, _, fraction = match["body"].partition(marks.decimal)
    if fraction and set(fraction) != {"9"}:
        return None
    parts = re.split(f"[{re.escape(groups)}]", whole)
    if len(parts) > 1 and not _is_grouping(parts, shape):
        return None
    if any(set(part) - {"9"} for part in parts) or not (whole or fraction):
        return None
    digits = sum(map(len, parts))
    if match["exp"]:
        return _Body(_SCALE_MAX, _SCALE_MAX, len(parts) > 1)
    return _Body(digits, len(fraction), len(parts) > 1)


def _is_grouping(parts: Sequence[str], shape: Shape) -> bool:
    """1,234 and 12,345,678 are grouped by thousands, 12,34,567 as in India; 0,350 and 1234,567 are not."""
    if shape.leading_zero or len(parts[-1]) != 3:
        return False
    middle = {len(part) for part in parts[1:-1]}
    return 1 <= len(parts[0]) <= 3 and (middle <= {3} or (len(parts[0]) <= 2 and middle == {2}))


def _is_decorated(shape: str) -> bool:
    return not re.fullmatch(r"-?[9.,'’   ]+([eE][+\-]?9+)?", shape)


def _pattern(marks: Marks) -> str:
    """A regular expression for every number that `_fit` accepts."""
    groups = "".join(re.escape(mark) for mark in sorted({marks.thousands, *_SPACES} - {"", marks.decimal}))
    point = re.escape(marks.decimal)
    grouped = rf"[1-9][0-9]{{0,2}}(?:[{groups}][0-9]{{3}})+"
    indian = rf"[1-9][0-9]?(?:[{groups}][0-9]{{2}})+[{groups}][0-9]{{3}}"
    whole = rf"(?:[0-9]+|{grouped}|{indian})?"
    body = rf"{whole}(?:{point}(?:[0-9]*|[-–—]{{1,2}}))?(?:[eE][+\-]?[0-9]{{1,3}})?"
    signed = rf"{_SIGN}?\s*{SIGN}?\s*{_SIGN}?\s*{body}\s*{SIGN}?\s*-?"
    return rf"^(?:\(\s*{SIGN}?\s*{body}\s*{SIGN}?\s*\)|{signed})$"


def _two(points: Sequence[tuple[str, Shape]], commas: Sequence[tuple[str, Shape]]) -> str:
    words = []
    for pairs in (points, commas):
        field = pairs[0][0]
        shape = first([shape for name, shape in pairs if name == field])
        words.append(Message("row {row} {field} '{text}'", row=shape.row, field=field, text=shape.example))
    return Message(
        "{words} and {other_words}; pass --decimal with the mark that is right (rows written "
        "otherwise are then put aside)",
        words=words[0],
        other_words=words[1],
    )
