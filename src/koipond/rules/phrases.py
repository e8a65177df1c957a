"""Sentence patterns of rules in zh, en and id. Data only; `words` fills them in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from koipond.rules.labels import Lang
from koipond.rules.tree import FactKind, How, MatchHow, Op

_EN_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_ID_MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
    *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """One language. Patterns take the names in braces; ``window`` brings its own space where one is due."""

    and_: str
    or_: str
    comma: str
    last_or: str  # before the last of several values
    group: str
    not_: str
    quote: str
    number_ops: Mapping[Op, str]
    day_ops: Mapping[Op, str]
    text_ops: Mapping[Op, str]
    count_ops: Mapping[Op, str]
    happened: str
    never_happened: str
    bought: str
    never_bought: str
    is_in: str
    column_is: str  # inside a filter of facts
    column_in: str
    filter_and: str
    known: str
    missing: str
    matches: Mapping[MatchHow, str]
    surely: str  # a flag that is known to be false
    last_days: str
    days_ago: str
    between: str
    since: str
    until: str
    measures: Mapping[How, str]
    facts: Mapping[FactKind, str]
    filtered: str
    named: Mapping[FactKind, str]
    trait: str
    property: str
    tag: str
    has_tag: str
    segment: str
    not_segment: str
    list_: str
    not_list: str
    sample: str
    slice_: str
    everyone: str
    followed: str
    not_followed: str
    within: str
    same_day: str
    day: Callable[[date], str]
    marks: tuple[str, str]  # thousands, decimal
    money: Mapping[str, str]  # currency → pattern; others: amount and code


def number(value: Decimal | int, phrases: Phrases) -> str:
    """Return ``value`` with the marks of the language."""
    thousands, point = phrases.marks
    plain = format(value, ",f" if isinstance(value, Decimal) else ",d")
    return plain.translate({ord(","): thousands, ord("."): point})


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
    count_ops={
        "=": "{window}{facts}恰为 {n} 次",
        "!=": "{window}{facts}不是 {n} 次",
        "<": "{window}{facts}少于 {n} 次",
        "<=": "{window}{facts}不超过 {n} 次",
        ">": "{window}{facts}超过 {n} 次",
        ">=": "{window}{facts}不少于 {n} 次",
    },
    happened="{window}有{facts}",
    never_happened="{window}没有{facts}",
    bought="{window}买过{facts}",
    never_bought="{window}没有买过{facts}",
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
        "count": "{window}{facts}的次数",
        "sum": "{window}{facts}的{column}合计",
        "days": "{window}有{facts}的天数",
        "days_since_last": "{window}最近一次{facts}距今的天数",
        "days_since_first": "{window}首次{facts}距今的天数",
    },
    facts={"orders": "订单", "items": "商品", "events": "事件", "touches": "触达", "responses": "触达回应"},
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
    day=lambda day: f"{day.year} 年 {day.month} 月 {day.day} 日",
    marks=(",", "."),
    money=MappingProxyType({"CNY": "{} 元"}),
)

EN = Phrases(
    and_=" and ",
    or_=" or ",
    comma=", ",
    last_or=" or ",
    group="({})",
    not_="not ({})",
    quote="“{}”",
    number_ops={
        "=": "{label} is {value}",
        "!=": "{label} is not {value}",
        "<": "{label} is less than {value}",
        "<=": "{label} is at most {value}",
        ">": "{label} is more than {value}",
        ">=": "{label} is at least {value}",
    },
    day_ops={
        "=": "{label} is {value}",
        "!=": "{label} is not {value}",
        "<": "{label} is before {value}",
        "<=": "{label} is {value} or earlier",
        ">": "{label} is after {value}",
        ">=": "{label} is {value} or later",
    },
    text_ops={
        "=": "{label} is {value}",
        "!=": "{label} is not {value}",
        "<": "{label} sorts before {value}",
        "<=": "{label} is {value} or sorts before it",
        ">": "{label} sorts after {value}",
        ">=": "{label} is {value} or sorts after it",
    },
    count_ops={
        "=": "has exactly {n} {facts}{window}",
        "!=": "has not exactly {n} {facts}{window}",
        "<": "has fewer than {n} {facts}{window}",
        "<=": "has at most {n} {facts}{window}",
        ">": "has more than {n} {facts}{window}",
        ">=": "has at least {n} {facts}{window}",
    },
    happened="has {facts}{window}",
    never_happened="has no {facts}{window}",
    bought="bought {facts}{window}",
    never_bought="did not buy {facts}{window}",
    is_in="{label} is {values}",
    column_is="{label} is {value}",
    column_in="{label} is {values}",
    filter_and=" and ",
    known="{label} is known",
    missing="{label} is unknown",
    matches={
        "contains": "{label} contains {text}",
        "starts with": "{label} starts with {text}",
        "ends with": "{label} ends with {text}",
    },
    surely="it is known that the customer {}",
    last_days=" in the last {days} days",
    days_ago=" from {first} to {last} days ago",
    between=" between {first} and {last}",
    since=" since {first}",
    until=" until {last}",
    measures={
        "count": "the number of {facts}{window}",
        "sum": "the total {column} of {facts}{window}",
        "days": "the number of days with {facts}{window}",
        "days_since_last": "the number of days since the last of the {facts}{window}",
        "days_since_first": "the number of days since the first of the {facts}{window}",
    },
    facts={
        "orders": "orders",
        "items": "items",
        "events": "events",
        "touches": "touches",
        "responses": "responses",
    },
    filtered="{facts} whose {filters}",
    named={"events": "{name} events", "responses": "{name} responses"},
    trait="trait {name}",
    property="property {name}",
    tag="one of the tags {name}",
    has_tag="has tag {name}: {values}",
    segment="is in segment {key}",
    not_segment="is not in segment {key}",
    list_="is in list {key}",
    not_list="is not in list {key}",
    sample="is in the {end} random sample {salt}",
    slice_="is in {first} to {end} of the random sample {salt}",
    everyone="everyone",
    followed="has {first}{window}, followed {within} by {then}",
    not_followed="has {first}{window}, not followed {within} by {then}",
    within="within {days} days",
    same_day="the same day",
    day=lambda day: f"{day.day} {_EN_MONTHS[day.month - 1]} {day.year}",
    marks=(",", "."),
    money=MappingProxyType({"CNY": "¥{}", "USD": "${}", "EUR": "€{}", "GBP": "£{}"}),
)

ID = Phrases(
    and_=" dan ",
    or_=" atau ",
    comma=", ",
    last_or=" atau ",
    group="({})",
    not_="tidak memenuhi ({})",
    quote="“{}”",
    number_ops={
        "=": "{label} sama dengan {value}",
        "!=": "{label} tidak sama dengan {value}",
        "<": "{label} kurang dari {value}",
        "<=": "{label} paling banyak {value}",
        ">": "{label} lebih dari {value}",
        ">=": "{label} paling sedikit {value}",
    },
    day_ops={
        "=": "{label} adalah {value}",
        "!=": "{label} bukan {value}",
        "<": "{label} sebelum {value}",
        "<=": "{label} paling lambat {value}",
        ">": "{label} setelah {value}",
        ">=": "{label} paling awal {value}",
    },
    text_ops={
        "=": "{label} adalah {value}",
        "!=": "{label} bukan {value}",
        "<": "{label} berurutan sebelum {value}",
        "<=": "{label} adalah {value} atau berurutan sebelumnya",
        ">": "{label} berurutan setelah {value}",
        ">=": "{label} adalah {value} atau berurutan setelahnya",
    },
    count_ops={
        "=": "memiliki tepat {n} {facts}{window}",
        "!=": "jumlah {facts}{window} bukan {n}",
        "<": "memiliki kurang dari {n} {facts}{window}",
        "<=": "memiliki paling banyak {n} {facts}{window}",
        ">": "memiliki lebih dari {n} {facts}{window}",
        ">=": "memiliki paling sedikit {n} {facts}{window}",
    },
    happened="memiliki {facts}{window}",
    never_happened="tidak memiliki {facts}{window}",
    bought="membeli {facts}{window}",
    never_bought="tidak membeli {facts}{window}",
    is_in="{label} adalah {values}",
    column_is="{label} {value}",
    column_in="{label} {values}",
    filter_and=" dan ",
    known="{label} diketahui",
    missing="{label} tidak diketahui",
    matches={
        "contains": "{label} memuat {text}",
        "starts with": "{label} diawali {text}",
        "ends with": "{label} diakhiri {text}",
    },
    surely="diketahui {}",
    last_days=" dalam {days} hari terakhir",
    days_ago=" dari {first} sampai {last} hari yang lalu",
    between=" antara {first} dan {last}",
    since=" sejak {first}",
    until=" sampai {last}",
    measures={
        "count": "jumlah {facts}{window}",
        "sum": "total {column} {facts}{window}",
        "days": "jumlah hari dengan {facts}{window}",
        "days_since_last": "jumlah hari sejak {facts} terakhir{window}",
        "days_since_first": "jumlah hari sejak {facts} pertama{window}",
    },
    facts={
        "orders": "pesanan",
        "items": "barang",
        "events": "peristiwa",
        "touches": "sentuhan",
        "responses": "tanggapan",
    },
    filtered="{facts} dengan {filters}",
    named={"events": "peristiwa {name}", "responses": "tanggapan {name}"},
    trait="atribut {name}",
    property="properti {name}",
    tag="salah satu tag {name}",
    has_tag="memiliki tag {name}: {values}",
    segment="ada dalam segmen {key}",
    not_segment="tidak ada dalam segmen {key}",
    list_="ada dalam daftar {key}",
    not_list="tidak ada dalam daftar {key}",
    sample="ada dalam sampel acak {end} {salt}",
    slice_="ada dalam bagian {first} sampai {end} dari sampel acak {salt}",
    everyone="semua pelanggan",
    followed="memiliki {first}{window}, diikuti {then} {within}",
    not_followed="memiliki {first}{window}, tidak diikuti {then} {within}",
    within="dalam {days} hari",
    same_day="pada hari yang sama",
    day=lambda day: f"{day.day} {_ID_MONTHS[day.month - 1]} {day.year}",
    marks=(".", ","),
    money=MappingProxyType({"IDR": "Rp{}"}),
)

PHRASES: Mapping[Lang, Phrases] = MappingProxyType({"zh": ZH, "en": EN, "id": ID})
