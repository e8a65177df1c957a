"""Budgets name the caps that many customers share."""

from datetime import date

from koipond.budgets import Budget


def test_total_and_day_are_shared_caps_the_customer_is_not() -> None:
    budget = Budget(total_fen=900, per_day_fen=100, per_customer_fen=5)
    assert budget.lines("recall", date(2026, 3, 1)) == (
        ("strategy:recall", 900),
        ("strategy:recall:2026-03-01", 100),
    )
