"""Rows for spreadsheets (表格文件): UTF-8 with its mark, and no cell that a spreadsheet would run."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

_RUNS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)*%?")
MARK = "\ufeff"
"""Without it Excel reads the file in the code page of its machine."""


def harmless(value: object) -> str:
    """Return ``value`` as a cell that is text for every spreadsheet.

    What begins like a formula gets an apostrophe before it, unless it is a number, such as +8613800000001:
    an import of ours takes the apostrophe off again (case B14).
    """
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_RUNS) and not _NUMBER.fullmatch(text) else text


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return ``rows`` under ``header`` as a file: comma, CRLF, quotes where needed (RFC 4180)."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([harmless(one) for one in header])
    writer.writerows([harmless(one) for one in row] for row in rows)
    return MARK + out.getvalue()
