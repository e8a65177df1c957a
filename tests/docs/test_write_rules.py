"""docs/how-to/write-rules.md: each rule reads, and is said in three languages."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from koipond.rules import default_catalog, parse, to_text, words
from koipond.rules.labels import LANGS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "write-rules.md"
CATALOG = replace(default_catalog("CNY"), trait_types={"会员到期日": "date"})
TEXT = PAGE.read_text(encoding="utf-8")
ROWS = [
    row.rsplit("|", 2)[1].strip().strip("`")
    for row in TEXT.splitlines()
    if row.startswith("| ") and "`" in row
]
INLINE = list(re.findall(r"`([^`]+)`", TEXT.split("Sales on other")[1].split("A 0 may")[0]))


@pytest.mark.parametrize("rule", [*ROWS, *INLINE])
def test_each_rule_reads(rule: str) -> None:
    tree = parse(rule, CATALOG)
    for lang in LANGS:
        assert words(tree, lang, CATALOG)
        assert parse(to_text(tree, CATALOG, lang), CATALOG) == tree


def test_there_are_the_fifteen() -> None:
    assert len(ROWS) == 15
