"""Allocation (预算分配): one offer or none for each customer, under budgets and counts, with a proven gap."""

from koipond.strategy.allocation.model import Allocation, LimitUse, Reason
from koipond.strategy.allocation.solve import allocate

__all__ = ["Allocation", "LimitUse", "Reason", "allocate"]
