"""What is wrong with a rule is said with the words that rules of the language are written in."""

import re

import pytest

from koipond.rules import RuleError, default_catalog, parse
from koipond.rules.vocabulary import SPOKEN

CATALOG = default_catalog("CNY")
WRONG = (
    "sku",
    "lifecycle = sleepy",
    "lifecycle < dormant",
    "member > 3",
    "member = perhaps",
    "trait.city in",
    "orders.count(evr) >= 2",
    "orders.counts() >= 2",
    "orders.sum(colour) > 2",
    "codes.sum(colour) > 2",
    "orders.latest(colour) = 1",
    "orders(colour = 1).count() >= 2",
    "orders(with items()).count() >= 2",
    "orders(coupon is missing).count() >= 2",
    "events(property.a = 1) >= 2",
    "orders.count(next 7 days) >= 2",
    "orders.share() / orders.count() > 2",
    "bought(category = 'x'",
    "sample(10%)",
    'sample(101%, "s")',
    "last 90 days orders",
    "anniversary(orders) in this month",
    "birthday = 2026-01-01",
    'tag.vip != "gold"',
    "trait.city not in (1)",
    "segment",
    "list 7",
    "member friend",
    "lifecycle in top 10%",
    "money_365d in top",
    "sequence(orders then orders)",
    "sequence(refund then orders within 3 days)",
    "orders.days_since_last(from 3) > 4",
    "trait.x = 2026-13-01",
    "",
)
_ENGLISH = re.compile(
    r"(?<![\w.])(" + "|".join(sorted((*SPOKEN, "true", "false", "tag"), key=len)) + r")(?![\w.])"
)
_QUOTED_BACK = re.compile(r"却遇到“[^”]*”|bukan '[^']*'|ada '[^']*' setelah")
"""What the operator wrote is shown as it was written."""
_INDONESIAN = {"total"}


@pytest.mark.parametrize("text", WRONG)
@pytest.mark.parametrize("language", ["zh", "id"])
def test_advice_on_a_rule_quotes_the_words_of_the_language(text: str, language: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse(text, CATALOG)
    said = caught.value.message.in_language(language)  # type: ignore[arg-type]
    left = set(_ENGLISH.findall(_QUOTED_BACK.sub("", said))) - set(re.findall(r"\w+", text)) - _INDONESIAN
    assert not left, said


def test_advice_in_english_quotes_english() -> None:
    with pytest.raises(RuleError, match="'last', 'next', 'from', 'between', 'since' or 'until' was expected"):
        parse("orders.count(evr) >= 2", CATALOG)
    with pytest.raises(RuleError, match="orders have no column 'zzzzz'; use channel, store"):
        parse("orders(zzzzz = 1).count() >= 2", CATALOG)


def test_advice_in_chinese_names_columns_and_values_as_rules_do() -> None:
    with pytest.raises(RuleError) as caught:
        parse("orders(zzzzz = 1).count() >= 2 and lifecycle = sleepy", CATALOG)
    said = caught.value.message.in_language("zh")
    assert "订单没有“zzzzz”这一列；请用 渠道" in said
    assert "引入期" in said


@pytest.mark.parametrize(
    ("shown", "means"),
    [
        ("近365天消费金额 属于 前10%", "money_365d in top 10%"),
        ('订单(含 商品(商品编码 = "A")).次数() >= 1', 'orders(with items(sku = "A")).count() >= 1'),
        ("周年(属性.x) 属于 本月", "anniversary(trait.x) in this month"),
        ("周年(属性.x) 属于 未来7天", "anniversary(trait.x) in next 7 days"),
        ('非 (标签.x = "a")', 'not (tag.x = "a")'),
        ('抽样(10%, "abc")', 'sample(10%, "abc")'),
        ('买过(品类 = "a", 近90天)', 'bought(category = "a", last 90 days)'),
        ('事件("v", 事件属性.x = "1").次数() >= 1', 'events("v", property.x = "1").count() >= 1'),
        ("订单.次数(从 60 至 31 天前) = 0", "orders.count(from 60 to 31 days ago) = 0"),
        (
            "订单.次数(介于 2026-01-01 且 2026-02-01) = 0",
            "orders.count(between 2026-01-01 and 2026-02-01) = 0",
        ),
        ('非 (属性.x 属于 ("a", "b"))', 'not (trait.x in ("a", "b"))'),
        ("会员 = 是 或 非 会员", "member = true or not member"),
        ('pesanan(dengan barang(sku = "A")).jumlah() >= 1', 'orders(with items(sku = "A")).count() >= 1'),
        ("ulang_tahun(atribut.x) termasuk bulan ini", "anniversary(trait.x) in this month"),
        ("ulang_tahun(atribut.x) termasuk 7 hari ke depan", "anniversary(trait.x) in next 7 days"),
        ('bukan (label.x = "a")', 'not (tag.x = "a")'),
        ('sampel(10%, "abc")', 'sample(10%, "abc")'),
        ('membeli(kategori = "a", 90 hari terakhir)', 'bought(category = "a", last 90 days)'),
        ('peristiwa("v", properti.x = "1").jumlah() >= 1', 'events("v", property.x = "1").count() >= 1'),
        ("pesanan.jumlah(dari 60 sampai 31 hari lalu) = 0", "orders.count(from 60 to 31 days ago) = 0"),
        ("money_365d termasuk teratas 10%", "money_365d in top 10%"),
        ('bukan (atribut.x termasuk ("a", "b"))', 'not (trait.x in ("a", "b"))'),
    ],
)
def test_what_the_advice_says_to_write_can_be_read(shown: str, means: str) -> None:
    assert parse(shown, CATALOG) == parse(means, CATALOG)
