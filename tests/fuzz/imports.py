"""Files of every kind of import, in every format, under every option, whole and damaged."""

import gzip
import io
import json
import unicodedata
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from koipond.bootstrap.faults import explained
from koipond.ingest import KINDS, ImportRequest, ImportResult
from koipond.ingest.facts import FACTS
from koipond.ingest.fields import FIELDS
from koipond.ingest.privacy import masked
from koipond.kernel import KoipondError
from koipond.testing.memory import MemoryWorkspace
from tests.fuzz.values import INSTANTS, MARKS, NUMBERS, WORDS, Draw, as_json

GOOD = {"instant": "2025-01-01 10:00:00", "money": "5.25", "number": "2", "status": "paid", "truth": "yes"}
_DIGITS = [mark for mark in MARKS if mark.isdigit()]


def run(draw: Draw, folder: Path) -> str:
    """Import one drawn file; return what came of it. Raises AssertionError for a broken promise."""
    kind = draw.random.choice(KINDS)
    space = MemoryWorkspace(folder)
    rows = _rows(draw, kind)
    file = _file(draw, folder, rows)
    request = _options(draw, kind)
    before = _version(space)
    try:
        result = space.load(kind, file, request.pop("mapping"), **request)
    except (KoipondError, OSError, MemoryError) as error:
        known = error if isinstance(error, KoipondError) else explained(error)
    else:
        _require_whole(space, before, result)
        return "kept" if result.kept else "put aside"
    assert known is not None
    assert str(known).strip()
    _require_nothing_planted(masked(str(known), strict=True), "the error as it is shown")
    assert _version(space) == before
    _require_clean(space)
    return f"refused {type(known).__name__}"


def _require_whole(space: MemoryWorkspace, before: int, result: ImportResult) -> None:
    assert result.read == result.kept + sum(result.quarantined.values())
    assert result.version in (before, before + 1)
    _require_nothing_planted(as_json(result.to_dict()), "the result")
    _require_clean(space)


def _version(space: MemoryWorkspace) -> int:
    return space.warehouse.versions.current().version


def _rows(draw: Draw, kind: Any) -> list[dict[str, Any]]:
    fields = list(FIELDS[kind])
    draw.random.shuffle(fields)
    names = [one.name for one in fields if one.name == "customer_id" or draw.chance(0.75)]
    names += [draw.text() for _ in range(draw.random.randrange(3))]
    types = {one.name: one.type for one in fields}
    rate = draw.random.choice((0.02, 0.2, 0.6))
    return [
        {name: _cell(draw, name, types.get(name, "text"), number, rate) for name in names}
        for number in range(draw.random.randrange(1, 25))
    ]


def _cell(draw: Draw, name: str, kind: str, number: int, rate: float) -> Any:
    if draw.chance(rate):
        pools: dict[str, Any] = {"instant": INSTANTS, "money": NUMBERS, "number": NUMBERS, "status": WORDS}
        return draw.one(pools[kind]) if kind in pools and draw.chance(0.7) else draw.text()
    if name == "phone":
        return "13912345678"
    return GOOD.get(kind, f"{name[:3]}{number % 7}")


def _file(draw: Draw, folder: Path, rows: list[dict[str, Any]]) -> Path:
    how = draw.random.choice(("csv", "csv", "csv", "jsonl", "jsonl", "parquet", "xlsx"))
    names = list(dict.fromkeys(name for row in rows for name in row))
    if how == "csv":
        data = _csv(draw, names, rows)
    elif how == "jsonl":
        data = _jsonl(draw, rows)
    elif how == "parquet":
        data = _parquet(draw, names, rows)
    else:
        data = _xlsx(names, rows)
    if draw.chance(0.3):
        data = draw.damaged(data)
    if draw.chance(0.1):
        data, how = gzip.compress(data), f"{how}.gz"
    stem = draw.random.choice(("rows", "13912345678", "a b", "茶"))
    file = folder / f"{stem}.{how}"
    file.write_bytes(data)
    return file


def _csv(draw: Draw, names: list[str], rows: list[dict[str, Any]]) -> bytes:
    mark, end = draw.random.choice((",", ";", "\t", "|")), draw.random.choice(("\n", "\r\n", "\r"))
    always = draw.chance(0.3)

    def cell(text: str) -> str:
        if always or any(c in text for c in (mark, '"', "\n", "\r")):
            return '"' + text.replace('"', '""') + '"' if draw.chance(0.97) else text
        return text

    lines = [names, *([str(row[name]) for name in names] for row in rows)]
    text = end.join(mark.join(map(cell, line)) for line in lines) + end
    encoding = draw.random.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16", "gb18030", "latin-1"))
    return text.encode(encoding, "replace")


def _jsonl(draw: Draw, rows: list[dict[str, Any]]) -> bytes:
    lines = []
    for row in rows:
        body: dict[str, Any] = dict(row)
        if draw.chance(0.4):
            body[draw.random.choice(("properties", "traits"))] = {draw.text(): draw.tree() for _ in range(3)}
        if draw.chance(0.1):
            body[draw.text()] = draw.tree()
        lines.append(json.dumps(body, ensure_ascii=draw.chance(0.5)))
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _parquet(draw: Draw, names: list[str], rows: list[dict[str, Any]]) -> bytes:
    columns: dict[str, Any] = {}
    for name in names:
        texts = [str(row[name]) for row in rows]
        columns[name] = pa.array(texts).dictionary_encode() if draw.chance(0.2) else texts
        if draw.chance(0.1):
            columns[name] = [draw.random.randrange(-(2**63), 2**63) for _ in rows]
        elif draw.chance(0.05):
            columns[name] = [[text] for text in texts]
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def _xlsx(names: list[str], rows: list[dict[str, Any]]) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    for line in [names, *([row[name] for name in names] for row in rows)]:
        sheet.append(["".join(c for c in str(cell) if c >= " " and c not in "\ufffe\uffff") for cell in line])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _options(draw: Draw, kind: Any) -> dict[str, Any]:
    options: dict[str, Any] = {"mapping": {}}
    if draw.chance(0.2):
        options["decimal"] = draw.random.choice((".", ","))
    if draw.chance(0.1):
        options["date_format"] = draw.random.choice(
            ("dmy", "mdy", "ymd", "%Y-%m-%d", "%Y-%m-%d %H:%M:%S%z", "%d")
        )
    if draw.chance(0.1):
        options["verified"] = True
    if draw.chance(0.2):
        options["mapping"] = {
            draw.random.choice(FIELDS[kind]).name: draw.random.choice(("", "customer_id", draw.text()))
        }
    try:
        ImportRequest(kind=kind, **options)
    except KoipondError:
        return {"mapping": {}}
    return options


def _require_nothing_planted(text: str, where: str) -> None:
    plain = unicodedata.normalize("NFKC", text)
    assert "planted.marker" not in plain, f"an address stands in {where}"
    for mark in _DIGITS:
        assert mark not in plain, f"{mark} stands in {where}"


def _require_clean(space: MemoryWorkspace) -> None:
    with space.warehouse.read() as reader:
        for name in FACTS:
            if reader.has(name):
                for row in reader.frame(reader.table(name)).to_pylist():
                    texts = [value for value in row.values() if isinstance(value, str)]
                    _require_nothing_planted("\n".join(texts), name)
    journal = as_json([str(one) for one in vars(space.journal).values()])
    _require_nothing_planted(journal, "the journal")
