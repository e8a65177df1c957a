"""Phone numbers as a country writes them at home (国内写法), by libphonenumber's metadata. Pure.

A trunk prefix (07700 900123 · 8 912 345-67-89) tells a phone from a plain number, bare or grouped; without
one only the country's own grouping does (98765 43210 · (11) 91234-5678), where no other digits stand by, or
its country code in front of a mobile (447700900123).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

Taken = Literal["all", "mobile", "bracketed"]
"""What counts: every form; of numbers that may be ids those of mobiles; of barcodes those with brackets."""

_GAP = re.compile(r"[ \-]|[ ]?[()][ ]?")
_TRUNK_GAP = re.compile(r"[ \-./]|[ ]?[()][ ./\-]?")
_DIGITS_MIN, _DIGITS_MAX = 8, 13
_ABROAD_MIN = 11
_RESERVED = re.compile(
    r"07[0-9]{9}"
)  # United Kingdom, also numbers for drama: libphonenumber has no 07700 900


def is_regional(
    groups: Sequence[str], gaps: Sequence[str], region: str, *, apart: bool, bracket: bool, taken: Taken
) -> bool:
    """Say whether ``groups`` of digits are a number that ``region`` (ISO 3166) dials at home.

    ``apart``: no other digits stand by; ``bracket``: one stands in front; ``taken``: which of them count.
    """
    digits = "".join(groups)
    if not _DIGITS_MIN <= len(digits) <= _DIGITS_MAX or digits.startswith("00"):
        return False
    bracket = bracket or any("(" in gap or ")" in gap for gap in gaps)
    if taken == "bracketed" and not bracket:
        return False
    if taken == "mobile" and not bracket:
        return _is_mobile(digits, region)
    if _is_abroad(digits, region):
        return True
    if digits[0] in "08" and (len(digits) > 9 or (gaps and len(digits) == 9)):
        shaped = all(len(group) > 1 for group in groups[1:]) and (len(groups[0]) > 1 or digits[0] == "8")
        if shaped and all(map(_TRUNK_GAP.fullmatch, gaps)) and _has_trunk(digits, region):
            return True
    if not gaps or not apart or not all(map(_GAP.fullmatch, gaps)):
        return False
    written = _grouping(digits, region)[1]
    return bool(written) and written == tuple(groups)


def _is_mobile(digits: str, region: str) -> bool:
    plan = _plan(region)
    if plan is None or _is_abroad(digits, region):
        return plan is not None
    if region == "GB" and _RESERVED.fullmatch(digits):
        return True
    return digits[0] == plan.trunk != "1" and plan.mobile.fullmatch(digits, 1) is not None


@dataclass(frozen=True, slots=True)
class _Plan:
    """The numbering plan of a country: its code, its trunk prefix, and the valid national numbers."""

    code: str
    trunk: str
    is_plain: bool  # nothing else than the trunk prefix may stand in front of a national number
    valid: re.Pattern[str]
    mobile: re.Pattern[str]


@cache
def _plan(region: str) -> _Plan | None:
    """Return the numbering plan of ``region`` out of libphonenumber's metadata, None when it knows none."""
    from phonenumbers import PhoneMetadata

    known = PhoneMetadata.metadata_for_region(region, None)
    if known is None:
        return None
    kinds = [known.fixed_line, known.mobile, known.pager, known.personal_number, known.voip, known.uan]
    kinds += [known.toll_free, known.premium_rate, known.shared_cost, known.voicemail]
    patterns = [kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern]
    mobile = known.mobile.national_number_pattern if known.mobile else None
    trunk = known.national_prefix or ""
    return _Plan(
        code=str(known.country_code),
        trunk=trunk,
        is_plain=bool(trunk) and known.national_prefix_for_parsing in (None, trunk),
        valid=re.compile("|".join(f"(?:{one})" for one in patterns)),
        mobile=re.compile(mobile or "(?!)"),
    )


def country_code(region: str) -> str:
    """Return the calling code of ``region``, empty when there is none."""
    plan = _plan(region) if region else None
    return "" if plan is None else plan.code


def home_pattern(region: str) -> str:
    """Return RE2 for bare numbers with a 0 in front that may be a phone of ``region``, or one by form."""
    plan = _plan(region)
    valid = "" if plan is None else f"|^0?(?:{plan.valid.pattern})$"
    if region == "GB":
        valid += f"|^{_RESERVED.pattern}$"
    return rf"^0(?:1[3-9][0-9]{{9}}|8[1-9][0-9]{{7,10}}|9[0-9]{{8}})${valid}"


def _is_abroad(digits: str, region: str) -> bool:
    """Say whether ``digits`` are a mobile of ``region`` with its country code and no plus: 447700900123."""
    plan = _plan(region)
    if plan is None or len(digits) < _ABROAD_MIN or not digits.startswith(plan.code):
        return False
    national = digits.removeprefix(plan.code)
    if region == "GB" and _RESERVED.fullmatch("0" + national):
        return True
    return plan.mobile.fullmatch(national) is not None


def _has_trunk(digits: str, region: str) -> bool:
    """Say whether ``digits`` begin with the trunk prefix of ``region`` and are a valid number behind it.

    The patterns refuse for every plan and agree for most; for the others libphonenumber, far slower.
    """
    plan = _plan(region)
    if plan is None:
        return False
    if region == "GB" and _RESERVED.fullmatch(digits):
        return True
    behind = plan.valid.fullmatch(digits, 1)
    if behind is None and plan.valid.fullmatch(digits) is None:
        return False
    if plan.is_plain and len(plan.trunk) == 1:
        return behind is not None and digits.startswith(plan.trunk)
    return _grouping(digits, region)[0] == digits[0]


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
