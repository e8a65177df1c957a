"""Margins written as a share of the price (毛利率): 30% of 10.00 is 3.00. Other money may not be a share."""

from typing import Any

import ibis

from koipond.facts.ports import IbisTable
from koipond.ingest.numbers import NumberReading, read_number, to_units

_PERCENT = r"\s*[%％]\s*$"
_PER_PERCENT = 10_000  # a share is read to ten-thousandths of a percent
_PRICE_MAX = 10**12  # minor units; its product with a share still fits 64 bits


def bare_shares(table: IbisTable) -> IbisTable:
    """Return ``table`` with the percent signs taken off ``margin``, to see how its numbers are written."""
    if "margin" not in table.columns:
        return table
    return table.mutate(margin=table["margin"].re_replace(_PERCENT, ""))


def read_margin(text: Any, reading: NumberReading, price: Any, digits: int) -> Any:
    """Return the margin in minor units: ``text`` itself, or the percentage it writes of ``price`` (too).

    Null where it is no number, a share of a missing price, or more than 100% (then it is no margin but a
    mark-up). Rounded half away from zero.
    """
    number = read_number(text.re_replace(_PERCENT, ""), reading)
    share = to_units(number, 4)
    whole = 100 * _PER_PERCENT
    fits = (price.abs() <= _PRICE_MAX) & (share.abs() <= whole)
    none = ibis.null("int64")
    product = ibis.ifelse(fits, price, none) * ibis.ifelse(fits, share, none)
    size = (product.abs() + whole // 2) // whole
    part = (size * product.sign()).cast("int64")
    return ibis.ifelse(text.re_search(_PERCENT), part, to_units(number, digits))
