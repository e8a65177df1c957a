import tomllib
from collections import defaultdict
from importlib import resources

import pytest

from koipond.ingest.fields import FIELDS, synonyms
from koipond.ingest.mapping import plain_name
from koipond.ingest.model import KINDS, Kind
from koipond.ingest.words import meanings, word_table


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("Paid", "paid"),
        ("COMPLETED", "paid"),
        ("交易成功", "paid"),
        ("已付款", "paid"),
        ("lunas", "paid"),
        ("待付款", "pending"),
        ("pending-payment", "pending"),
        ("menunggu pembayaran", "pending"),
        ("Canceled", "cancelled"),
        ("交易关闭", "cancelled"),
        ("dibatalkan", "cancelled"),
        ("已退款", "refunded"),
        ("RETURNED", "refunded"),
        ("dikembalikan", "refunded"),
    ],
)
def test_order_states_in_three_languages(word: str, meaning: str) -> None:
    assert meanings([word], word_table("status"), {}) == {word: meaning}


def test_a_word_nobody_knows_has_no_meaning_unless_told() -> None:
    assert meanings(["K9", "partially shipped"], word_table("status"), {}) == {}
    assert meanings(["K9"], word_table("status"), {"K9": "paid"}) == {"K9": "paid"}


def test_consents_know_the_truth_words_too() -> None:
    said = meanings(["是", "opt-out", "setuju", "0", "unsubscribed"], word_table("consent"), {})
    assert said == {"是": "true", "opt-out": "false", "setuju": "true", "0": "false", "unsubscribed": "false"}


@pytest.mark.parametrize("name", ["status", "truth", "consent", "channel", "purpose"])
def test_no_word_has_two_meanings(name: str) -> None:
    text = resources.files("koipond.ingest").joinpath("words.toml").read_text("utf-8")
    said: dict[str, set[str]] = defaultdict(set)
    for meaning, listed in tomllib.loads(text)[name].items():
        for word in listed:
            said[plain_name(word)].add(meaning)
    assert {word: found for word, found in said.items() if len(found) > 1} == {}


@pytest.mark.parametrize("kind", KINDS)
def test_no_column_name_belongs_to_two_fields(kind: Kind) -> None:
    said: dict[str, set[str]] = defaultdict(set)
    for field in FIELDS[kind]:
        for name in (field.name, *synonyms(kind, field.name).names):
            said[plain_name(name)].add(field.name)
    assert {name: found for name, found in said.items() if len(found) > 1} == {}
