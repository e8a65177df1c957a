"""Candidates as rows (候选): outcomes with their reasons and details in words, as they are published."""

from collections.abc import Sequence
from typing import Any

import ibis
import pyarrow as pa

from koipond.facts.ports import IbisTable
from koipond.kernel import fingerprint
from koipond.outreach.model import ContactPolicy, Reason
from koipond.strategy.plan.arms import Expr
from koipond.strategy.plan.cells import KEYS, Cell
from koipond.strategy.plan.context import Context
from koipond.strategy.plan.details import detail_of, reason_of
from koipond.strategy.plan.due import due_s
from koipond.strategy.plan.model import CANDIDATES, ORDER
from koipond.strategy.plan.offer_stock import cost_of
from koipond.strategy.plan.permissions import purposes
from koipond.strategy.plan.person import column_of

_TEXTS = (
    *("strategy", "strategy_version", "play", "reason", "detail", "variant", "channel", "language", "drew"),
    *("due_s", "cost_fen", "offer_cost_fen"),
)
"""The columns that are the same for a whole cell."""


@ibis.udf.scalar.builtin(name="to_json")  # type: ignore[untyped-decorator]
def _to_json(value) -> str:  # type: ignore[no-untyped-def,empty-body]
    """Return a struct as JSON text."""


def candidates(known: Context, people: IbisTable, outcomes: IbisTable, counted: Sequence[Cell]) -> IbisTable:
    """Return one row a candidate with the columns of CANDIDATES."""
    keys = [name for name in KEYS if name in outcomes.columns]
    words = known.reader.stage("_plan_words", _words(known, counted, keys))
    personal = _personal(known, people)
    # apart from the start: what two branches share is held in memory, all columns of all candidates
    lost = _told(outcomes.filter(outcomes.reason != 0), words, keys)
    touched = _told(outcomes.filter(outcomes.reason == 0), words, keys)
    used = [people[name] for name in ("customer_no", *sorted(personal))]
    both = touched.join(people.select(*used), "customer_no") if personal else touched
    return _rows(known, lost, {}).union(_rows(known, both, _of_touches(known, both)))


def _told(outcomes: IbisTable, words: IbisTable, keys: Sequence[str]) -> IbisTable:
    """Return ``outcomes`` with the words of their cells."""
    held = outcomes.select("customer_no", **{f"of_{name}": outcomes[name] for name in keys})
    return held.join(words, [f"of_{name}" for name in keys])


def policy_mark(policy: ContactPolicy) -> str:
    """Return the fingerprint of what ``cap_group`` and ``agreed`` were decided by."""
    groups, assumed = sorted(policy.capped_groups), sorted(policy.assumed_consent.items())
    return fingerprint([groups, list(policy.exempt_segments), assumed])


def _words(known: Context, counted: Sequence[Cell], keys: Sequence[str]) -> pa.Table:
    """Return what each cell says: its keys as ``of_<key>``, and `_TEXTS`."""
    kinds: dict[str, pa.DataType] = {"bid": pa.int16(), "detail": pa.int16(), "held": pa.bool_()}
    kinds |= {"reason": pa.int8(), "channel": pa.int8()}
    schema = pa.schema(
        [
            *((f"of_{name}", kinds.get(name, pa.int16())) for name in keys),
            *(CANDIDATES.field(name) for name in _TEXTS),
        ]
    )
    rows = [
        {**{f"of_{name}": getattr(cell, name) for name in keys}, **_said(known, cell)} for cell in counted
    ]
    return pa.Table.from_pylist(rows, schema)


def _said(known: Context, cell: Cell) -> dict[str, Any]:
    """Return the columns of CANDIDATES that are the same for all of ``cell``."""
    bid = known.bids[cell.bid]
    play, task = bid.play, bid.play.arms[bid.arm]
    default = known.request.language
    asked = known.languages[cell.tongue - 1] if cell.tongue else default
    price, offer = cost_of(known, bid, cell.channel, held=cell.held) if cell.touched else (0, 0)
    return {
        "strategy": play.strategy.key,
        "strategy_version": play.strategy.version,
        "play": play.play.key,
        "reason": None if cell.touched else str(reason_of(cell.reason)),
        "detail": "" if cell.touched else detail_of(known, bid, reason_of(cell.reason), cell.detail),
        "variant": task.arm.name,
        "channel": list(known.channels)[cell.channel],
        "language": known.request.templates[task.arm.script].language_for(asked, default),
        "drew": cell.touched or cell.reason >= ORDER[Reason.HOLDOUT],
        "due_s": due_s(known, play, cell.zone_no),
        "cost_fen": price,
        "offer_cost_fen": offer,
    }


def _rows(known: Context, told: IbisTable, of_touches: dict[str, Expr]) -> IbisTable:
    columns = {
        **{name: told[name] for name in _TEXTS},
        "customer_no": told.customer_no,
        "plan": ibis.literal(known.request.plan),
        "policy": ibis.literal(policy_mark(known.request.policy)),
        **of_touches,
    }
    types = {name: str(kind) for name, kind in ibis.Schema.from_pyarrow(CANDIDATES).items()}
    empty = {name: ibis.null(types[name]) for name in CANDIDATES.names if name not in columns}
    return told.select(**{name: {**columns, **empty}[name].cast(types[name]) for name in CANDIDATES.names})


def _personal(known: Context, people: IbisTable) -> set[str]:
    """Return the columns of ``people`` that rows of touches are made of."""
    wanted = {column_of(path) for path in known.used_variables}
    agreed = {name for name in people.columns if name.startswith("agreed_")}
    return ({"cap_group", *wanted} & set(people.columns)) | agreed


def _of_touches(known: Context, both: IbisTable) -> dict[str, Expr]:
    """Return the columns that only touches have."""
    named = sorted({column_of(path) for path in known.used_variables} & set(both.columns))
    values = _to_json(ibis.struct({name: both[name] for name in named})) if named else ibis.null("string")
    group = both.cap_group if "cap_group" in both.columns else ibis.literal(0)
    return {"values": values, "cap_group": group, "agreed": _agreed(known, both)}


def _agreed(known: Context, both: IbisTable) -> Expr:
    """Return whether the gate must see a consent for the row's own channel and purpose."""
    checks = []
    for number, channel in enumerate(known.channels.values()):
        for purpose in purposes(known, channel):
            name = f"agreed_{channel.channel}_{purpose}"
            if name in both.columns:
                of_it = [bid.number for bid in known.bids if bid.play.play.purpose == purpose]
                here = (both.of_channel == number) & both.of_bid.isin(of_it)
                checks.append((here, both[name]))
    return ibis.cases(*checks, else_=True) if checks else ibis.literal(True)
