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
    **dict.fromkeys(("人民幣", "元整", "块", "块钱"), "CNY"),
    **dict.fromkeys(("港币", "港幣", "港元"), "HKD"),
    **dict.fromkeys(("台币", "台幣", "新台币", "新台幣", "新臺幣"), "TWD"),
    **dict.fromkeys(("澳门元", "澳門元", "澳门币", "葡币", "MOP$"), "MOP"),
    **dict.fromkeys(("美元", "美金"), "USD"),
    **dict.fromkeys(("日元", "日圆", "日币"), "JPY"),
    **dict.fromkeys(("韩元", "韩币", "韩圆"), "KRW"),
    **dict.fromkeys(("新加坡元", "新加坡币", "新币"), "SGD"),
    **dict.fromkeys(("马币", "令吉", "林吉特"), "MYR"),
    **{"欧元": "EUR", "英镑": "GBP", "泰铢": "THB", "印尼盾": "IDR", "越南盾": "VND", "卢布": "RUB"},
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
    **dict.fromkeys(("Rupiah", "rupiah", "rp", "rp.", "RP", "RP."), "IDR"),
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
    **{"KD": "KWD", "K.D.": "KWD", "BD": "BHD", "B.D.": "BHD", "JD": "JOD", "R.O.": "OMR", "DT": "TND"},
    **{"SR": "SAR", "QR": "QAR", "Dhs": "AED", "Dhs.": "AED", "DH": "AED MAD", "Dh": "AED MAD"},
}
"""Sign → the currencies it may stand for. Facts: CLDR 46, ISO 4217."""
_NO_CENTS = "IDR COP TWD HUF IQD IRR LAK LBP MMK MNT PKR TZS UZS AMD CRC ALL AFN RSD SOS SYP YER KPW MGA"
NO_CENTS = frozenset(_NO_CENTS.split())
"""Currencies with decimals by the standard that nobody writes: 1.234 is grouped. CLDR 46, ``cashDigits``."""
POINTED = frozenset({"BHD", "JOD", "KWD", "OMR"})
"""Currencies of a thousand parts in countries that write a point before them: 1.234 has three decimals."""
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
