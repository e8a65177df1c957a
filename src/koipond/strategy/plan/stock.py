"""Codes of a list (券码) in the plan: who takes one, who holds one already, whose has expired.

As the gate does it: one code of a list a customer, told again for nothing while it is good. A code that has
expired is not replaced. Columns: ``holds_<list>`` and ``lapsed_<list>``, where anybody does.
"""

from collections.abc import Sequence

import ibis
import pyarrow as pa

from koipond.ingest.ports import IbisTable
from koipond.strategy.plan.arms import Expr
from koipond.strategy.plan.known import Known
from koipond.strategy.plan.task import ArmTask, PlayTask

NO_LIST = -1


def add_stock(known: Known, table: IbisTable) -> IbisTable:
    """Add who holds a good code of each list, and whose code has expired; linked customers count as one."""
    added: dict[str, Expr] = {}
    for number, key in enumerate(known.code_lists):
        stock = known.request.codes[key]
        for name, people in ((f"holds_{number}", stock.held), (f"lapsed_{number}", stock.lapsed)):
            if people:
                added[name] = table.customer_no.isin(staged_people(known, f"code_{name}", people).customer_no)
    return table.mutate(**added) if added else table


def staged_people(known: Known, name: str, people: Sequence[int]) -> IbisTable:
    """Return ``people`` as a table; linked customers are the one they belong to."""
    rows = pa.table({"customer_no": pa.array(people, pa.int32())})
    return known.facts.tables.canonical(known.reader.stage(f"_people_{name}", rows))


def list_number(known: Known, task: ArmTask) -> int | None:
    """Return the number of the list the arm gives codes of; None = no code, or its codes are not counted."""
    key = task.arm.offer.code_list
    return known.code_lists.index(key) if key in known.code_lists else None


def flagged(known: Known, play: PlayTask, arm: Expr, table: IbisTable, what: str) -> list[tuple[int, Expr]]:
    """Return (list, test) of the customers marked ``what`` (holds, lapsed) for the list of their own arm."""
    found = []
    for number, task in enumerate(play.arms):
        place = list_number(known, task)
        column = f"{what}_{place}"
        if place is not None and column in table.columns:
            mine = table[column] if len(play.arms) == 1 else (arm == number) & table[column]
            found.append((place, mine))
    return found


def holds(known: Known, play: PlayTask, arm: Expr, table: IbisTable) -> Expr:
    """Return whether the customer has a good code of his arm's list already."""
    tests = [test for _, test in flagged(known, play, arm, table, "holds")]
    return ibis.or_(*tests) if tests else ibis.literal(False)


def takes(known: Known, play: PlayTask, arm: Expr, table: IbisTable) -> Expr:
    """Return the number of the list a touch would take a new code of, else `NO_LIST`."""
    numbers = [
        (arm == n, place) for n, t in enumerate(play.arms) if (place := list_number(known, t)) is not None
    ]
    if not numbers:
        return ibis.literal(NO_LIST, type="int32")
    held = flagged(known, play, arm, table, "holds")
    return ibis.cases(*((test, NO_LIST) for _, test in held), *numbers, else_=NO_LIST).cast("int32")


def offer_cost(known: Known, play: PlayTask, arm: Expr, table: IbisTable) -> Expr:
    """Return what the offer of a touch costs: nothing more when its code was issued before."""
    held = [(test, 0) for _, test in flagged(known, play, arm, table, "holds")]
    costs = [(arm == n, task.offer_cost_fen) for n, task in enumerate(play.arms)]
    return ibis.cases(*held, *costs, else_=0)
