"""A column of discounts: money, or a share of the price (折扣是金额还是比例)?

Decided by the column's name, by signs (`discount_texts`), else by reconciling with the amounts paid. Where
neither tells and the numbers may well be shares, the import stops: 0.15 of 42.40 read as money is wrong by a
sixth (B09), and 8.5 of a column 折扣 is what was paid of 10.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Reader
from koipond.ingest.discount_texts import DISCOUNTS, Discount
from koipond.ingest.fields import synonyms
from koipond.ingest.mapping import ColumnMap, plain_name
from koipond.ingest.model import ImportRequest
from koipond.ingest.numbers import read_number, to_units
from koipond.ingest.ports import RowSource
from koipond.ingest.readings import Readings
from koipond.kernel import InputError, Message

_EITHER = ("折扣率", "折扣", "折扣比例", "优惠比例", "优惠率")
_BARE = frozenset(map(plain_name, ("discount", "disc", "diskon", "优惠", "折扣")))
_READINGS: tuple[Discount, ...] = ("money", "rate", "percent", "paid", "paid_tenths", "paid_percent")
_TENTHS = 10  # 8.5折 leaves 8.5 of 10 to pay
_HALF = 50  # who sells for less than 50 of 100 calls it a discount of so much
_ROUND_MIN = 3  # so many multiples of 5 up to 100 look like percentages
_MICRO = 10**6
_SHARE_DIGITS = {"rate": 6, "percent": 4, "paid": 6, "paid_tenths": 5, "paid_percent": 4}
_PRODUCT_MAX = 10**12  # minor units; its product with a share in millionths still fits 64 bits


def decide_discount(
    reader: Reader,
    raw: IbisTable,
    readings: Readings,
    mapping: ColumnMap,
    request: ImportRequest,
    rows: RowSource,
    *,
    signs: Mapping[str, Discount],
    digits: int,
) -> Discount:
    """Return what the discounts of the file are; raise InputError when they may be money or shares.

    ``signs``: what their cells say by a sign, by field.
    """
    field = next((name for name in DISCOUNTS if name in mapping), None)
    if field is None:
        return "money"
    if field in signs:
        return signs[field]
    column = mapping.columns[field][0]
    share = field == "discount_rate" or "%" in column or "％" in column
    if not share and "discount" in request.mapping:
        return "money"
    found = reader.frame(_sums(raw, readings, field, digits)).to_pylist()[0]
    if field == "paid_share":
        return _paid_by_size(found["most"] or 0)
    by_size: Discount = "percent" if (found["most"] or 0) > 1 else "rate"
    if share:
        return by_size
    fits: dict[Discount, int] = {name: found[name] or 0 for name in _READINGS}
    if "amount" in readings.numbers or "order_amount" in readings.numbers:
        best = max(fits, key=lambda name: fits[name])  # of equals the first: money takes nothing for granted
        return best if fits[best] else "money"
    if found["row"] is not None and _may_be_share(found, column):
        raise InputError(_question(rows.file, column, found, by_size))
    return "money"


def _paid_by_size(most: float) -> Discount:
    return "paid" if most <= 1 else "paid_tenths" if most <= _TENTHS else "paid_percent"


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
    whole = {"paid": 1, "paid_tenths": _TENTHS, "paid_percent": 100}
    left |= {name: table["product"] * (table["size"] / of) for name, of in whole.items()}
    row = table["row"].min()
    return table.agg(
        most=table["size"].max(),
        least=table["size"].min(),
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
    least, most = found["least"], found["most"]
    if "折" in column and ((least >= 1 and most <= _TENTHS) or (least >= _HALF and most <= 100)):
        return True
    round_ones = found["count"] >= _ROUND_MIN and found["fives"] == found["count"]
    return found["most"] <= 100 and (bool(found["beyond"]) or (round_ones and plain_name(column) in _BARE))


_PAID_EXAMPLES = {"paid": "0.85 = 85%", "paid_tenths": "8.5 = 85%", "paid_percent": "85 = 85%"}


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
        "--map discount_rate={column} when it is the share taken off ({whole}), or --map "
        "paid_share={column} when it is the share that was paid ({paid})",
        file=file,
        row=found["row"],
        text=found["text"],
        beside=beside,
        column=column,
        whole=whole,
        paid=_PAID_EXAMPLES[_paid_by_size(found["most"])],
    )


def discount_remarks(discount: Discount, mapping: ColumnMap, request: ImportRequest) -> tuple[str, ...]:
    """Return what is to be said of how the discounts were read."""
    column = next((mapping.columns[name][0] for name in reversed(DISCOUNTS) if name in mapping), "")
    if discount in ("paid", "paid_tenths", "paid_percent"):
        return (
            Message(
                "{column} is taken as the share of the price that was paid ({paid}); if it is the share "
                "taken off: --map discount_rate={column}",
                column=column,
                paid=_PAID_EXAMPLES[discount],
            ),
        )
    if discount != "money":
        return (
            Message(
                "{column} is taken as a share of the price that was taken off; if it is money: --map "
                "discount={column}; if it is the share that was paid (8.5折): --map paid_share={column}",
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
    if not left or {"discount_rate", "paid_share"} & request.mapping.keys():
        return ()
    if not any(name in mapping for name in ("amount", "order_amount", "discount")):
        raise InputError(
            "{file}: {column} may be the share of the price that was taken off or the share that was "
            "paid, and no column says the amount; pass --map discount_rate={column} if 0.15 is 15% off, "
            "--map paid_share={column} if 8.5 or 0.85 is 85% paid (8.5折), or --map discount_rate= to count "
            "the full price",
            file=file,
            column=left[0],
        )
    return tuple(
        Message(
            "{column} was not read: another column says the money; if the discounts of the lines are to "
            "come from it: --map discount_rate={column} (the share taken off) or --map paid_share={column} "
            "(8.5折: the share that was paid)",
            column=column,
        )
        for column in left
    )


def less_share(product_fen: Any, share: Any, discount: Discount) -> Any:
    """Return what is to pay of ``product_fen`` by the decimal ``share``, rounded half away from zero.

    Null for a share beyond all of it, for nothing to pay where the share says what was paid, and for a
    product beyond 10^12 minor units.
    """
    micro = to_units(share, _SHARE_DIGITS[discount]).abs()
    none = ibis.null("int64")
    fits = (micro <= _MICRO) & (product_fen.abs() <= _PRODUCT_MAX)
    left = _MICRO - micro
    if discount.startswith("paid"):
        fits, left = fits & (micro > 0), micro
    kept = ibis.ifelse(fits, product_fen, none) * ibis.ifelse(fits, left, none)
    size = (kept.abs() + _MICRO // 2) // _MICRO
    return (size * kept.sign()).cast("int64")
