"""Months are rehearsed on a virtual clock, so nothing but the machine's own clock may ask what time it is."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "koipond"
ALLOWED = {"settings.py", "bootstrap/clock.py"}
CLOCKS = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "localtime", "gmtime", "sleep"},
    "asyncio": {"sleep"},
    "ibis": {"now", "today"},
    "func": {"now", "current_timestamp", "current_date", "localtimestamp"},
}
SQL = re.compile(
    r"\b(current_timestamp|current_date|current_time|localtimestamp|sysdate|unixepoch|statement_timestamp"
    r"|clock_timestamp|transaction_timestamp|get_current_timestamp|pg_sleep)\b|\bnow\s*\(\)|'now'",
    re.IGNORECASE,
)


def readings(text: str) -> Iterator[str]:
    """Yield every place of a module that asks a clock or sleeps, in Python or in SQL."""
    tree = ast.parse(text)
    spoken = {id(node.body[0].value) for node in ast.walk(tree) if _has_docstring(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS.get(_name(node.value), ()):
            yield f"{node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.ImportFrom) and node.module in CLOCKS:
            taken = {alias.name for alias in node.names} & CLOCKS[node.module]
            if taken and node.module != "datetime":
                yield f"{node.lineno}: from {node.module} import {', '.join(sorted(taken))}"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in spoken:
            found = SQL.search(node.value)
            if found:
                yield f"{node.lineno}: {found.group()} in a text"


def _has_docstring(node: ast.AST) -> bool:
    body = getattr(node, "body", None)
    return bool(
        isinstance(body, list)
        and body
        and isinstance(body[0], ast.Expr)
        and isinstance(body[0].value, ast.Constant)
        and isinstance(body[0].value.value, str)
    )


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def files() -> list[Path]:
    return sorted(p for p in SOURCE.rglob("*") if p.suffix in (".py", ".sql"))


def test_nothing_but_the_machines_clock_asks_the_time() -> None:
    found = []
    for path in files():
        name = path.relative_to(SOURCE).as_posix()
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".sql":
            found += [f"{name}: {match.group()}" for match in SQL.finditer(text)]
        elif name not in ALLOWED:
            found += [f"{name}:{place}" for place in readings(text)]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "import datetime\nx = datetime.datetime.now()",
        "from datetime import datetime, UTC\nx = datetime.now(UTC)",
        "from datetime import date\nx = date.today()",
        "import time\nx = time.time()",
        "from time import sleep\nsleep(1)",
        "import sqlalchemy as sa\nx = sa.func.now()",
        "import ibis\nx = ibis.now()",
        "x = 'SELECT now()'",
        "x = 'UPDATE t SET at = CURRENT_TIMESTAMP'",
        "x = \"SELECT strftime('%s', 'now')\"",
        "def f(ask=__import__('time').sleep): ...\nimport time\ng = time.sleep",
    ],
)
def test_the_search_finds_each_way_to_ask(text: str) -> None:
    assert list(readings(text)) != []


@pytest.mark.parametrize("text", ["x = clock.now()", "x = self._machine.now()", "'''Never now().'''"])
def test_a_handed_clock_and_a_docstring_are_no_reading(text: str) -> None:
    assert list(readings(text)) == []
