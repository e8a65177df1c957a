"""The tables that rules are read over, from one version of the warehouse. Pure: Ibis expressions.

Facts keep the number of the customer they were recorded for; here they follow merges to the survivor. Orders
are paid ones, net of refunds that name them (science D); items are the lines of these orders.
"""

from collections.abc import Iterable

from pyroaring import BitMap

from koipond.ingest.ports import IbisTable, Reader
from koipond.kernel import InputError, from_epoch_day
from koipond.profiles.facts import FactTables, left_out_people, read_facts
from koipond.profiles.purchases import linked_refunds, net_of_refunds
from koipond.rules import (
    Comparison,
    Facts,
    Field,
    In,
    InList,
    InSegment,
    Known,
    Match,
    Measure,
    Rule,
    Sequence,
    walk,
)
from koipond.rules.ibis_reading import RuleTables
from koipond.rules.tree import FactKind, Operand
from koipond.segments.bitmaps import to_table
from koipond.segments.held import HELD, with_held
from koipond.segments.scope import Scope
from koipond.segments.state import PROFILE, published

TAG_COLUMNS = ("customer_no", "tag_group", "text_value", "number_value")


def rule_tables(scope: Scope, rules: Iterable[Rule]) -> RuleTables:
    """Return what ``rules`` need; raise InputError for a segment never refreshed or a list unknown."""
    nodes = [node for rule in rules for _, node in walk(rule)]
    segments = {node.key for node in nodes if isinstance(node, InSegment)}
    lists = {node.key for node in nodes if isinstance(node, InList)}
    kinds = {facts.kind for node in nodes for facts in _facts_of(node)}
    reader, facts = scope.reader, facts_of(scope)
    profile = profile_in_scope(scope)
    if any(_operand(node) == Field(name=HELD) for node in nodes):
        profile = with_held(profile, reader, facts, scope.as_of_day)
    return RuleTables(
        profile=profile,
        facts={kind: _rows(facts, kind, scope) for kind in sorted(kinds)},
        traits=facts.canonical(reader.table("traits")),
        tags=_tags(facts, scope),
        segments={
            key: _staged(reader, f"segment:{key}", segment_members(scope, key)) for key in sorted(segments)
        },
        lists={key: _staged(reader, f"list:{key}", list_members(scope, key)) for key in sorted(lists)},
    )


def _operand(node: Rule) -> Operand | None:
    return node.operand if isinstance(node, Comparison | In | Known | Match) else None


def _facts_of(node: Rule) -> list[Facts]:
    if isinstance(node, Sequence):
        return [node.first, node.then]
    operand = _operand(node)
    return [operand.facts] if isinstance(operand, Measure) else []


def facts_of(scope: Scope) -> FactTables:
    """Return the facts of whoever is looked at."""
    facts = read_facts(scope.reader)
    return facts if scope.only is None else facts.restricted(scope.only)


def profile_in_scope(scope: Scope) -> IbisTable:
    """Return the profiles that may be in a segment: not refusing profiling, not confirmed out by quality."""
    profile = _profile(scope)
    if scope.only is not None:
        profile = profile.semi_join(scope.only, "customer_no")
    profile = profile.filter(~profile.profiling_refused.fill_null(False))
    unreal = left_out_people(facts_of(scope))  # until the next refresh the published profile holds them
    if unreal is not None:
        profile = profile.anti_join(unreal, "customer_no")
    if not scope.excluded:
        return profile
    excluded = _staged(scope.reader, "excluded", scope.excluded)
    return profile.anti_join(excluded, "customer_no")


def _profile(scope: Scope) -> IbisTable:
    if scope.profile is not None:
        return scope.profile
    state = published(scope.reader)
    if state is not None and state.as_of != scope.as_of_day:
        wanted = from_epoch_day(scope.as_of_day)
        raise InputError(
            f"profiles are of {from_epoch_day(state.as_of)}, not of {wanted}; run: koipond refresh"
        )
    return scope.reader.table(PROFILE)


def list_members(scope: Scope, key: str) -> BitMap:
    """Return the customers of list ``key``; raise InputError when there is none."""
    if scope.lists is None:
        raise InputError(f"there is no list '{key}' here")
    return BitMap(scope.lists.list_members(key))


def segment_members(scope: Scope, key: str) -> BitMap:
    """Return the members of segment ``key``; raise InputError when it was never refreshed."""
    if key not in scope.members:
        raise InputError(f"segment '{key}' was never refreshed; run: koipond refresh", code="stale_segment")
    return scope.members[key]


def _staged(reader: Reader, name: str, members: BitMap) -> IbisTable:
    return reader.stage(name, to_table(members))


def fact_rows(scope: Scope, kind: FactKind) -> IbisTable:
    """Return the facts of ``kind`` that count, whoever's they are."""
    return _rows(facts_of(scope), kind, scope)


def _rows(facts: FactTables, kind: FactKind, scope: Scope) -> IbisTable:
    """Return the facts of ``kind`` that count, under the survivors' numbers."""
    if kind == "orders":
        return paid_orders(facts, scope)
    if kind == "items":
        lines = facts.canonical(scope.reader.table("order_lines"))
        return lines.semi_join(paid_orders(facts, scope), "order_no")
    return facts.canonical(scope.reader.table(kind))


def paid_orders(facts: FactTables, scope: Scope) -> IbisTable:
    """Return the paid orders with ``net_fen`` after the refunds that name them, up to the observation day.

    Paid = status ``paid`` and an amount above 0 after linked refunds (science D, common definitions).
    """
    orders = scope.reader.table("orders")
    orders = facts.canonical(orders.filter(orders.status == "paid"))
    if facts.orders is not None and facts.refunds is not None:
        orders = net_of_refunds(orders, linked_refunds(facts, scope.as_of_day))
    return orders.filter(orders.net_fen > 0)


def _tags(facts: FactTables, scope: Scope) -> IbisTable:
    if not scope.reader.has("tags"):
        traits = scope.reader.table("traits").limit(0)
        return traits.select("customer_no", "text_value", "number_value", tag_group=traits.name)
    tags = scope.reader.table("tags")
    holds = tags.until_day.isnull() | (tags.until_day >= scope.as_of_day)
    return facts.canonical(tags.filter(tags.from_day <= scope.as_of_day, holds).select(*TAG_COLUMNS))
