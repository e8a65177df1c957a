"""Open a file by what it holds, not by what it is called."""

import hashlib
from pathlib import Path

from koipond.ingest.ports import RowSource
from koipond.ingest.privacy import shown_name
from koipond.kernel import InputError
from koipond.sources.chunks import CHUNK_BYTES
from koipond.sources.csv_rows import CsvRows
from koipond.sources.parquet_rows import ParquetRows
from koipond.sources.text import inspect, require_file

_JSON = {".jsonl", ".ndjson", ".json"}
_EXCEL = {".xlsx", ".xlsm"}
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"


def open_file(
    path: Path | str,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    region: str = "",
) -> RowSource:
    """Open a CSV, TSV, JSONL (each also gzipped), Parquet or Excel file as rows of text.

    ``encoding`` and ``delimiter`` are detected when None; ``sheet`` of a workbook is its first when None.
    ``region``: whose phones are covered in the name of the file, as in every message.
    Raises InputError naming the file and the fix when it is missing, empty, damaged or of another kind.
    """
    path = Path(path)
    require_file(path)
    rows = _opened(path, encoding, delimiter, sheet)
    rows.file = shown_name(path, region)
    return rows


def _opened(path: Path, encoding: str | None, delimiter: str | None, sheet: str | None) -> RowSource:
    with path.open("rb") as file:
        magic = file.read(4)
    if magic == b"PAR1" or path.suffix.lower() == ".parquet":
        return _parquet(path, magic)
    if magic == b"PK\x03\x04" or path.suffix.lower() in _EXCEL or magic == _OLD_EXCEL:
        return _excel(path, magic, sheet)
    gzipped = magic[:2] == b"\x1f\x8b"
    source = inspect(path, gzipped=gzipped, encoding=encoding)
    name = Path(path.stem) if gzipped and path.suffix.lower() == ".gz" else path
    if name.suffix.lower() in _JSON:
        from koipond.sources.jsonl_rows import JsonRows

        return JsonRows(source)
    return CsvRows(source, delimiter)


def _parquet(path: Path, magic: bytes) -> RowSource:
    if not magic:
        raise InputError("{path}: the file is empty; write it again", path=shown_name(path))
    if magic != b"PAR1":
        raise InputError(
            "{path}: is called Parquet but holds something else; write it again", path=shown_name(path)
        )
    return ParquetRows(path, _fingerprint(path))


def _excel(path: Path, magic: bytes, sheet: str | None) -> RowSource:
    if magic == _OLD_EXCEL:
        raise InputError(
            "{path}: is an old or locked Excel file; save it as .xlsx without password", path=shown_name(path)
        )
    if magic != b"PK\x03\x04":
        raise InputError(
            "{path}: is called Excel but is none; save it as .xlsx or as UTF-8 .csv", path=shown_name(path)
        )
    from koipond.sources.excel_rows import ExcelRows

    return ExcelRows(path, _fingerprint(path), sheet)


def _fingerprint(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
