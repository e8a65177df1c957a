"""Amounts that cannot be in the workspace's currency stop an import (币种不符): by a column, or by a sign."""

from koipond.facts.ports import IbisTable, Reader
from koipond.ingest.currency_signs import SIGN, can_mean, is_sign, names_of
from koipond.ingest.order_money import BACK_FIELDS, PAID_FIELDS
from koipond.ingest.readings import Readings, said_in
from koipond.kernel import InputError, Message, joined


def require_currency(reader: Reader, raw: IbisTable, currency: str, file: str) -> None:
    """Raise InputError for rows of ``raw`` that name another currency than the workspace's ``currency``."""
    if "currency" not in raw.columns:
        return
    code = raw["currency"].upper()
    other = raw.filter(raw["currency"].notnull() & ~code.isin(names_of(currency)))
    found = reader.frame(other.group_by(code=code).agg(row=other["row"].min()).order_by("row").limit(5))
    if found.num_rows:
        rows = joined(", ", (Message("{code} (row {row})", **item) for item in found.to_pylist()))
        raise InputError(
            "{file}: amounts in {rows}, but the workspace counts in {currency}; other "
            "currencies are not supported yet: convert them first, or leave the column out: "
            "--map currency=",
            file=file,
            rows=rows,
            currency=currency,
        )


def require_signs(
    reader: Reader, raw: IbisTable, heads: IbisTable | None, readings: Readings, currency: str, file: str
) -> None:
    """Raise InputError for amounts beside a sign that cannot be the workspace's ``currency``."""
    found: list[str] = []
    for name in ("amount", "unit_price", "discount", *PAID_FIELDS[1:], *BACK_FIELDS):
        if name in readings.numbers and readings.numbers[name].decorated:
            texts = said_in(raw, heads, name)
            signs = texts.select("row", sign=texts[name].re_extract(SIGN, 0), text=texts[name])
            first = signs.group_by("sign").agg(
                row=signs["row"].min(), text=signs["text"].argmin(signs["row"])
            )
            found += [
                Message("row {row} {field} '{text}'", row=one["row"], field=name, text=one["text"])
                for one in reader.frame(first.order_by("row").limit(50)).to_pylist()
                if one["sign"] and is_sign(one["sign"]) and not can_mean(one["sign"], currency)
            ]
    if found:
        raise InputError(
            "{file}: {found}: the workspace counts in {currency}; other currencies are not "
            "supported yet: convert them first, or take the sign off if it says nothing",
            file=file,
            found=joined(", ", found[:5]),
            currency=currency,
        )
