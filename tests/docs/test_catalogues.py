"""What people read is whole in every language, and no text goes round the catalogues."""

import ast
import string
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from koipond.kernel.message import DOMAIN, LOCALE

_ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_ROOT / "docs"))
import translate  # noqa: E402

_ERRORS = {
    "InputError",
    "RefusedError",
    "BusyError",
    "CancelledError",
    "TemplateError",
    "UnusableAddressError",
}


@pytest.mark.parametrize("language", translate.TRANSLATED)
def test_the_catalogue_is_whole_and_compiled(language: str) -> None:
    folder = LOCALE / language / "LC_MESSAGES"
    text, compiled = translate.written(translate.updated(language))
    assert translate.missing(language) == [], "run: make words, and translate what it lists"
    assert (folder / f"{DOMAIN}.po").read_bytes() == text, "run: make words"
    assert (folder / f"{DOMAIN}.mo").read_bytes() == compiled, "run: make words"


@pytest.mark.parametrize("language", translate.TRANSLATED)
def test_a_translation_says_the_same_values(language: str) -> None:
    for message in translate.read_catalogue(language):
        if message.id and isinstance(message.id, str):
            assert set(_slots(str(message.string))) == set(_slots(message.id)), message.id


def test_no_error_is_said_round_the_catalogues() -> None:
    """An f-string has its values inside and can be said in English alone."""
    found = [
        f"{path.name}:{node.lineno}"
        for path in sorted((_ROOT / "src" / "koipond").rglob("*.py"))
        if path.parent.name != "testing"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {*_ERRORS, "Message", "phrase"}
        and node.args
        and isinstance(node.args[0], ast.JoinedStr)
    ]
    assert found == []


def _slots(template: str) -> Iterator[tuple[str, str, str]]:
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError:  # a text with braces of its own and no values
        return
    yield from ((name, spec or "", how or "") for _, name, spec, how in parts if name is not None)
