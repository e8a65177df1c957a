"""Touches that hold a slot of a frequency cap (频次上限), counted in one pass over the longest window."""

from functools import reduce

import ibis

from koipond.facts.ports import IbisTable
from koipond.strategy.plan.arms import Expr
from koipond.strategy.plan.context import Context, joined
from koipond.strategy.plan.inboxes import touches
from koipond.strategy.plan.task import CapTask, window_start_s


def add_counts(known: Context, table: IbisTable) -> IbisTable:
    """Add ``n_<counter>`` of every counter; without any past touch there is nothing to count."""
    caps = {task.counter: task for task in known.caps}
    if not known.reader.has("touches") or not caps:
        return table
    starts = {
        counter: [window_start_s(task.cap, known.request.now, place) for place in known.places]
        for counter, task in caps.items()
    }
    earliest = min(min(found) for found in starts.values())
    rows = touches(known)
    rows = rows.filter((rows.at_s >= earliest) & (rows.at_s <= int(known.request.now.timestamp())))
    purposes = {task.cap.purpose for task in caps.values()}
    if len(purposes) == 1:
        rows = rows.filter(rows.purpose.fill_null("marketing") == purposes.pop())
    if any(len(set(found)) > 1 for found in starts.values()):
        rows = joined(rows, zone_numbers(known), {"zone_no": 0})
    alone = len({task.cap.purpose for task in caps.values()}) == 1
    counts = {
        f"n_{counter}": _count(rows, task, starts[counter], earliest, alone) for counter, task in caps.items()
    }
    counted = rows.group_by("customer_no").aggregate(**counts)
    return joined(table, counted, dict.fromkeys(counts, 0))


def zone_numbers(known: Context) -> IbisTable:
    """Return customer_no and ``zone_no``: the place of the customer's own zone among `Context.places`."""
    newest = known.facts.newest_trait("zone", "zone")
    cases = [(newest.zone == name, number + 1) for number, name in enumerate(known.zones)]
    return newest.select("customer_no", zone_no=ibis.cases(*cases, else_=0).cast("int16"))


def _count(rows: IbisTable, task: CapTask, starts: list[int], earliest: int, alone: bool) -> Expr:
    tests = []
    if len(set(starts)) > 1:
        begin = ibis.cases(*((rows.zone_no == n, s) for n, s in enumerate(starts) if n), else_=starts[0])
        tests.append(rows.at_s >= begin)
    elif starts[0] > earliest:
        tests.append(rows.at_s >= starts[0])
    if task.cap.channel is not None:
        tests.append(rows.channel == task.cap.channel)
    if not alone:
        tests.append(rows.purpose.fill_null("marketing") == task.cap.purpose)
    where = reduce(lambda a, b: a & b, tests) if tests else None
    return rows.count(where=where).cast("int32")
