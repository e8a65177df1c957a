"""Why a customer is or is not in a segment: the rule, condition by condition."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from koipond.kernel import InputError
from koipond.rules import And, Not, Or, Rule, walk, words
from koipond.rules.labels import LANGS
from koipond.rules.titles import title
from koipond.rules.tree import children
from koipond.segments.count import count_rule
from koipond.segments.definition import SegmentDefinition
from koipond.segments.scope import Scope
from koipond.segments.segment_state import members_of, read_states
from koipond.strategy.why.model import ConditionProof, SegmentProof, Words
from koipond.strategy.why.words import NOBODY, said


def prove(scope: Scope, definition: SegmentDefinition, customer_no: int) -> SegmentProof:
    """Read the rule of ``definition`` for one customer on the day of ``scope``."""
    rule, note = definition.rule, ""
    lines: tuple[ConditionProof, ...] = ()
    unmet: tuple[Words, ...] = ()
    member = False
    try:
        truth = _truth(scope, rule, customer_no)
    except InputError as error:
        note = str(error)
    else:
        member = truth[rule]
        lines = tuple(
            line
            for part in (rule.parts if isinstance(rule, And) else (rule,))
            for line in _lines(part, truth, scope, 0)
        )
        unmet = tuple(_words(node, scope) for node in dict.fromkeys(unmet_of(rule, truth)))
    return SegmentProof(
        segment=definition.key,
        name=title(definition.names, definition.key),
        member=member,
        words=_words(rule, scope),
        lines=lines,
        unmet=unmet,
        note=note,
    )


def unmet_of(rule: Rule, truth: Mapping[Rule, bool]) -> Iterator[Rule]:
    """Yield what keeps ``rule`` from holding, each as it would have to be; nothing when it holds.

    Of an "and" the parts that fail, of an "or" all of it, since any part would do. What is negated is
    asked for negated: "not (a or b)" fails by each of a and b that holds.
    """
    if truth[rule]:
        return
    if isinstance(rule, And):
        for part in rule.parts:
            yield from unmet_of(part, truth)
    elif isinstance(rule, Not) and isinstance(rule.part, Not):
        yield from unmet_of(rule.part.part, truth)
    elif isinstance(rule, Not) and isinstance(rule.part, Or):
        yield from (Not(part=part) for part in rule.part.parts if truth[part])
    else:
        yield rule


def failed(proof: SegmentProof) -> Words:
    """Return which conditions keep the customer out."""
    if proof.note:
        return dict.fromkeys(LANGS, proof.note)
    join = {"zh": "；", "en": "; ", "id": "; "}
    said_whole = proof.unmet or (proof.words,)
    return {language: join[language].join(one[language] for one in said_whole) for language in LANGS}


def in_no_segment() -> Words:
    """Return that the customer takes part in no segment at all."""
    return said(NOBODY)


def _truth(scope: Scope, rule: Rule, customer_no: int) -> dict[Rule, bool]:
    """Return whether each node of ``rule`` holds for the customer."""
    counts = count_rule(_alone(scope, customer_no), rule)
    holds = {node["path"]: bool(node["count"]) for node in counts["nodes"]}
    return {node: holds[path] for path, node in walk(rule)}


def _lines(rule: Rule, truth: Mapping[Rule, bool], scope: Scope, depth: int) -> Iterator[ConditionProof]:
    """Yield the line of ``rule`` and, below a group, negated or not, those of its parts."""
    inner = rule
    while isinstance(inner, Not):
        inner = inner.part
    is_group = bool(children(inner))
    yield ConditionProof(words=_words(rule, scope), holds=truth[rule], depth=depth, group=is_group)
    for part in children(inner):
        yield from _lines(part, truth, scope, depth + 1)


def _alone(scope: Scope, customer_no: int) -> Scope:
    """Return ``scope`` with the profile of one customer."""
    profile = scope.profile if scope.profile is not None else scope.reader.table("profile")
    members = scope.members or members_of(read_states(scope.reader))
    mine = profile.filter(profile.customer_no == customer_no)
    return replace(scope, profile=mine, crowd=profile, members=members)


def _words(rule: Rule, scope: Scope) -> Words:
    return {language: words(rule, language, scope.catalog) for language in LANGS}
