"""Signs and names of currencies beside amounts (货币符号), and which currencies each can mean."""

import re
from collections.abc import Mapping

from koipond.kernel.money import is_currency

_DOLLARS = (
    "USD AUD BBD BMD BND BSD BZD CAD FJD GYD HKD JMD KYD LRD NAD NZD SBD SGD SRD TTD TWD XCD ARS CLP COP "
    "MXN UYU"
)
_SIGNS: Mapping[str, str] = {
    "¥": "CNY JPY",
    "￥": "CNY JPY",
    "元": "CNY TWD HKD MOP",
    "圆": "CNY",
    "圓": "TWD HKD MOP",
    "円": "JPY",
    "RMB": "CNY",
    "人民币": "CNY",
    "$": _DOLLARS,
    "＄": _DOLLARS,
    "US$": "USD",
    "HK$": "HKD",
    "NT$": "TWD",
    "S$": "SGD",
    "A$": "AUD",
    "C$": "CAD NIO",
    "NZ$": "NZD",
    "MX$": "MXN",
    "R$": "BRL",
    "€": "EUR",
    "£": "GBP EGP FKP GIP LBP SDG SHP SSP SYP",
    "₹": "INR",
    "Rs.": "INR PKR LKR NPR MUR SCR",
    "Rs": "INR PKR LKR NPR MUR SCR",
    "Rp.": "IDR",
    "Rp": "IDR",
    "Rupiah": "IDR",
    "₫": "VND",
    "đ": "VND",
    "RM": "MYR",
    "₩": "KRW KPW",
    "원": "KRW KPW",
    "฿": "THB",
    "₱": "PHP",
    "₭": "LAK",
    "៛": "KHR",
    "₮": "MNT",
    "₽": "RUB",
    "руб.": "RUB BYN",
    "руб": "RUB BYN",
    "₴": "UAH",
    "₸": "KZT",
    "₺": "TRY",
    "TL": "TRY",
    "₪": "ILS",
    "₦": "NGN",
    "₵": "GHS",
    "KSh": "KES",
    "zł": "PLN",
    "Kč": "CZK",
    "Ft": "HUF",
    "lei": "RON MDL",
    "kr.": "SEK NOK DKK ISK",
    "kr": "SEK NOK DKK ISK",
    "Fr.": "CHF",
}
"""Sign → the currencies it may stand for. Facts: CLDR 46, ISO 4217."""
_CODE = "[A-Z]{3}"
SIGN = (
    "(?:" + "|".join([*(re.escape(sign) for sign in sorted(_SIGNS, key=lambda s: (-len(s), s))), _CODE]) + ")"
)
"""Regular expression (RE2 and Python) of one sign; three capitals are a code of ISO 4217 or nothing."""


def can_mean(sign: str, currency: str) -> bool:
    """Say whether ``sign`` beside an amount may stand for ``currency``."""
    if sign in _SIGNS:
        return currency in _SIGNS[sign].split()
    return sign == currency


def names_of(currency: str) -> list[str]:
    """Return all that ``currency`` may be called, in capitals."""
    return sorted({currency, *(sign.upper() for sign, meant in _SIGNS.items() if currency in meant.split())})


def is_sign(text: str) -> bool:
    """Say whether ``text`` is a sign or the code of a currency in use."""
    return text in _SIGNS or is_currency(text)
