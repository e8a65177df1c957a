"""All rows that an import put aside as a file (隔离行导出), each with its reason, to be mended."""

import json
from pathlib import Path

from koipond.bootstrap import App
from koipond.frames.spreadsheet import csv_text
from koipond.ingest.rule_words import RULE_WORDS
from koipond.kernel import InputError, Language
from koipond.kernel.whole_files import require_new, written_beside

ROWS_MAX = 1_000_000
_HEADS = {
    "zh": ("文件行号", "原因代码", "原因", "字段"),
    "en": ("row of the file", "rule", "reason", "field"),
    "id": ("baris berkas", "aturan", "alasan", "kolom"),
}


def write_rejects(app: App, import_no: int, file: Path, language: Language) -> int:
    """Write the rows that import ``import_no`` put aside to the new ``file`` (0600), their reasons in
    ``language``; return how many.

    Identifiers are not in it, they are covered when rows are put aside: the row number tells whose it is.
    Raises InputError for an import that put nothing aside, or a file that is there already.
    """
    require_new(file)
    with app.warehouse.read() as reader:
        table = reader.table("quarantine")
        mine = table.filter(table["import_no"] == import_no).order_by("row").limit(ROWS_MAX + 1)
        rows = reader.frame(mine).to_pylist()
    if not rows:
        raise InputError(
            "import {import_no} put no row aside; `koipond quality` adds up all imports", import_no=import_no
        )
    if len(rows) > ROWS_MAX:
        raise InputError(
            "import {import_no} put more than {rows_max:,} rows aside; look at its file first",
            import_no=import_no,
            rows_max=ROWS_MAX,
        )
    said = [json.loads(row["values"]) for row in rows]
    columns = list(dict.fromkeys(name for values in said for name in values))
    body = [
        [
            *(row["row"], row["rule"], RULE_WORDS[row["rule"]][language], row["field"] or ""),
            *(values.get(name, "") for name in columns),
        ]
        for row, values in zip(rows, said, strict=True)
    ]
    with written_beside(file, csv_text((*_HEADS[language], *columns), body), 0o600) as fresh:
        fresh.replace(file)
    return len(rows)
