"""What a customer has had (经历): one pass over each fact table, whatever the number of strategies.

Columns are sets (`bits`): ``again`` of strategies whose wait is not over, ``duplicate`` of contents read,
``drawn_holdout`` and ``drawn_touch`` of strategies, ``had``, ``held_global`` and ``held_strategy`` of plays
whose turn of the day he has had or was held out of, ``holds`` and ``lapsed`` of code lists.
"""

from collections.abc import Sequence

import ibis
import pyarrow as pa

from koipond.facts.ports import IbisTable
from koipond.outreach.gate import GLOBAL
from koipond.strategy.plan.bits import bit_of, bit_sets, numbered, word_of, words_of
from koipond.strategy.plan.context import Context, joined
from koipond.strategy.plan.inboxes import touches
from koipond.strategy.plan.task import DAY_S

TURNS = ("had", "held_global", "held_strategy")


def add_history(known: Context, table: IbisTable) -> IbisTable:
    """Add the sets that the facts hold anything for."""
    parts = (_again(known), _duplicates(known), _drawn(known), _turns(known), _codes(known))
    for part in parts:
        if part is not None:
            sets = [name for name in part.columns if name != "customer_no"]
            table = joined(table, part, dict.fromkeys(sets, 0))
    return table


def has_set(table: IbisTable, name: str) -> bool:
    """Say whether ``table`` has the set ``name``."""
    return words_of(name, 1)[0] in table.columns


def _again(known: Context) -> IbisTable | None:
    """Return who had which strategy within its own wait."""
    request = known.request
    if not known.reader.has("touches") or not any(one.re_entry_days for one in request.strategies):
        return None
    now_s = int(request.now.timestamp())
    since = [now_s - one.re_entry_days * DAY_S for one in request.strategies]
    keys = list(known.strategies)
    waits = numbered(known.reader, "_plan_waits", "strategy", keys, since=since)
    had = touches(known)
    had = had.filter(had.at_s > min(since))
    both = had.join(waits, "strategy")
    both = both.filter(both.at_s > both.since)
    return bit_sets(both, {"again": None}, len(keys))


def _duplicates(known: Context) -> IbisTable | None:
    """Return who read which content within the policy's days."""
    days = known.request.policy.duplicate_content_days
    if not known.reader.has("touches") or not days:
        return None
    had = touches(known)
    had = had.filter(had.at_s > int(known.request.now.timestamp()) - days * DAY_S)
    texts = numbered(known.reader, "_plan_contents", "content", known.contents)
    return bit_sets(had.join(texts, "content"), {"duplicate": None}, len(known.contents))


def _drawn(known: Context) -> IbisTable | None:
    """Return which arm of which strategy was recorded before."""
    if not known.reader.has("assignments"):
        return None
    keys = list(known.strategies)
    scopes = numbered(known.reader, "_plan_scopes", "scope", keys)
    rows = known.facts.rows("assignments").select("customer_no", "scope", "arm").join(scopes, "scope")
    sets = {f"drawn_{arm}": rows.arm == arm for arm in ("holdout", "touch")}
    return bit_sets(rows, sets, len(keys))


def _turns(known: Context) -> IbisTable | None:
    """Return who has had, or was held out of, the day's turn of a play. The gate counts a turn once, whatever
    the version or waits."""
    found: list[tuple[str, int, Sequence[int]]] = []
    for play in known.plays:
        key = (play.strategy.key, play.play.key)
        found.append(("had", play.number, known.request.had.get(key, ())))
        for name, scope in (("held_global", GLOBAL), ("held_strategy", play.strategy.key)):
            found.append((name, play.number, known.request.held_out.get((*key, scope), ())))
    rows = _staged(known, "_plan_turns", found)
    if rows is None:
        return None
    return bit_sets(rows, {name: rows.what == name for name in TURNS}, len(known.plays))


def _codes(known: Context) -> IbisTable | None:
    """Return who holds a good code of which list, and whose code has expired."""
    found: list[tuple[str, int, Sequence[int]]] = []
    for number, key in enumerate(known.code_lists):
        stock = known.request.codes[key]
        found += [("holds", number, stock.held), ("lapsed", number, stock.lapsed)]
    rows = _staged(known, "_plan_codes", found)
    if rows is None:
        return None
    sets = {name: rows.what == name for name in ("holds", "lapsed")}
    return bit_sets(rows, sets, len(known.code_lists))


def _staged(known: Context, name: str, found: list[tuple[str, int, Sequence[int]]]) -> IbisTable | None:
    """Return people with what they have of which thing; linked customers are the one they belong to."""
    parts = [
        pa.table(
            {
                "customer_no": pa.array(people, pa.int32()),
                "what": pa.repeat(pa.scalar(what), len(people)),
                "word": pa.repeat(pa.scalar(word_of(number), pa.int8()), len(people)),
                "bit": pa.repeat(pa.scalar(bit_of(number), pa.int64()), len(people)),
            }
        )
        for what, number, people in found
        if people
    ]
    if not parts:
        return None
    return known.facts.tables.canonical(known.reader.stage(name, pa.concat_tables(parts)))


def add_spent(known: Context, table: IbisTable) -> IbisTable:
    """Add ``spent``: what the strategy of the row (``strategy_no``) has cost for its customer so far."""
    capped = [
        strategy.key
        for strategy in known.request.strategies
        if strategy.budget.per_customer_fen is not None
        and any(play.cost_max_fen for play in known.plays if play.strategy.key == strategy.key)
    ]
    if not known.reader.has("touches") or not capped:
        return table.mutate(spent=ibis.literal(0, type="int64"))
    places = pa.table(
        {
            "strategy": pa.array(capped, pa.string()),
            "strategy_no": pa.array([known.strategies[key] for key in capped], pa.int16()),
        }
    )
    rows = known.facts.rows("touches")
    rows = rows.filter(rows.cost_fen > 0).join(known.reader.stage("_plan_capped", places), "strategy")
    sums = rows.group_by("customer_no", "strategy_no").aggregate(spent=rows.cost_fen.sum().cast("int64"))
    both = table.left_join(sums, ["customer_no", "strategy_no"])
    return both.select(*(both[name] for name in table.columns), spent=both.spent.fill_null(0))
