"""The tables that rules are read over, from one version of the warehouse. Pure: Ibis expressions.

Facts keep the number of the customer they were recorded for; here they follow merges to the survivor. Orders
are paid ones, net of refunds that name them (science D); items are the lines of these orders.
"""

from collections.abc import Iterable, Mapping

import ibis
from pyroaring import BitMap

from koipond.ingest.ports import IbisTable, Reader
from koipond.kernel import InputError
from koipond.rules import (
    Comparison,
    Facts,
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
from koipond.rules.tree import FactKind
from koipond.segments.bitmaps import to_table
from koipond.segments.scope import Scope

TAG_COLUMNS = ("customer_no", "tag_group", "text_value", "number_value")
_DATASETS: Mapping[FactKind, str] = {"events": "events", "touches": "touches", "responses": "responses"}


def rule_tables(scope: Scope, rules: Iterable[Rule]) -> RuleTables:
    """Return what ``rules`` need; raise InputError for a segment never refreshed or a list unknown."""
    nodes = [node for rule in rules for _, node in walk(rule)]
    segments = {node.key for node in nodes if isinstance(node, InSegment)}
    lists = {node.key for node in nodes if isinstance(node, InList)}
    kinds = {facts.kind for node in nodes for facts in _facts_of(node)}
    reader = scope.reader
    return RuleTables(
        profile=profile_in_scope(scope),
        facts={kind: _facts(reader, kind, scope.as_of_day) for kind in sorted(kinds)},
        traits=followed(reader, reader.table("traits")),
        tags=_tags(reader, scope.as_of_day),
        segments={key: _staged(reader, f"segment:{key}", _segment(scope, key)) for key in sorted(segments)},
        lists={key: _staged(reader, f"list:{key}", list_members(scope, key)) for key in sorted(lists)},
    )


def _facts_of(node: Rule) -> list[Facts]:
    if isinstance(node, Sequence):
        return [node.first, node.then]
    if isinstance(node, Comparison | In | Known | Match) and isinstance(node.operand, Measure):
        return [node.operand.facts]
    return []


def profile_in_scope(scope: Scope) -> IbisTable:
    """Return the profiles that may be in a segment: not refusing profiling, not confirmed out by quality."""
    profile = scope.reader.table("profile")
    profile = profile.filter(~profile.profiling_refused.fill_null(False))
    if not scope.excluded:
        return profile
    excluded = _staged(scope.reader, "excluded", scope.excluded)
    return profile.anti_join(excluded, "customer_no")


def followed(reader: Reader, rows: IbisTable) -> IbisTable:
    """Return ``rows`` with customer_no replaced by the survivor's."""
    if not reader.has("identity_links"):
        return rows
    links = reader.table("identity_links").select(link_no="customer_no", survivor_no="survivor_no")
    joined = rows.left_join(links, [("customer_no", "link_no")])
    number = ibis.coalesce(joined.survivor_no, joined.customer_no).cast("int32")
    return joined.mutate(customer_no=number).drop("link_no", "survivor_no")


def list_members(scope: Scope, key: str) -> BitMap:
    """Return the customers of list ``key``; raise InputError when there is none."""
    if scope.lists is None:
        raise InputError(f"there is no list '{key}' here")
    return BitMap(scope.lists.list_members(key))


def _segment(scope: Scope, key: str) -> BitMap:
    if key not in scope.members:
        raise InputError(f"segment '{key}' was never refreshed; run: koipond refresh", code="stale_segment")
    return scope.members[key]


def _staged(reader: Reader, name: str, members: BitMap) -> IbisTable:
    return reader.stage(name, to_table(members))


def _facts(reader: Reader, kind: FactKind, as_of_day: int) -> IbisTable:
    if kind == "orders":
        return followed(reader, paid_orders(reader, as_of_day))
    if kind == "items":
        lines = reader.table("order_lines")
        paid = paid_orders(reader, as_of_day).select("order_no")
        return followed(reader, lines.semi_join(paid, "order_no"))
    return followed(reader, reader.table(_DATASETS[kind]))


def paid_orders(reader: Reader, as_of_day: int) -> IbisTable:
    """Return the paid orders with ``net_fen`` after the refunds that name them, dated up to ``as_of_day``.

    Paid = status ``paid`` and an amount above 0 after linked refunds (science D, common definitions).
    """
    orders = reader.table("orders")
    orders = orders.filter(orders.status == "paid")
    if reader.has("refunds"):
        refunds = reader.table("refunds")
        linked = refunds.filter(refunds.order_id.notnull(), refunds.day <= as_of_day)
        sums = linked.group_by(["source", "order_id"]).aggregate(refunded_fen=linked.amount_fen.sum())
        joined = orders.left_join(sums, ["source", "order_id"])
        net = joined.net_fen - joined.refunded_fen.cast("int64").fill_null(0)
        orders = joined.mutate(net_fen=net).drop("source_right", "order_id_right", "refunded_fen")
    return orders.filter(orders.net_fen > 0)


def _tags(reader: Reader, as_of_day: int) -> IbisTable | None:
    if not reader.has("tags"):
        return _no_tags(reader)
    tags = reader.table("tags")
    holding = (tags.from_day <= as_of_day) & (tags.until_day.isnull() | (tags.until_day >= as_of_day))
    return followed(reader, tags.filter(holding).select(*TAG_COLUMNS))


def _no_tags(reader: Reader) -> IbisTable:
    traits = reader.table("traits").limit(0)
    return traits.select("customer_no", "text_value", "number_value", tag_group=traits.name)
