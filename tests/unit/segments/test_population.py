"""Who is counted on a day, and since when there is a relation (decision 0009)."""

from pathlib import Path
from typing import Any

import pytest

from koipond.kernel import from_epoch_day
from koipond.segments.layers.definitions import LayerSet
from koipond.segments.snapshot import count_layers, profile_on
from koipond.testing.columns import fact_columns, open_warehouse

D = 20_000


@pytest.fixture
def facts() -> dict[str, Any]:
    """0 buyer, 1 browser, 2 touched, 3 member touched, 4 joined, 5 pending order, 6 a line of a file."""
    joined = [None, None, None, None, D - 30, None, None]
    people = {"customer_no": list(range(7)), "joined_day": joined, "member": [n == 3 for n in range(7)]}
    return {
        "customers": fact_columns("customers", people),
        "orders": fact_columns(
            "orders",
            {
                "customer_no": [0, 0, 5],
                "order_no": [1, 2, 3],
                "order_id": ["1", "2", "3"],
                "day": [D - 10, D - 5, D - 200],
                "net_fen": [500, 500, 900],
                "status": ["paid", "paid", "pending"],
            },
        ),
        "events": fact_columns(
            "events",
            {"customer_no": [1, 1, 4], "day": [D - 100, D - 1, D - 150], "name": ["Page Viewed"] * 3},
        ),
        "touches": fact_columns(
            "touches", {"customer_no": [2, 3], "day": [D - 120, D - 91], "state": ["delivered"] * 2}
        ),
    }


def rows(folder: Path, facts: dict[str, Any], on: int) -> dict[int, dict[str, Any]]:
    with open_warehouse(folder / str(on), facts).read() as reader:
        table = reader.frame(profile_on(reader, LayerSet(), from_epoch_day(on)))
        count = count_layers(reader, LayerSet(), from_epoch_day(on))["customers"]
    found = {row["customer_no"]: row for row in table.to_pylist()}
    assert count == len(found)
    return found


def test_never_bought_counts_from_the_earliest_fact_when_nobody_said_when_they_joined(
    tmp_path: Path, facts: dict[str, Any]
) -> None:
    found = rows(tmp_path, facts, D)
    assert {number: row["lifecycle"] for number, row in found.items()} == {
        0: "growth",
        1: "intro",
        2: "prospect",  # we wrote to them: no relation of theirs
        3: "intro",
        4: "intro",
        5: "prospect",
        6: "prospect",
    }
    # 1 for 100 days, 3 for 91; 4 said when: 30 days, whatever was browsed before
    assert {number for number, row in found.items() if row["never_bought"]} == {1, 3}


@pytest.mark.parametrize(("since", "flag"), [(90, False), (91, True)])
def test_never_bought_begins_after_ninety_days(
    tmp_path: Path, facts: dict[str, Any], since: int, flag: bool
) -> None:
    assert rows(tmp_path, facts, D - 100 + since)[1]["never_bought"] is flag


@pytest.mark.parametrize(
    ("on", "known"),
    [
        (D - 201, {6}),
        (D - 200, {5, 6}),
        (D - 150, {4, 5, 6}),
        (D - 100, {1, 2, 4, 5, 6}),
        (D - 11, {1, 2, 3, 4, 5, 6}),
        (D - 10, {0, 1, 2, 3, 4, 5, 6}),
    ],
)
def test_only_those_known_by_the_day_are_counted(
    tmp_path: Path, facts: dict[str, Any], on: int, known: set[int]
) -> None:
    """Somebody without any dated fact always is: nothing says since when."""
    assert set(rows(tmp_path, facts, on)) == known
