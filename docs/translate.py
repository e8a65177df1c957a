"""Brings the catalogues of what people read up to the source: `make words`.

Collects every message of the program and of the command line library, keeps what is translated, drops what is
said no more, and compiles. `missing` is what a test asks.
"""

import ast
import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import typer
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from koipond.cli.app import build
from koipond.cli.language import help_texts
from koipond.kernel.message import DOMAIN, LOCALE

TRANSLATED = {"zh": "zh_Hans_CN", "id": "id"}
"""Language → the locale whose plural forms it has."""
SOURCE = Path(__file__).resolve().parent.parent / "src" / "koipond"
MARKS = {"Message", "phrase", "heads", "marked"}
"""Calls whose texts are messages: of `heads` and `marked` every argument, else the first."""
_SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def messages() -> dict[str | tuple[str, str], None]:
    """Return every message there is, in order; a pair is a singular with its plural."""
    found: dict[str | tuple[str, str], None] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        found |= dict.fromkeys(said_in(ast.parse(path.read_text(encoding="utf-8"))))
    found |= dict.fromkeys(help_texts(typer.main.get_command(build())))
    found |= dict.fromkeys(_of_library())
    found.pop("", None)
    return found


def said_in(tree: ast.AST) -> Iterator[str]:
    """Yield the messages of one module: what errors and `MARKS` are called with."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in MARKS or name.endswith("Error"):
            given = node.args if name in ("heads", "marked") else node.args[:1]
            yield from (one.value for one in _spread(given) if _is_text(one))
        elif name == "warning":  # of a log, which a terminal shows
            yield from (one.value for one in node.args[:1] if _is_text(one))


def _spread(given: list[ast.expr]) -> Iterator[ast.expr]:
    for one in given:
        inside = one.value if isinstance(one, ast.Starred) else one
        yield from inside.elts if isinstance(inside, ast.Tuple) else (inside,)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _of_library() -> Iterator[str | tuple[str, str]]:
    folder = Path(typer.__file__).parent
    keywords = {"_": None, "ngettext": (1, 2)}
    for _, _, message, _, _ in extract_from_dir(folder, [("**.py", "python")], keywords=keywords):
        yield (message[0], message[1]) if isinstance(message, tuple) else message


def updated(language: str) -> Catalog:
    """Return the catalogue of ``language`` with every message, translated as far as it is."""
    old = read_catalogue(language)
    new = Catalog(
        locale=TRANSLATED[language],
        project="koipond",
        header_comment=f"# What people read, in {language}. `make words` keeps it up to the source.",
        creation_date=_SINCE,
        revision_date=_SINCE,
        fuzzy=False,
    )
    for message in messages():
        known = old.get(message if isinstance(message, str) else message[0])
        new.add(message, known.string if known is not None and known.string else None)
    return new


def read_catalogue(language: str) -> Catalog:
    """Return the catalogue of ``language`` as it stands."""
    path = LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    if not path.exists():
        return Catalog(locale=TRANSLATED[language])
    with path.open("rb") as opened:
        return read_po(opened, locale=TRANSLATED[language])


def missing(language: str) -> list[str]:
    """Return the messages that ``language`` lacks."""
    return [
        message.id if isinstance(message.id, str) else message.id[0]
        for message in updated(language)
        if message.id and not (all(message.string) if isinstance(message.string, tuple) else message.string)
    ]


def written(catalogue: Catalog) -> tuple[bytes, bytes]:
    """Return the catalogue as text and compiled."""
    text, compiled = io.BytesIO(), io.BytesIO()
    write_po(text, catalogue, width=0, no_location=True, sort_output=True)
    write_mo(compiled, catalogue)
    return text.getvalue(), compiled.getvalue()


def main() -> int:
    """Write the catalogues; return 1 while a message is not translated."""
    lacking = 0
    for language in TRANSLATED:
        folder = LOCALE / language / "LC_MESSAGES"
        folder.mkdir(parents=True, exist_ok=True)
        text, compiled = written(updated(language))
        (folder / f"{DOMAIN}.po").write_bytes(text)
        (folder / f"{DOMAIN}.mo").write_bytes(compiled)
        left = missing(language)
        lacking += len(left)
        print(f"{language}: {len(left)} messages are not translated")
        for message in left[:20]:
            print(f"  {message!r}")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
