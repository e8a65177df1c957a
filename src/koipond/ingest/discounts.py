"""A column of discounts: money, or a share of the price (折扣是金额还是比例)?

Decided by the column's name, by percent signs, else by reconciling with the amounts paid. Where neither tells
and the numbers may well be shares, the import stops: 0.15 of 42.40 read as money is wrong by a sixth (B09).
"""

from collections.abc import Iterable
from typing import Any, Literal

import ibis

from koipond.ingest.fields import synonyms
from koipond.ingest.mapping import ColumnMap, plain_name
from koipond.ingest.model import ImportRequest
from koipond.ingest.numbers import read_number, to_units
from koipond.ingest.ports import IbisTable, Reader, RowSource
from koipond.ingest.readings import Readings
from koipond.kernel import InputError, Message

Discount = Literal["money", "rate", "percent"]

_PERCENT = r"\s*[%％]\s*$"
_FIELDS = ("discount", "discount_rate")
_EITHER = ("折扣率", "折扣", "折扣比例", "优惠比例", "优惠率")
_BARE = frozenset(map(plain_name, ("discount", "disc", "diskon", "优惠", "折扣")))
_ROUND_MIN = 3  # so many multiples of 5 up to 100 look like percentages
_MICRO = 10**6
_PRODUCT_MAX = 10**12  # minor units; its product with a share in millionths still fits 64 bits


def bare_percents(reader: Reader, raw: IbisTable) -> tuple[IbisTable, frozenset[str]]:
    """Return ``raw`` with percent signs taken off discounts, and the columns of which every value had one."""
    fields = [name for name in _FIELDS if name in raw.columns]
    if not fields:
        return raw, frozenset()
    signed = reader.frame(raw.agg(**{name: raw[name].re_search(_PERCENT).all() for name in fields}))
    found = [name for name, every in signed.to_pylist()[0].items() if every]
    return without_percents(raw, found), frozenset(found)


def without_percents(raw: IbisTable, fields: Iterable[str]) -> IbisTable:
    """Return ``raw`` with percent signs taken off the columns ``fields``."""
    return raw.mutate(**{name: raw[name].re_replace(_PERCENT, "") for name in fields})


def decide_discount(
    reader: Reader,
    raw: IbisTable,
    readings: Readings,
    mapping: ColumnMap,
    request: ImportRequest,
    rows: RowSource,
    *,
    percents: frozenset[str],
    digits: int,
) -> Discount:
    """Return what the discounts of the file are; raise InputError when they may be money or shares."""
    field = next((name for name in _FIELDS if name in mapping), None)
    if field is None:
        return "money"
    if field in percents:
        return "percent"
    column = mapping.columns[field][0]
    share = field == "discount_rate" or "%" in column or "％" in column
    if not share and "discount" in request.mapping:
        return "money"
    found = reader.frame(_sums(raw, readings, field, digits)).to_pylist()[0]
    by_size: Discount = "percent" if (found["most"] or 0) > 1 else "rate"
    if share:
        return by_size
    fits = {name: found[name] or 0 for name in ("money", "rate", "percent")}
    if "amount" in readings.numbers or "order_amount" in readings.numbers:
        best = max(fits, key=lambda name: fits[name])
        return best if fits[best] and list(fits.values()).count(fits[best]) == 1 else "money"  # type: ignore[return-value]
    if found["row"] is not None and _may_be_share(found, column):
        raise InputError(_question(rows.file, column, found, by_size))
    return "money"


def _sums(raw: IbisTable, readings: Readings, field: str, digits: int) -> IbisTable:
    """Return what a decision needs: sizes of the discounts, and how many rows each reading reconciles."""
    values = {
        name: read_number(raw[name], reading).cast("float64") for name, reading in readings.numbers.items()
    }
    size = values[field].abs()
    nothing = ibis.null("float64")
    product = values.get("quantity", nothing) * values.get("unit_price", nothing)
    paid = values.get("amount", nothing)
    table = raw.select("row", text=raw[field], size=size, product=product.abs(), paid=paid.abs())
    table = table.filter(table["size"] > 0)
    exact = 1.01 / 10**digits
    shares = {"rate": table["size"], "percent": table["size"] / 100}
    left = {"money": table["product"] - table["size"]}
    left |= {name: table["product"] * (1 - share) for name, share in shares.items()}
    row = table["row"].min()
    return table.agg(
        most=table["size"].max(),
        count=table.count(),
        fractions=(table["size"] < 1).sum(),
        fives=(table["size"] % 5 == 0).sum(),
        beyond=(table["size"] > table["product"]).sum(),
        row=row,
        text=table["text"].argmin(table["row"]),
        product=table["product"].argmin(table["row"]),
        **{name: ((table["paid"] - value).abs() <= exact).sum() for name, value in left.items()},
    )


