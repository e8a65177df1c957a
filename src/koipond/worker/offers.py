"""Code lists in use (券的使用): codes issued, redeemed, expired, open and left, and what they cost."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from koipond.bootstrap import App
from koipond.insights.spending import Codes, IssuedCode, redemptions
from koipond.kernel import epoch_day
from koipond.store.bulk import group
from koipond.store.code_keys import code_key
from koipond.store.codes import CodeEnd, SentCode
from koipond.store.instants import to_s


def issued_codes(app: App, sent: Sequence[SentCode]) -> Codes:
    """Return the codes that went out, each with the earlier of its own and its offer's end."""
    end_s = app.store.code_end(app.zone)
    return Codes(issued=[_issued(code, end_s) for code in sent], read=code_key)


def _issued(code: SentCode, end_s: CodeEnd) -> IssuedCode:
    return IssuedCode(
        touch_key=code.touch_key,
        key=code_key(code.code),
        cost_fen=code.cost_fen,
        end_s=end_s(code.list_key, code.expires_s, code.issued_s),
    )


def code_counts(app: App, day: date) -> list[dict[str, Any]]:
    """Return each code list's codes as of the end of ``day``; None where no order names any coupon.

    ``issued`` = ``redeemed`` + ``expired`` + ``open``; ``left`` were never given. ``cost_fen`` is that of the
    redeemed codes, ``liability_fen`` of the open ones.
    """
    now_s = to_s(app.end_of(day))
    sent = [code for code in app.store.codes.issued() if (code.issued_s or 0) <= now_s]
    codes = issued_codes(app, sent)
    with app.warehouse.read() as reader:
        used = redemptions(reader, codes, epoch_day(day), now_s)
    of_list = group(zip(sent, codes.issued, strict=True), lambda one: one[0].list_key)
    rows = []
    for stock in app.store.codes.stock(app.instant_of(day)):
        mine = [code for _, code in of_list.get(stock.list_key, ())]
        known = _unknown() if used is None and mine else _became(mine, used or {}, now_s)
        rows.append({"list": stock.list_key, "issued": len(mine), **known, "left": stock.left})
    return rows


def _unknown() -> dict[str, int | None]:
    return dict.fromkeys(("redeemed", "expired", "open", "cost_fen", "liability_fen"))


def _became(codes: Sequence[IssuedCode], used: Collection[str], now_s: int) -> dict[str, int | None]:
    taken = [code for code in codes if code.key in used]
    rest = [code for code in codes if code.key not in used]
    still = [code for code in rest if code.good(now_s)]
    return {
        "redeemed": len(taken),
        "expired": len(rest) - len(still),
        "open": len(still),
        "cost_fen": sum(code.cost_fen for code in taken),
        "liability_fen": sum(code.cost_fen for code in still),
    }
