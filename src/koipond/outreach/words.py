"""Channels, purposes and budgets in words (渠道、用途与预算): 简体中文, English and Bahasa Indonesia."""

from collections.abc import Mapping
from types import MappingProxyType

from koipond.budgets import CODE_LIST, day_of_scope
from koipond.kernel import LANGUAGES, Message
from koipond.outreach.model import LATE, Reason

Words = Mapping[str, str]
"""Language → text."""
_CHANNELS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "email": ("邮件", "email", "surel"),
        "sms": ("短信", "sms", "SMS"),
        "voice": ("电话", "voice", "telepon"),
        "wecom": ("企业微信", "wecom", "WeCom"),
        "wechat": ("微信", "wechat", "WeChat"),
        "whatsapp": (" WhatsApp ", "whatsapp", "WhatsApp"),
        "push": ("应用推送", "push", "notifikasi aplikasi"),
        "sandbox": ("沙箱", "sandbox", "kotak uji"),
        "*": ("所有渠道", "every channel", "semua kanal"),
    }
)
_PURPOSES: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "marketing": ("营销", "marketing", "pemasaran"),
        "transactional": ("交易通知", "transactional", "transaksional"),
        "profiling": ("客户画像", "profiling", "pembuatan profil"),
        "*": ("所有用途", "every purpose", "semua tujuan"),
    }
)
_BY: tuple[str, str, str] = ("{channel}{purpose}", "{purpose} by {channel}", "{purpose} lewat {channel}")
_WHOLE: tuple[str, str, str] = ("策略 {key} 的总预算", "the whole budget of {key}", "seluruh anggaran {key}")
_OF_DAY: tuple[str, str, str] = (
    "策略 {key} 在 {day} 的预算",
    "the budget of {key} for {day}",
    "anggaran {key} untuk {day}",
)
_EACH: tuple[str, str, str] = ("每位客户的预算", "the budget a customer", "anggaran per pelanggan")
_CODES: tuple[str, str, str] = ("券码批次 {key}", "the codes of {key}", "kode dari {key}")
_ALL_STOPPED: tuple[str, str, str] = ("全部已暂停", "everything is paused", "semuanya dijeda")
_STOPPED: tuple[str, str, str] = ("策略 {key} 已暂停", "{key} is paused", "{key} dijeda")
_CHANNEL_STOPPED: tuple[str, str, str] = ("{channel}已暂停", "{channel} is paused", "{channel} dijeda")
_STRATEGY = "strategy:"


def channel_words(channel: str) -> Words:
    """Return what a channel is called; one of the brand's own keeps its name."""
    return _each(_CHANNELS.get(channel, (channel,) * 3))


def purpose_words(purpose: str) -> Words:
    """Return what messages are for."""
    return _each(_PURPOSES.get(purpose, (purpose,) * 3))


def budget_words(scope: str) -> Words:
    """Return which budget ``scope`` is: that of a strategy, of its day, of a customer, or codes."""
    if scope == "per_customer":
        return _each(_EACH)
    if scope.startswith(CODE_LIST):
        return _each(_CODES, key=scope.removeprefix(CODE_LIST))
    if not scope.startswith(_STRATEGY):
        return _each((scope,) * 3)
    day, key = day_of_scope(scope), scope.removeprefix(_STRATEGY)
    if day is None:
        return _each(_WHOLE, key=key)
    return _each(_OF_DAY, key=key.rpartition(":")[0], day=day.isoformat())


def scope_words(scope: str) -> Words:
    """Return what a pause stops: everything, a channel or a strategy."""
    kind, _, key = scope.partition(":")
    if kind != "channel":
        return _each(_STOPPED, key=key) if key else _each(_ALL_STOPPED)
    said = channel_words(key)
    return {
        language: text.format(channel=said[language].strip())
        for language, text in zip(LANGUAGES, _CHANNEL_STOPPED, strict=True)
    }


def detail_words(reason: str, detail: str) -> Words | None:
    """Return what stands behind ``reason`` when it is a channel, a purpose or a budget, else None."""
    if reason == Reason.NO_CONSENT:
        channel, _, purpose = detail.partition(":")
        said, wanted = channel_words(channel), purpose_words(purpose)
        return {
            language: text.format(channel=said[language], purpose=wanted[language])
            for language, text in zip(LANGUAGES, _BY, strict=True)
        }
    if reason in (Reason.SUPPRESSED, Reason.NO_ADDRESS, Reason.PLATFORM_QUOTA):
        return channel_words(detail)
    if reason == Reason.NOT_RUNNING and detail:
        return scope_words(detail)
    return budget_words(detail) if reason == Reason.BUDGET else None


def unsent_words(detail: str) -> Message | None:
    """Return why a touch did not go out, where the store says it by a word of ours; else None."""
    if detail in ("", LATE):
        return Message("the time in which it could go was over")
    reason, _, code_list = detail.partition(f":{CODE_LIST}")
    if code_list and reason == Reason.BUDGET:
        return Message("its code's last day passed before it could go (list {list})", list=code_list)
    return None


def _each(texts: tuple[str, str, str], **values: str) -> Words:
    return {language: text.format(**values) for language, text in zip(LANGUAGES, texts, strict=True)}
