"""Numbers that belong to a person: phones by their country's form, ID cards, bank cards. Pure.

Forms: ITU-T E.164 and E.123; Chinese ID GB 11643 (18 digits) and its forerunner (15); Indonesian NIK (16:
region, day of birth + 40 for women, month, year); cards ISO/IEC 7812 with the Luhn digit.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

_COUNTRY_FORMS = re.compile(
    r"(?:00)?(?:86)?0?1[3-9][0-9]{9}"  # China, mobile
    r"|(?:0|(?:00)?620?)8[1-9][0-9]{7,10}"  # Indonesia, mobile
    r"|(?:0|(?:00)?8860?)9[0-9]{8}"  # Taiwan, mobile
    r"|(?:00)?852[2-9][0-9]{7}"  # Hong Kong
    r"|(?:00)?8536[0-9]{7}"  # Macau, mobile
)
_REGIONS = "1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91"
_MONTH_DAY = "(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_CHINESE_ID = re.compile(
    rf"(?:{_REGIONS})[0-9]{{4}}"
    rf"(?:(?:19|20)[0-9]{{2}}{_MONTH_DAY}[0-9]{{3}}[0-9xX]|[0-9]{{2}}{_MONTH_DAY}[0-9]{{3}})"
)
_NIK = re.compile(
    r"(?:1[1-9]|2[01]|3[1-6]|5[1-3]|6[1-5]|7[1-6]|8[12]|9[1-7])[0-9]{4}"
    r"(?:0[1-9]|[12][0-9]|3[01]|4[1-9]|[56][0-9]|7[01])(?:0[1-9]|1[0-2])[0-9]{2}[0-9]{4}"
)
_UNION_PAY = re.compile(r"62[0-9]{14,17}")
_ISSUERS = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    r"|(?:5[1-8]|6[0-9]|2[2-7])[0-9]{14}|(?:5[0678]|6[0-9])[0-9]{15,17}"  # Mastercard, Maestro, Discover
    r"|3[47][0-9]{13}|3(?:0[0-5]|095|6[0-9]|[89][0-9])[0-9]{10,11}|35[0-9]{14}"  # Amex, Diners, JCB
    r"|(?:81|9[0-9])[0-9]{14,17}"  # RuPay, Troy, Chinese banks' own
)
_LOOSE = re.compile(r"[1-9][0-9]{15}|[1-9][0-9]{16}[0-9xX]")
_PHONE_MIN, _PHONE_MAX = 9, 15  # with a country code
_CHINESE_MOBILE = re.compile(r"(?:86)?1[3-9][0-9]{9}")
_NPWP_SHAPE, _NPWP_GAPS = (2, 3, 3, 1, 3, 3), {".", "-"}  # Indonesian tax number 12.345.678.9-012.345
_SSN_SHAPE, _SSN = (3, 2, 4), re.compile(r"(?!000|666|9)[0-9]{3}(?!00)[0-9]{2}(?!0000)[0-9]{4}")


def is_mobile(digits: str) -> bool:
    """Say whether bare ``digits`` are a mobile phone by their country's form."""
    return _COUNTRY_FORMS.fullmatch(digits) is not None


def is_phone(groups: Sequence[str], gaps: Sequence[str], *, plus: bool, alone: bool, strict: bool) -> bool:
    """Say whether ``groups`` of digits, with ``gaps`` between them, are one phone number.

    ``plus``: a plus stands in front; ``alone``: they are the whole text.
    """
    digits = "".join(groups)
    if is_plain(groups, gaps):
        return False
    if plus:
        return _PHONE_MIN <= len(digits) <= _PHONE_MAX and digits[0] != "0"
    if is_mobile(digits):
        return True
    if gaps:
        shape = tuple(map(len, groups))
        if _is_american(groups, shape) or _is_national(digits, shape):
            return True
        if alone and not strict and shape == (4, 4) and groups[0][0] in "5679" and gaps[0] in (" ", "-"):
            return True  # Hong Kong, Singapore
    return (
        digits.startswith("00")
        and 10 <= len(digits) <= 17
        and (bool(gaps) or not strict)
        and _dialled(digits)
    )


def _is_american(groups: Sequence[str], shape: tuple[int, ...]) -> bool:
    if shape[-3:] != (3, 3, 4) or groups[-3][0] in "01" or groups[-2][0] in "01":
        return False
    return len(groups) == 3 or (len(groups) == 4 and groups[0] == "1")


