"""Any order of any split of the same truth, older exports of it among them, gives the same facts."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from koipond.testing.memory import MemoryWorkspace

HEAD = "user_id,order_id,at,sku,amount,status,退款金额\n"
EARLIER = {"paid": 1, "part": 2, "amount": 2, "refunded": 4}  # so many of STATES an order may have been in
STATES = ("pending", "paid", "part", "amount", "refunded")
pytestmark = pytest.mark.slow
SLOW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def truths(draw: st.DrawFn) -> list[list[str]]:
    """Draw for each of some orders its rows in every state it went through, the newest last."""
    orders = []
    for name in range(draw(st.integers(2, 6))):
        amounts = draw(st.lists(st.integers(1, 500), min_size=2, max_size=3))
        last = draw(st.sampled_from(STATES[1:]))
        passed = STATES[: EARLIER[last]]
        history = [*draw(st.lists(st.sampled_from(passed), max_size=2)), last]
        orders.append(["".join(rows(f"O{name}", amounts, state)) for state in history])
    return orders


def rows(order: str, amounts: Sequence[int], state: str) -> list[str]:
    """Return the rows of ``order``; part = its first line is given back, amount = half a unit of it."""
    found = []
    for line, amount in enumerate(amounts):
        gone = state == "refunded" or (state == "part" and line == 0)
        status = "pending" if state == "pending" else "refunded" if gone else "paid"
        back = "0.5" if state == "amount" and line == 0 else ""
        found.append(f"{order},{order},2025-01-0{line + 1},s{line},{amount},{status},{back}\n")
    return found


def facts_after(files: Sequence[str]) -> tuple[Any, ...]:
    with tempfile.TemporaryDirectory() as folder:
        space = MemoryWorkspace(Path(folder))
        for number, text in enumerate(files):
            space.load("orders", space.write(f"{number}.csv", HEAD + text), {"amount": "amount"})
        names = {row["customer_no"]: row["customer_uid"] for row in space.rows("customers")}
        assert len(names) == len(set(names.values()))
        sales = space.rows("orders", "order_id", "status", "gross_fen", "net_fen", "at_s", "line_count")
        lines = space.rows("order_lines", "at_s", "sku", "amount_fen", "quantity_milli")
        return sales, lines, space.rows("refunds", "refund_id", "order_id", "amount_fen", "day", "sku")


@SLOW
@given(truths(), st.data())
def test_imports_in_any_order_give_the_newest_states(orders: list[list[str]], data: st.DataObject) -> None:
    newest = "".join(history[-1] for history in orders)
    parts: dict[int, str] = {}
    for history in orders:
        part = data.draw(st.integers(0, 1))
        parts[part] = parts.get(part, "") + history[-1]
    older = ["".join(history[:-1][:1]) for history in orders]
    files = [*parts.values(), *(text for text in ("".join(older[:2]), "".join(older[2:])) if text)]
    assert facts_after(data.draw(st.permutations(files))) == facts_after([newest])
