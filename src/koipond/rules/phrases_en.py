"""Sentence patterns of rules in English. Data only; `words` fills them in."""

from collections.abc import Mapping
from dataclasses import replace

from koipond.rules.phrases import Happening, Phrases
from koipond.rules.tree import Op

_EN_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def _counts(verb: str) -> Mapping[Op, str]:
    return {
        "=": f"{verb} exactly {{n}} {{facts}}{{window}}",
        "!=": f"{verb} other than {{n}} {{facts}}{{window}}",
        "<": f"{verb} fewer than {{n}} {{facts}}{{window}}",
        "<=": f"{verb} at most {{n}} {{facts}}{{window}}",
        ">": f"{verb} more than {{n}} {{facts}}{{window}}",
        ">=": f"{verb} at least {{n}} {{facts}}{{window}}",
    }


_HAS = Happening(
    some="has {facts}{window}",
    none="has no {facts}{window}",
    never="never had {facts}",
    count_ops=_counts("has"),
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
    happenings={
        **dict.fromkeys(("orders", "events", "touches", "responses", "refunds"), _HAS),
        **dict.fromkeys(("pending", "codes"), replace(_HAS, never="has no {facts}")),  # as they are today
        "items": Happening(
            some="bought {facts}{window}",
            none="did not buy {facts}{window}",
            never="never bought {facts}",
            count_ops=_counts("bought"),
        ),
    },
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
        "average": "the average {column} of {facts}{window}",
        "share": "the share of {facts}{window}",
        "latest": "the {column} of the last of the {facts}{window}",
    },
    facts={
        "orders": "orders",
        "items": "items",
        "events": "events",
        "touches": "touches",
        "responses": "responses",
        "refunds": "refunds",
        "pending": "pending orders",
        "codes": "codes",
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
    next_days=" in the next {days} days",
    this={
        "day": (" yesterday", " today", " tomorrow"),
        "week": (" last week", " this week", " next week"),
        "month": (" last month", " this month", " next month"),
        "year": (" last year", " this year", " next year"),
    },
    every_year=" from {first} to {last} of every year",
    year_day=lambda found: f"{found[1]} {_EN_MONTHS[found[0] - 1]}",
    ratio="{top} divided by {bottom}",
    anniversary="the anniversary of {label}",
    birthday="the birthday",
    in_days="{label} falls{spans}",
    column_in_days="{label} falls{spans}",
    in_top="{label} is in the top {share}",
    in_top_of="{label} is in the top {share} of segment {key}",
    holding="lines hold {lines}",
)
