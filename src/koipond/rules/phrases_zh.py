"""Sentence patterns of rules in Chinese. Data only; `words` fills them in."""

from collections.abc import Mapping
from dataclasses import replace

from koipond.rules.phrases import Happening, Phrases
from koipond.rules.tree import Op


def _counts(unit: str) -> Mapping[Op, str]:
    return {
        "=": f"{{window}}{{counted}}恰为 {{n}} {unit}",
        "!=": f"{{window}}{{counted}}不是 {{n}} {unit}",
        "<": f"{{window}}{{counted}}少于 {{n}} {unit}",
        "<=": f"{{window}}{{counted}}不超过 {{n}} {unit}",
        ">": f"{{window}}{{counted}}超过 {{n}} {unit}",
        ">=": f"{{window}}{{counted}}不少于 {{n}} {unit}",
    }


def _there(unit: str) -> Happening:
    return Happening(
        some="{window}有{facts}",
        none="{window}没有{facts}",
        never="从未有过{facts}",
        on_days="有{facts}",
        count_ops=_counts(unit),
    )


ZH = Phrases(
    and_="，且",
    or_="，或",
    comma="、",
    last_or="或",
    group="（{}）",
    not_="不满足（{}）",
    quote="“{}”",
    number_ops={
        "=": "{label}等于 {value}",
        "!=": "{label}不等于 {value}",
        "<": "{label}少于 {value}",
        "<=": "{label}不超过 {value}",
        ">": "{label}超过 {value}",
        ">=": "{label}不少于 {value}",
    },
    day_ops={
        "=": "{label}是 {value}",
        "!=": "{label}不是 {value}",
        "<": "{label}早于 {value}",
        "<=": "{label}不晚于 {value}",
        ">": "{label}晚于 {value}",
        ">=": "{label}不早于 {value}",
    },
    text_ops={
        "=": "{label}为{value}",
        "!=": "{label}不为{value}",
        "<": "{label}按编码排在{value}之前",
        "<=": "{label}按编码不排在{value}之后",
        ">": "{label}按编码排在{value}之后",
        ">=": "{label}按编码不排在{value}之前",
    },
    happenings={
        "orders": _there("笔"),
        "items": Happening(
            some="{window}买过{facts}",
            none="{window}没有买过{facts}",
            never="从未买过{facts}",
            counted="购买{facts}",
            on_days="购买{facts}",
            count_ops=_counts("次"),
        ),
        "events": _there("次"),
        "touches": _there("次"),
        "responses": _there("次"),
        "refunds": _there("笔"),
        "pending": replace(_there("笔"), never="没有{facts}"),  # as they are today
        "codes": Happening(
            some="{window}领过{facts}",
            none="{window}没有领过{facts}",
            never="没有领过{facts}",  # by the state they have today
            counted="领取{facts}",
            on_days="领取{facts}",
            count_ops=_counts("张"),
        ),
    },
    is_in="{label}为{values}",
    column_is="{label}为{value}",
    column_in="{label}为{values}",
    filter_and="且",
    known="{label}有值",
    missing="{label}缺失",
    matches={
        "contains": "{label}包含{text}",
        "starts with": "{label}以{text}开头",
        "ends with": "{label}以{text}结尾",
    },
    surely="已知{}",
    last_days="近 {days} 天",
    days_ago="{first} 到 {last} 天前",
    between="{first}至{last}",
    since="{first}以来",
    until="截至{last}",
    measures={
        "count": "{window}{counted}的次数",
        "sum": "{window}{facts}的{column}合计",
        "days": "{window}{on_days}的天数",
        "days_since_last": "{window}最近一次{counted}距今的天数",
        "days_since_first": "{window}首次{counted}距今的天数",
        "average": "{window}{facts}的平均{column}",
        "share": "{window}{facts}占比",
        "latest": "{window}最近一次{facts}的{column}",
    },
    facts={
        "orders": "订单",
        "items": "商品",
        "events": "事件",
        "touches": "触达",
        "responses": "触达回应",
        "refunds": "退款",
        "pending": "待付款订单",
        "codes": "券",
    },
    filtered="{filters}的{facts}",
    named={"events": "{name}事件", "responses": "{name}回应"},
    trait="属性{name}",
    property="事件属性{name}",
    tag="{name}标签的某个值",
    has_tag="有{name}标签{values}",
    segment="属于人群{key}",
    not_segment="不属于人群{key}",
    list_="在名单{key}中",
    not_list="不在名单{key}中",
    sample="属于 {end} 的随机样本{salt}",
    slice_="属于随机样本{salt}的 {first} 至 {end} 段",
    everyone="所有客户",
    followed="{window}有{first}，且其后{within}有{then}",
    not_followed="{window}有{first}，但其后{within}没有{then}",
    within=" {days} 天内",
    same_day="当天",
    day=lambda day: f"{day.year}年{day.month}月{day.day}日",
    marks=(",", "."),
    next_days="未来 {days} 天内",
    this={
        "day": ("昨天", "今天", "明天"),
        "week": ("上周", "本周", "下周"),
        "month": ("上月", "本月", "下月"),
        "year": ("去年", "今年", "明年"),
    },
    every_year="每年{first}至{last}",
    year_day=lambda found: f"{found[0]}月{found[1]}日",
    ratio="{top}除以{bottom}",
    anniversary="{label}的周年日",
    birthday="生日",
    in_days="{label}在{spans}",
    column_in_days="{label}在{spans}",
    in_top="{label}排在前 {share}",
    in_top_of="{label}在人群{key}中排在前 {share}",
    holding="同单含{lines}",
)
