"""docs/glossary.md is the one source of terms: complete, unambiguous, and what rules say."""

from pathlib import Path

from koipond.rules.labels import CHOICES, FIELD_LABELS

GLOSSARY = Path(__file__).resolve().parents[2] / "docs" / "glossary.md"


def terms() -> list[tuple[str, ...]]:
    """Return (identifier, English, 中文, Bahasa Indonesia, meaning) of every row."""
    lines = GLOSSARY.read_text(encoding="utf-8").splitlines()
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines if line[:3] == "| `"]
    return [(row[0].strip("`"), *row[1:]) for row in rows]


def test_every_term_has_an_identifier_three_languages_and_a_meaning() -> None:
    found = terms()
    assert len(found) > 100
    assert all(len(row) == 5 and all(row) for row in found)
    assert len({row[0] for row in found}) == len(found)


def test_rules_call_values_and_layers_as_the_glossary_does() -> None:
    known = {identifier: (zh, en, id_) for identifier, en, zh, id_, _ in terms()}
    for field in (*CHOICES, "repurchase_cycle_days"):
        assert FIELD_LABELS[field] == known[field]
    for values in CHOICES.values():
        for code, label in values.items():
            assert label == known[code]
