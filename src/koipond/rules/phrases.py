"""What a language needs to say a rule (句式). The patterns: phrases_zh, phrases_en, phrases_id."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from koipond.rules.tree import FactKind, How, MatchHow, Op
from koipond.rules.windows import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """How a language says that facts of one kind are there or not."""

    some: str
    none: str
    never: str  # in no window at all
    count_ops: Mapping[Op, str]
    counted: str = "{facts}"  # what is counted, or was the first or last
    on_days: str = "{facts}"  # what there was on a day


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
    happenings: Mapping[FactKind, Happening]
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
    next_days: str
    this: Mapping[Unit, tuple[str, str, str]]  # the last, this and the next one
    every_year: str
    year_day: Callable[[tuple[int, int]], str]
    ratio: str
    anniversary: str
    birthday: str
    in_days: str
    column_in_days: str
    in_top: str
    in_top_of: str
    holding: str  # a filter of orders: with a line …


def number(value: Decimal | int, phrases: Phrases) -> str:
    """Return ``value`` with the marks of the language."""
    thousands, point = phrases.marks
    plain = format(value, ",f" if isinstance(value, Decimal) else ",d")
    return plain.translate({ord(","): thousands, ord("."): point})
