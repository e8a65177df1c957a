"""Orders by what one of their lines holds (同单), as Ibis: each question is one semi-join by order."""

from collections.abc import Callable, Iterable
from typing import Any

import ibis

from koipond.rules.tree import Facts, Holds

LineTest = Callable[[Holds, Any], Any]
"""Returns for a table of lines a Boolean that is never null: does a line satisfy a `Holds`."""


def wanted(facts: Iterable[Facts]) -> list[Holds]:
    """Return every `Holds` that ``facts`` ask, each once."""
    return list(dict.fromkeys(node for one in facts for node in one.where if isinstance(node, Holds)))


def with_lines(rows: Any, lines: Any, asked: list[Holds], test: LineTest) -> tuple[Any, dict[Holds, str]]:
    """Return the orders ``rows`` with a column a question, true where a line fits, and which is which."""
    names = {node: f"holds_{place}" for place, node in enumerate(asked)}
    flags = {name: test(node, lines).any() for node, name in names.items()}
    by_order = lines.group_by(_order="order_no").aggregate(**flags)
    joined = rows.left_join(by_order, rows.order_no == by_order["_order"])
    filled = {name: joined[name].fill_null(ibis.literal(False)) for name in names.values()}
    return joined.mutate(**filled).drop("_order"), names
