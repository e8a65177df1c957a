"""What operators type without brackets is answered by the rule they mean, which reads as it is written."""

import re

import pytest

from koipond.kernel import zone
from koipond.rules import RuleError, default_catalog, parse

CATALOG = default_catalog("CNY", zone("Asia/Shanghai"))
_FULL = '近90天买过(类目 = "护肤") 且 近90天没买过(类目 = "彩妆")'


def advised(text: str) -> str:
    with pytest.raises(RuleError) as told:
        parse(text, CATALOG)
    [problem] = told.value.problems
    found = re.match(r"write (.*?); if a word", problem.fix)
    assert found is not None, problem.fix
    return found[1]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("近90天买过护肤没买彩妆", _FULL),
        ("近90天买过护肤但没买过彩妆的客户", _FULL),
        ("近 90 天 买过“护肤”，没有购买彩妆", _FULL),
        ("90天内购买过护肤且未买彩妆", _FULL),
        ("近90天买过护肤 且 近30天没买过彩妆", _FULL.replace("近90天没", "近30天没")),
        ("没买彩妆", '没买过(类目 = "彩妆")'),
        ("买过护肤且生日 在 本月", '买过(类目 = "护肤") 且 生日 在 本月'),
        ("(买过护肤或买过彩妆) 且 会员", '(买过(类目 = "护肤") 或 买过(类目 = "彩妆")) 且 会员'),
        ("本月买了护肤或者上月买过彩妆", '本月 买过(类目 = "护肤") 或 上月 买过(类目 = "彩妆")'),
        ('近30天买过 "a 且 b"', '近30天买过(类目 = "a 且 b")'),
    ],
)
def test_the_advice_is_the_rule_in_the_operators_words_and_reads(text: str, rule: str) -> None:
    found = advised(text)
    assert parse(found, CATALOG) == parse(rule, CATALOG)
    assert found.replace("( ", "(").replace(" )", ")") == rule


@pytest.mark.parametrize(
    "text",
    [
        "买过护肤、彩妆",
        "近3个月买过护肤",
        "没买过",
        '属性.x = "买过护肤" 坏',
        "近90天买过护肤 且 不存在的 > 1",
    ],
)
def test_what_cannot_be_told_for_sure_gets_no_such_advice(text: str) -> None:
    with pytest.raises(RuleError) as told:
        parse(text, CATALOG)
    assert "without brackets" not in str(told.value)


def test_a_rule_with_brackets_is_read_as_before() -> None:
    assert parse(_FULL, CATALOG) == parse(_FULL.replace(" 且 ", " and "), CATALOG)
