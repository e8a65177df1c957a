"""Reading the one-line form."""

from datetime import date

import pytest

from koipond.rules import (
    And,
    Between,
    Comparison,
    DaysAgo,
    Everyone,
    Facts,
    Field,
    HashSample,
    In,
    InList,
    InSegment,
    Known,
    LastDays,
    Match,
    Measure,
    Not,
    Or,
    Property,
    Rule,
    RuleError,
    Sequence,
    Tag,
    Trait,
    default_catalog,
    parse,
    to_text,
)

CATALOG = default_catalog("CNY")


def field(name: str) -> Field:
    return Field(name=name)


def is_(name: str, value: object) -> Comparison:
    return Comparison(operand=field(name), op="=", value=value)  # type: ignore[arg-type]


READINGS: list[tuple[str, Rule]] = [
    ("lifecycle = dormant", is_("lifecycle", "dormant")),
    ("member", is_("member", True)),
    ("not member", Not(part=is_("member", True))),
    ("member = false", is_("member", False)),
    ("rfm_level in (high, mid)", In(operand=field("rfm_level"), values=("high", "mid"))),
    (
        "last_purchase_on >= 2017-06-01",
        Comparison(operand=field("last_purchase_on"), op=">=", value=date(2017, 6, 1)),
    ),
    ("money_365d >= 200", Comparison(operand=field("money_365d"), op=">=", value=20_000)),
    ("money_365d > 0.05", Comparison(operand=field("money_365d"), op=">", value=5)),
    (
        "repurchase_cycle_days < 30.5",
        Comparison(operand=field("repurchase_cycle_days"), op="<", value=30_500_000),
    ),
    ('trait.city = "Shanghai"', Comparison(operand=Trait(name="city"), op="=", value="Shanghai")),
    ('trait."home town" is known', Known(operand=Trait(name="home town"))),
    ("trait.age >= 18", Comparison(operand=Trait(name="age"), op=">=", value=18)),
    ("tag.interest in (coffee, tea)", In(operand=Tag(group="interest"), values=("coffee", "tea"))),
    ('trait.city starts with "S"', Match(operand=Trait(name="city"), how="starts with", text="S")),
    ("segment vip", InSegment(key="vip")),
    ('list "my list"', InList(key="my list")),
    ('sample(10%, "s")', HashSample(first=0, end=1000, salt="s")),
    ('sample(10% to 12.5%, "s")', HashSample(first=1000, end=1250, salt="s")),
    ("everyone", Everyone()),
    (
        "orders.count(last 90 days) >= 2",
        Comparison(
            operand=Measure(facts=Facts(kind="orders"), how="count", window=LastDays(days=90)),
            op=">=",
            value=2,
        ),
    ),
    (
        'orders(channel = "web").sum(net, from 60 to 31 days ago) > 100',
        Comparison(
            operand=Measure(
                facts=Facts(kind="orders", where=(is_("channel", "web"),)),
                how="sum",
                column="net",
                window=DaysAgo(first=60, last=31),
            ),
            op=">",
            value=10_000,
        ),
    ),
    (
        'events("Product Viewed", property.plan = "pro").count(since 2017-01-01) = 0',
        Comparison(
            operand=Measure(
                facts=Facts(
                    kind="events",
                    where=(
                        is_("name", "Product Viewed"),
                        Comparison(operand=Property(name="plan"), op="=", value="pro"),
                    ),
                ),
                how="count",
                window=Between(first=date(2017, 1, 1), last=None),
            ),
            op="=",
            value=0,
        ),
    ),
    (
        'bought(category = "coffee", last 90 days)',
        Comparison(
            operand=Measure(
                facts=Facts(kind="items", where=(is_("category", "coffee"),)),
                how="count",
                window=LastDays(days=90),
            ),
            op=">=",
            value=1,
        ),
    ),
    (
        'sequence(events("Cart Viewed") then no orders within 3 days, last 30 days)',
        Sequence(
            first=Facts(kind="events", where=(is_("name", "Cart Viewed"),)),
            then=Facts(kind="orders"),
            within_days=3,
            missing=True,
            window=LastDays(days=30),
        ),
    ),
]


@pytest.mark.parametrize(("text", "tree"), READINGS, ids=[text for text, _ in READINGS])
def test_each_form_of_condition_reads_to_its_node(text: str, tree: Rule) -> None:
    assert parse(text, CATALOG) == tree


def test_and_binds_closer_than_or_and_not_closest() -> None:
    a, b, c = is_("member", True), is_("friend", True), is_("staff", True)
    assert parse("member or friend and not staff", CATALOG) == Or(parts=(a, And(parts=(b, Not(part=c)))))
    assert parse("(member or friend) and staff", CATALOG) == And(parts=(Or(parts=(a, b)), c))


def test_brackets_keep_the_shape_that_was_written() -> None:
    text = "member and (friend and staff)"
    assert to_text(parse(text, CATALOG), CATALOG) == text


