"""Budgets (预算): nested hard caps on money: a strategy's total, its share of a day, one customer's."""

from koipond.budgets.model import Budget, daily_scope, total_scope

__all__ = ["Budget", "daily_scope", "total_scope"]
