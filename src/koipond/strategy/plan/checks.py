"""The checks that look at one candidate alone, in the order of `Reason`: every customer against every bid.

One statement for all plays: what a play asks is a row of the table of bids, what a customer is a row of the
people. Only those few expressions branch that differ in kind: by way, by required text, by word of a set.
"""

from collections.abc import Sequence
from typing import Any

import ibis
import pyarrow as pa

from koipond.facts.ports import IbisTable
from koipond.outreach.model import Reason
from koipond.strategy.plan.arms import Expr, bucket_after
from koipond.strategy.plan.bids import Bid
from koipond.strategy.plan.bits import bit_of, has, word_of
from koipond.strategy.plan.context import Context
from koipond.strategy.plan.history import add_spent, has_set
from koipond.strategy.plan.model import ORDER
from koipond.strategy.plan.offer_stock import list_number
from koipond.strategy.plan.people import MEMBER
from koipond.strategy.plan.person import MONEY, ORDERS

OWN_BUDGET, LAPSED, LOSS = 1, 2, 3
"""What would fail a candidate after competing (``late``): his own budget, his expired code, the margin."""

GLOBAL_DETAIL, STRATEGY_DETAIL = 1, 2
_NONE = -1
_BIDS = "_plan_bids"
_ROW = pa.schema(
    {
        "bid": pa.int16(),
        "strategy_no": pa.int16(),
        "still": pa.int8(),  # the reason why it touches nobody, 0 = it runs
        "first_channel": pa.int8(),
        "way": pa.int16(),
        "lack": pa.int16(),
        "marketing": pa.bool_(),
        "salted": pa.string(),  # the hold-out's hash before the uid
        "width": pa.int32(),  # and how many of its buckets are held out
        "offer_fen": pa.int64(),
        "own_most_fen": pa.int64(),
        "costly": pa.bool_(),
        **{f"{name}_word": pa.int8() for name in ("segment", "strategy", "play", "content", "list")},
        **{f"{name}_bit": pa.int64() for name in ("segment", "strategy", "play", "content", "list")},
    }
)


def candidate_rows(known: Context, people: IbisTable) -> IbisTable:
    """Return one row a candidate: customer_no, bid, reason and detail of the checks so far (0 = none fails),
    ``late`` (what would fail him after competing, 0 = nothing), channel, held (he has a good code of its list
    already), and zone_no and tongue where customers differ.

    A candidate who is late neither takes a customer from another play nor uses up a budget.
    """
    rows = _drawn(known, _pairs(known, people))
    rows = rows.mutate(
        why_here=_by_way(known, rows, "why"),
        about=_by_way(known, rows, "about"),
        by=_by_way(known, rows, "by"),
    )
    lists = len(known.code_lists)
    held = has(rows, "holds", lists, rows.list_word, rows.list_bit) if has_set(rows, "holds") else False
    rows = rows.mutate(
        reason=_reason(known, rows).cast("int8"),
        channel=(rows.still > 0).ifelse(rows.first_channel, rows.by).cast("int8"),
        held=held,
    )
    if any(bid.play.cost_max_fen or list_number(known, bid) is not None for bid in known.bids):
        rows = add_spent(known, rows)
        late = _late(known, rows)
    else:
        late = ibis.literal(0)
    more = [name for name in ("zone_no", "tongue") if name in rows.columns]
    return rows.select(
        "customer_no",
        "bid",
        "reason",
        "channel",
        "held",
        *more,
        detail=_detail(known, rows).cast("int16"),
        late=late.cast("int8"),
    )


def _pairs(known: Context, people: IbisTable) -> IbisTable:
    """Return each customer beside each bid whose audience he is in."""
    rows = [_row(known, bid) for bid in known.bids]
    most = max(len(bid.draws) for bid in known.bids)
    drawn: dict[str, pa.DataType] = {}
    for place in range(most):
        drawn |= {f"prefix_{place}": pa.string(), f"first_{place}": pa.int32(), f"last_{place}": pa.int32()}
    schema = pa.schema([*_ROW, *drawn.items()])
    bids = known.reader.stage(_BIDS, pa.Table.from_pylist(rows, schema))
    both = people.cross_join(bids)
    inside = has(both, MEMBER, len(known.segments), both.segment_word, both.segment_bit)
    return both.filter(inside)


