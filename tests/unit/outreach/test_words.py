"""Channels, purposes and budgets are called by words of the language."""

import re

import pytest

from koipond.ingest.words import word_table
from koipond.kernel import LANGUAGES
from koipond.outreach.model import Reason
from koipond.outreach.words import budget_words, channel_words, detail_words, purpose_words


def test_every_channel_and_purpose_that_a_consent_can_name_has_its_word() -> None:
    for channel in {*word_table("channel").values(), "sandbox", "*"}:
        words = channel_words(channel)
        assert set(words) == set(LANGUAGES)
        assert words["zh"].strip() != channel, channel
    for purpose in {*word_table("purpose").values(), "*"}:
        assert purpose_words(purpose)["zh"] != purpose
        assert purpose_words(purpose)["id"] != purpose


def test_a_channel_of_ones_own_keeps_its_name() -> None:
    assert channel_words("pigeon") == dict.fromkeys(LANGUAGES, "pigeon")


@pytest.mark.parametrize(
    ("reason", "detail", "said"),
    [
        (Reason.NO_CONSENT, "email:marketing", ("邮件营销", "marketing by email", "pemasaran lewat surel")),
        (Reason.NOT_RUNNING, "channel:email", ("邮件已暂停", "email is paused", "surel dijeda")),
        (Reason.NOT_RUNNING, "strategy:recall", ("策略 recall 已暂停", "recall is paused", "recall dijeda")),
        (Reason.NOT_RUNNING, "all", ("全部已暂停", "everything is paused", "semuanya dijeda")),
        (Reason.NO_ADDRESS, "sms", ("短信", "sms", "SMS")),
        (
            Reason.BUDGET,
            "per_customer",
            ("每位客户的预算", "the budget a customer", "anggaran per pelanggan"),
        ),
        (
            Reason.BUDGET,
            "strategy:recall:2026-03-02",
            (
                "策略 recall 在 2026-03-02 的预算",
                "the budget of recall for 2026-03-02",
                "anggaran recall untuk 2026-03-02",
            ),
        ),
        (
            Reason.BUDGET,
            "strategy:recall",
            ("策略 recall 的总预算", "the whole budget of recall", "seluruh anggaran recall"),
        ),
        (
            Reason.BUDGET,
            "code_list:spring",
            ("券码批次 spring", "the codes of spring", "kode dari spring"),
        ),
    ],
)
def test_what_stands_behind_a_reason_is_said(reason: Reason, detail: str, said: tuple[str, str, str]) -> None:
    words = detail_words(reason, detail)
    assert words is not None
    assert tuple(words[language] for language in LANGUAGES) == said
    assert not any(re.search(r"\w:\w", one) for one in words.values())


def test_a_key_of_the_brand_stays() -> None:
    assert detail_words(Reason.FREQUENCY_CAP, "weekly") is None
    assert detail_words("too_old", "9 days") is None
    assert budget_words("quota")["zh"] == "quota"
