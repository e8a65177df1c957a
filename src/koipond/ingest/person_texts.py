"""Identifiers of a person that hold letters: e-mails, IBAN, passports, WeChat and WeCom ids. Pure.

Forms: e-mail RFC 5321, read widely; IBAN ISO 13616 with its two check digits (ISO 7064 MOD 97-10); a
passport or another document by the word in front of it; a WeCom ``external_userid`` is ``wm`` or ``wo`` and
30 characters, a WeChat ``openid`` ``o`` and 27.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

SUSPECT = (
    r"[@＠﹫]|w[mo][A-Za-z0-9_\-]{30}|o[A-Za-z0-9_\-]{27}|wxid_"
    r"|(?i:(?:passport|paspor|npwp|ktp|nik|ssn)[^0-9]{0,60}[0-9]|open_?id|union_?id|userid|wechat|weixin)"
    r"|护照|護照|通行证|通行證|身份证|身份證|证件|證件|微信|卡号|卡號|银行账号|(?i:rekening)"
)
"""RE2: what may hold one of these. A superset of what `lettered` finds."""

Span = tuple[int, int]

_AT = re.compile(
    r"(?:\s{0,2}[(\[{<])?\s{0,2}@+\s{0,2}[)\]}>]?\s?"
    r"(?:(?:[\w\-]{1,63}(?:[.]|\s{1,2}[.]\s{0,2}))+(?:xn--[\w\-]{2,59}|[^\W\d_]{2,24})"
    r"|(?:[\w\-]{1,63}[.。｡])+(?:[a-z]{2,24}|中国|中國|公司|网络|網絡|网址|香港|台湾|台灣)"
    r"|(?:[0-9]{1,3}[.]){3}[0-9]{1,3}(?![.0-9])|\[[0-9A-Fa-f.:]{3,45}\])",
    re.IGNORECASE,
)
_LOCAL_END = frozenset('@"<>()[],;:')
_LOCAL_CHARS_MAX = 320  # a mailbox has 64; of a longer one nothing stays
_IBAN_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28"
    " EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27"
    " JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18"
    " NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28"
    " TL23 TN24 TR26 UA29 VA22 VG24 XK20"
)
_IBAN_LENGTH = {one[:2]: int(one[2:]) for one in _IBAN_LENGTHS.split()}
_IBAN_START = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{2}[ \-]?[0-9]{2}")
_BETWEEN = r"(?:[\s:：=#.,\"'_/()\-\[\]{}\\]|numbers?|num|no|nr|nomor|id|is|号码?|號碼?|为|是|為){0,8}"
_DOCUMENT = re.compile(
    r"(?:passports?|paspor|护照|護照|通行证|通行證|身份证|身份證|证件|證件|卡号|卡號|银行账号|(?<![a-z])(?:npwp|ktp|nik|ssn|rekening)(?![a-z]))"
    rf"{_BETWEEN}((?=[a-z\-. ]{{0,4}}[0-9])[a-z0-9](?:[\-. ]?[a-z0-9]){{5,23}})",
    re.IGNORECASE,
)
_DOCUMENT_DIGITS_MIN = 5
_DOCUMENT_WORDS = (
    "paspor",
    "passport",
    "npwp",
    "ktp",
    "nik",
    "ssn",
    "照",
    "通行",
    "身份",
    "件",
    "卡",
    "账",
    "rekening",
)
_ACCOUNT_WORDS = ("open", "union", "userid", "user_id", "wechat", "weixin", "微信", "wxid")
_ACCOUNT = re.compile(
    rf"(?:(?:open_?id|union_?id|external_?userid){_BETWEEN}([a-z0-9_\-]{{20,64}})"
    rf"|(?:wechat_?id|weixin_?id|wechat[ ]id|微信[号號]){_BETWEEN}([a-z][a-z0-9_\-]{{5,19}})"
    r"|(?:wechat|weixin|微信)[\"']?\s?[:：=]\s?[\"']?([a-z][a-z0-9_\-]{5,19})"
    r"|(?<![a-z0-9])(wxid_[a-z0-9]{6,24}))",
    re.IGNORECASE,
)
_BARE_ACCOUNT = re.compile(
    r"(?<![A-Za-z0-9_\-])(?:w[mo][A-Za-z0-9_\-]{30}|o[A-Za-z0-9_\-]{27})(?![A-Za-z0-9_\-])"
)
_CHANGES_MIN = 10


def lettered(text: str, *, strict: bool) -> Iterator[Span]:
    """Yield where in ``text``, in plain digits and signs, identifiers with letters stand; may overlap.

    ``strict``: the text may be an id of an order or the like, which looks like an ``openid``.
    """
    if "@" in text:
        yield from _emails(text)
    yield from _ibans(text)
    small = text.lower()
    if any(word in small for word in _DOCUMENT_WORDS):
        for match in _DOCUMENT.finditer(text):
            if sum(one.isdigit() for one in match[1]) >= _DOCUMENT_DIGITS_MIN:
                yield match.span(1)
    if any(word in small for word in _ACCOUNT_WORDS):
        for match in _ACCOUNT.finditer(text):
            yield match.span(match.lastindex or 0)
    for match in _BARE_ACCOUNT.finditer(text):
        if match[0][0] == "w" or (not strict and _is_drawn(match[0])):
            yield match.span()


def _emails(text: str) -> Iterator[Span]:
    """Yield e-mails: a domain behind an @, and before it all that a mailbox may be called."""
    for match in _AT.finditer(text):
        place = end = match.start()
        first = max(0, end - _LOCAL_CHARS_MAX)
        if text[first:end].endswith('"'):
            place = text.rfind('"', first, end - 1)
            while place > first and text[place - 1] == "\\":
                place = text.rfind('"', first, place - 1)
        else:
            while place > first and not text[place - 1].isspace() and text[place - 1] not in _LOCAL_END:
                place -= 1
        if 0 <= place < end:
            yield place, match.end()


def _is_drawn(token: str) -> bool:
    """Say whether capitals, small letters and other signs change as often as in a drawn id and in no name."""
    kinds = [(one.isupper(), one.islower()) for one in token]
    return len(set(kinds)) > 2 and sum(a != b for a, b in pairwise(kinds)) >= _CHANGES_MIN


def _ibans(text: str) -> Iterator[Span]:
    for start in _IBAN_START.finditer(text):
        length = _IBAN_LENGTH.get(start[0][:2].upper())
        whole = _iban_form(length).match(text, start.start()) if length else None
        if whole is not None and _is_checked(whole[0]):
            yield whole.span()


@cache
def _iban_form(length: int) -> re.Pattern[str]:
    return re.compile(rf"[0-9A-Za-z](?:[ \-.]{{0,2}}[0-9A-Za-z]){{{length - 1}}}(?![0-9A-Za-z])")


def _is_checked(written: str) -> bool:
    """Say whether the check digits of an IBAN are right (ISO 7064 MOD 97-10)."""
    code = "".join(one for one in written if one.isascii() and one.isalnum()).upper()
    return int("".join(str(int(one, 36)) for one in code[4:] + code[:4])) % 97 == 1