def _row(known: Context, bid: Bid) -> dict[str, Any]:
    """Return ``bid`` as a row of the table of bids."""
    play, strategy = bid.play, bid.play.strategy
    task, marketing = play.arms[bid.arm], play.play.purpose == "marketing"
    things = {
        "segment": known.segments.index(bid.audience),
        "strategy": known.strategies[strategy.key],
        "play": play.number,
        "content": known.contents.index(task.content),
        "list": list_number(known, bid),
    }
    words = {f"{name}_word": word_of(n or 0) for name, n in things.items()}
    bits = {f"{name}_bit": 0 if n is None else bit_of(n) for name, n in things.items()}
    drawn: dict[str, Any] = {}
    for place, draw in enumerate(bid.draws):
        drawn |= {f"prefix_{place}": draw.prefix, f"first_{place}": draw.first, f"last_{place}": draw.last}
    return {
        "bid": bid.number,
        "strategy_no": things["strategy"],
        "still": ORDER[bid.still] if bid.still else 0,
        "first_channel": known.channel_number(play.channels[0].channel),
        "way": _NONE if bid.still else known.ways.index(bid.way),
        "lack": known.requirements.index(bid.required) if bid.required and not bid.still else _NONE,
        "marketing": marketing,
        "salted": f"{known.request.salt}|{strategy.key}|",
        "width": round(strategy.holdout_rate * 10_000) if marketing else 0,
        "offer_fen": task.offer_cost_fen,
        "own_most_fen": strategy.budget.per_customer_fen if play.cost_max_fen else None,
        "costly": play.cost_max_fen > 0,
        **words,
        **bits,
        **drawn,
    }


def _drawn(known: Context, rows: IbisTable) -> IbisTable:
    """Keep of each customer and play the arm he is drawn to."""
    for place in range(max(len(bid.draws) for bid in known.bids)):
        prefix = rows[f"prefix_{place}"]
        bucket = bucket_after(prefix, rows.customer_uid, duckdb=known.duckdb)
        rows = rows.filter(prefix.isnull() | bucket.between(rows[f"first_{place}"], rows[f"last_{place}"]))
    return rows


def _by_way(known: Context, rows: IbisTable, name: str) -> Expr:
    return _chosen(rows.way, [rows[f"{name}_{number}"] for number in range(len(known.ways))])


def _chosen(number: Expr, columns: Sequence[Expr]) -> Expr:
    """Return the column at a place, 0 where there is none."""
    if not columns:
        return ibis.literal(0, type="int16")
    return ibis.cases(*((number == place, column) for place, column in enumerate(columns)), else_=0)


def _reason(known: Context, rows: IbisTable) -> Expr:
    """Return the number of the first reason that fails a candidate, 0 when none does."""
    early = rows.why_here.between(ORDER[Reason.STAFF], ORDER[Reason.NO_CONSENT])
    strategies, plays = len(known.strategies), len(known.plays)
    checks = [(rows.still > 0, rows.still), (early, rows.why_here)]
    checks += [(test, ORDER[Reason.HOLDOUT]) for test, _ in _held_out(known, rows)]
    checks.append((_draws_holdout(known, rows), ORDER[Reason.HOLDOUT]))
    had = (("had", plays, "play"), ("again", strategies, "strategy"))
    checks += [
        (has(rows, name, n, rows[f"{thing}_word"], rows[f"{thing}_bit"]), ORDER[Reason.RE_ENTRY])
        for name, n, thing in had
        if has_set(rows, name)
    ]
    if has_set(rows, "duplicate"):
        read = has(rows, "duplicate", len(known.contents), rows.content_word, rows.content_bit)
        checks.append((read, ORDER[Reason.DUPLICATE_CONTENT]))
    if known.requirements:
        checks.append((_lacks(known, rows) > 0, ORDER[Reason.TEMPLATE_ERROR]))
    return ibis.cases(*checks, else_=rows.why_here)


