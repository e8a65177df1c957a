"""Turn batches of any columns into the form every source yields: a row number and trimmed strings."""

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

MISSING = ("", "null", "NULL", "Null", "None", "none", "nan", "NaN", "NAN", "N/A", "n/a", "NA", "NaT")
"""Words that exporters write for a missing value; each reads as null."""
_MISSING = pa.array([*MISSING, "<NA>", "#N/A", "\\N", "-", "--"])


def text_batch(first_row: int, columns: Sequence[tuple[str, pa.Array]]) -> pa.RecordBatch:
    """Return ``columns`` as trimmed strings beside ``row``, counted from ``first_row``; no blank rows."""
    texts = [tidy(as_text(values)) for _, values in columns]
    rows = len(texts[0])
    numbers = pa.array(range(first_row, first_row + rows), pa.int64())
    batch = pa.RecordBatch.from_arrays([numbers, *texts], ["row", *(name for name, _ in columns)])
    filled = pc.is_valid(texts[0])
    for values in texts[1:]:
        if pc.all(filled).as_py():
            return batch
        filled = pc.or_(filled, pc.is_valid(values))
    return batch.filter(filled)


def as_text(values: pa.Array) -> pa.Array:
    """Return ``values`` as text that reads back as exactly the same value."""
    kind = values.type
    if pa.types.is_string(kind):
        return values
    if pa.types.is_dictionary(kind):
        return as_text(values.dictionary_decode())
    if pa.types.is_timestamp(kind):
        return _instants(values)
    if pa.types.is_nested(kind):
        return pa.array([_json(value) for value in values.to_pylist()], pa.string())
    return values.cast(pa.string())


def _instants(values: pa.Array) -> pa.Array:
    """Whole seconds as ISO text, with the offset when the type carries a zone."""
    zone = values.type.tz
    seconds = pc.floor_temporal(values, unit="second").cast(pa.timestamp("s", "UTC" if zone else None))
    return pc.strftime(seconds, "%Y-%m-%dT%H:%M:%SZ" if zone else "%Y-%m-%d %H:%M:%S")


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)


def _unguarded(texts: pa.Array) -> pa.Array:
    """Take off what keeps a spreadsheet from reading a text as a number: ="007" is 007 (B14)."""
    if not pc.any(pc.starts_with(texts, pattern='="')).as_py():
        return texts
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(texts, r'^="([^"]*)"$', r"\1"))


def tidy(values: pa.Array) -> pa.Array:
    """Return texts without surrounding spaces, null for a word that exporters write for a missing value."""
    trimmed = _unguarded(pc.utf8_trim_whitespace(values))
    return pc.if_else(pc.is_in(trimmed, value_set=_MISSING), pa.scalar(None, pa.string()), trimmed)
