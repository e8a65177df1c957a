"""Types: what each operand is, which comparisons it allows, and every way a tree can be wrong."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from koipond.rules.catalog import Catalog, FactSpec, FieldSpec, closest
from koipond.rules.problems import Problem
from koipond.rules.tree import (
    DEPTH_MAX,
    NODES_MAX,
    Comparison,
    Condition,
    Facts,
    Field,
    HashSample,
    In,
    InList,
    InSegment,
    Known,
    Match,
    Measure,
    Operand,
    Property,
    Rule,
    Sequence,
    Tag,
    Trait,
    Value,
    children,
    walk,
)

INT64_MAX = 2**63 - 1
FLOAT_MAX = 1e308
HELD = {"number": "a number", "date": "a day such as 2026-01-31"}
"""Declared types of traits that decide what they can be compared with at all."""
_DAYS = FieldSpec(name="days", type="number", column="")


def resolve(operand: Operand, catalog: Catalog, facts: FactSpec | None = None) -> FieldSpec | str:
    """Return what ``operand`` is, or the message why it is nothing. ``facts`` is set inside a fact filter."""
    if isinstance(operand, Measure):
        return _resolve_measure(operand, catalog)
    if isinstance(operand, Field):
        return _resolve_field(operand.name, catalog, facts)
    if isinstance(operand, Property):
        kind = facts.kind if facts else None
        text = "a property belongs inside events(…)"
        return _any(operand.name) if kind == "events" else text
    if isinstance(operand, Trait):
        found = _known_name("trait", operand.name, catalog.traits)
        declared = catalog.trait_types.get(operand.name, "")
        return found if isinstance(found, str) or declared not in HELD else replace(found, holds=declared)
    return _known_name("tag group", operand.group, catalog.tags)


def allows(spec: FieldSpec, operand: Operand, op: str) -> str | None:
    """Return why ``op`` does not fit ``operand``, or None when it does."""
    if isinstance(operand, Tag) and op == "!=":
        return "a customer has several tags: write not (tag = …)"
    if spec.type == "choice" and op in ("<", "<=", ">", ">="):
        return f"'{spec.name}' has no order: use =, != or in"
    if spec.type == "flag" and op not in ("=", "known"):
        return f"'{spec.name}' is a yes or no: write {spec.name} or not {spec.name}"
    if op in ("contains", "starts with", "ends with") and (spec.holds or spec.type not in ("text", "any")):
        return f"'{spec.name}' is no text"
    return None


def value_fits(spec: FieldSpec, value: Value) -> bool:
    """Say whether ``value``, in stored units, is of the type of ``spec``."""
    if spec.type == "flag":
        return isinstance(value, bool)
    if spec.type in ("number", "money"):
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= INT64_MAX
    if spec.type == "day":
        return isinstance(value, date)
    if spec.type == "choice":
        return isinstance(value, str) and value in spec.choices
    if spec.type == "text":
        return _is_text(value)
    if spec.holds == "date":
        return isinstance(value, date)
    if spec.holds == "number":
        return _plain(value) and isinstance(value, int | float)
    return _plain(value)


def wanted(spec: FieldSpec) -> str:
    """Return what a value of ``spec`` is, in words."""
    if spec.holds:
        return f"{HELD[spec.holds]}: anything else matches nobody"
    return {
        "number": "a number",
        "money": "an amount such as 19.90",
        "day": "a day such as 2026-01-31",
        "flag": "true or false",
        "text": "a text",
        "choice": f"one of {', '.join(spec.choices)}",
        "any": "a value",
    }[spec.type]


def check(rule: Rule, catalog: Catalog) -> list[Problem]:
    """Return every problem of ``rule``: unknown names, wrong types, limits passed."""
    nodes = list(walk(rule))
    problems = [problem for path, node in nodes for problem in _check_node(node, path, catalog)]
    if len(nodes) > NODES_MAX:
        problems.append(Problem(message=f"{len(nodes)} conditions", fix=f"keep a rule below {NODES_MAX}"))
    if depth(rule) > DEPTH_MAX:
        problems.append(Problem(message="too deeply nested", fix=f"nest at most {DEPTH_MAX} deep"))
    return problems


def depth(rule: Rule) -> int:
    """Return how many nodes lie on the longest way from the root to a leaf."""
    level, reached = [rule], 0
    while level:
        level = [child for node in level for child in children(node)]
        reached += 1
    return reached


def _check_node(node: Rule, path: str, catalog: Catalog) -> Iterator[Problem]:
    if isinstance(node, Comparison | In | Known | Match):
        yield from _check_condition(node, path, catalog, None)
    elif isinstance(node, HashSample) and not _is_text(node.salt):
        yield Problem(message="the salt is no text", fix="use printable characters", path=path)
    elif isinstance(node, Sequence):
        for facts in (node.first, node.then):
            yield from _check_facts(facts, path, catalog)
    elif isinstance(node, InSegment):
        yield from _check_key("segment", node.key, catalog.segments, path)
    elif isinstance(node, InList):
        yield from _check_key("list", node.key, catalog.lists, path)


def _check_condition(
    node: Condition, path: str, catalog: Catalog, facts: FactSpec | None
) -> Iterator[Problem]:
    spec = resolve(node.operand, catalog, facts)
    if isinstance(spec, str):
        yield Problem(message=spec, fix="use a name of the catalogue", path=path)
        return
    if isinstance(node.operand, Measure):
        yield from _check_facts(node.operand.facts, path, catalog)
    op, values = _parts(node)
    if (why := allows(spec, node.operand, op)) is not None:
        yield Problem(message=f"'{op}' does not fit", fix=why, path=path)
    for value in () if isinstance(node, Match) and spec.holds else values:
        if not value_fits(spec, value):
            yield Problem(
                message=f"{value!r} is no value of '{spec.name}'", fix=f"give {wanted(spec)}", path=path
            )


def _parts(node: Condition) -> tuple[str, tuple[Value, ...]]:
    if isinstance(node, Comparison):
        return node.op, (node.value,)
    if isinstance(node, In):
        return "=", node.values
    return (node.how, (node.text,)) if isinstance(node, Match) else ("known", ())


def _check_facts(facts: Facts, path: str, catalog: Catalog) -> Iterator[Problem]:
    spec = catalog.facts.get(facts.kind)
    if spec is None:
        yield Problem(
            message=f"no facts called '{facts.kind}'", fix=f"use {', '.join(catalog.facts)}", path=path
        )
        return
    for condition in facts.where:
        if isinstance(condition.operand, Field | Property):
            yield from _check_condition(condition, path, catalog, spec)
        else:
            yield Problem(message="a fact is filtered by its own columns", fix="name a column", path=path)


def _check_key(what: str, key: str, known: frozenset[str], path: str) -> Iterator[Problem]:
    if known and key not in known:
        yield Problem(message=f"no {what} '{key}'", fix=did_you_mean(closest(key, known)), path=path)


def did_you_mean(near: str | None, otherwise: str = "name one that exists") -> str:
    """Return the mend for a misspelt name."""
    return f"did you mean '{near}'?" if near else otherwise


def _resolve_field(name: str, catalog: Catalog, facts: FactSpec | None) -> FieldSpec | str:
    if facts is None:
        return catalog.fields.get(name) or f"unknown field '{name}'"
    return facts.columns.get(name) or f"{facts.kind} have no column '{name}'"


def _resolve_measure(measure: Measure, catalog: Catalog) -> FieldSpec | str:
    spec = catalog.facts.get(measure.facts.kind)
    if spec is None:
        return f"no facts called '{measure.facts.kind}'"
    if measure.column is None:
        return _DAYS
    if measure.column in spec.sums:
        return spec.columns[measure.column]
    return f"{spec.kind} have no amount '{measure.column}' (they have {', '.join(spec.sums) or 'none'})"


def _known_name(what: str, name: str, known: frozenset[str]) -> FieldSpec | str:
    return f"no {what} '{name}'" if known and name not in known else _any(name)


def _any(name: str) -> FieldSpec:
    return FieldSpec(name=name, type="any", column="")


def _plain(value: Value) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return abs(value) <= INT64_MAX
    return (
        _is_text(value) or isinstance(value, date) or (isinstance(value, float) and abs(value) <= FLOAT_MAX)
    )


def _is_text(value: Value) -> bool:
    """Say whether ``value`` is a text that every engine can hold: no NUL, no half of a surrogate pair."""
    return isinstance(value, str) and "\0" not in value and _encodes(value)


def _encodes(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)