def _held_out(known: Context, rows: IbisTable) -> list[tuple[Expr, int]]:
    """Return who is held out without a draw, and by which of the two hold-outs; transactional messages know
    none (science D6)."""
    plays, strategies = len(known.plays), len(known.strategies)
    checks = []
    for name, detail in (("held_global", GLOBAL_DETAIL), ("held_strategy", STRATEGY_DETAIL)):
        if has_set(rows, name):
            checks.append((has(rows, name, plays, rows.play_word, rows.play_bit), detail))
    if "held_out" in rows.columns:
        checks.append((rows.held_out, GLOBAL_DETAIL))
    if has_set(rows, "drawn_holdout"):
        recorded = has(rows, "drawn_holdout", strategies, rows.strategy_word, rows.strategy_bit)
        checks.append((recorded, STRATEGY_DETAIL))
    return [(rows.marketing & test, detail) for test, detail in checks]


def _draws_holdout(known: Context, rows: IbisTable) -> Expr:
    """Return who is drawn to the hold-out of the strategy and not recorded as touched."""
    bucket = bucket_after(rows.salted, rows.customer_uid, duckdb=known.duckdb)
    drawn = (rows.width > 0) & (bucket < rows.width)
    if has_set(rows, "drawn_touch"):
        n = len(known.strategies)
        drawn = ~has(rows, "drawn_touch", n, rows.strategy_word, rows.strategy_bit) & drawn
    return drawn


def _lacks(known: Context, rows: IbisTable) -> Expr:
    return _chosen(rows.lack, [rows[f"lacks_{number}"] for number in range(len(known.requirements))])


def _detail(known: Context, rows: IbisTable) -> Expr:
    """Return the detail of the reason: which channel, cap, hold-out or variable; 0 where there is none."""
    channel = [ORDER[reason] for reason in (Reason.SUPPRESSED, Reason.NO_ADDRESS, Reason.NO_CONSENT)]
    checks = [(rows.reason.isin([*channel, ORDER[Reason.FREQUENCY_CAP]]), rows.about)]
    held = rows.reason == ORDER[Reason.HOLDOUT]
    checks += [(held & test, ibis.literal(detail)) for test, detail in _held_out(known, rows)]
    checks.append((held, ibis.literal(STRATEGY_DETAIL)))
    if known.requirements:
        checks.append((rows.reason == ORDER[Reason.TEMPLATE_ERROR], _lacks(known, rows)))
    return ibis.cases(*checks, else_=0)


def _late(known: Context, rows: IbisTable) -> Expr:
    """Return which of the customer's own budget, his expired code and the margin would fail him."""
    prices = [sheet.cost_fen for sheet in known.channels.values()]
    price = _chosen(rows.channel, [ibis.literal(fen, type="int64") for fen in prices])
    cost = price + rows.held.ifelse(0, rows.offer_fen)
    checks = [((rows.spent + cost > rows.own_most_fen).fill_null(False), OWN_BUDGET)]
    if has_set(rows, "lapsed"):
        lapsed = has(rows, "lapsed", len(known.code_lists), rows.list_word, rows.list_bit)
        checks.append((lapsed, LAPSED))
    margin_bp = known.request.default_margin_bp
    if margin_bp is not None and MONEY in rows.columns:
        checks.append((rows.costly & _loses_money(rows, cost, margin_bp), LOSS))
    return (rows.reason == 0).ifelse(ibis.cases(*checks, else_=0), 0)


def _loses_money(rows: IbisTable, cost: Expr, margin_bp: int) -> Expr:
    """Return whether an order of the customer's usual size would not pay for message and offer.

    Known only with orders in the last 365 days: cost × orders > money × margin. It says nothing about how
    many answer; a plan with a forecast of that belongs to allocation.
    """
    earned = rows[MONEY].cast("int64") * margin_bp
    return ((rows[ORDERS] > 0) & (cost * rows[ORDERS].cast("int64") * 10_000 > earned)).fill_null(False)
