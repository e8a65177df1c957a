"""What a cell of a discount says by itself (折扣写法): 15% is a share, 8.5折 is what is left to pay.

A sign leaves no doubt, and 0 beside it fits. Where signs stand beside numbers that may be something else, the
import stops: a guess would be wrong by the whole discount.
"""

from collections.abc import Collection, Mapping
from typing import Any, Literal

import ibis

from koipond.facts.ports import IbisTable, Reader
from koipond.kernel import InputError

Discount = Literal["money", "rate", "percent", "paid", "paid_tenths", "paid_percent"]
"""Money; the share taken off, of 1 or of 100; the share that was paid, of 1, of 10 (折) or of 100."""

DISCOUNTS = ("discount", "discount_rate", "paid_share")
"""The fields that say a discount; a file has at most one of them."""

_PERCENT = r"\s*[%％]\s*$"
_FOLD = r"^\s*([0-9一二三四五六七八九十]+(?:\.[0-9]+)?)\s*折\s*$"
_FULL = r"^\s*(?:原价|正价|全价|无|无折扣|不打折|未打折|无优惠|0+(?:\.0+)?|1?0折)\s*$"
_HALF = r"^\s*(?:半价|对折)\s*$"
_ZERO = r"^\s*-?0+(?:[.,]0+)?\s*$"
_TENTHS = r"^\s*(?:[1-9](?:\.[0-9]+)?|10(?:\.0+)?)\s*$"
_NUMBER = r"^\s*[^0-9]{0,4}[0-9]"
_DIGITS = ("一二三四五六七八九", "123456789")


def signed_discounts(
    reader: Reader, raw: IbisTable, told: Collection[str], columns: Mapping[str, str], file: str
) -> dict[str, Discount]:
    """Return what the discounts of ``raw`` are whose cells say it by a sign, by field.

    ``told``: the fields that the operator named, ``columns``: field → its column. Raises InputError when
    numbers without a sign stand beside.
    """
    fields = [name for name in DISCOUNTS if name in raw.columns]
    found: dict[str, Discount] = {}
    for name in fields:
        seen = reader.frame(_kinds(raw, name)).to_pylist()[0]
        if seen["fold"]:
            _require_alike(seen, "fold", "mixed", columns[name], file)
            found[name] = "paid_tenths"
        elif seen["percent"] and not (seen["bare"] and name == "discount" and name in told):
            _require_alike(seen, "percent", "bare", columns[name], file)
            found[name] = "paid_percent" if name == "paid_share" else "percent"
    return found


def without_signs(raw: IbisTable, signs: Mapping[str, Discount]) -> IbisTable:
    """Return ``raw`` with plain numbers in the columns ``signs``, as far as they are in it."""
    fields = [name for name in signs if name in raw.columns]
    return raw.mutate(
        **{
            name: _tenths(raw[name]) if signs[name] == "paid_tenths" else raw[name].re_replace(_PERCENT, "")
            for name in fields
        }
    )


def _kinds(raw: IbisTable, name: str) -> IbisTable:
    """Return the first row of each way of writing in the column ``name``, and its text."""
    text = raw[name]
    folds = text.re_search(_FOLD) | text.re_search(_HALF)
    percents, numbers = text.re_search(_PERCENT), text.re_search(_NUMBER)
    flags = {
        "fold": folds,
        "percent": percents,
        "bare": numbers & ~percents & ~folds & ~text.re_search(_ZERO),
        "mixed": numbers & ~folds & ~text.re_search(_TENTHS) & ~text.re_search(_FULL),
    }
    rows = raw.select("row", text=text, **flags)
    firsts = {kind: rows["row"].min(where=rows[kind]) for kind in flags}
    texts = {f"{kind}_text": rows["text"].argmin(rows["row"], where=rows[kind]) for kind in flags}
    return rows.agg(**firsts, **texts)


def _require_alike(seen: Mapping[str, Any], one: str, other: str, column: str, file: str) -> None:
    if seen[other] is not None:
        raise InputError(
            "{file}: {column} mixes ways of writing discounts: row {row} '{text}' and row {other} "
            "'{other_text}'; write them all alike in the file, all with their sign",
            file=file,
            column=column,
            row=seen[one],
            text=seen[f"{one}_text"],
            other=seen[other],
            other_text=seen[f"{other}_text"],
        )


def _tenths(text: Any) -> Any:
    """Return the tenths that are left to pay: 8.5 of 8.5折, of 85折 and of 八五折, 10 of no discount."""
    number = text.re_extract(_FOLD, 1).translate(*_DIGITS)
    number = number.re_replace(r"^([1-9])([0-9])$", r"\1.\2").replace("十", "10")
    return ibis.cases(
        (text.re_search(_FULL), ibis.literal("10")),
        (text.re_search(_HALF), ibis.literal("5")),
        (text.re_search(_FOLD), number),
        else_=text,
    )
