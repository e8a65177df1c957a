"""Functions that Ibis has no name for, declared here, run by the import engine (DuckDB)."""

from typing import Any

import ibis


def _read_instant(text, patterns):  # type: ignore[no-untyped-def]
    """Return ``text`` read by the first fitting strptime pattern, else null."""


def _read_aware_instant(text, patterns):  # type: ignore[no-untyped-def]
    """Return ``text`` read by the first fitting pattern with %z, in UTC, else null."""


def _md5(text):  # type: ignore[no-untyped-def]
    """Return the MD5 of ``text`` in hex; the same on every release, unlike ``hash``."""


def _bit_count(bits):  # type: ignore[no-untyped-def]
    """Return how many bits of ``bits`` are set."""


def _to_json(value) -> str:  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Return the struct ``value`` as a JSON object."""
    return ""


def _merge(left, right):  # type: ignore[no-untyped-def]
    """Return JSON object ``left`` with the keys of ``right``; a null in ``right`` removes the key."""


def _members(text):  # type: ignore[no-untyped-def]
    """Return the members of a JSON object of texts as (key, value); keys are names, never paths."""


_TEXT_AND_LIST = ("string", "array<string>")
read_instant: Any = ibis.udf.scalar.builtin(
    _read_instant, name="try_strptime", signature=(_TEXT_AND_LIST, "timestamp")
)
read_aware_instant: Any = ibis.udf.scalar.builtin(
    _read_aware_instant, name="try_strptime", signature=(_TEXT_AND_LIST, "timestamp('UTC')")
)
md5: Any = ibis.udf.scalar.builtin(_md5, name="md5", signature=(("string",), "string"))
members: Any = ibis.udf.scalar.builtin(
    _members, name="koipond_members", signature=(("string",), "array<struct<key: string, value: string>>")
)
bit_count: Any = ibis.udf.scalar.builtin(_bit_count, name="bit_count", signature=(("int64",), "int8"))
to_json: Any = ibis.udf.scalar.builtin(_to_json, name="to_json")
_merge_patch: Any = ibis.udf.scalar.builtin(
    _merge, name="json_merge_patch", signature=(("string", "string"), "string")
)


def without_nulls(text: Any) -> Any:
    """Return the JSON object ``text`` without the keys that hold null (RFC 7396)."""
    return _merge_patch(ibis.literal("{}"), text)


def with_members(text: Any, more: Any) -> Any:
    """Return JSON object ``text`` with the members of JSON object ``more``."""
    return _merge_patch(text, more)


def day_text(day: Any) -> Any:
    """Return whole days since 1970-01-01 as YYYY-MM-DD."""
    return (ibis.date(1970, 1, 1) + day.cast("int64").as_interval("D")).strftime("%Y-%m-%d")
