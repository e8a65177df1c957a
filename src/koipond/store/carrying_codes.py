"""A code that was told stays given out (券码已发): codes of touches that a copy hears of after they went."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from koipond.store.bulk import any_of, update_rows
from koipond.store.tables import offer_code, touch

_CODE = ("list_key", "code", "expires_s", "issued_s", "code_key")


class Told(NamedTuple):
    """Touch ``touch_no`` of the copy told its customer the code ``code_no`` of the other store."""

    touch_no: int
    customer_no: int
    code_no: int


def carry_codes(present: sa.Connection, connection: sa.Connection, told: Sequence[Told]) -> None:
    """Give the copy's codes to whom they were told; one that the copy lacks is added to its list."""
    if not told:
        return
    columns = offer_code.c.code_no, *(offer_code.c[name] for name in _CODE)
    known = any_of(present, offer_code.c.code_no, {one.code_no for one in told})
    codes = {row.code_no: row for row in present.execute(sa.select(*columns).where(known))}
    here = _here(connection, {row.code for row in codes.values()})
    holders = _holders(connection, {one.customer_no for one in told})
    named = []
    for one in told:
        if (code := codes.get(one.code_no)) is None:
            continue
        number, holder = here.get((code.list_key, code.code), (None, None))
        if holder is None and (one.customer_no, code.list_key) not in holders:
            number, holder = _issue(connection, one, code, number), one.customer_no
            here[code.list_key, code.code] = number, holder
            holders.add((holder, code.list_key))
        if holder == one.customer_no:
            named.append((one.touch_no, number))
    update_rows(connection, touch, ("touch_no",), ("code_no",), named)


def _here(connection: sa.Connection, texts: set[str]) -> dict[tuple[str, str], tuple[int | None, int | None]]:
    names = (offer_code.c[name] for name in ("list_key", "code", "code_no", "customer_no"))
    found = connection.execute(sa.select(*names).where(any_of(connection, offer_code.c.code, texts)))
    return {(key, code): (number, holder) for key, code, number, holder in found}


def _holders(connection: sa.Connection, customer_nos: set[int]) -> set[tuple[int, str]]:
    names = offer_code.c.customer_no, offer_code.c.list_key
    held = connection.execute(sa.select(*names).where(any_of(connection, names[0], customer_nos)))
    return {(number, key) for number, key in held}


def _issue(connection: sa.Connection, one: Told, code: Any, number: int | None) -> int:
    given = {"customer_no": one.customer_no, "touch_no": one.touch_no, "issued_s": code.issued_s}
    if number is None:
        row = {**{name: getattr(code, name) for name in _CODE}, **given}
        return int(
            connection.execute(sa.insert(offer_code).values(row).returning(offer_code.c.code_no)).scalar_one()
        )
    connection.execute(sa.update(offer_code).where(offer_code.c.code_no == number).values(given))
    return number
