"""A crowd of customers with facts of every kind, made by a seed: what engines are compared on.

Nothing in it is meant to look like a shop. It is meant to be awkward: ties, zeros, refunds without their
order, facts of the future, merges of merges, people out of every count, texts that are no numbers.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from koipond.segments.layers.grade import GRADES
from koipond.testing.columns import fact_columns

EVENT_NAMES = (
    "Product Viewed",
    "Product List Viewed",
    "Product Added",
    "Promotion Viewed",
    "Order Completed",
    "Content Shared",
    "Something Else",
)
HISTORY_DAYS = 1_200
NEWS_DAYS = 6
AHEAD_DAYS = 10
AHEAD_SHARE = 0.01  # of facts exist already but lie beyond the day, and must not be seen
_CITIES = ("Shanghai", "Zürich", "évian", "中山", "😀", "")
_PRICES = (0, 100, 990, 990, 2_500, 9_900, 120_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Fact tables around ``day`` (days since 1970), by dataset."""

    day: int
    tables: dict[str, pa.Table]


def crowd(people: int, day: int, seed: int = 1) -> Crowd:
    """Return the facts of ``people`` customers."""
    chance = np.random.default_rng(seed)
    tables = {"customers": _customers(chance, people, day)}
    tables["orders"] = orders = _orders(chance, people, day, first=0)
    tables["order_lines"] = _lines(chance, orders)
    tables["refunds"] = _refunds(chance, orders, people, day)
    tables["events"] = events(chance, people, day, back=400)
    tables |= _contacts(chance, people, day)
    tables["traits"] = _traits(chance, people, day)
    tables["identity_links"] = _links(people)
    tables["grade_changes"] = _grades(chance, people, day)
    tables["left_out"] = fact_columns(
        "left_out", {"rule": ["test_account"] * 20, "customer_no": list(range(100, 120))}
    )
    return Crowd(day=day, tables=tables)


def news(of: Crowd, seed: int = 2) -> Crowd:
    """Return what six days later brings for some customers of ``of``: orders, events and responses."""
    chance = np.random.default_rng(seed)
    people, day = of.tables["customers"].num_rows, of.day + NEWS_DAYS
    some = people // 50
    orders = _orders(chance, some, day, first=of.tables["orders"].num_rows, back=NEWS_DAYS)
    tables = {"orders": orders, "order_lines": _lines(chance, orders)}
    tables["events"] = events(chance, some, day, back=NEWS_DAYS)
    tables["responses"] = _contacts(chance, some, day)["responses"]
    return Crowd(day=day, tables=tables)


Numbers = npt.NDArray[Any]


def _days(chance: np.random.Generator, day: int, rows: int, back: int) -> Numbers:
    """Return days up to ``day``, the later ones more often when ``back`` is long, and a few after it."""
    steps = chance.random(rows) ** (3 if back < HISTORY_DAYS else 1)
    ahead = chance.random(rows) < AHEAD_SHARE
    return np.where(ahead, day + chance.integers(1, AHEAD_DAYS, rows), day - (steps * back).astype(int))


def _pick(chance: np.random.Generator, values: Sequence[Any], rows: int) -> list[Any]:
    return [values[place] for place in chance.integers(0, len(values), rows)]


def _sparse(chance: np.random.Generator, values: Numbers, missing: float) -> pa.Array:
    return pa.array(values, mask=chance.random(len(values)) < missing)


def _customers(chance: np.random.Generator, people: int, day: int) -> pa.Table:
    flags = {"member": 0.4, "follower": 0.2, "friend": 0.1, "staff": 0.01, "minor": 0.02}
    columns: dict[str, Any] = {name: chance.random(people) < share for name, share in flags.items()}
    return fact_columns(
        "customers",
        {
            "customer_no": list(range(people)),
            "customer_uid": [f"{number * 2_654_435_761 % 2**64:032x}" for number in range(people)],
            "joined_day": _sparse(chance, _days(chance, day, people, HISTORY_DAYS), 0.3),
            "profiling_refused": _sparse(chance, chance.random(people) < 0.02, 0.5),
            **columns,
        },
    )


def _orders(
    chance: np.random.Generator, people: int, day: int, *, first: int, back: int = HISTORY_DAYS
) -> pa.Table:
    """Orders of two thirds of the people: most buy rarely, a few all the time."""
    counts = np.where(chance.random(people) < 0.66, chance.geometric(0.25, people), 0)
    counts[:3] += 60
    owner = np.repeat(np.arange(people), counts)
    rows = len(owner)
    return fact_columns(
        "orders",
        {
            "order_no": list(range(first, first + rows)),
            "order_id": [f"o{number}" for number in range(first, first + rows)],
            "customer_no": owner,
            "day": _days(chance, day, rows, back),
            "net_fen": _pick(chance, _PRICES, rows),
            "status": _pick(chance, ("paid", "paid", "paid", "pending", "cancelled"), rows),
            "channel": _pick(chance, ("web", "shop", None), rows),
        },
    )