@pytest.mark.parametrize(
    ("local", "english"),
    [
        ("生命周期 = 沉睡 且 （会员 或 好友）", "lifecycle = dormant and (member or friend)"),
        ("RFM等级 属于 （高，中） 且 非 员工", "rfm_level in (high, mid) and not staff"),
        ("近365天消费金额 ≥ 200 或 一次客", "money_365d >= 200 or one_time_buyer"),
        ("lifecycle = hilang dan bukan member", "lifecycle = churned and not member"),
    ],
)
def test_local_names_values_and_signs_mean_the_same(local: str, english: str) -> None:
    assert parse(local, CATALOG) == parse(english, CATALOG)


def problems(text: str) -> list[tuple[int | None, str, str]]:
    with pytest.raises(RuleError) as caught:
        parse(text, CATALOG)
    return [(problem.at, problem.message, problem.fix) for problem in caught.value.problems]


def test_a_misspelt_field_is_named_with_its_column_and_the_likely_one() -> None:
    assert problems("member and lifecyle = dormant") == [
        (11, "unknown field 'lifecyle'", "did you mean 'lifecycle'?")
    ]


def test_every_mistake_of_a_rule_is_reported_at_once() -> None:
    found = problems(
        "lifecyle = dormant and rfm_level = midd and money_365d >= 1.234 and orders(x = 1).count() > 2"
    )
    assert [message for _, message, _ in found] == [
        "unknown field 'lifecyle'",
        "'rfm_level' is never 'midd'",
        "1.234 is too exact",
        "orders have no column 'x'",
    ]


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("", 0, "the end where a condition was expected"),
        ("member and", 10, "the end where a condition was expected"),
        ("(member", 7, "the end where ')' was expected"),
        ("member)", 6, "')' after the end of a condition"),
        ("member friend", 7, "'friend' after the end of a condition"),
        ("lifecycle", 9, "the end where a comparison was expected"),
        ("lifecycle not in (dormant)", 10, "'not' where a comparison was expected"),
        ("grade > core", 6, "'>' does not fit here"),
        ("member > true", 7, "'>' does not fit here"),
        ("tag.interest != coffee", 13, "'!=' does not fit here"),
        ("purchase_days = 1.5", 16, "1.5 is too exact"),
        ("purchase_days = many", 16, "'many' is no value of 'purchase_days'"),
        ("purchase_days = 99999999999999999999", 16, "99999999999999999999 is too large"),
        ("last_purchase_on = 2017-02-30", 19, "there is no day 2017-02-30"),
        ("trait.city = 'Shanghai'", 13, "single quotes"),
        ('trait.city = "Shanghai', 13, "a text without an end"),
        ('trait.city = "a\\x"', 13, "no escape '\\x'"),
        ("member ? friend", 7, "'?' has no meaning here"),
        ("orders.count(last 0 days) > 1", 13, "a window has 1 to 36500 days, not 0"),
        ("orders.count(between 2017-02-01 and 2017-01-01) > 1", 13, "the window ends (2017-01-01) before"),
        ("orders.sum(nett) > 1", 11, "orders have no amount 'nett'"),
        ("responses.sum(x) > 1", 14, "responses have no amount 'x'"),
        ('sample(120%, "s")', 7, "120% is no share"),
        ('sample(0%, "s")', 0, "a sample lies between"),
        ("last_purchase_on contains 2017-01-01", 17, "'contains' does not fit here"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, at: int, message: str) -> None:
    found = problems(text)
    assert found[0][0] == at
    assert found[0][1].startswith(message)


def test_a_known_catalogue_of_segments_finds_a_misspelt_one() -> None:
    known = CATALOG.knows(segments=frozenset({"vip"}), tags=frozenset({"interest"}))
    with pytest.raises(RuleError, match="did you mean 'vip'"):
        parse("segment vpi", known)
    with pytest.raises(RuleError, match="did you mean 'interest'"):
        parse("tag.intrest = coffee", known)


def test_too_deep_and_too_long_rules_are_refused_not_crashed_into() -> None:
    assert "nest" in problems("not " * 3_000 + "member")[0][2]
    assert [fix for _, _, fix in problems("(" * 5_000 + "everyone")] == ["nest at most 40 deep"]
    assert "characters" in problems("member " * 20_000)[0][1]


def test_money_follows_the_currency() -> None:
    yen = default_catalog("JPY")
    assert parse("money_365d >= 200", yen) == Comparison(operand=field("money_365d"), op=">=", value=200)
    with pytest.raises(RuleError, match="without decimals"):
        parse("money_365d >= 0.5", yen)


def test_of_many_problems_the_first_are_told() -> None:
    with pytest.raises(RuleError) as caught:
        parse(" and ".join(["membr"] * 500), CATALOG)
    lines = str(caught.value).splitlines()
    assert (len(caught.value.problems), len(lines)) == (500, 22)
    assert lines[-1].strip() == "and 480 more"


def test_a_longer_name_than_a_fields_may_be_a_trait() -> None:
    with pytest.raises(RuleError, match=r"did you mean '会员'\? a trait is written trait\.会员等级"):
        parse('会员等级 = "金卡"', CATALOG)
