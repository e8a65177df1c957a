"""The revenue of a report is the money of the profile (U01): refunds lower both alike."""

from pathlib import Path
from typing import Any

from tests.unit.insights.test_lift import DRAWN_DAY, arms, draw, order, report

from koipond.facts.orders import linked_refunds
from koipond.facts.tables import read_facts
from koipond.profiles.base import money_rows
from koipond.profiles.spec import BaseSpec
from koipond.testing.facts import warehouse_of


def refund(no: int, fen: int, order_id: str | None) -> dict[str, Any]:
    row = {"source": "s", "customer_no": no, "at_s": (DRAWN_DAY + 3) * 86_400, "day": DRAWN_DAY + 3}
    return {**row, "amount_fen": fen, "order_id": order_id, "refund_id": f"r{no}{fen}"}


def test_report_and_profile_subtract_the_same_refunds(tmp_path: Path) -> None:
    facts: dict[str, Any] = {
        "customers": [{"customer_no": no, "customer_uid": str(no)} for no in range(4)],
        "assignments": [draw(no, "touch" if no < 2 else "holdout") for no in range(4)],
        "orders": [order(0, 1, 1_000, "a"), order(1, 1, 500, "b"), order(2, 1, 400, "c")],
        "refunds": [refund(0, 300, "a"), refund(0, 50, None), refund(1, 500, "b"), refund(3, 70, "gone")],
    }
    assert arms(report(tmp_path / "r", **facts)) == {"touch": (2, 1, 650), "holdout": (2, 1, 330)}
    with warehouse_of(tmp_path / "p", **facts).read() as reader:
        tables = read_facts(reader)
        as_of = DRAWN_DAY + 30
        rows = money_rows(tables, BaseSpec(), as_of, linked_refunds(tables, as_of))
        assert reader.scalar(rows.fen.sum()) == 650 + 330


def test_a_brand_with_refunds_and_no_orders_is_reported(tmp_path: Path) -> None:
    made = report(
        tmp_path,
        assignments=[draw(no, "touch" if no < 2 else "holdout") for no in range(4)],
        refunds=[refund(0, 100, None)],
    )
    assert arms(made) == {"touch": (2, 0, -100), "holdout": (2, 0, 0)}
