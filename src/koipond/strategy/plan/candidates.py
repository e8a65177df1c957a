"""Candidates as rows (候选): the wide table read play by play, with reasons and details in words."""

from collections.abc import Sequence
from typing import Any

import ibis

from koipond.ingest.ports import IbisTable
from koipond.outreach.model import Reason
from koipond.strategy.plan.arms import Expr
from koipond.strategy.plan.cells import Cell
from koipond.strategy.plan.codes import code
from koipond.strategy.plan.details import detail_of, split
from koipond.strategy.plan.due import due_s
from koipond.strategy.plan.known import Known
from koipond.strategy.plan.model import CANDIDATES
from koipond.strategy.plan.person import column_of
from koipond.strategy.plan.stock import offer_cost
from koipond.strategy.plan.task import PlayTask


@ibis.udf.scalar.builtin(name="to_json")  # type: ignore[untyped-decorator]
def _to_json(value) -> str:  # type: ignore[no-untyped-def,empty-body]
    """Return a struct as JSON text."""


def candidates(known: Known, table: IbisTable, counted: Sequence[Cell]) -> IbisTable:
    """Return one row a candidate with the columns of CANDIDATES."""
    parts = [
        _rows(known, table, play, sorted({cell.code for cell in counted if cell.play == play.number}))
        for play in known.plays
    ]
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _rows(known: Known, table: IbisTable, play: PlayTask, codes: Sequence[int]) -> IbisTable:
    n = play.number
    mine = table.filter(table[f"member_{n}"])
    what, arm, channel = mine[f"code_{n}"], mine[f"arm_{n}"], mine[f"channel_{n}"]
    lost = [number for number in codes if number]
    touched = what == 0
    columns: dict[str, Any] = {
        "plan": known.request.plan,
        "customer_no": mine.customer_no,
        "strategy": play.strategy.key,
        "strategy_version": play.strategy.version,
        "play": play.play.key,
        "reason": _text(what, {number: str(split(number)[0]) for number in lost}),
        "detail": _text(what, {number: detail_of(known, play, number) for number in lost}).fill_null(""),
        "variant": _pick(arm, [task.arm.name for task in play.arms]),
        "channel": _pick(channel, [terms.channel for terms in play.channels]),
        "language": _language(known, mine, play, arm),
        "drew": touched | (what >= code(Reason.HOLDOUT)),
        "due_s": _due(known, mine, play),
        "cost_fen": touched.ifelse(_pick(channel, [terms.cost_fen for terms in play.channels]), 0),
        "offer_cost_fen": touched.ifelse(offer_cost(known, play, arm, mine), 0),
        "values": _values(known, mine, touched),
    }
    types = {name: str(ibis.Schema.from_pyarrow(CANDIDATES)[name]) for name in CANDIDATES.names}
    return mine.select(**{name: _typed(value, types[name]) for name, value in columns.items()})


def _typed(value: Any, kind: str) -> Expr:
    return (value if isinstance(value, ibis.Expr) else ibis.literal(value)).cast(kind)


def _text(number: Expr, words: dict[int, str]) -> Expr:
    if not words:
        return ibis.null("string")
    return ibis.cases(*((number == key, text) for key, text in words.items()))


def _pick(number: Expr, values: Sequence[Any]) -> Expr:
    """Return the value at a place given by a column."""
    if len(set(values)) == 1:
        return ibis.literal(values[0])
    return ibis.cases(*((number == place, value) for place, value in enumerate(values)), else_=values[0])


def _language(known: Known, mine: IbisTable, play: PlayTask, arm: Expr) -> Expr:
    default = known.request.language
    templates = [known.request.templates[task.arm.script] for task in play.arms]
    home = _pick(arm, [template.language_for(default, default) for template in templates])
    if "language" not in mine.columns:
        return home
    chosen = [
        _pick(arm, [template.language_for(wanted, default) for template in templates])
        for wanted in known.languages
    ]
    cases = [(mine.language == wanted, pick) for wanted, pick in zip(known.languages, chosen, strict=True)]
    return ibis.cases(*cases, else_=home)


def _due(known: Known, mine: IbisTable, play: PlayTask) -> Expr:
    if "zone_no" not in mine.columns:
        return ibis.literal(due_s(known, play, 0))
    return _pick(mine.zone_no, [due_s(known, play, place) for place in range(len(known.places))])


def _values(known: Known, mine: IbisTable, touched: Expr) -> Expr:
    columns = sorted({column_of(path) for path in known.used_variables()} & set(mine.columns))
    if not columns:
        return ibis.null("string")
    packed = ibis.struct({name: mine[name] for name in columns})
    return touched.ifelse(_to_json(packed), ibis.null("string"))
