"""Money (金额): integer minor units (fen, cents, rupiah), never floats."""

from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType

from koipond.kernel.errors import InputError
from koipond.kernel.message import Language, number_in

MONEY_MAX = 10**13
"""No amount in minor units is larger: a sum of 900,000 of them fits 64 bits."""
SYMBOLS = MappingProxyType({"CNY": "¥", "JPY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "IDR": "Rp"})
_NO_MINOR = frozenset(
    {
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    }
)
_THREE = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})

_CODES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ
GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP
LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR
PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC
SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF
XPF YER ZAR ZMW ZWG
"""
_ACTIVE = frozenset(_CODES.split())
"""ISO 4217 currencies in use (2026): no funds, metals, test codes. Source: ISO 4217 list one."""


def require_currency(code: str) -> str:
    """Return ``code`` when it is a currency in use by ISO 4217; raise InputError when it is none."""
    if code not in _ACTIVE:
        raise InputError(
            "'{given_code}' is no currency in use by ISO 4217; give one such as CNY, IDR or USD",
            given_code=code,
        )
    return code


def is_currency(code: str) -> bool:
    """Say whether ``code`` is a currency in use by ISO 4217."""
    return code in _ACTIVE


def minor_digits(currency: str) -> int:
    """Return how many decimal digits the ISO 4217 ``currency`` has."""
    if currency in _NO_MINOR:
        return 0
    return 3 if currency in _THREE else 2


def to_minor(amount: Decimal, currency: str) -> int:
    """Return ``amount`` of major units in minor units, rounded half away from zero."""
    return int((amount * 10 ** minor_digits(currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


class Amount(str):
    """An amount of money as people read it, such as ¥748 or Rp1.250.000: decimals only when there are any.

    As text it is English; a `Message` that it is a value of says it in its own language.
    """

    minor: int
    currency: str

    def __new__(cls, minor: float, currency: str) -> "Amount":
        """Return ``minor`` units of the ISO 4217 ``currency``, a fraction of one rounded."""
        made = super().__new__(cls, _amount(round(minor), currency, "en"))
        made.minor, made.currency = round(minor), currency
        return made

    def in_language(self, language: Language) -> str:
        """Return the amount as ``language`` writes it."""
        return _amount(self.minor, self.currency, language)


def _amount(minor: int, currency: str, language: Language) -> str:
    digits = minor_digits(currency)
    whole, rest = divmod(abs(minor), 10**digits)
    figure = number_in(f"{whole:,}.{rest:0{digits}d}" if rest else f"{whole:,}", language)
    return f"{'-' if minor < 0 else ''}{SYMBOLS.get(currency, currency + ' ')}{figure}"
