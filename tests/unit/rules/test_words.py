"""Rules in words: golden sentences in zh, en and id."""

from dataclasses import replace

import pytest

from koipond.rules import And, Rule, default_catalog, parse, words
from koipond.rules.labels import CHOICES, FACT_COLUMN_LABELS, FIELD_LABELS, FLAG_PHRASES

CATALOG = default_catalog("CNY")

GOLDEN = [
    (
        "average_order_value > 200 and orders(coupon is known).share(last 90 days) = 100%",
        "客单价超过 ¥200，且近 90 天优惠券有值的订单占比等于 100%",
        "average order value is more than ¥200 and the share of orders whose coupon is known in"
        " the last 90"
        " days is 100%",
        "nilai rata-rata pesanan lebih dari ¥200 dan porsi pesanan dengan kupon diketahui dalam 90 hari"
        " terakhir sama dengan 100%",
    ),
    (
        "birthday in this month or trait.expires_on in next 15 days",
        "生日在本月，或属性“expires_on”在未来 15 天内",
        "the birthday falls this month or trait “expires_on” falls in the next 15 days",
        "hari lahir jatuh bulan ini atau atribut “expires_on” jatuh dalam 15 hari ke depan",
    ),
    (
        "orders(day in (06-01 to 06-20, 11-01 to 11-11)).share() = 100%",
        "日期在每年6月1日至6月20日或每年11月1日至11月11日的订单占比等于 100%",
        "the share of orders whose day falls from 1 June to 20 June of every year or from 1 November to 11"
        " November of every year is 100%",
        "porsi pesanan dengan tanggal jatuh dari 1 Juni sampai 20 Juni setiap tahun atau dari 1"
        " November sampai"
        " 11 November setiap tahun sama dengan 100%",
    ),
    (
        'last_store = "X" and orders(with items(sku = "A")).count() >= 1 and money_365d in top 10%'
        " of segment vip",
        "最近门店为“X”，且有同单含商品编码为“A”的商品的订单，且近 365 天消费金额在人群“vip”中排在前 10%",
        "store of the last order is “X” and has orders whose lines hold items whose SKU is “A” and"
        " money spent in"
        " the last 365 days is in the top 10% of segment “vip”",
        "toko pesanan terakhir adalah “X” dan memiliki pesanan dengan isi barang dengan SKU “A”"
        " dan belanja dalam"
        " 365 hari terakhir termasuk 10% teratas di segmen “vip”",
    ),
    (
        "refunds.count(last 30 days) >= 1 and pending.count() = 0 and codes(state = open).count() >= 1",
        "近 30 天有退款，且没有待付款订单，且领过状态为未核销的券",
        "has refunds in the last 30 days and has no pending orders and has codes whose state is open",
        "memiliki pengembalian dalam 30 hari terakhir dan tidak memiliki pesanan belum dibayar dan"
        " memiliki kode"
        " dengan status belum dipakai",
    ),
    (
        "lifecycle = dormant and rfm_level in (high, mid) and not member",
        "生命周期为休眠期，且 RFM 等级为高或中，且不是会员",
        "lifecycle stage is dormant and RFM level is high or mid and is not a member",
        "tahap siklus hidup adalah tertidur dan tingkat RFM adalah tinggi atau sedang dan bukan anggota",
    ),
    (
        "days_since_last_purchase >= 30 or last_purchase_on >= 2017-06-01",
        "距上次购买的天数不少于 30，或最近购买日不早于 2017年6月1日",
        "days since the last purchase is at least 30 or last purchase day is 1 June 2017 or later",
        "jumlah hari sejak pembelian terakhir paling sedikit 30 atau"
        " tanggal pembelian terakhir paling awal 1 Juni 2017",
    ),
    (
        "money_365d >= 1200.5 and (member = false or repurchase_cycle_days < 30.5)",
        "近 365 天消费金额不少于 ¥1,200.50，且（已知不是会员，或复购周期天数少于 30.5）",
        "money spent in the last 365 days is at least ¥1,200.50 and"
        " (it is known that the customer is not a member or repurchase cycle in days is less than 30.5)",
        "belanja dalam 365 hari terakhir paling sedikit ¥1.200,50 dan"
        " (diketahui bukan anggota atau siklus pembelian ulang (hari) kurang dari 30,5)",
    ),
    (
        'trait.city = "Shanghai" and tag.interest in (coffee, tea) and trait.age is missing',
        "属性“city”为“Shanghai”，且有“interest”标签“coffee”或“tea”，且属性“age”缺失",
        "trait “city” is “Shanghai” and has tag “interest”: “coffee” or “tea” and trait “age” is unknown",
        "atribut “city” adalah “Shanghai” dan memiliki tag “interest”: “coffee” atau “tea” dan"
        " atribut “age” tidak diketahui",
    ),
    (
        "orders.count(last 90 days) >= 2 and orders.sum(net, last 365 days) > 100",
        "近 90 天订单不少于 2 笔，且近 365 天订单的实付金额合计超过 ¥100",
        "has at least 2 orders in the last 90 days and"
        " the total net amount of orders in the last 365 days is more than ¥100",
        "memiliki paling sedikit 2 pesanan dalam 90 hari terakhir dan"
        " total jumlah bersih pesanan dalam 365 hari terakhir lebih dari ¥100",
    ),
    (
        'events("Product Viewed").count(last 15 days) >= 1 and touches(channel = "email").count() = 0',
        "近 15 天有“Product Viewed”事件，且从未有过渠道为“email”的触达",
        "has “Product Viewed” events in the last 15 days and never had touches whose channel is “email”",
        "memiliki peristiwa “Product Viewed” dalam 15 hari terakhir dan"
        " belum pernah memiliki sentuhan dengan kanal “email”",
    ),
    (
        'bought(category = "coffee", last 90 days) and not bought(sku in ("a", "b"))',
        "近 90 天买过品类为“coffee”的商品，且从未买过商品编码为“a”或“b”的商品",
        "bought items whose category is “coffee” in the last 90 days and"
        " never bought items whose SKU is “a” or “b”",
        "membeli barang dengan kategori “coffee” dalam 90 hari terakhir dan"
        " belum pernah membeli barang dengan SKU “a” atau “b”",
    ),
    (
        'not bought(category = "护服", last 90 days) and items(category = "护服").count(ever) >= 3',
        "近 90 天没有买过品类为“护服”的商品，且购买品类为“护服”的商品不少于 3 次",
        "did not buy items whose category is “护服” in the last 90 days and"
        " bought at least 3 items whose category is “护服”",
        "tidak membeli barang dengan kategori “护服” dalam 90 hari terakhir dan"
        " membeli paling sedikit 3 barang dengan kategori “护服”",
    ),
    (
        'not items(category = "护服").count(last 30 days) >= 2 and items(sku = "A").days_since_last() > 9',
        "近 30 天购买品类为“护服”的商品少于 2 次，且最近一次购买商品编码为“A”的商品距今的天数超过 9",
        "bought fewer than 2 items whose category is “护服” in the last 30 days and"
        " the number of days since the last of the items whose SKU is “A” is more than 9",
        "membeli kurang dari 2 barang dengan kategori “护服” dalam 30 hari terakhir dan"
        " jumlah hari sejak barang dengan SKU “A” terakhir lebih dari 9",
    ),
    (
        "orders.count() = 0 or codes.count(last 7 days) >= 2 or pending.count() = 0",
        "从未有过订单，或近 7 天领取券不少于 2 张，或没有待付款订单",
        "never had orders or has at least 2 codes in the last 7 days or has no pending orders",
        "belum pernah memiliki pesanan atau memiliki paling sedikit 2 kode dalam 7 hari terakhir"
        " atau tidak memiliki pesanan belum dibayar",
    ),
    (
        'not segment vip and list guests and sample(10%, "s")',
        "不属于人群“vip”，且在名单“guests”中，且属于 10% 的随机样本“s”",
        "is not in segment “vip” and is in list “guests” and is in the 10% random sample “s”",
        "tidak ada dalam segmen “vip” dan ada dalam daftar “guests” dan ada dalam sampel acak 10% “s”",
    ),
    (
        'sequence(events("Cart Viewed") then no orders within 3 days, last 30 days)',
        "近 30 天有“Cart Viewed”事件，但其后 3 天内没有订单",
        "has “Cart Viewed” events in the last 30 days, not followed within 3 days by orders",
        "memiliki peristiwa “Cart Viewed” dalam 30 hari terakhir, tidak diikuti pesanan dalam 3 hari",
    ),
    (
        "not (member or friend) and orders.days_since_last(from 90 to 30 days ago) < 40",
        "不满足（是会员，或是企微好友），且 90 到 30 天前最近一次订单距今的天数少于 40",
        "not (is a member or is a WeCom friend) and"
        " the number of days since the last of the orders from 90 to 30 days ago is less than 40",
        "tidak memenuhi (adalah anggota atau adalah teman WeCom) dan"
        " jumlah hari sejak pesanan terakhir dari 90 sampai 30 hari yang lalu kurang dari 40",
    ),
]


