"""docs/reference/rules.md says what the catalogue and the reader of rules do."""

import json
import re
from pathlib import Path

import pytest

from koipond.rules import default_catalog, from_dict, parse, to_text, words
from koipond.rules.labels import LANGS, label
from koipond.rules.tree import FACT_KINDS, HOWS, MATCHES
from koipond.rules.vocabulary import SPOKEN, SYNONYMS

CATALOG = default_catalog("CNY")
REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "rules.md"
KINDS = {
    "text": "text",
    "choice": "value",
    "number": "number",
    "money": "money",
    "flag": "yes or no",
    "day": "day",
}


def field_rows() -> list[str]:
    """Return the table of fields as the reference must show it."""
    rows = ["| field | 中文 | type | kept as | also called |", "|---|---|---|---|---|"]
    for spec in CATALOG.fields.values():
        kept = f"`{spec.column}`" if spec.kind == "profile" else f"from `{spec.column}` and D"
        also = " ".join(f"`{alias}`" for alias in spec.aliases if alias != label(spec.labels, "zh"))
        rows.append(f"| `{spec.name}` | {label(spec.labels, 'zh')} | {KINDS[spec.type]} | {kept} | {also} |")
    return rows


def value_rows() -> list[str]:
    """Return the table of values as the reference must show it."""
    rows = ["| field | values |", "|---|---|"]
    for spec in CATALOG.fields.values():
        if spec.choices:
            shown = ", ".join(f"`{code}` {label(names, 'zh')}" for code, names in spec.choices.items())
            rows.append(f"| `{spec.name}` | {shown} |")
    return rows


def fact_rows() -> list[str]:
    """Return the table of facts as the reference must show it."""
    rows = ["| facts | columns | amounts to sum | a bare text filters |", "|---|---|---|---|"]
    for spec in CATALOG.facts.values():
        columns, sums = (" ".join(f"`{name}`" for name in names) for names in (spec.columns, spec.sums))
        bare = f"`{spec.positional}`" if spec.positional else ""
        rows.append(f"| `{spec.kind}` | {columns} | {sums} | {bare} |")
    return rows


def column_rows() -> list[str]:
    """Return the table of the names of columns as the reference must show it."""
    rows = ["| column | 中文 | Bahasa Indonesia |", "|---|---|---|"]
    found = {name: spec for facts in CATALOG.facts.values() for name, spec in facts.columns.items()}
    for name, spec in sorted(found.items()):
        cells = [" ".join(f"`{a}`" for a in spec.aliases if a.isascii() != wide) for wide in (True, False)]
        rows.append(f"| `{name}` | {cells[0]} | {cells[1]} |")
    return rows


def word_rows() -> list[str]:
    """Return the table of words as the reference must show it."""
    rows = ["| word | 中文 | Bahasa Indonesia |", "|---|---|---|"]
    for word, spoken in SPOKEN.items():
        cells = [" ".join(f"`{text}`" for text in spoken[lang]) for lang in ("zh", "id")]
        rows.append(f"| `{word}` | {cells[0]} | {cells[1]} |")
    return rows


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", REFERENCE.read_text(encoding="utf-8"), re.DOTALL)


EXAMPLES = [line for block in blocks("rule") for line in block.splitlines() if line]


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_reads_and_is_said_in_three_languages(example: str) -> None:
    rule = parse(example, CATALOG)
    assert parse(to_text(rule, CATALOG), CATALOG) == rule
    assert all(words(rule, lang, CATALOG) for lang in LANGS)


@pytest.mark.parametrize("part", ["fields", "values", "facts", "columns", "words"])
def test_each_table_is_that_of_the_catalogue(part: str) -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    shown = text.split(f"<!-- {part} -->\n")[1].split(f"\n<!-- end {part} -->")[0].splitlines()
    made = {
        "fields": field_rows,
        "values": value_rows,
        "facts": fact_rows,
        "columns": column_rows,
        "words": word_rows,
    }
    assert shown == made[part]()


def test_the_json_example_reads() -> None:
    (example,) = blocks("json")
    assert from_dict(json.loads(example), CATALOG) == parse(
        "lifecycle = dormant and not orders.sum(net, last 90 days) >= 200", CATALOG
    )


def test_every_word_of_the_grammar_is_documented() -> None:
    (grammar,) = blocks("ebnf")
    quoted = set(re.findall(r'"([^"]+)"', grammar))
    assert (
        set(HOWS)
        | set(FACT_KINDS)
        | {"top", "next", "with", "then", "no", "within", "between", "known", "missing", "everyone"}
        <= quoted
    )
    assert {word for match in MATCHES for word in match.split()} <= quoted
    text = REFERENCE.read_text(encoding="utf-8")
    assert all(synonym in text for synonym in SYNONYMS)