def _lines(chance: np.random.Generator, orders: pa.Table) -> pa.Table:
    few = orders.slice(0, orders.num_rows // 2)
    rows = few.num_rows
    return fact_columns(
        "order_lines",
        {
            "order_no": few["order_no"],
            "customer_no": few["customer_no"],
            "day": few["day"],
            "category": _pick(chance, ("tea", "coffee", "cups", None), rows),
            "quantity_milli": chance.integers(1, 5_000, rows),
            "amount_fen": few["net_fen"],
        },
    )


def _refunds(chance: np.random.Generator, orders: pa.Table, people: int, day: int) -> pa.Table:
    """Half name an order of their customer, some one of somebody else or of nobody, some none."""
    rows = orders.num_rows // 8
    of = chance.integers(0, orders.num_rows, rows)
    taken = orders.take(of)
    kind = chance.integers(0, 10, rows)
    owner = np.where(kind < 8, taken["customer_no"].to_numpy(), chance.integers(0, people, rows))
    named = zip(kind, taken["order_id"].to_pylist(), strict=True)
    names = [None if k > 5 else "unknown" if k == 5 else name for k, name in named]
    return fact_columns(
        "refunds",
        {
            "refund_id": [f"r{number}" for number in range(rows)],
            "order_id": names,
            "customer_no": owner,
            "day": np.minimum(taken["day"].to_numpy() + chance.integers(0, 40, rows), day + AHEAD_DAYS),
            "amount_fen": _pick(chance, (100, 990, 2_500, 500_000), rows),
        },
    )


def events(chance: np.random.Generator, people: int, day: int, *, back: int) -> pa.Table:
    """Return six events a person, most of them in the last weeks."""
    rows = people * 6
    plans, prices = (_pick(chance, values, rows) for values in (("pro", "free", 3, None), (1, 2.75, "9")))
    pairs = zip(plans, prices, strict=True)
    properties = [json.dumps({"plan": plan, "price": price, "on": True}) for plan, price in pairs]
    return fact_columns(
        "events",
        {
            "customer_no": chance.integers(0, people, rows),
            "name": _pick(chance, EVENT_NAMES, rows),
            "day": _days(chance, day, rows, back),
            "amount_fen": _sparse(chance, chance.integers(0, 9, rows), 0.6),
            "properties": [text if n % 5 else None for n, text in enumerate(properties)],
        },
    )


def _contacts(chance: np.random.Generator, people: int, day: int) -> dict[str, pa.Table]:
    rows = people
    owner, days = chance.integers(0, people, rows), _days(chance, day, rows, 90)
    touched = {"touch_key": [f"t{number}" for number in range(rows)], "customer_no": owner, "day": days}
    states = _pick(chance, ("delivered", "accepted", "opened", "failed"), rows)
    kinds = _pick(chance, ("delivered", "opened", "clicked", "replied", "unsubscribed"), rows)
    return {
        "touches": fact_columns("touches", {**touched, "state": states, "channel": ["email"] * rows}),
        "responses": fact_columns("responses", {**touched, "kind": kinds}),
    }


def _traits(chance: np.random.Generator, people: int, day: int) -> pa.Table:
    """Two or three values of each trait a person, some told at the same second by two sources."""
    rows = people * 3
    names = _pick(chance, ("city", "age"), rows)
    told = list(zip(names, _pick(chance, _CITIES, rows), chance.integers(0, 99, rows), strict=True))
    return fact_columns(
        "traits",
        {
            "customer_no": chance.integers(0, people, rows),
            "name": names,
            "text_value": [city if name == "city" else str(age) for name, city, age in told],
            "number_value": [None if name == "city" else float(age) for name, _, age in told],
            "at_s": (day - chance.integers(0, 3, rows)) * 86_400,
            "source": _pick(chance, ("crm", "shop"), rows),
        },
    )


def _grades(chance: np.random.Generator, people: int, day: int) -> pa.Table:
    """Changes of held grades, some of them to none."""
    return fact_columns(
        "grade_changes",
        {
            "change_no": list(range(1, people + 1)),
            "customer_no": chance.integers(0, people, people),
            "to_grade": _pick(chance, (*GRADES, None), people),
            "day": _days(chance, day, people, 90),
        },
    )


def _links(people: int) -> pa.Table:
    """Every 37th customer was merged into the one before, and some of those into the one before them."""
    merged = [number for n in range(37, people, 37) for number in ((n, n - 1) if n % 5 == 0 else (n,))]
    return fact_columns(
        "identity_links", {"customer_no": merged, "survivor_no": [number - 1 for number in merged]}
    )