@pytest.mark.parametrize(("text", "zh", "en", "id_"), GOLDEN, ids=[row[0] for row in GOLDEN])
def test_a_rule_reads_as_a_sentence_in_three_languages(text: str, zh: str, en: str, id_: str) -> None:
    rule: Rule = parse(text, CATALOG)
    assert words(rule, "zh", CATALOG) == zh
    assert words(rule, "en", CATALOG) == en
    assert words(rule, "id", CATALOG) == id_


def test_amounts_take_the_form_of_currency_and_language() -> None:
    rupiah = default_catalog("IDR")
    rule = parse("money_365d >= 1500000", rupiah)
    assert words(rule, "id", rupiah).endswith("Rp1.500.000")
    assert words(rule, "en", rupiah).endswith("Rp1,500,000")


def test_every_field_fact_and_value_has_a_name_in_every_language() -> None:
    labels = [*FIELD_LABELS.values(), *FACT_COLUMN_LABELS.values()]
    labels += [label for values in CHOICES.values() for label in values.values()]
    labels += [label for pair in FLAG_PHRASES.values() for label in pair]
    assert all(len(label) == 3 and all(label) for label in labels)
    assert set(FIELD_LABELS) | set(FLAG_PHRASES) == set(CATALOG.fields)


def test_names_given_by_the_brand_are_said() -> None:
    """U23: segments, lists, tags with their values, traits."""
    titles = {
        ("segment", "vip"): {"zh": "大客户", "en": "Best customers"},
        ("tag", "interest"): {"zh": "兴趣"},
        ("tag value", "interest:coffee"): {"zh": "咖啡"},
        ("trait", "expires_on"): {"zh": "会员到期日"},
    }
    named = replace(CATALOG, titles=titles)
    rule = parse("segment vip and tag.interest = coffee and trait.expires_on in next 15 days", named)
    assert words(rule, "zh", named) == (
        "属于人群“大客户”，且有“兴趣”标签“咖啡”，且属性“会员到期日”在未来 15 天内"
    )
    assert "segmen “Best customers”" in words(rule, "id", named)
    assert isinstance(rule, And)
    assert parse("会员到期日 在 未来15天", named) == rule.parts[2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("refunds(amount > 100).count(last 30 days) >= 1", "近 30 天有金额超过 ¥100 的退款"),
        ("orders(hour >= 20).count() >= 1", "有下单钟点不少于 20 的订单"),
        ("orders(hour in (8, 20, 21)).count() >= 1", "有下单钟点为 8、20 或 21 的订单"),
        ("orders(hour = 8, net > 100).count() >= 1", "有下单钟点为 8 且实付金额超过 ¥100 的订单"),
        ("orders(hour = 20).count() >= 1", "有下单钟点为 20 的订单"),
        ('orders(coupon = "A100元").count() >= 1', "有优惠券为“A100元”的订单"),
    ],
)
def test_figures_stand_apart_from_chinese_words(text: str, said: str) -> None:
    assert words(parse(text, CATALOG), "zh", CATALOG) == said
