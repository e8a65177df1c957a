"""Caps on money as values. Integer minor units of the workspace currency. Pure. Rule: design §4, §7."""

import re
from dataclasses import dataclass
from datetime import date

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a strategy may cost: in all, on one local day, and on one customer in all. None = no such cap."""

    total_fen: int
    per_customer_fen: int | None = None
    per_day_fen: int | None = None

    def lines(self, strategy: str, on: date) -> tuple[tuple[str, int], ...]:
        """Return (scope, limit) of the caps that many customers share, widest first."""
        shared = [(total_scope(strategy), self.total_fen)]
        if self.per_day_fen is not None:
            shared.append((daily_scope(strategy, on), self.per_day_fen))
        return tuple(shared)


CODE_LIST = "code_list:"
"""What names the codes of a list as a budget begins with."""


def code_list_scope(key: str) -> str:
    """Name the codes of the list ``key``."""
    return f"{CODE_LIST}{key}"


def total_scope(strategy: str) -> str:
    """Name the cap over a strategy's whole life."""
    return f"strategy:{strategy}"


def daily_scope(strategy: str, on: date) -> str:
    """Name the cap of a strategy's local day ``on``."""
    return f"strategy:{strategy}:{on.isoformat()}"


def on_day(scope: str, day: date) -> str:
    """Return the scope of local ``day`` for one of any day; one that counts over all days is itself."""
    head, _, tail = scope.rpartition(":")
    return f"{head}:{day.isoformat()}" if head and _is_dated(tail) else scope


def day_of_scope(scope: str) -> date | None:
    """Return the local day that ``scope`` counts, None when it counts over all days."""
    tail = scope.rpartition(":")[2]
    return date.fromisoformat(tail) if _is_dated(tail) else None


def _is_dated(tail: str) -> bool:
    """Say whether ``tail`` is a day written as 2026-03-02."""
    return _DAY.fullmatch(tail) is not None