def _may_be_share(found: Any, column: str) -> bool:
    if found["most"] <= 1:
        return bool(found["fractions"])
    round_ones = found["count"] >= _ROUND_MIN and found["fives"] == found["count"]
    return found["most"] <= 100 and (bool(found["beyond"]) or (round_ones and plain_name(column) in _BARE))


def _question(file: str, column: str, found: Any, by_size: Discount) -> str:
    whole = "0.15 = 15%" if by_size == "rate" else "15 = 15%"
    beside = (
        ""
        if found["product"] is None
        else Message(" beside quantity × price of {product:,.2f}", product=found["product"])
    )
    return Message(
        "{file}: row {row}: the discount '{text}'{beside} can be money or a share of the "
        "price, and no amount paid tells which; pass --map discount={column} when it is money, "
        "or --map discount_rate={column} when it is a share ({whole})",
        file=file,
        row=found["row"],
        text=found["text"],
        beside=beside,
        column=column,
        whole=whole,
    )


def discount_remarks(discount: Discount, mapping: ColumnMap, request: ImportRequest) -> tuple[str, ...]:
    """Return what is to be said of how the discounts were read."""
    column = next((mapping.columns[name][0] for name in ("discount_rate", "discount") if name in mapping), "")
    if discount != "money":
        return (
            Message(
                "{column} is taken as a share of the price; if it is money: --map discount={column}",
                column=column,
            ),
        )
    guessed = plain_name(column) in _BARE and "discount" not in request.mapping
    if guessed and not any(name in mapping for name in ("amount", "order_amount")):
        return (
            Message(
                "{column} is taken as money; if it is a share of the price: --map discount_rate={column}",
                column=column,
            ),
        )
    return ()


def shares_left_out(
    columns: Iterable[str], mapping: ColumnMap, request: ImportRequest, file: str
) -> tuple[str, ...]:
    """Return what is to be said of columns of discount shares that were not read.

    Raises InputError when nothing else says what was paid: 85 % off and 85 % paid are both called 折扣率.
    """
    names = {plain_name(name) for name in (*_EITHER, *synonyms("orders", "discount_rate").names)}
    left = [one for one in columns if one not in mapping.used and plain_name(one) in names]
    if not left or "discount_rate" in request.mapping:
        return ()
    if not any(name in mapping for name in ("amount", "order_amount", "discount")):
        raise InputError(
            "{file}: {column} may be the share of the price that was taken off or the share that was paid, "
            "and no column says the amount; pass --map discount_rate={column} if 0.15 is 15% off, or "
            "--map discount_rate= to count the full price",
            file=file,
            column=left[0],
        )
    return tuple(
        Message(
            "{column} was not read: another column says the money; if the discounts of the lines are to come "
            "from it: --map discount_rate={column}",
            column=column,
        )
        for column in left
    )


def less_share(product_fen: Any, share: Any, *, percent: bool) -> Any:
    """Return ``product_fen`` less the decimal ``share`` of it, rounded half away from zero, in minor units.

    Null for a share beyond 100% or a product beyond 10^12.
    """
    micro = to_units(share, 4 if percent else 6).abs()
    none = ibis.null("int64")
    fits = (micro <= _MICRO) & (product_fen.abs() <= _PRODUCT_MAX)
    kept = ibis.ifelse(fits, product_fen, none) * ibis.ifelse(fits, _MICRO - micro, none)
    size = (kept.abs() + _MICRO // 2) // _MICRO
    return (size * kept.sign()).cast("int64")
