"""The door of an import (脱敏入口): what identifies people is taken out before any engine sees a row.

Who somebody is gets sealed; ids that must stay joinable (an order number that is a phone number) are
blinded: a keyed one-way name in their place; free text is masked; further columns lose undeclared values and
names that identify (design §2). Numbers and dates keep what reads as one. Only the
different values of a batch are looked at.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from koipond.ingest.fields import FIELDS, PERSON
from koipond.ingest.mapping import ColumnMap, own_name
from koipond.ingest.person_columns import telling
from koipond.ingest.person_numbers import is_barcode
from koipond.ingest.plain_writing import ODD_DATE, ODD_NUMBER, plain_date, plain_number, powered, unit_power
from koipond.ingest.privacy import SUSPECT, ZERO, holds, masked, plain_of, tells
from koipond.ingest.regional_numbers import Taken, home_pattern
from koipond.ingest.sealing import Seal

OTHERS = "others"
"""The column of further columns: one JSON object of texts a row."""

Care = Literal["seal", "blind", "mask", "number"]

_JOINABLE = frozenset(
    (
        *("order_id", "line_id", "refund_of", "event_id", "touch_id"),
        *("sku", "coupon", "store", "staff", "strategy", "play", "content"),
    )
)
_CARES: Mapping[str, Care] = {"number": "number", "money": "number"}
_NUMBER = re.compile(
    r"[(\-]?[$]?\d{1,3}(?:[ ,.'’]\d{3})*(?:[.,]\d*)?\)?-?"
    r"|[(\-]?[$]?\d*(?:[.,]\d*)?(?:[eE][+\-]?\d{1,3})?\)?-?"
)
_BARE_PHONE = re.compile(r"1[3-9][0-9]{9}|0[0-9]{8,}")  # nobody pays 13.8 billion without a mark
_SIGNS = str.maketrans("", "", "()-$")
_NO_FRACTION = re.compile(r"[.,]0*$")
_DIGITS_OF_A_NUMBER_MAX = 15  # 10^13 minor units; whatever is longer is put aside, so it may be covered


def care_of(name: str, kind: str) -> Care:
    """Return how a field called ``name`` of type ``kind`` is treated."""
    if name in PERSON:
        return "seal"
    return "blind" if name in _JOINABLE else _CARES.get(kind, "mask")


@dataclass(slots=True)
class Door:
    """Treats the batches of one import. ``blind``: text → keyed one-way name; ``declared``: kept as it is.

    ``region``: the country (ISO 3166) of phones without a country code. ``dropped_in`` counts the values of
    further columns that were left out, by column; ``masked_in`` those covered or blinded, by field.
    ``dates_as_written``: the operator said how dates are written, so none is written otherwise.
    """

    mapping: ColumnMap
    declared: frozenset[str]
    blind: Callable[[str], str]
    region: str = "CN"
    dates_as_written: bool = False
    seal: Seal = field(default_factory=Seal)
    dropped_in: Counter[str] = field(default_factory=Counter)
    masked_in: Counter[str] = field(default_factory=Counter)

    def texts(self, values: pa.Array, name: str, kind: str) -> pa.Array:
        """Return ``values`` of the field ``name`` as the engine may see them."""
        care = care_of(name, kind)
        if care == "seal":
            return _each(values, self._sealed)
        if care == "blind":
            return self._suspects(values, name, lambda text: self._blinded(name, text))
        values = self._plainly(values, name, kind)
        treat = _number if care == "number" else masked
        return self._suspects(values, name, lambda text: treat(text, region=self.region))

    def _plainly(self, values: pa.Array, name: str, kind: str) -> pa.Array:
        """Return ``values`` of numbers or dates in the way of writing that the engines read."""
        if kind not in ("number", "money") and (kind != "instant" or self.dates_as_written):
            return values
        odd, plain = (ODD_DATE, plain_date) if kind == "instant" else (ODD_NUMBER, plain_number)
        coded = values.dictionary_encode()
        if kind == "money" and (power := unit_power(self.mapping.columns[name][0])):
            places = list(range(len(coded.dictionary)))
            return _treated(values, coded, places, lambda text: powered(plain_number(text), power))
        places = pc.indices_nonzero(pc.match_substring_regex(coded.dictionary, odd)).to_pylist()
        return _treated(values, coded, places, plain)

    def others(self, columns: Sequence[tuple[str, pa.Array]]) -> pa.Array:
        """Return further ``columns`` (name, values) as one JSON text a row, without identifiers."""
        coded = [values.dictionary_encode() for _, values in columns]
        # all texts at once: a file may have thousands of further columns
        suspect = _sieved(pa.concat_arrays([one.dictionary for one in coded]), self.region)
        kept, start = [], 0
        for (name, values), one in zip(columns, coded, strict=True):
            places = pc.indices_nonzero(suspect.slice(start, len(one.dictionary))).to_pylist()
            start += len(one.dictionary)
            kept.append((name, self._other(name, values, one, places)))
        return as_json(kept, len(columns[0][1]))

    def opened(self, seal: str) -> str:
        """Return the text under ``seal``."""
        return self.seal.open(seal) if seal else ""

    def _suspects(self, values: pa.Array, name: str, treat: Callable[[str], str | None]) -> pa.Array:
        """Return ``values`` of the field ``name`` with those texts treated that may hold an identifier."""
        coded = values.dictionary_encode()
        places = pc.indices_nonzero(_sieved(coded.dictionary, self.region)).to_pylist()
        treated = _treated(values, coded, places, treat)
        if places and (changed := pc.sum(pc.not_equal(values, treated)).as_py()):
            self.masked_in[name] += changed
        return treated

    def _sealed(self, texts: list[str]) -> list[str | None]:
        return [*self.seal.close_all(texts)]

    def _blinded(self, name: str, text: str) -> str:
        taken: Taken = "bracketed" if name == "sku" and is_barcode(text) else "mobile"
        return self.blind(text) if holds(text, strict=True, region=self.region, taken=taken) else text

    def _other(self, column: str, values: pa.Array, coded: Any, suspects: list[int]) -> pa.Array:
        own = own_name(column)
        if own in self.declared or column in self.declared:
            return values
        if holds(own, region=self.region):
            kept = pa.nulls(len(values), pa.string())
        else:
            looked = suspects if telling(own) is None else list(range(len(coded.dictionary)))
            kept = _treated(values, coded, looked, lambda text: self._kept(own, text))
        if kept.null_count > values.null_count:
            self.dropped_in[own] += kept.null_count - values.null_count
        return kept

    def _kept(self, column: str, text: str) -> str | None:
        return None if tells(column, text, region=self.region) else text


def kinds_of(mapping: ColumnMap) -> dict[str, str]:
    """Return field → type of the fields of ``mapping``."""
    return {one.name: one.type for one in FIELDS[mapping.kind]}


def _number(text: str, *, region: str) -> str:
    """Cover a text in a column of numbers, unless a number that can be kept stands there."""
    digits = sum(character.isdigit() for character in text)
    plain = digits <= _DIGITS_OF_A_NUMBER_MAX and _NUMBER.fullmatch(text)
    if plain and text.isascii() and not _is_like_a_phone(text, region):
        return text
    return masked(text, region=region)


def _is_like_a_phone(text: str, region: str) -> bool:
    """Say whether what reads as a number may be a phone: bare, with an exponent, in China with thousands."""
    bare = _NO_FRACTION.sub("", text.translate(_SIGNS))
    if region == "CN":
        bare = re.sub("[ ,.']", "", bare)
    return "e" in bare.lower() or _BARE_PHONE.fullmatch(bare) is not None


def _each(values: pa.Array, treat: Callable[[list[str]], list[str | None]]) -> pa.Array:
    """Return ``values`` with their different texts treated all at once."""
    coded = values.dictionary_encode()
    return pa.array(treat(coded.dictionary.to_pylist()), pa.string()).take(coded.indices)


def _sieved(texts: pa.Array, region: str) -> pa.Array:
    """Say which of ``texts`` may hold an identifier, phones as ``region`` writes them among them."""
    found = pc.and_not(
        pc.match_substring_regex(texts, SUSPECT), pc.match_substring_regex(texts, plain_of(region))
    )
    bare = pc.match_substring_regex(texts, ZERO)
    if not pc.any(bare).as_py():
        return found
    return pc.and_not(found, pc.and_not(bare, pc.match_substring_regex(texts, home_pattern(region))))


def _treated(
    values: pa.Array, coded: Any, places: Sequence[int], treat: Callable[[str], str | None]
) -> pa.Array:
    """Return ``values``, ``coded`` as codes of different texts, with the texts at ``places`` treated."""
    if not places:
        return values
    changed: list[Any] = coded.dictionary.to_pylist()
    for place in places:
        changed[place] = treat(changed[place])
    return pa.array(changed, pa.string()).take(coded.indices)


def as_json(columns: Sequence[tuple[str, pa.Array]], rows: int) -> pa.Array:
    """Return one JSON object of the texts of ``columns`` a row; a missing value has no key.

    Of two columns with one own name, the nested (``properties.plan``) counts before the flat one.
    """
    named: dict[str, pa.Array] = {}
    for column, values in sorted(columns, key=lambda pair: own_name(pair[0]) == pair[0]):
        name = own_name(column)
        named[name] = pc.coalesce(named[name], values) if name in named else values
    order = dict.fromkeys(own_name(column) for column, _ in columns)
    if not order:
        return pa.array(["{}"] * rows, pa.string())
    escapes = pc.any(
        pc.match_substring_regex(pa.concat_arrays([*named.values()]), r'[\x00-\x1f"\\]'), min_count=0
    ).as_py()
    members = [
        pc.binary_join_element_wise(
            _key(name) + '"', _escaped(named[name]) if escapes else named[name], '"', ""
        )
        for name in order
    ]
    # (skipping nulls would lose a row in which all are null)
    inner = pc.binary_join_element_wise(*members, "", null_handling="replace", null_replacement="")
    return pc.binary_join_element_wise("{", pc.utf8_slice_codeunits(inner, 1), "}", "")


def _key(name: str) -> str:
    return "," + json.dumps(name, ensure_ascii=False) + ":"


_ESCAPES = (
    ("\\", "\\\\"),
    ('"', '\\"'),
    ("\n", "\\n"),
    ("\r", "\\r"),
    ("\t", "\\t"),
    ("\b", "\\b"),
    ("\f", "\\f"),
)


def _escaped(values: pa.Array) -> pa.Array:
    """Return texts as they stand between the quotes of a JSON string."""
    for mark, written in _ESCAPES:
        values = pc.replace_substring(values, mark, written)
    return pc.replace_substring_regex(values, r"[\x00-\x1f]", " ")
