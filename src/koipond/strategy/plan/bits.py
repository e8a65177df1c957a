"""Sets of numbered things a customer has (位集): one whole number for each 62 of them.

Which strategies touched a customer, which contents he read, which lists he holds a code of: a fact table is
read once and becomes a few columns, however many strategies ask. A thing is at bit ``n % 62`` of word
``n // 62``.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import ibis
import pyarrow as pa

from koipond.facts.ports import IbisTable, Reader
from koipond.strategy.plan.arms import Expr

WORD = 62
"""Bits of a word: those above stay free for the sign."""


def word_of(number: int) -> int:
    """Return the word that the thing ``number`` stands in."""
    return number // WORD


def bit_of(number: int) -> int:
    """Return the bit of the thing ``number`` within its word."""
    return 1 << number % WORD


def words_of(name: str, things: int) -> list[str]:
    """Return the columns of the set ``name`` of at most ``things`` things."""
    return [f"{name}_{word}" for word in range(word_of(max(things, 1) - 1) + 1)]


def numbered(reader: Reader, name: str, key: str, values: Sequence[str], **more: Sequence[int]) -> IbisTable:
    """Stage ``values`` as column ``key`` with ``word`` and ``bit`` of each, and the columns ``more``."""
    places = range(len(values))
    columns: dict[str, Any] = {
        key: pa.array(values, pa.string()),
        "word": pa.array([word_of(n) for n in places], pa.int8()),
        "bit": pa.array([bit_of(n) for n in places], pa.int64()),
    }
    columns |= {name: pa.array(column, pa.int64()) for name, column in more.items()}
    return reader.stage(name, pa.table(columns))


def bit_sets(rows: IbisTable, sets: Mapping[str, Expr | None], things: int) -> IbisTable:
    """Return customer_no with the words of each set: of the rows (customer_no, word, bit) for which its
    expression holds, all rows for None.
    """
    single = things <= WORD
    columns: dict[str, Expr] = {}
    for name, where in sets.items():
        for word, column in enumerate(words_of(name, things)):
            tests = [test for test in (None if single else rows.word == word, where) if test is not None]
            chosen = reduce(lambda a, b: a & b, tests) if tests else None
            columns[column] = rows.bit.bit_or(where=chosen).fill_null(0)
    return rows.group_by("customer_no").aggregate(**columns)


def has(table: IbisTable, name: str, things: int, word: Expr, bit: Expr) -> Expr:
    """Return whether the set ``name`` of ``table`` holds the thing at ``bit`` of ``word``."""
    first, *rest = words_of(name, things)
    held = table[first]
    if rest:
        held = ibis.cases(
            *((word == number, table[column]) for number, column in enumerate(rest, 1)), else_=held
        )
    return (held & bit) != 0


def balanced_union(parts: Sequence[IbisTable]) -> IbisTable:
    """Return all rows of ``parts``, at least one; nested as flat as can be, since many parts nest deep."""
    while len(parts) > 1:
        pairs = [parts[n : n + 2] for n in range(0, len(parts), 2)]
        parts = [pair[0].union(pair[1]) if len(pair) == 2 else pair[0] for pair in pairs]
    return parts[0]
