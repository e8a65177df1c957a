"""Is what identifies people where it may be, and nowhere else (隐私核查)? Files, spill, the warehouse.

The scan reads the first rows of every dataset, with the patterns that imports use; what an operator declared
when importing (``--keep``) is meant to be there.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from koipond.bootstrap.app import STATE, App
from koipond.bootstrap.rights import readable_by_others
from koipond.facts.ports import Reader
from koipond.facts.schemas import FACTS
from koipond.ingest.privacy import PLAIN, SUSPECT, holds
from koipond.kernel import Message, shortened
from koipond.store.verify import Check
from koipond.warehouse.spill import left_behind
from koipond.warehouse.tidying import SPILL

SCANNED_ROWS = 300_000
_SUSPECTS = 2_000
_SHOWN = 5
_OURS = ("customer_uid", "fingerprint", "touch_key", "content")
_JSON = ("properties", "values", "result")


def private_checks(app: App) -> list[Check]:
    """Return what lies open: files others can read, spill of dead processes, identifiers in texts."""
    state = app.folder / STATE
    return [
        _check("rights", [str(path.relative_to(app.folder)) for path in open_files(app)]),
        _check("spill", [path.name for path in left_behind(state / "warehouse" / SPILL)]),
        _check("identifiers", list(_identifiers(app))),
    ]


def open_files(app: App) -> list[Path]:
    """Return the files of the workspace's state that others can read."""
    return readable_by_others(app.folder / STATE)


def _check(name: str, found: list[str]) -> Check:
    return Check(name=name, breaks=len(found), detail=shortened("; ", found, _SHOWN))


def _identifiers(app: App) -> Iterator[str]:
    with app.warehouse.read() as reader:
        declared = _declared(reader)
        for dataset, schema in FACTS.items():
            if not reader.has(dataset):
                continue
            for column in schema.names:
                if str(schema.field(column).type) == "string" and column not in _OURS:
                    count = sum(_is_open(row, column, declared) for row in _suspects(reader, dataset, column))
                    if count:
                        yield Message(
                            "{dataset}.{column}: {count} texts with an identifier",
                            dataset=dataset,
                            column=column,
                            count=count,
                        )


def _suspects(reader: Reader, dataset: str, column: str) -> list[dict[str, Any]]:
    table = reader.table(dataset).limit(SCANNED_ROWS)
    table = table.mutate(**{column: table[column].cast("string")})
    texts = {column: table[column]} | ({"name": table["name"]} if dataset.endswith("traits") else {})
    found = table.filter(table[column].re_search(SUSPECT) & ~table[column].re_search(PLAIN))
    rows = reader.frame(found.select(**texts).distinct().limit(_SUSPECTS)).to_pylist()
    return list(rows)


def _is_open(row: Mapping[str, Any], column: str, declared: frozenset[str]) -> bool:
    text = row[column]
    if column in _JSON:
        return any(name not in declared and holds(value, strict=True) for name, value in _members(text))
    if column == "text_value" and row.get("name") in declared:
        return False
    return holds(text, strict=True)


def _members(text: str) -> Iterator[tuple[str, str]]:
    try:
        body = json.loads(text)
    except ValueError:
        yield "", text
        return
    for name, value in body.items() if isinstance(body, dict) else ():
        yield name, name
        yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _declared(reader: Reader) -> frozenset[str]:
    """The properties and traits that imports in force were told to keep."""
    if not reader.has("imports"):
        return frozenset()
    results = reader.frame(reader.table("imports").select("result")).column("result").to_pylist()
    return frozenset(name for text in results for name in json.loads(text).get("declared", ()))
