"""Rules (规则): one condition tree, three readings: Ibis, in memory, in words."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from koipond.rules.catalog import Catalog, FactSpec, FieldSpec, default_catalog
from koipond.rules.check import check
from koipond.rules.json_form import from_dict, to_dict
from koipond.rules.memory import Cell, Person, holds
from koipond.rules.parser import parse
from koipond.rules.problems import Problem, RuleError
from koipond.rules.text import to_text
from koipond.rules.tree import (
    And,
    Anniversary,
    Comparison,
    Everyone,
    Facts,
    Field,
    HashSample,
    Holds,
    In,
    InDays,
    InList,
    InSegment,
    Known,
    Match,
    Measure,
    Not,
    Or,
    Property,
    Ratio,
    Rule,
    Sequence,
    Tag,
    Top,
    Trait,
    list_keys,
    segment_keys,
    walk,
)
from koipond.rules.windows import Between, Calendar, DaysAgo, LastDays, NextDays, Yearly
from koipond.rules.words import words

if TYPE_CHECKING:
    from koipond.rules.ibis_reading import RuleTables

__all__ = [
    "And",
    "Anniversary",
    "Between",
    "Calendar",
    "Catalog",
    "Cell",
    "Comparison",
    "DaysAgo",
    "Everyone",
    "FactSpec",
    "Facts",
    "Field",
    "FieldSpec",
    "HashSample",
    "Holds",
    "In",
    "InDays",
    "InList",
    "InSegment",
    "Known",
    "LastDays",
    "Match",
    "Measure",
    "NextDays",
    "Not",
    "Or",
    "Person",
    "Problem",
    "Property",
    "Ratio",
    "Rule",
    "RuleError",
    "Sequence",
    "Tag",
    "Top",
    "Trait",
    "Yearly",
    "check",
    "default_catalog",
    "from_dict",
    "holds",
    "list_keys",
    "parse",
    "segment_keys",
    "to_dict",
    "to_ibis",
    "to_text",
    "walk",
    "words",
]


def to_ibis(rules: Mapping[str, Rule], tables: "RuleTables", as_of_day: int, catalog: Catalog) -> Any:
    """Return customer_no and one Boolean column a rule; see `koipond.rules.ibis_reading`."""
    from koipond.rules import ibis_reading  # Ibis takes most of a second to import

    return ibis_reading.to_ibis(rules, tables, as_of_day, catalog)
