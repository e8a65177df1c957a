"""Budgets (预算): nested hard caps on money: a strategy's total, its share of a day, one customer's."""

from koipond.budgets.model import (
    CODE_LIST,
    Budget,
    code_list_scope,
    daily_scope,
    day_of_scope,
    on_day,
    total_scope,
)

__all__ = [
    "CODE_LIST",
    "Budget",
    "code_list_scope",
    "daily_scope",
    "day_of_scope",
    "on_day",
    "total_scope",
]
