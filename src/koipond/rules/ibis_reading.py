"""Read rules as Ibis: one Boolean column a rule, one pass a fact table. Agrees with `memory`.

Every leaf is coalesced to false, so that `not` of a missing value is true on every engine (design §6).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce

import ibis

from koipond.rules.catalog import Catalog, FieldSpec
from koipond.rules.check import check
from koipond.rules.ibis_tests import Expr, IbisTable, Pair, any_of, counted, sampled, stored, test
from koipond.rules.problems import RuleError
from koipond.rules.tree import (
    And,
    Comparison,
    Everyone,
    FactKind,
    Field,
    HashSample,
    In,
    InList,
    InSegment,
    Known,
    Leaf,
    Match,
    Measure,
    Not,
    Operand,
    Or,
    Rule,
    Sequence,
    Tag,
    Trait,
    walk,
)


@dataclass(frozen=True, kw_only=True)
class RuleTables:
    """The tables that rules are read over.

    ``profile``: a row for each customer in scope: ``customer_no``, ``customer_uid``, the catalogue's columns.
    ``facts``: kind → facts that count, under the surviving ``customer_no``, with ``at_s`` and ``day``.
    ``traits``: customer_no, name, text_value, number_value, at_s, source, import_no (newest wins).
    ``tags``: customer_no, tag_group, text_value, number_value of the tags that hold.
    ``segments``, ``lists``: key → customer_no of the members, each once.
    """

    profile: IbisTable
    facts: Mapping[FactKind, IbisTable] = field(default_factory=dict)
    traits: IbisTable = None
    tags: IbisTable = None
    segments: Mapping[str, IbisTable] = field(default_factory=dict)
    lists: Mapping[str, IbisTable] = field(default_factory=dict)


def to_ibis(rules: Mapping[str, Rule], tables: RuleTables, as_of_day: int, catalog: Catalog) -> IbisTable:
    """Return customer_no and one Boolean column a rule, a row for each customer in scope.

    ``as_of_day``: the observation day as whole days since 1970. Raises RuleError when a rule names what the
    catalogue lacks. Equal leaves are computed once.
    """
    flat, names = leaf_table(rules, tables, as_of_day, catalog)
    columns = {name: combined(rule, names, flat).name(name) for name, rule in rules.items()}
    return flat.select(flat.customer_no, **columns)


def leaf_table(
    rules: Mapping[str, Rule], tables: RuleTables, as_of_day: int, catalog: Catalog
) -> tuple[IbisTable, dict[Leaf, str]]:
    """Return customer_no with one Boolean column a distinct leaf of ``rules``, and which column is which."""
    if problems := [problem for rule in rules.values() for problem in check(rule, catalog)]:
        raise RuleError(problems)
    found: dict[Leaf, str] = {}
    for rule in rules.values():
        for _, node in walk(rule):
            if not isinstance(node, And | Or | Not):
                found.setdefault(node, f"leaf_{len(found)}")
    return _Reading(tables, as_of_day, catalog, tuple(found)).table(found), found


def combined(rule: Rule, names: Mapping[Leaf, str], flat: IbisTable) -> Expr:
    """Return ``rule`` over the leaf columns of ``flat``."""
    if isinstance(rule, Not):
        return ~combined(rule.part, names, flat)
    if isinstance(rule, And | Or):
        parts = [combined(part, names, flat) for part in rule.parts]
        return reduce((lambda a, b: a & b) if isinstance(rule, And) else (lambda a, b: a | b), parts)
    return flat[names[rule]]


class _Reading:
    """One reading: joins what the leaves need to the profile, each source once."""

    def __init__(
        self, tables: RuleTables, as_of_day: int, catalog: Catalog, leaves: tuple[Leaf, ...]
    ) -> None:
        self.tables = tables
        self.day = as_of_day
        self.catalog = catalog
        self.leaves = leaves
        conditions = [leaf for leaf in leaves if isinstance(leaf, Comparison | In | Known | Match)]
        self.by_tag = {leaf: f"tag_{n}" for n, leaf in enumerate(conditions) if isinstance(leaf.operand, Tag)}
        operands = dict.fromkeys(leaf.operand for leaf in conditions)
        self.measures = {op: f"measure_{n}" for n, op in enumerate(operands) if isinstance(op, Measure)}
        self.traits = {op.name: f"trait_{n}" for n, op in enumerate(operands) if isinstance(op, Trait)}
        self.fields = [catalog.fields[op.name] for op in operands if isinstance(op, Field)]
        self.marks: dict[Leaf, str] = {}

    def table(self, names: Mapping[Leaf, str]) -> IbisTable:
        """Return customer_no and the columns ``names``."""
        wide = self._profile()
        for place, extra in enumerate(self._extras()):
            key = f"key_{place}"
            wide = wide.left_join(extra.rename({key: "customer_no"}), [("customer_no", key)])
        columns = {name: self._leaf(leaf, wide).name(name) for leaf, name in names.items()}
        return wide.select(wide.customer_no, **columns)

    def _profile(self) -> IbisTable:
        needed = {"customer_no", *(spec.column for spec in self.fields)}
        if any(isinstance(leaf, HashSample) for leaf in self.leaves):
            needed.add("customer_uid")
        return self.tables.profile.select(sorted(needed))

    def _extras(self) -> list[IbisTable]:
        """Return the tables to join, each with at most one row a customer."""
        extras = [self._facts(kind) for kind in dict.fromkeys(m.facts.kind for m in self.measures)]
        if self.traits:
            extras.append(self._traits())
        if self.by_tag:
            extras.append(self._tags())
        for place, leaf in enumerate(self.leaves):
            members = self._members(leaf)
            if members is not None:
                self.marks[leaf] = f"mark_{place}"
                extras.append(members.select("customer_no", **{f"mark_{place}": ibis.literal(True)}))
        return extras

    def _members(self, leaf: Leaf) -> IbisTable | None:
        if isinstance(leaf, InSegment):
            return self.tables.segments[leaf.key]
        if isinstance(leaf, InList):
            return self.tables.lists[leaf.key]
        return self._sequence(leaf) if isinstance(leaf, Sequence) else None

    def _facts(self, kind: FactKind) -> IbisTable:
        rows = self.tables.facts[kind]
        asked = {m: name for m, name in self.measures.items() if m.facts.kind == kind}
        tests = [counted(m.facts, m.window, rows, self.day, self.catalog) for m in asked]
        rows = rows.mutate(**{f"is_{name}": t for name, t in zip(asked.values(), tests, strict=True)})
        rows = rows.filter(any_of([rows[f"is_{name}"] for name in asked.values()]))
        totals = {name: self._total(m, rows, rows[f"is_{name}"]) for m, name in asked.items()}
        return rows.group_by("customer_no").aggregate(**totals)

    def _total(self, measure: Measure, rows: IbisTable, where: Expr) -> Expr:
        if measure.how == "count":
            return rows.count(where=where).cast("int64")
        if measure.how == "days":
            return rows.day.nunique(where=where).cast("int64")
        if measure.how == "sum":
            column = self.catalog.facts[measure.facts.kind].columns[measure.column or ""].column
            return rows[column].sum(where=where).cast("int64")
        edge = rows.day.max(where=where) if measure.how == "days_since_last" else rows.day.min(where=where)
        return ibis.literal(self.day, type="int32") - edge

    def _traits(self) -> IbisTable:
        rows = self.tables.traits
        rows = rows.filter(rows.name.isin(list(self.traits)))
        newest = [
            ibis.desc(rows[column], nulls_first=False)
            for column in ("at_s", "import_no", "source", "text_value", "number_value")
        ]
        place = ibis.row_number().over(group_by=[rows.customer_no, rows.name], order_by=newest)
        rows = rows.mutate(place=place).filter(lambda t: t.place == 0)
        pivoted = {}
        for trait, name in self.traits.items():
            pivoted[f"{name}_text"] = rows.text_value.max(where=rows.name == trait)
            pivoted[f"{name}_number"] = rows.number_value.max(where=rows.name == trait)
        return rows.group_by("customer_no").aggregate(**pivoted)

    def _tags(self) -> IbisTable:
        rows = self.tables.tags
        cell = Pair(rows.text_value, rows.number_value)
        held = {
            name: ((rows.tag_group == leaf.operand.group) & test(leaf, cell)).any()  # type: ignore[union-attr]
            for leaf, name in self.by_tag.items()
        }
        return rows.group_by("customer_no").aggregate(**held)

    def _sequence(self, leaf: Sequence) -> IbisTable:
        """Each first fact beside the day of the next then fact: a minimum over strictly later instants."""
        parts = []
        for facts, window, is_first in ((leaf.first, leaf.window, True), (leaf.then, None, False)):
            rows = self.tables.facts[facts.kind]
            rows = rows.filter(counted(facts, window, rows, self.day, self.catalog))
            then_day = ibis.null("int32") if is_first else rows.day.cast("int32")
            parts.append(
                rows.select(
                    "customer_no",
                    at_s=rows.at_s.cast("int64"),
                    day=rows.day.cast("int32"),
                    is_first=ibis.literal(is_first),
                    then_day=then_day,
                )
            )
        rows = parts[0].union(parts[1])
        later = ibis.range_window(group_by=rows.customer_no, order_by=rows.at_s, following=(1, None))
        rows = rows.mutate(next_day=rows.then_day.min().over(later)).filter(lambda t: t.is_first)
        followed = (rows.next_day - rows.day <= leaf.within_days).fill_null(False)
        if leaf.missing:
            followed = ~followed & (rows.day + leaf.within_days <= self.day)
        return rows.filter(followed).select("customer_no").distinct()

    def _leaf(self, leaf: Leaf, wide: IbisTable) -> Expr:
        if isinstance(leaf, Everyone):
            return ibis.literal(True)
        if isinstance(leaf, HashSample):
            return sampled(leaf, wide.customer_uid)
        if isinstance(leaf, Sequence | InSegment | InList):
            return wide[self.marks[leaf]].notnull()
        if leaf in self.by_tag:
            return wide[self.by_tag[leaf]].fill_null(False)
        return test(leaf, self._cell(leaf.operand, wide))

    def _cell(self, operand: Operand, wide: IbisTable) -> Expr | Pair:
        if isinstance(operand, Trait):
            name = self.traits[operand.name]
            return Pair(wide[f"{name}_text"], wide[f"{name}_number"])
        if isinstance(operand, Measure):
            number = wide[self.measures[operand]]
            return number if operand.how.startswith("days_since") else number.fill_null(0)
        assert isinstance(operand, Field)
        spec: FieldSpec = self.catalog.fields[operand.name]
        return stored(spec, wide, self.day)
