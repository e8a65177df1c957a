"""The condition tree (条件树): frozen values, no behaviour beyond walking. Rule: design §6.

A tree is read three ways (Ibis, in memory, in words). All are two-valued: a leaf whose operand is missing is
false, so its ``not`` is true. Strings compare by code point. Values are in stored units: money in minor
units, days as dates, scaled numbers as integers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from koipond.kernel import Message
from koipond.rules.windows import DAYS_MAX, Span, Window, require

Value = str | int | float | bool | date
Op = Literal["=", "!=", "<", "<=", ">", ">="]
OPS: tuple[Op, ...] = ("=", "!=", "<", "<=", ">", ">=")
How = Literal["count", "sum", "days", "days_since_last", "days_since_first", "average", "share", "latest"]
HOWS: tuple[How, ...] = (
    *("count", "sum", "days", "days_since_last", "days_since_first"),
    *("average", "share", "latest"),
)
WITH_COLUMN: tuple[How, ...] = ("sum", "average", "latest")
FactKind = Literal["orders", "items", "events", "touches", "responses", "refunds", "pending", "codes"]
FACT_KINDS: tuple[FactKind, ...] = (
    *("orders", "items", "events", "touches", "responses"),
    *("refunds", "pending", "codes"),
)
MatchHow = Literal["contains", "starts with", "ends with"]
MATCHES: tuple[MatchHow, ...] = ("contains", "starts with", "ends with")

NODES_MAX = 1_000
DEPTH_MAX = 40
VALUES_MAX = 10_000
SPANS_MAX = 100
BUCKETS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of the catalogue: a column of the profile, or of a fact when it filters facts."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """A fact about a person (属性), newest value."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """The tags (标签) of one group that hold on the observation day; any of them may satisfy a condition."""

    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A declared property of an event."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts of one kind that satisfy every condition of ``where``."""

    kind: FactKind
    where: tuple["Filter", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number per customer over facts in a window of local days.

    ``count``, ``sum`` of ``column`` and ``days`` (distinct days) are 0 without facts; the others are missing
    then: ``days_since_last``, ``days_since_first``, ``average`` (sum of ``column`` ÷ count), ``share`` (count
    ÷ count without the conditions) and ``latest`` (``column`` of the last fact).
    """

    facts: Facts
    how: How
    column: str | None = None
    window: Window = None

    def __post_init__(self) -> None:
        fits = (self.how in WITH_COLUMN) == (self.column is not None)
        require(
            fits, Message("{with_column} name a column, others do not", with_column=", ".join(WITH_COLUMN))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """``top`` ÷ ``bottom``, each a count, a sum or days; missing where ``bottom`` is 0."""

    top: Measure
    bottom: Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Anniversary:
    """The day and month of the day ``of`` (周年), in any year: a birthday."""

    of: Trait | Field


Operand = Field | Trait | Tag | Property | Measure | Ratio | Anniversary


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """``operand op value``; false when the operand is missing, whatever the operator."""

    operand: Operand
    op: Op
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class In:
    """``operand in (…)``."""

    operand: Operand
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        require(
            1 <= len(self.values) <= VALUES_MAX,
            Message("a list of values holds 1 to {values_max} of them", values_max=VALUES_MAX),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The operand has a value. ``is missing`` is its ``not``."""

    operand: Operand


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The text holds ``text`` anywhere, at its start or at its end; exact code points."""

    operand: Operand
    how: MatchHow
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InDays:
    """The day lies in one of ``spans``."""

    operand: Operand
    spans: tuple[Span, ...]

    def __post_init__(self) -> None:
        require(
            1 <= len(self.spans) <= SPANS_MAX,
            Message("'in' takes 1 to {spans_max} windows", spans_max=SPANS_MAX),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Top:
    """Among the ``buckets`` of 10,000 with the highest value (前 x%) of those who have one other than 0.

    Who has as much as the last of them is among them. ``segment``: ranked within it, None = all in scope.
    """

    operand: Operand
    buckets: int
    segment: str | None = None

    def __post_init__(self) -> None:
        require(0 < self.buckets <= BUCKETS, Message("a top share lies above 0% and is at most 100%"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """Filter of orders: one line of the order satisfies every condition of ``where``."""

    where: tuple["Condition", ...]

    def __post_init__(self) -> None:
        require(len(self.where) >= 1, Message("'with items(…)' names at least one condition"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A ``first`` fact in the window, then, strictly later, a ``then`` fact within ``within_days`` days.

    ``missing``: the opposite: a ``first`` fact whose ``within_days`` days have passed without any ``then``.
    """

    first: Facts
    then: Facts
    within_days: int
    missing: bool = False
    window: Window = None

    def __post_init__(self) -> None:
        require(
            0 <= self.within_days <= DAYS_MAX,
            Message("'within' takes 0 to {days_max} days", days_max=DAYS_MAX),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InSegment:
    """Member of the segment ``key`` as last refreshed."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InList:
    """In the list ``key``."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HashSample:
    """Customers whose hash bucket (0..9999) lies in [``first``, ``end``); scope ``sample`` (science D6)."""

    first: int
    end: int
    salt: str

    def __post_init__(self) -> None:
        require(
            0 <= self.first < self.end <= BUCKETS,
            Message("a sample lies between 0% and 100%, and is not empty"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Everyone:
    """Every customer in scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class And:
    """All of ``parts``."""

    parts: tuple["Rule", ...]

    def __post_init__(self) -> None:
        require(len(self.parts) >= 2, Message("'and' joins at least two conditions"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Or:
    """Any of ``parts``."""

    parts: tuple["Rule", ...]

    def __post_init__(self) -> None:
        require(len(self.parts) >= 2, Message("'or' joins at least two conditions"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """Not ``part``: true when a value is missing, since the leaf is then false."""

    part: "Rule"


Condition = Comparison | In | Known | Match | InDays
Filter = Condition | Holds
Leaf = Condition | Top | Sequence | InSegment | InList | HashSample | Everyone
Rule = And | Or | Not | Leaf

SAMPLE_SCOPE = "sample"


def children(rule: Rule) -> tuple[Rule, ...]:
    """Return the direct parts of ``rule``."""
    if isinstance(rule, And | Or):
        return rule.parts
    return (rule.part,) if isinstance(rule, Not) else ()


def walk(rule: Rule, path: str = "") -> Iterator[tuple[str, Rule]]:
    """Yield (path, node) of every node, parents first; the root's path is empty, others like ``0.1``."""
    yield path, rule
    for place, child in enumerate(children(rule)):
        yield from walk(child, f"{path}.{place}" if path else str(place))


def segment_keys(rule: Rule) -> tuple[str, ...]:
    """Return the segments that ``rule`` refers to, sorted."""
    nodes = [node for _, node in walk(rule)]
    ranked = {node.segment for node in nodes if isinstance(node, Top) and node.segment is not None}
    return tuple(sorted({node.key for node in nodes if isinstance(node, InSegment)} | ranked))


def list_keys(rule: Rule) -> tuple[str, ...]:
    """Return the lists that ``rule`` refers to, sorted."""
    return tuple(sorted({node.key for _, node in walk(rule) if isinstance(node, InList)}))
