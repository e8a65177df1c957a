"""Budgets (预算): nested hard caps."""
