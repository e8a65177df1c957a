"""Random order files against the rules of design §5 written a second time, row by row, in plain Python."""

import re
import tempfile
from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from koipond.testing.memory import MemoryWorkspace

FIELDS = ("user_id", "order_id", "line_id", "at", "qty", "price", "store", "status", "refund_of")
Row = tuple[str, ...]


def of_one_customer(row: Row, stray: int) -> Row:
    """Mostly the customer and the store that belong to the order: otherwise every order would conflict."""
    order, rest = row[1], row[2:]
    customer = "" if stray == 0 else "7" if stray == 1 else str(1 + "ABCDEFGHIJ".find(order) % 4)
    return (customer, order, *rest[:4], "t" if stray == 2 else rest[4], *rest[5:])


some_row = st.builds(
    of_one_customer,
    st.tuples(
        st.just(""),
        st.sampled_from([*"ABCDEFGHIJABCDEFGHIJ", ""]),
        st.sampled_from(["", "", "", "", "1", "2"]),
        st.sampled_from(
            ["2025-01-01 10:00:00", "2025-01-02 00:00:00", "2025-03-30"] * 4 + ["2030-01-01", "", "later"]
        ),
        st.sampled_from(["1", "2", "0", "-1", "0.5"] * 4 + ["many"]),
        st.sampled_from(["1.005", "9.99", "0", "100.25", "33.333"] * 4 + [""]),
        st.sampled_from(["s", "s", "s", ""]),
        st.sampled_from(["paid"] * 6 + ["pending", "cancelled", "refunded"] * 2 + ["riddle"]),
        st.sampled_from([""] * 8 + ["A", "X"]),
    ),
    st.integers(0, 60),
)
files = st.lists(some_row, min_size=1, max_size=150)
# one row of each way of writing, so that the formats of the file are never in doubt
pytestmark = pytest.mark.slow
ANCHOR: Row = ("9", "ZZ", "", "2025-01-31 10:00:00", "1", "1.0055", "s", "paid", "")
SLOW = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def text(rows: list[Row]) -> str:
    return "\n".join([",".join(FIELDS), *(",".join(row) for row in rows)]) + "\n"


def number(value: str) -> Decimal | None:
    return Decimal(value) if value.replace(".", "").replace("-", "").isdigit() else None


