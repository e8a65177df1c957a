"""What a strategy cost (成本): touches and offers, over the people and windows of its lift, and to date.

A message costs when it is sent. A code costs when an order carries it; until then it is an open liability,
and none once its last day is over. Without any order that names a coupon nobody knows which codes were used:
all of them count, and the report says so (cases U08, U10).
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import ibis
import pyarrow as pa

from koipond.facts.ports import IbisTable, Reader
from koipond.facts.tables import read_facts
from koipond.insights.outcomes import DAY_S, WAITING, OutcomeWindow, net_orders, sent_since
from koipond.segments.code_rows import codes_in


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCode:
    """A code that went out with ``touch_key``; ``key``: the code as it reads; ``end_s``: its end."""

    touch_key: str
    key: str
    cost_fen: int
    end_s: int | None

    def good(self, now_s: int) -> bool:
        """Say whether its last day is not over."""
        return self.end_s is None or self.end_s > now_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """The codes that a strategy issued, and how a coupon of an order is read."""

    issued: Sequence[IssuedCode] = ()
    read: Callable[[str], str] = str.casefold


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Touches and codes of some people; money in minor units.

    ``redeemed``: codes that an order of the window carries, ``redeemed_later``: that a later one does,
    ``expired``: whose last day is over, ``open``: the rest; None when no order names a coupon.
    ``offer_cost_fen``: of the redeemed codes, of all issued ones when that is not known;
    ``liability_fen``: what the open codes may still cost.
    """

    touches: int = 0
    message_cost_fen: int = 0
    issued: int = 0
    redeemed: int | None = 0
    redeemed_later: int | None = 0
    expired: int | None = 0
    open: int | None = 0
    offer_cost_fen: int = 0
    liability_fen: int | None = 0

    @property
    def cost_fen(self) -> int:
        """Messages and offers together."""
        return self.message_cost_fen + self.offer_cost_fen

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "cost_fen": self.cost_fen}


def spending(
    reader: Reader, rows: IbisTable, strategy: str, window: OutcomeWindow, codes: Codes, now_s: int
) -> tuple[Spending, Spending]:
    """Return what was spent on the people of ``rows`` within their windows, and on everybody to date.

    ``rows``: customer_no and drawn_s of those who count. ``now_s``: the end of the as-of day.
    """
    sent = _sent(reader, strategy, now_s)
    mine = sent_since(reader, rows, strategy, window.days).filter(lambda t: t.at_s <= now_s)
    counted = mine.select("touch_key", "cost_fen", until_s=mine.drawn_s + window.days * DAY_S)
    todate = sent.select("touch_key", "cost_fen", until_s=ibis.literal(now_s + 1).cast("int64"))
    used = redemptions(reader, codes, window.as_of_day, now_s)
    return (
        _summed(reader.frame(counted), codes, used, now_s),
        _summed(reader.frame(todate), codes, used, now_s),
    )


def _sent(reader: Reader, strategy: str, now_s: int) -> IbisTable:
    touches = read_facts(reader).canonical(reader.table("touches").filter(lambda t: t.strategy == strategy))
    waits = ibis.coalesce(touches.state.isin(WAITING), False)
    return touches.filter(~waits & (touches.at_s <= now_s))


def redemptions(reader: Reader, codes: Codes, day: int, now_s: int) -> dict[str, int] | None:
    """Return code → when the first paid order carried it; None when no order names any coupon."""
    if not codes.issued or not reader.has("orders"):
        return None
    orders = net_orders(read_facts(reader), day, also=("coupon",))
    named = orders.filter((orders.at_s <= now_s) & orders.coupon.notnull() & (orders.coupon != ""))
    found: pa.Table = reader.frame(named.group_by("coupon").aggregate(at_s=named.at_s.min()))
    if not found.num_rows:
        return None
    wanted = {code.key for code in codes.issued}
    used: dict[str, int] = {}
    for row in found.to_pylist():
        for key in {codes.read(part) for part in codes_in(row["coupon"])}:
            if key in wanted:
                used[key] = min(row["at_s"], used.get(key, row["at_s"]))
    return used


def _summed(sent: pa.Table, codes: Codes, used: dict[str, int] | None, now_s: int) -> Spending:
    until = dict(zip(sent["touch_key"].to_pylist(), sent["until_s"].to_pylist(), strict=True))
    mine = [code for code in codes.issued if code.touch_key in until]
    whole = sum(fen or 0 for fen in sent["cost_fen"].to_pylist())
    messages = whole - sum(code.cost_fen for code in mine)
    base = {"touches": sent.num_rows, "message_cost_fen": messages, "issued": len(mine)}
    if not mine:
        return Spending(**base)
    if used is None:
        return Spending(
            **base,
            redeemed=None,
            redeemed_later=None,
            expired=None,
            open=None,
            offer_cost_fen=sum(code.cost_fen for code in mine),
            liability_fen=None,
        )
    taken = [code for code in mine if used.get(code.key, now_s + 1) < until[code.touch_key]]
    left = [code for code in mine if used.get(code.key, now_s + 1) > now_s]
    later = len(mine) - len(taken) - len(left)
    still = [code for code in left if code.good(now_s)]
    return Spending(
        **base,
        redeemed=len(taken),
        redeemed_later=later,
        expired=len(left) - len(still),
        open=len(still),
        offer_cost_fen=sum(code.cost_fen for code in taken),
        liability_fen=sum(code.cost_fen for code in still),
    )
