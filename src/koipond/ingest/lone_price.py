"""A price without a number of pieces (只有单价没有数量): what one row cost, where a row is one piece.

Exports with a row a piece (Olist's order_items) have no quantity, and their price is the row's amount. It is
taken so, and said, where rows name their product or line and no column left over could be a number of pieces.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from koipond.ingest.ports import RowSource
from koipond.ingest.privacy import masked
from koipond.kernel import Message, some_of

Counts = Callable[[Sequence[str]], Sequence[str]]
"""Columns → those of them that may say how many pieces."""
_LOOKED_AT = 500
_COUNT = re.compile(r"([0-9]{1,3})(?:\.0+)?")
_SHOWN = 3
_SAY_MONEY = ("amount", "order_amount", "quantity")


def counts_in(rows: RowSource) -> Counts:
    """Return what says which columns of ``rows`` may be numbers of pieces, by their first values."""

    def looked(columns: Sequence[str]) -> list[str]:
        for batch in rows.batches(columns) if columns else ():
            values = batch.slice(0, _LOOKED_AT).to_pydict()
            return [column for column in columns if _may_count([text for text in values[column] if text])]
        return []

    return looked


def _may_count(texts: Sequence[str]) -> bool:
    """Say whether ``texts`` are small whole numbers, some beyond one, and do not number the rows."""
    found = [_COUNT.fullmatch(text.strip()) for text in texts]
    numbers = [int(one[1]) for one in found if one is not None]
    if len(numbers) < len(texts) or max(numbers, default=0) < 2:
        return False
    return len(numbers) == 1 or any(b - a != 1 for a, b in pairwise(numbers))


def price_is_paid(
    chosen: Mapping[str, object], told: Mapping[str, str], free: Sequence[str], counts: Counts | None
) -> bool:
    """Say whether the price among the ``chosen`` fields of orders stands for what was paid for a row.

    ``told``: what the operator said; ``free``: the columns that no field has.
    """
    if "unit_price" not in chosen or any(name in chosen for name in _SAY_MONEY):
        return False
    if counts is None or "unit_price" in told or "amount" in told or not {"line_id", "sku"} & chosen.keys():
        return False
    return "quantity" in told or not counts(free)  # told: that there is none


def price_advice(column: str, free: Sequence[str], counts: Counts | None) -> Message:
    """Return what to pass for a file that has the price ``column``, and neither amount nor quantity."""
    found = [masked(one) for one in counts(free)] if counts is not None else []
    which = (
        Message("may be {columns}", columns=some_of(found, _SHOWN)) if found else Message("if there is one")
    )
    return Message(
        "{column} is the price of a piece and no column says how many: pass --map amount={column} if it is "
        "what was paid for the row, or --map quantity=COLUMN (the column of the number of pieces, {which})",
        column=masked(column),
        which=which,
    )