def typed(values: Row) -> dict[str, Any]:
    row: dict[str, Any] = dict(zip(FIELDS, values, strict=True))
    quantity, price = number(row["qty"]), number(row["price"])
    if quantity is not None and price is not None:
        row["fen"] = int((quantity * price * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    elif row["status"] in ("pending", "cancelled"):
        row["fen"] = 0  # nothing was paid yet
    row["minus"] = quantity is not None and quantity < 0
    says_back = row["status"] == "refunded" or row["refund_of"] or row["minus"]
    row["back"] = bool(says_back) and row["status"] not in ("pending", "cancelled")
    return row | {"quantity": quantity}


def alone(row: dict[str, Any], *, filled: bool) -> str:
    """Return the first rule that fits the row by itself, '' for a good row."""
    if row["qty"] == "many" or row["at"] == "later":
        return "unparsable"
    if "fen" not in row or (not filled and None in (row["quantity"], number(row["price"]))):
        return "missing_amount"
    if not row["user_id"]:
        return "missing_customer"
    if not row["order_id"] and not row["back"]:
        return "missing_order"
    if not row["at"]:
        return "missing_at"
    return "future_at" if row["at"] > "2026-01-02" else ""


def judge(rows: list[Row]) -> tuple[Counter[str], list[dict[str, Any]]]:
    """Return how many rows each rule puts aside, and the good rows."""
    rules: Counter[str] = Counter()
    again = elsewhere(rows)
    rules.update(["repeated_row"] * len(again))
    once = [typed(values) for place, values in enumerate(rows) if place not in again]
    standing = []
    for row in once:
        if rule := alone(completed(row, once), filled=True):
            rules[rule] += 1
        else:
            standing.append(completed(row, once))
    return rules, together(standing, rules)


def elsewhere(rows: list[Row]) -> set[int]:
    """Return the places of rows that stand to the letter in another block of their order: all but the first
    of the longest. A block: rows of one order with no other row between them."""
    blocks: dict[Row, dict[int, list[int]]] = {}
    count: Counter[str] = Counter()
    for place, values in enumerate(rows):
        row = typed(values)
        if row["order_id"] and not alone(row, filled=False):
            count[row["order_id"]] += 1
            block = place if row["line_id"] else place - count[row["order_id"]]
            blocks.setdefault(values, {}).setdefault(block, []).append(place)
    kept = {id(max(found.values(), key=len)) for found in blocks.values()}
    return {
        place for found in blocks.values() for one in found.values() if id(one) not in kept for place in one
    }


def completed(row: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return ``row`` with the customer and the time that the other rows of its order say."""
    if not row["order_id"]:
        return row
    own = [one for one in rows if one["order_id"] == row["order_id"]]
    people = {one["user_id"] for one in own} - {""}
    times = [one["at"] for one in own if one["at"] not in ("", "later")]
    who = next(iter(people)) if len(people) == 1 else ""
    return row | {"user_id": row["user_id"] or who, "at": row["at"] or min(times, default="")}


def together(rows: list[dict[str, Any]], rules: Counter[str]) -> list[dict[str, Any]]:
    """Apply the rules that look at a whole order."""
    said: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        for name in ("user_id", "store"):
            said[name, row["order_id"]].add(row[name])
    first: dict[tuple[str, str], Any] = {}
    good = []
    for row in rows:
        order = row["order_id"]
        content = (row["at"], row["fen"], row["quantity"], row["status"] if row["status"] != "riddle" else "")
        known = first.setdefault((order, row["line_id"]), content) if order and row["line_id"] else content
        if order and (len(said["user_id", order]) > 1 or len(said["store", order] - {""}) > 1):
            rules["conflicting_order"] += 1
        elif known != content:
            rules["duplicate_line_id"] += 1
        elif row["status"] == "riddle":
            rules["unknown_status"] += 1
        else:
            good.append(row)
    return good


def expected(good: list[dict[str, Any]]) -> tuple[dict[str, tuple[str, int, int]], Counter[Any]]:
    """Return order → (status, fen, lines) and the refunds (own id, linked to, fen) of good rows."""
    ranks = ("paid", "pending", "cancelled")
    sales: dict[str, list[dict[str, Any]]] = defaultdict(list)
    returned: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in good:
        sold = {**row, "status": "paid"} if row["status"] == "refunded" else row
        if not row["back"] or (row["order_id"] and not row["minus"] and not row["refund_of"]):
            sales[row["order_id"]].append(sold)
        elif row["status"] == "refunded" and row["minus"] and row["order_id"] and not row["refund_of"]:
            returned[row["order_id"]].append({**sold, "fen": abs(row["fen"])})
    orders = {}
    for order, lines in {**returned, **sales}.items():
        status = min((line["status"] for line in lines), key=ranks.index)
        fens = [line["fen"] for line in lines if line["status"] == status]
        orders[order] = (status, sum(fens), len(fens))
    refunds: Counter[Any] = Counter()
    for row in good:
        if row["back"]:
            refunds[row["order_id"] or "content", row["refund_of"] or row["order_id"], abs(row["fen"])] += 1
    return orders, refunds


def found(space: MemoryWorkspace) -> tuple[dict[str, tuple[str, int, int]], Counter[Any]]:
    sales = space.rows("orders", "order_id", "status", "net_fen", "line_count")
    orders = {row["order_id"]: (row["status"], row["net_fen"], row["line_count"]) for row in sales}
    refunds: Counter[Any] = Counter(
        (re.sub("^c:.*", "content", row["refund_id"]), row["order_id"] or "", row["amount_fen"])
        for row in space.rows("refunds")
    )
    return orders, refunds


@SLOW
@given(files)
def test_every_row_is_kept_or_put_aside_and_the_facts_are_what_the_rules_say(rows: list[Row]) -> None:
    rows = [*rows, ANCHOR]
    rules, good = judge(rows)
    with tempfile.TemporaryDirectory() as folder:
        space = MemoryWorkspace(Path(folder))
        result = space.load("orders", space.write("orders.csv", text(rows)))
        assert result.read == len(rows) == result.kept + sum(result.quarantined.values())
        assert dict(result.quarantined) == dict(rules)
        assert (result.kept, found(space)) == (len(good), expected(good))


@SLOW
@given(files, files)
def test_replayed_imports_change_nothing_and_undo_goes_back(one: list[Row], two: list[Row]) -> None:
    names = ("orders", "order_lines", "refunds", "customers")
    with tempfile.TemporaryDirectory() as folder:
        space = MemoryWorkspace(Path(folder))
        first = space.write("one.csv", text([*one, ANCHOR]))
        second = space.write("two.csv", text([*two, ANCHOR]))
        space.load("orders", first)
        after_first = [space.rows(name) for name in names]
        later = space.load("orders", second)
        after_second = [space.rows(name) for name in names]
        again = space.load("orders", second)
        assert again.repeated
        assert [space.rows(name) for name in names] == after_second
        if not later.repeated:
            space.undo(later.import_no)
        assert [space.rows(name) for name in names] == after_first
