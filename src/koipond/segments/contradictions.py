"""Contradictions (分层矛盾): two layers that say the opposite of one customer. Source: design §6.

Each layer looks at its own window and its own measure, so both may be right: a loyal customer of the year can
be silent for three of his own cycles. Whoever meets one should look before he acts.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from koipond.rules import Catalog, Person, Rule, holds, parse
from koipond.rules.ibis_reading import combined, leaf_table
from koipond.segments.count import count_true
from koipond.segments.scope import Scope
from koipond.segments.tables import rule_tables

CONTRADICTIONS: Mapping[str, str] = MappingProxyType(
    {
        "loyal_but_leaving": "aipl = loyal and lifecycle in (dormant, churned)",
        "high_but_churned": "rfm_level = high and lifecycle = churned",
        "core_but_low": "grade = core and rfm_level = low",
        "active_but_outside": "lifecycle in (growth, mature) and rfm_cell = outside",
        "bought_but_prospect": "aipl in (purchase, loyal) and lifecycle in (prospect, intro)",
    }
)
"""Name → rule, in the language of rules."""


def count_contradictions(scope: Scope) -> dict[str, int]:
    """Return how many customers of ``scope`` stand in each contradiction, in one scan; every name present."""
    rules = _rules(scope.catalog)
    tables = rule_tables(scope, list(rules.values()))
    flat, names = leaf_table(rules, tables, scope.as_of_day, scope.catalog)
    columns = {name: count_true(combined(rule, names, flat)) for name, rule in rules.items()}
    [row] = scope.reader.frame(flat.aggregate(**columns)).to_pylist()
    return {name: int(row[name] or 0) for name in CONTRADICTIONS}


def contradictions_of(layers: Mapping[str, Any], catalog: Catalog) -> dict[str, Rule]:
    """Return the contradictions, name → rule, that hold for one customer's values of the layers."""
    person = Person(customer_uid="", profile=layers)
    return {name: rule for name, rule in _rules(catalog).items() if holds(rule, person, 0, catalog)}


def _rules(catalog: Catalog) -> dict[str, Rule]:
    return {name: parse(text, catalog) for name, text in CONTRADICTIONS.items()}
