"""What the words of a consents file mean (授权用词); a word nobody knows refuses the whole file.

A no that was kept under a word without effect would be a promise broken in silence, so nothing is guessed.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from koipond.facts.ports import IbisTable, Reader
from koipond.ingest.mapping import plain_name
from koipond.ingest.model import ImportRequest
from koipond.ingest.privacy import masked
from koipond.ingest.words import meanings, word_table
from koipond.kernel import InputError, Message, joined

ALL = "*"
"""Every channel or purpose, also those added later."""

WORDS_MAX = 500
_SHOWN = 10
_TURNED = {"true": "false", "false": "true"}
_LENGTH_MAX = 40
_KNOWN: Mapping[str, str] = {
    "status": Message("yes or no, and the usual words for them; say others with --status VALUE=true|false"),
    "channel": Message(
        "{values} or all; several with commas",
        values=joined(", ", sorted(set(word_table("channel").values()))),
    ),
    "purpose": Message(
        "{values} or all; several with commas",
        values=joined(", ", sorted(set(word_table("purpose").values()))),
    ),
}
_LIST_MARK = re.compile(r"[,;|/+&\n、，；]|\s(?:and|dan)\s|[和与]", re.IGNORECASE)
_LIST_DRESS = " []()\"'"
SEVERAL = ","
"""What stands between the meanings of a word that names several channels or purposes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWords:
    """Word in the file → meaning: ``true`` or ``false``, a channel, a purpose, `ALL`."""

    status: Mapping[str, str]
    channel: Mapping[str, str]
    purpose: Mapping[str, str]


def read_words(
    reader: Reader, raw: IbisTable, request: ImportRequest, file: str, column: str = "status"
) -> ConsentWords:
    """Return what the words of ``raw`` mean; raise InputError with every row whose word nobody knows.

    ``column``: what the file calls the status. Under `unsubscribed` or 退订, a yes is a no.
    """
    faults: list[str] = []
    found = {}
    for field in ("status", "channel", "purpose"):
        words = _distinct(reader, raw, field, file) if field in raw.columns else []
        found[field] = _meanings(field, words, request, column)
        unknown = [word for word in words if word not in found[field]]
        faults += _faults(reader, raw, field, unknown)
    empty = raw.filter(raw["status"].isnull()).order_by("row").limit(_SHOWN)
    faults += [
        Message("row {row}: status is empty", row=row)
        for row in reader.frame(empty.select("row"))["row"].to_pylist()
    ]
    if faults:
        faults += [
            Message("known as {field}: {words}", field=field, words=words) for field, words in _KNOWN.items()
        ]
        raise InputError("{file}: nothing was recorded\n{faults}", file=file, faults=joined("\n", faults))
    return ConsentWords(**found)


_SIGNED = re.compile(r"^\s*[+\-\u2010-\u2015\u2212\ufe63\uff0b\uff0d]")
"""A number with a sign: -1 is a no to some systems and a yes to others."""


def _distinct(reader: Reader, raw: IbisTable, field: str, file: str) -> list[str]:
    distinct = raw.select(word=raw[field]).filter(lambda t: t["word"].notnull()).distinct()
    words: list[str] = sorted(reader.frame(distinct.limit(WORDS_MAX + 1)).column("word").to_pylist())
    if len(words) > WORDS_MAX:
        raise InputError(
            "{file}: the column for {field} holds more than {words_max} different values; "
            "choose another with --map {field}=COLUMN",
            file=file,
            field=field,
            words_max=WORDS_MAX,
        )
    return words


def _meanings(field: str, words: Collection[str], request: ImportRequest, column: str) -> dict[str, str]:
    if field != "status":
        found = {word: _several(field, word) for word in words}
        return {word: meaning for word, meaning in found.items() if meaning}
    table = word_table("consent")
    if not any(plain_name(word) == "f" for word in words):
        table = {word: meaning for word, meaning in table.items() if word != "t"}  # 回T退订, or true?
    if table.get(plain_name(column)) == "false":
        truth = word_table("truth")
        turned = {word: _TURNED[meaning] for word, meaning in truth.items() if word in table}
        table = {**table, **turned}
    found = meanings(words, table, request.statuses)
    return {
        word: meaning
        for word, meaning in found.items()
        if meaning in ("true", "false") and (word in request.statuses or not _SIGNED.match(word))
    }


def _several(field: str, word: str) -> str:
    """Return what ``word`` means, each of several between `SEVERAL`; empty when any part is unknown.

    ``email,sms`` and ``["email", "sms"]`` are both channels: a no to them is a no to each.
    """
    if one := _one(field, word):
        return one
    parts = [part.strip(_LIST_DRESS) for part in _LIST_MARK.split(word.strip(_LIST_DRESS))]
    found = [_one(field, part) for part in parts if part]
    if not found or "" in found:
        return ""
    return ALL if ALL in found else SEVERAL.join(dict.fromkeys(found))


def _one(field: str, word: str) -> str:
    return ALL if means_all(word) else word_table(field).get(plain_name(word), "")


def means_all(word: str) -> bool:
    """Say whether ``word`` means every channel or purpose, in any of our languages."""
    return unicodedata.normalize("NFKC", word).strip() == ALL or plain_name(word) in word_table("all")


def channel_of(word: str) -> str | None:
    """Return our channel, or `ALL`, for a word of people; None when it is unknown."""
    return ALL if means_all(word) else word_table("channel").get(plain_name(word))


def _faults(reader: Reader, raw: IbisTable, field: str, unknown: Collection[str]) -> Iterable[str]:
    if not unknown:
        return []
    bad = raw.filter(raw[field].isin(sorted(unknown)))
    rows = (
        bad.group_by(said=bad[field])
        .agg(row=bad["row"].min(), rows=bad.count())
        .order_by("row")
        .limit(_SHOWN)
    )
    found = reader.frame(rows).to_pylist()
    return [
        Message(
            "row {row}: {field} '{said}' is not known",
            row=one["row"],
            field=field,
            said=masked(one["said"])[:_LENGTH_MAX],
        )
        + (Message(" ({count:,} rows)", count=one["rows"]) if one["rows"] > 1 else "")
        for one in found
    ]
