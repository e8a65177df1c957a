"""Compile a `Query` once a process: a placeholder number stands for each value and is replaced in the SQL."""

import re
from collections.abc import Callable
from typing import Any

from koipond.facts.ports import IbisTable, Query

TEMPLATES_MAX = 512
_templates: dict[str, str] = {}
_INT32_BASE = 2_000_000_000  # no day, count or amount of ours comes near these numbers
_INT64_BASE = 9_000_000_000_000_000_000
_PLACEHOLDER = re.compile(r"\b(?:20000000\d\d|90000000000000000\d\d)\b")


def compiled(query: Query, compile_sql: Callable[[IbisTable], str]) -> str:
    """Return the SQL of ``query`` with its values in it; `compile_sql` runs for the first of its key only."""
    names = sorted(query.values)
    key = f"{query.key}({','.join(names)})"
    template = _templates.get(key)
    if template is None:
        if len(_templates) >= TEMPLATES_MAX:
            _templates.clear()
        marks = {name: literal(name, _placeholder(name, i)) for i, name in enumerate(names)}
        template = _templates[key] = compile_sql(query.build(marks))
    by_mark = {str(_placeholder(name, i)): _typed(name, query.values[name]) for i, name in enumerate(names)}
    return _PLACEHOLDER.sub(lambda match: by_mark[match.group()], template)


def literal(name: str, value: int) -> Any:
    """Return ``value`` as the Ibis literal that `Query.build` is promised for ``name``."""
    import ibis

    return ibis.literal(value, type="int32" if _is_day(name) else "int64")


def _placeholder(name: str, position: int) -> int:
    return (_INT32_BASE if _is_day(name) else _INT64_BASE) + position


def _typed(name: str, value: int) -> str:
    """A bare small number would be read as int32 and overflow when multiplied."""
    return f"CAST({value} AS {'INTEGER' if _is_day(name) else 'BIGINT'})"


def _is_day(name: str) -> bool:
    return name == "as_of" or name.endswith("_day")
