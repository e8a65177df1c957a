"""docs/reference/library.md names every function of the library and every column that layers return."""

import re
from pathlib import Path

import koipond

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/reference/library.md").read_text()
ORDERS = {
    "customer": ["a", "a", "b"],
    "order": ["1", "2", "3"],
    "at": ["2026-01-01", "2026-02-01", "2026-02-01"],
}


def test_every_function_is_documented() -> None:
    named = set(re.findall(r"`koipond\.([a-z_]+)`", TEXT))
    assert named == set(dir(koipond)) - {"__version__"}


def test_every_column_of_a_layer_is_documented() -> None:
    rows = re.findall(r"^\| `(rfm|lifecycle|aipl|grade)` \| `([a-z_ ]+)` \|", TEXT, re.MULTILINE)
    assert len(rows) == 4
    for name, columns in rows:
        found = getattr(koipond, name)({**ORDERS, "amount": [1, 2, 3]})
        assert found.table().column_names == ["customer", *columns.split()]


def test_every_page_that_it_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert links
    assert all((ROOT / "docs/reference" / link).exists() for link in links)
