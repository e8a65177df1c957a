"""Read rules as Ibis: one Boolean column a rule, one pass a fact table. Agrees with `memory`.

Every leaf is coalesced to false, so that `not` of a missing value is true on every engine (design §6).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce

import ibis

from koipond.rules.catalog import Catalog
from koipond.rules.check import check
from koipond.rules.ibis_facts import FactRows
from koipond.rules.ibis_tests import Expr, IbisTable, Pair, sampled, stored, test
from koipond.rules.problems import RuleError
from koipond.rules.ranking import cut_of_ibis
from koipond.rules.sources import basic, dated, quotient, unfold
from koipond.rules.tree import (
    And,
    Condition,
    Everyone,
    FactKind,
    Field,
    HashSample,
    InList,
    InSegment,
    Leaf,
    Measure,
    Not,
    Operand,
    Or,
    Rule,
    Sequence,
    Tag,
    Top,
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
    ``segments``, ``lists``: key → customer_no of the members, each once. ``crowd``: who is
    ranked by "in top", when ``profile`` holds but some of them.
    """

    profile: IbisTable
    facts: Mapping[FactKind, IbisTable] = field(default_factory=dict)
    traits: IbisTable = None
    tags: IbisTable = None
    segments: Mapping[str, IbisTable] = field(default_factory=dict)
    lists: Mapping[str, IbisTable] = field(default_factory=dict)
    crowd: IbisTable = None


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
        self.rows = FactRows(tables.facts, as_of_day, catalog)
        asking = [leaf for leaf in leaves if isinstance(leaf, Condition | Top)]
        self.by_tag = {leaf: f"tag_{n}" for n, leaf in enumerate(asking) if isinstance(leaf.operand, Tag)}
        operands = dict.fromkeys(part for leaf in asking for part in basic(leaf.operand, catalog))
        measures = {op: f"measure_{n}" for n, op in enumerate(operands) if isinstance(op, Measure)}
        self.measures = {op: name for op, name in measures.items() if op.how != "latest"}
        self.latest = {op: name for op, name in measures.items() if op.how == "latest"}
        self.traits = {op.name: f"trait_{n}" for n, op in enumerate(operands) if isinstance(op, Trait)}
        self.fields = [catalog.fields[op.name] for op in operands if isinstance(op, Field)]
        self.marks: dict[Leaf, str] = {}

    def table(self, names: Mapping[Leaf, str]) -> IbisTable:
        """Return customer_no and the columns ``names``."""
        wide = self.wide()
        columns = {name: self._leaf(leaf, wide).name(name) for leaf, name in names.items()}
        return wide.select(wide.customer_no, **columns)

    def wide(self) -> IbisTable:
        """Return the profile beside all that the leaves need."""
        wide = self._profile()
        for place, extra in enumerate(self._extras()):
            key = f"key_{place}"
            wide = wide.left_join(extra.rename({key: "customer_no"}), [("customer_no", key)])
        return wide

    def _profile(self) -> IbisTable:
        needed = {"customer_no", *(spec.column for spec in self.fields)}
        if any(isinstance(leaf, HashSample) for leaf in self.leaves):
            needed.add("customer_uid")
        return self.tables.profile.select(sorted(needed))

    def _extras(self) -> list[IbisTable]:
        """Return the tables to join, each with at most one row a customer."""
        extras = []
        for kind in dict.fromkeys(measure.facts.kind for measure in self.measures):
            asked = {m: name for m, name in self.measures.items() if m.facts.kind == kind}
            extras.append(self.rows.measured(kind, asked))
        for facts, window in dict.fromkeys((m.facts, m.window) for m in self.latest):
            columns = {
                m.column or "": n for m, n in self.latest.items() if (m.facts, m.window) == (facts, window)
            }
            extras.append(self.rows.latest(facts, window, columns))
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
        return self.rows.sequence(leaf) if isinstance(leaf, Sequence) else None

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
            name: ((rows.tag_group == leaf.operand.group) & test(leaf, cell, self.day)).any()  # type: ignore[union-attr,arg-type]
            for leaf, name in self.by_tag.items()
        }
        return rows.group_by("customer_no").aggregate(**held)

    def _leaf(self, leaf: Leaf, wide: IbisTable) -> Expr:
        if isinstance(leaf, Everyone):
            return ibis.literal(True)
        if isinstance(leaf, HashSample):
            return sampled(leaf, wide.customer_uid)
        if isinstance(leaf, Sequence | InSegment | InList):
            return wide[self.marks[leaf]].notnull()
        if isinstance(leaf, Top):
            return (self._number(leaf, wide) >= self._cut(leaf)).fill_null(False)
        if leaf in self.by_tag:
            return wide[self.by_tag[leaf]].fill_null(False)
        return test(leaf, self.cell(dated(leaf.operand), wide), self.day)

    def _number(self, leaf: Top, wide: IbisTable) -> Expr:
        cell = self.cell(leaf.operand, wide)
        return (cell.number if isinstance(cell, Pair) else cell).cast("float64")

    def _cut(self, leaf: Top) -> Expr:
        """Return the least value of the top share of ``leaf``, over everybody who may be in it."""
        crowd = self.tables.crowd if self.tables.crowd is not None else self.tables.profile
        if leaf.segment is not None:
            crowd = crowd.semi_join(self.tables.segments[leaf.segment], "customer_no")
        reading = _Reading(replace(self.tables, profile=crowd), self.day, self.catalog, (leaf,))
        wide = reading.wide()
        return cut_of_ibis(reading._number(leaf, wide), wide, leaf.buckets)

    def cell(self, operand: Operand, wide: IbisTable) -> Expr | Pair:
        """Return the value of ``operand``, null where it is missing."""
        operand = unfold(operand, self.catalog)
        found = quotient(operand, self.catalog)
        if found is not None:
            top, bottom = (self._measured(part, wide) for part in (found.top, found.bottom))
            scaled = top.cast("float64") * ibis.literal(10.0**found.power, type="float64")
            return scaled / bottom.cast("float64").nullif(0.0)
        if isinstance(operand, Trait):
            name = self.traits[operand.name]
            return Pair(wide[f"{name}_text"], wide[f"{name}_number"])
        if isinstance(operand, Measure):
            return self._measured(operand, wide)
        assert isinstance(operand, Field)
        return stored(self.catalog.fields[operand.name], wide, self.day, self.catalog)

    def _measured(self, measure: Measure, wide: IbisTable) -> Expr:
        if measure.how == "latest":
            return wide[self.latest[measure]]
        number = wide[self.measures[measure]]
        return number if measure.how.startswith("days_since") else number.fill_null(0)
