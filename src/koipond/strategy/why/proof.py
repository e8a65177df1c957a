"""Why a customer is or is not in a segment: the rule, condition by condition."""

from dataclasses import replace

from koipond.kernel import InputError
from koipond.rules import And, Not, Or, Rule, walk, words
from koipond.rules.labels import LANGS
from koipond.segments.count import count_rule
from koipond.segments.definition import SegmentDefinition
from koipond.segments.scope import Scope
from koipond.segments.segment_state import members_of, read_states
from koipond.strategy.why.model import ConditionProof, SegmentProof, Words
from koipond.strategy.why.words import NOBODY, said


def prove(scope: Scope, definition: SegmentDefinition, customer_no: int) -> SegmentProof:
    """Read the rule of ``definition`` for one customer on the day of ``scope``."""
    rule = definition.rule
    try:
        counts = count_rule(_alone(scope, customer_no), rule)
    except InputError as error:
        return SegmentProof(
            segment=definition.key, member=False, words=_words(rule, scope), conditions=(), note=str(error)
        )
    holds = {node["path"]: bool(node["count"]) for node in counts["nodes"]}
    conditions = tuple(
        ConditionProof(words=_words(node, scope), holds=holds[path])
        for path, node in walk(rule)
        if not isinstance(node, And | Or | Not)
    )
    return SegmentProof(
        segment=definition.key, member=holds[""], words=_words(rule, scope), conditions=conditions
    )


def failed(proof: SegmentProof, rule: Rule) -> Words:
    """Return which conditions keep the customer out; a rule with a 'not' is said as a whole."""
    missing = [condition.words for condition in proof.conditions if not condition.holds]
    if proof.note:
        return dict.fromkeys(LANGS, proof.note)
    if not missing or any(isinstance(node, Not) for _, node in walk(rule)):
        return proof.words
    join = {"zh": "；", "en": "; ", "id": "; "}
    return {language: join[language].join(one[language] for one in missing) for language in LANGS}


def in_no_segment() -> Words:
    """Return that the customer takes part in no segment at all."""
    return said(NOBODY)


def _alone(scope: Scope, customer_no: int) -> Scope:
    """Return ``scope`` with the profile of one customer."""
    profile = scope.profile if scope.profile is not None else scope.reader.table("profile")
    members = scope.members or members_of(read_states(scope.reader))
    return replace(scope, profile=profile.filter(profile.customer_no == customer_no), members=members)


def _words(rule: Rule, scope: Scope) -> Words:
    return {language: words(rule, language, scope.catalog) for language in LANGS}
