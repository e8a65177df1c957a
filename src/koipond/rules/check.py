"""Every way a tree can be wrong: unknown names, wrong types, limits passed."""

from collections.abc import Iterator

from koipond.kernel import Message
from koipond.rules.catalog import Catalog, FactSpec, closest
from koipond.rules.operand_types import IN_DAYS, allows, is_text, resolve, value_fits, wanted
from koipond.rules.problems import Problem
from koipond.rules.tree import (
    DEPTH_MAX,
    NODES_MAX,
    Anniversary,
    Comparison,
    Condition,
    Facts,
    Field,
    HashSample,
    Holds,
    In,
    InDays,
    InList,
    InSegment,
    Match,
    Measure,
    Operand,
    Property,
    Ratio,
    Rule,
    Sequence,
    Top,
    Trait,
    Value,
    children,
    walk,
)
from koipond.rules.windows import Between, Calendar
from koipond.rules.written import keyword, keywords, name_of


def check(rule: Rule, catalog: Catalog) -> list[Problem]:
    """Return every problem of ``rule``: unknown names, wrong types, limits passed."""
    nodes = list(walk(rule))
    problems = [problem for path, node in nodes for problem in _check_node(node, path, catalog)]
    if len(nodes) > NODES_MAX:
        problems.append(
            Problem(
                message=Message("{count} conditions", count=len(nodes)),
                fix=Message("keep a rule below {nodes_max}", nodes_max=NODES_MAX),
            )
        )
    if depth(rule) > DEPTH_MAX:
        problems.append(
            Problem(
                message=Message("too deeply nested"),
                fix=Message("nest at most {depth_max} deep", depth_max=DEPTH_MAX),
            )
        )
    return problems


def depth(rule: Rule) -> int:
    """Return how many nodes lie on the longest way from the root to a leaf."""
    level, reached = [rule], 0
    while level:
        level = [child for node in level for child in children(node)]
        reached += 1
    return reached


def _check_node(node: Rule, path: str, catalog: Catalog) -> Iterator[Problem]:
    if isinstance(node, Condition):
        yield from _check_condition(node, path, catalog, None)
    elif isinstance(node, Top):
        yield from _check_top(node, path, catalog)
    elif isinstance(node, HashSample) and not is_text(node.salt):
        yield Problem(
            message=Message("the salt is no text"), fix=Message("use printable characters"), path=path
        )
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
        yield Problem(message=spec, fix=Message("use a name of the catalogue"), path=path)
        return
    yield from _check_measures(node.operand, path, catalog)
    if isinstance(node, InDays):
        yield from _check_spans(node, path)
    op, values = _parts(node)
    if (why := allows(spec, node.operand, op)) is not None:
        yield Problem(message=Message("'{op}' does not fit", op=op), fix=why, path=path)
    for value in () if isinstance(node, Match) and spec.holds else values:
        if not value_fits(spec, value):
            yield Problem(
                message=Message("{value!r} is no value of '{name}'", value=value, name=name_of(spec)),
                fix=Message("give {wanted}", wanted=wanted(spec)),
                path=path,
            )


def _check_measures(operand: Operand, path: str, catalog: Catalog) -> Iterator[Problem]:
    if isinstance(operand, Ratio):
        yield from _check_measures(operand.top, path, catalog)
        yield from _check_measures(operand.bottom, path, catalog)
    elif isinstance(operand, Measure):
        yield from _check_facts(operand.facts, path, catalog)
        if isinstance(operand.window, Calendar) and operand.window.shift > 0:
            yield Problem(
                message=Message("facts lie in the past"),
                fix=Message("use this month or last month"),
                path=path,
            )


def _check_top(node: Top, path: str, catalog: Catalog) -> Iterator[Problem]:
    spec = resolve(node.operand, catalog)
    if isinstance(spec, str):
        yield Problem(message=spec, fix=Message("use a name of the catalogue"), path=path)
        return
    yield from _check_measures(node.operand, path, catalog)
    trait = isinstance(node.operand, Trait) and spec.holds in ("", "number")
    if spec.type not in ("number", "money") and not trait:
        yield Problem(
            message=Message("'{name}' cannot be ranked", name=name_of(spec)),
            fix=Message("rank a number or an amount"),
            path=path,
        )
    if node.segment is not None:
        yield from _check_key("segment", node.segment, catalog.segments, path)


def _check_spans(node: InDays, path: str) -> Iterator[Problem]:
    open_ended = any(isinstance(span, Between) and None in (span.first, span.last) for span in node.spans)
    if isinstance(node.operand, Anniversary) and open_ended:
        yield Problem(
            message=Message("a day of the year needs both ends"),
            fix=Message("write from when to when"),
            path=path,
        )


def _parts(node: Condition) -> tuple[str, tuple[Value, ...]]:
    if isinstance(node, Comparison):
        return node.op, (node.value,)
    if isinstance(node, In):
        return "=", node.values
    if isinstance(node, InDays):
        return IN_DAYS, ()
    return (node.how, (node.text,)) if isinstance(node, Match) else ("known", ())


def _check_facts(facts: Facts, path: str, catalog: Catalog) -> Iterator[Problem]:
    spec = catalog.facts.get(facts.kind)
    if spec is None:
        yield Problem(
            message=Message("no facts called '{kind}'", kind=facts.kind),
            fix=Message("use {facts}", facts=keywords(catalog.facts)),
            path=path,
        )
        return
    for condition in facts.where:
        if isinstance(condition, Holds):
            yield from _check_lines(condition, facts, path, catalog)
        elif isinstance(condition.operand, Field | Property | Anniversary):
            yield from _check_condition(condition, path, catalog, spec)
        else:
            yield Problem(
                message=Message("a fact is filtered by its own columns"),
                fix=Message("name a column"),
                path=path,
            )


def _check_lines(node: Holds, facts: Facts, path: str, catalog: Catalog) -> Iterator[Problem]:
    if facts.kind != "orders":
        yield Problem(
            message=Message("{kind} have no lines", kind=keyword(facts.kind)),
            fix=Message("ask orders(with items(…))"),
            path=path,
        )
    yield from _check_facts(Facts(kind="items", where=node.where), path, catalog)


def _check_key(what: str, key: str, known: frozenset[str], path: str) -> Iterator[Problem]:
    if known and key not in known:
        yield Problem(
            message=Message("no {what} '{key}'", what=keyword(what), key=key),
            fix=did_you_mean(closest(key, known)),
            path=path,
        )


def did_you_mean(near: str | None, otherwise: str = Message("name one that exists")) -> str:
    """Return the mend for a misspelt name."""
    return Message("did you mean '{near}'?", near=near) if near else otherwise
