"""Rows as a file of any kind that is imported, whole or damaged."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.fuzz.values import Draw

Rows = list[dict[str, Any]]
SHAPES = ("csv", "tsv", "jsonl", "parquet", "xlsx", "csv.gz", "jsonl.gz")
STEMS = ("rows", "13912345678", "0812-3456-7890", "a b", "茶", "planted.marker@x.example")


def write(draw: Draw, folder: Path, rows: Rows, shape: str, *, damaged: bool) -> Path:
    """Write ``rows`` as a ``shape`` file of a drawn name; ``damaged``: with bytes that are wrong."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    how = shape.removesuffix(".gz")
    if how in ("csv", "tsv"):
        data = _csv(draw, names, rows, "\t" if how == "tsv" else draw.random.choice(",;|"), broken=damaged)
    elif how == "jsonl":
        data = _jsonl(draw, rows)
    elif how == "parquet":
        data = _parquet(draw, names, rows)
    else:
        data = _xlsx(names, rows)
    if damaged:
        data = draw.damaged(data)
    if shape.endswith(".gz"):
        data = gzip.compress(data, mtime=0)
    file = folder / f"{draw.random.choice(STEMS)}.{shape}"
    file.write_bytes(data)
    return file


def _csv(draw: Draw, names: list[str], rows: Rows, mark: str, *, broken: bool) -> bytes:
    end, always = draw.random.choice(("\n", "\r\n")), draw.chance(0.3)

    def cell(text: str) -> str:
        if always or any(c in text for c in (mark, '"', "\n", "\r")):
            quoted = '"' + text.replace('"', '""') + '"'
            return text if broken and draw.chance(0.1) else quoted
        return text

    lines = [names, *([str(row.get(name, "")) for name in names] for row in rows)]
    text = end.join(mark.join(map(cell, line)) for line in lines) + end
    encoding = draw.random.choice(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "gb18030"))
    return text.replace("\x00", "" if not broken else "\x00").encode(encoding, "replace")


def _jsonl(draw: Draw, rows: Rows) -> bytes:
    ascii_only = draw.chance(0.5)
    lines = "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows)
    return lines.encode("utf-8", "replace")


def _parquet(draw: Draw, names: list[str], rows: Rows) -> bytes:
    columns: dict[str, Any] = {}
    for name in names:
        texts = [_flat(row.get(name, "")) for row in rows]
        columns[name] = pa.array(texts).dictionary_encode() if draw.chance(0.2) else texts
        if name.startswith("further") and draw.chance(0.3):
            columns[name] = [draw.random.randrange(-(2**63), 2**63) for _ in rows]
        elif name.startswith("further") and draw.chance(0.2):
            columns[name] = [[text] for text in texts]
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def _xlsx(names: list[str], rows: Rows) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    for line in [names, *([_flat(row.get(name, "")) for name in names] for row in rows)]:
        sheet.append(["".join(c for c in cell if c >= " " and c not in "\ufffe\uffff") for cell in line])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _flat(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()
