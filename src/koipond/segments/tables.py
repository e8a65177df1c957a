"""The tables that rules are read over, from one version of the warehouse. Pure: Ibis expressions."""

from collections.abc import Iterable
from dataclasses import replace

from pyroaring import BitMap

from koipond.facts.ports import IbisTable, Reader
from koipond.facts.tables import FactTables, without_unreal
from koipond.kernel import InputError, from_epoch_day
from koipond.rules import Field, Rule, Top, list_keys, segment_keys, walk
from koipond.rules.ibis_reading import RuleTables
from koipond.rules.sources import columns_of, operand_of
from koipond.rules.sources import facts_of as read_by
from koipond.segments.bitmaps import to_table
from koipond.segments.fact_rows import facts_of, rows_of
from koipond.segments.held import HELD, with_held
from koipond.segments.scope import Scope
from koipond.segments.state import PROFILE, published

TAG_COLUMNS = ("customer_no", "tag_group", "text_value", "number_value")


def rule_tables(scope: Scope, rules: Iterable[Rule]) -> RuleTables:
    """Return what ``rules`` need; raise InputError for a segment never refreshed or a list unknown."""
    asked = list(rules)
    nodes = [node for rule in asked for _, node in walk(rule)]
    segments = {key for rule in asked for key in segment_keys(rule)}
    lists = {key for rule in asked for key in list_keys(rule)}
    kinds = {one.kind for node in nodes for one in read_by(node, scope.catalog)}
    named = {name for node in nodes for name in columns_of(node, "items", scope.catalog)}
    reader, facts = scope.reader, facts_of(scope)
    profile = profile_in_scope(scope)
    if any(operand_of(node) == Field(name=HELD) for node in nodes):
        profile = with_held(profile, reader, facts, scope.as_of_day)
    return RuleTables(
        profile=profile,
        facts={kind: rows_of(facts, kind, scope, named) for kind in sorted(kinds)},
        traits=facts.canonical(reader.table("traits")),
        tags=_tags(facts, scope),
        segments={
            key: _staged(reader, f"segment:{key}", segment_members(scope, key)) for key in sorted(segments)
        },
        lists={key: _staged(reader, f"list:{key}", list_members(scope, key)) for key in sorted(lists)},
        crowd=crowd_of(scope) if any(isinstance(node, Top) for node in nodes) else None,
    )


def profile_in_scope(scope: Scope) -> IbisTable:
    """Return the profiles that may be in a segment: not refusing profiling, not confirmed out by quality."""
    profile = _profile(scope)
    if scope.only is not None:
        profile = profile.semi_join(scope.only, "customer_no")
    profile = profile.filter(~profile.profiling_refused.fill_null(False))
    profile = without_unreal(facts_of(scope), profile)  # until the next refresh the published one holds them
    if not scope.excluded:
        return profile
    excluded = _staged(scope.reader, "excluded", scope.excluded)
    return profile.anti_join(excluded, "customer_no")


def crowd_of(scope: Scope) -> IbisTable:
    """Return the profiles of everybody who may be in a segment: among whom "in top" ranks."""
    profile = scope.profile if scope.crowd is None else scope.crowd
    return profile_in_scope(replace(scope, profile=profile, only=None))


def _profile(scope: Scope) -> IbisTable:
    if scope.profile is not None:
        return scope.profile
    state = published(scope.reader)
    if state is not None and state.as_of != scope.as_of_day:
        wanted = from_epoch_day(scope.as_of_day)
        raise InputError(
            "profiles are of {from_epoch_day}, not of {wanted}; run: koipond refresh",
            from_epoch_day=from_epoch_day(state.as_of),
            wanted=wanted,
        )
    return scope.reader.table(PROFILE)


def list_members(scope: Scope, key: str) -> BitMap:
    """Return the customers of list ``key``; raise InputError when there is none."""
    if scope.lists is None:
        raise InputError("there is no list '{key}' here", key=key)
    return BitMap(scope.lists.list_members(key))


def segment_members(scope: Scope, key: str) -> BitMap:
    """Return the members of segment ``key``; raise InputError when it was never refreshed."""
    if key not in scope.members:
        raise InputError(
            "segment '{key}' was never refreshed; run: koipond refresh", key=key, code="stale_segment"
        )
    return scope.members[key]


def _staged(reader: Reader, name: str, members: BitMap) -> IbisTable:
    return reader.stage(name, to_table(members))


def _tags(facts: FactTables, scope: Scope) -> IbisTable:
    if not scope.reader.has("tags"):
        traits = scope.reader.table("traits").limit(0)
        return traits.select("customer_no", "text_value", "number_value", tag_group=traits.name)
    tags = scope.reader.table("tags")
    holds = tags.until_day.isnull() | (tags.until_day >= scope.as_of_day)
    return facts.canonical(tags.filter(tags.from_day <= scope.as_of_day, holds).select(*TAG_COLUMNS))
