"""Phone numbers as a country writes them at home (国内写法), by libphonenumber's metadata. Pure.

A trunk prefix (07700 900123 · 8 912 345-67-89) tells a phone from a plain number, bare or grouped; without
one only the country's own grouping does (98765 43210 · (11) 91234-5678), where no other digits stand by.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

_GAP = re.compile(r"[ \-]|[ ]?[()][ ]?")
_TRUNK_GAP = re.compile(r"[ \-./]|[ ]?[()][ ./\-]?")
_DIGITS_MIN, _DIGITS_MAX = 8, 13
_RESERVED = re.compile(
    r"07[0-9]{9}"
)  # United Kingdom, also numbers for drama: libphonenumber has no 07700 900


def is_regional(
    groups: Sequence[str], gaps: Sequence[str], region: str, *, apart: bool, bracket: bool, strict: bool
) -> bool:
    """Say whether ``groups`` of digits are a number that ``region`` (ISO 3166) dials at home.

    ``apart``: no other digits stand by; ``bracket``: one stands in front. Others may be ids:
    ``strict`` takes those with brackets alone.
    """
    digits = "".join(groups)
    if not _DIGITS_MIN <= len(digits) <= _DIGITS_MAX or digits.startswith("00"):
        return False
    bracket = bracket or any("(" in gap or ")" in gap for gap in gaps)
    if strict and not bracket:
        return False
    if digits[0] in "08" and (len(digits) > 9 or (gaps and len(digits) == 9)):
        shaped = all(len(group) > 1 for group in groups[1:]) and (len(groups[0]) > 1 or digits[0] == "8")
        if shaped and all(map(_TRUNK_GAP.fullmatch, gaps)) and _grouping(digits, region)[0] == digits[0]:
            return True
    if not gaps or not apart or not all(map(_GAP.fullmatch, gaps)):
        return False
    return bool(_grouping(digits, region)[1]) and _grouping(digits, region)[1] == tuple(groups)


@lru_cache(maxsize=20_000)
def _grouping(digits: str, region: str) -> tuple[str, tuple[str, ...]]:
    """Return the trunk prefix in ``digits`` and the groups in which ``region`` writes them, if any."""
    import phonenumbers

    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return "", ()
    drama = region == "GB" and _RESERVED.fullmatch(digits)
    if not drama and not phonenumbers.is_valid_number_for_region(number, region):
        return "", ()
    national = phonenumbers.national_significant_number(number)
    prefix = digits.removesuffix(national) if digits.endswith(national) else ""
    if not prefix and digits[0] == "0" and national[0] == "0":
        prefix = "0"  # Italy keeps it
    shown = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    written = re.findall("[0-9]+", shown)
    if written and (trunk := "".join(written).removesuffix(national)):
        written[0] = written[0].removeprefix(trunk)
    return prefix, tuple(filter(None, written)) if not prefix else ()