def _is_national(digits: str, shape: tuple[int, ...]) -> bool:
    """A trunk 0 and the groups in which numbers are read out: 010-1234 5678, 020 7946 0958, 090-1234-5678."""
    if digits[0] != "0" or digits[1] == "0" or not 9 <= len(digits) <= 12:
        return False
    return 2 <= shape[0] <= 5 and all(2 <= size <= 8 for size in shape[1:]) and shape[-1] >= 3


@lru_cache(maxsize=10_000)
def _dialled(digits: str) -> bool:
    """Say whether ``digits`` are a valid number after the international 00."""
    import phonenumbers

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse("+" + digits[2:], None))
    except phonenumbers.NumberParseException:
        return False


def is_document(groups: Sequence[str], gaps: Sequence[str], *, strict: bool) -> bool:
    """Say whether ``groups`` of digits are an ID number or a bank card."""
    digits, shape = "".join(groups), tuple(map(len, groups))
    if shape == _SSN_SHAPE and set(gaps) == {"-"} and not strict and _SSN.fullmatch(digits):
        return True
    if not 13 <= len(digits) <= 19 or is_plain(groups, gaps):
        return False
    if shape == _NPWP_SHAPE and set(gaps) <= _NPWP_GAPS:
        return True
    if gaps and min(map(len, groups[:-1])) < 2:
        return False
    if _CHINESE_ID.fullmatch(digits) or _NIK.fullmatch(digits) or _UNION_PAY.fullmatch(digits):
        return True
    if _ISSUERS.fullmatch(digits) and luhn(digits):
        return True
    return not strict and _LOOSE.fullmatch(digits) is not None


def is_plain(groups: Sequence[str], gaps: Sequence[str]) -> bool:
    """Say whether groups of digits are a decimal number, one with thousands, an IP address or a date."""
    if not gaps:
        return False
    if len(groups) == 2 and gaps[0] in (".", ","):
        return groups[0] == "0" or groups[0][0] != "0"
    marks = set(gaps)
    if marks <= {".", ","} and all(len(group) == 3 for group in groups[1:]) and 1 <= len(groups[0]) <= 3:
        return (groups[0][0] != "0" or len(groups) == 4) and not is_thousands(groups, gaps)
    if marks <= {".", ","} and _is_amount(groups, gaps):
        return True
    if len(groups) == 4 and marks == {"."} and all(int(group) < 256 for group in groups):
        return True
    return any(_is_date(groups[place : place + 3], gaps[place : place + 2]) for place in (0, len(groups) - 3))


def is_thousands(groups: Sequence[str], gaps: Sequence[str]) -> bool:
    """Say whether a Chinese mobile stands there as thousands: 13,812,345,678; with points it is none."""
    if len(groups) < 4 or len(set(gaps)) != 1 or gaps[0] not in (",", "'", " "):
        return False
    return all(len(group) == 3 for group in groups[1:]) and bool(_CHINESE_MOBILE.fullmatch("".join(groups)))


def _is_amount(groups: Sequence[str], gaps: Sequence[str]) -> bool:
    """1.234.567,89: thousands of one mark, then a fraction after the other."""
    return (
        len(gaps) > 1
        and gaps[-1] not in gaps[:-1]
        and len(groups[0]) <= 3
        and all(len(group) == 3 for group in groups[1:-1])
    )


def _is_date(groups: Sequence[str], gaps: Sequence[str]) -> bool:
    if len(groups) != 3 or len(gaps) != 2 or gaps[0] != gaps[1] or gaps[0] not in ("-", "/", ".", " "):
        return False
    shape = tuple(map(len, groups))
    numbers = [int(group[:4]) for group in groups]
    if shape[0] == 4 and max(shape[1:]) <= 2:
        return 1900 <= numbers[0] < 2200 and 1 <= numbers[1] <= 12 and 1 <= numbers[2] <= 31
    if shape[2] == 4 and max(shape[:2]) <= 2:
        return 1900 <= numbers[2] < 2200 and 1 <= min(numbers[:2]) <= 12 and 1 <= max(numbers[:2]) <= 31
    return False


def luhn(digits: str) -> bool:
    """Say whether the last of ``digits`` is the Luhn digit of the others (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + place % 2)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def is_barcode(text: str) -> bool:
    """Say whether ``text`` is a GTIN of 8, 12, 13 or 14 digits with its check digit (GS1)."""
    if not text.isascii() or not text.isdigit() or len(text) not in (8, 12, 13, 14):
        return False
    return sum(int(digit) * (1 + 2 * (place % 2)) for place, digit in enumerate(reversed(text))) % 10 == 0
