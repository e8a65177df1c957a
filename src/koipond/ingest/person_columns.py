"""Columns that are named after what identifies a person: which of their values are left out. Pure."""

import re
from collections.abc import Callable

_CONTACT = re.compile(
    r"phone|mobile|\btel|cell|whats|\bwa\b|_wa\b|contact|msisdn|\bfax|telp|telepon|ponsel|\bhp\b|_hp\b|\bsms\b"
    r"|电话|電話|手机|手機|联系|聯繫|座机|传真",
    re.IGNORECASE,
)
_DOCUMENT = re.compile(
    r"passport|paspor|护照|護照|通行证|通行證|身份证|身份證|证件|證件|id[_ ]?card|card[_ ]?(?:no|num)"
    r"|identity|national[_ ]?id|(?:^|[_ ])(?:nik|ktp|npwp|ssn|nin|iban|cpf|rekening)(?:$|[_ ])"
    r"|bank[_ ]?(?:card|acc|no)|银行卡|銀行卡|卡号|卡號|driv\w*[_ ]?licen[cs]e|驾驶证|駕駛證|tax[_ ]?id",
    re.IGNORECASE,
)
_ACCOUNT = re.compile(
    r"open[_ ]?id|union[_ ]?id|external[_ ]?user[_ ]?id|wx[_ ]?id|微信[号號]"
    r"|(?:^|[_ ])(?:wechat|weixin|微信|line|telegram|qq)(?:[_ ]?(?:id|no|account|号|號))?$",
    re.IGNORECASE,
)
_ACCOUNT_TOKEN = re.compile(r"[A-Za-z0-9_\-@.+]{6,}")
_CONTACT_DIGITS_MIN, _DOCUMENT_DIGITS_MIN = 7, 5


def names_contact(column: str) -> bool:
    """Say whether a column of that name holds phone numbers or the like."""
    return _CONTACT.search(column) is not None


def telling(column: str) -> Callable[[str], bool] | None:
    """Return what tells a value of ``column`` (in plain digits) that identifies; None: nothing does."""
    if names_contact(column):
        return lambda text: _digits(text) >= _CONTACT_DIGITS_MIN
    if _DOCUMENT.search(column):
        return lambda text: _digits(text) >= _DOCUMENT_DIGITS_MIN
    if _ACCOUNT.search(column):
        return lambda text: _ACCOUNT_TOKEN.fullmatch(text.strip()) is not None
    return None


def _digits(text: str) -> int:
    return sum(one.isdigit() for one in text)
