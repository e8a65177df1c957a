"""The ways of a plan (触达方式): by channels in order of preference, under caps; found once a customer.

A customer fails on a way only when no channel is left: the reason is that of the channel that came furthest,
of equals the first, and a touch takes the first channel that passes every check. Columns of each way (by its
place in `Context.ways`): ``why_<way>`` (0 = open, else the number of a reason), ``about_<way>`` (which
channel, which cap) and ``by_<way>`` (the number of the channel).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis

from koipond.facts.ports import IbisTable
from koipond.outreach.model import FrequencyCap, Reason
from koipond.strategy.plan.arms import Expr
from koipond.strategy.plan.bids import Way
from koipond.strategy.plan.context import Context
from koipond.strategy.plan.model import ORDER

_STAFF, _SUPPRESSED, _MINOR = ORDER[Reason.STAFF], ORDER[Reason.SUPPRESSED], ORDER[Reason.MINOR]
_CAPPED = ORDER[Reason.FREQUENCY_CAP]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lane:
    """One channel of a way, as it is checked."""

    channel: str
    purpose: str
    caps: tuple[FrequencyCap, ...]


def add_ways(known: Context, table: IbisTable) -> IbisTable:
    """Add the columns of every way."""
    lanes = tuple(dict.fromkeys(lane for way in known.ways for lane in _lanes(way)))
    numbers = {lane: number for number, lane in enumerate(lanes)}
    kept = table.columns
    steps: list[dict[str, Expr]] = [{}, {}, {}, {}]  # each reads what the one before has made
    for number, lane in enumerate(lanes):
        caps = _caps(known, lane, table)
        why = [*_barred(known, lane, table), *((test, _CAPPED) for test, _ in caps)]
        steps[0] |= {f"lane_{number}": _first(why, "int8"), f"cap_{number}": _first(caps, "int16")}
    table = table.mutate(**steps[0])
    ways = [(number, way, [numbers[lane] for lane in _lanes(way)]) for number, way in enumerate(known.ways)]
    for number, _, mine in ways:
        steps[1][f"end_{number}"] = _end([table[f"lane_{lane}"] for lane in mine])
    table = table.mutate(**steps[1])
    for number, way, mine in ways:
        steps[2] |= _ended(known, table, number, way, mine)
    table = table.mutate(**steps[2])
    for number, _, _ in ways:
        steps[3][f"about_{number}"] = _about(table, number)
    table = table.mutate(**steps[3])
    found = [f"{name}_{number}" for number, _, _ in ways for name in ("why", "about", "by")]
    return table.select(*kept, *found)


def _lanes(way: Way) -> list[_Lane]:
    return [_Lane(channel=key, purpose=way.purpose, caps=way.caps) for key in way.channels]


def _first(checks: Sequence[tuple[Expr, int]], kind: str) -> Expr:
    return ibis.cases(*checks, else_=0).cast(kind) if checks else ibis.literal(0, type=kind)


def _barred(known: Context, lane: _Lane, table: IbisTable) -> list[tuple[Expr, int]]:
    """Return the checks of one channel before the caps."""
    checks = []
    if f"suppressed_{lane.channel}" in table.columns:
        checks.append((table[f"suppressed_{lane.channel}"], _SUPPRESSED))
    if known.channels[lane.channel].address_kind:
        checks.append((~table[f"reachable_{lane.channel}"], ORDER[Reason.NO_ADDRESS]))
    if (allowed := f"consent_{lane.channel}_{lane.purpose}") in table.columns:
        checks.append((~table[allowed], ORDER[Reason.NO_CONSENT]))
    return checks


def _caps(known: Context, lane: _Lane, table: IbisTable) -> list[tuple[Expr, int]]:
    """Return the caps that are full, with their numbers."""
    checks: list[tuple[Expr, int]] = []
    for group, caps in caps_by_group(known, lane.purpose):
        member = None if "cap_group" not in table.columns else table.cap_group == group
        for cap in (*caps, *lane.caps):
            task = next(task for task in known.caps if task.cap == cap)
            column = f"n_{task.counter}"
            if cap.channel not in (None, lane.channel) or column not in table.columns:
                continue
            reached = table[column] >= cap.touches_max
            checks.append((reached if member is None else member & reached, task.number))
        if member is None:
            break
    return checks


def caps_by_group(known: Context, purpose: str) -> list[tuple[int, Sequence[FrequencyCap]]]:
    """Return (cap group, caps that hold for it); exempt people have no group here."""
    policy = known.request.policy
    groups: list[tuple[int, Sequence[FrequencyCap]]] = [(0, known.request.policy.default_caps(purpose))]
    for number, key in enumerate(known.groups):
        caps = [cap for cap in policy.capped_groups[key] if cap.purpose == purpose]
        groups.append((number + 1, caps))
    return groups


def _end(fails: Sequence[Expr]) -> Expr:
    """Return 0 when a channel is open, else the failure of the one that came furthest."""
    if len(fails) == 1:
        return fails[0]
    return ibis.or_(*(fail == 0 for fail in fails)).ifelse(0, ibis.greatest(*fails)).cast("int8")


def _ended(known: Context, table: IbisTable, number: int, way: Way, lanes: Sequence[int]) -> dict[str, Expr]:
    """Return the reason, the channel and the cap of ``way``, whose channels have the numbers ``lanes``."""
    end = table[f"end_{number}"]
    here = [table[f"lane_{lane}"] == end for lane in lanes]
    places = [known.channel_number(channel) for channel in way.channels]
    minor = [(table.minor, _MINOR)] if way.purpose == "marketing" else []
    why = ibis.cases((table.staff, _STAFF), (end == _SUPPRESSED, end), *minor, else_=end)
    caps = [(test, table[f"cap_{lane}"]) for test, lane in zip(here, lanes, strict=True)]
    return {
        f"why_{number}": why.cast("int8"),
        f"by_{number}": _first(list(zip(here, places, strict=True)), "int8"),
        f"cap_of_{number}": ibis.cases(*caps, else_=0).cast("int16"),
    }


def _about(table: IbisTable, number: int) -> Expr:
    """Return which cap was full, or which channel was shut."""
    why = table[f"why_{number}"]
    return ibis.cases(
        (why.isin([0, _STAFF, _MINOR]), 0),
        (why == _CAPPED, table[f"cap_of_{number}"]),
        else_=table[f"by_{number}"].cast("int16"),
    ).cast("int16")
