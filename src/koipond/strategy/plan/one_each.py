"""An inbox gets one message a purpose of one plan (同址一次): who ranks first at the address is kept."""

from functools import reduce

import ibis

from koipond.ingest.ports import IbisTable
from koipond.outreach.model import Reason
from koipond.strategy.plan.arms import Expr
from koipond.strategy.plan.codes import SAME_INBOX, code
from koipond.strategy.plan.inboxes import shares
from koipond.strategy.plan.known import Known
from koipond.strategy.plan.person import VALUE
from koipond.strategy.plan.task import PlayTask


def one_each(known: Known, table: IbisTable) -> dict[str, Expr]:
    """Return ``code_<play>`` after every inbox has chosen: who ranks first there is kept, others lose."""
    if not shares(known):
        return {}
    found = {}
    for purpose in sorted({play.play.purpose for play in known.plays}):
        plays = [play for play in known.plays if play.play.purpose == purpose]
        parts = [part for play in plays for part in _open_at(table, play)]
        if not parts:
            continue
        losers = _losers(known, reduce(lambda a, b: a.union(b), parts))
        for play in plays:
            now = table[f"code_{play.number}"]
            lost = (now == 0) & table.customer_no.isin(losers.customer_no)
            found[f"code_{play.number}"] = lost.ifelse(code(Reason.PRIORITY_LOST, SAME_INBOX), now).cast(
                "int32"
            )
    return found


def _open_at(table: IbisTable, play: PlayTask) -> list[IbisTable]:
    """Return customer_no, kind, rank and value of who would be touched by ``play``, for each kind of address
    that its channels use."""
    n, parts = play.number, []
    for kind in sorted({sheet.address_kind for sheet in play.channels if sheet.address_kind}):
        places = [place for place, sheet in enumerate(play.channels) if sheet.address_kind == kind]
        here = table[f"member_{n}"] & (table[f"code_{n}"] == 0) & table[f"channel_{n}"].isin(places)
        mine = table.filter(here)
        value = mine[VALUE] if VALUE in table.columns else ibis.literal(0)
        parts.append(
            mine.select(
                "customer_no",
                kind=ibis.literal(kind),
                rank=ibis.literal(play.rank, type="int32"),
                value=value.cast("int64"),
            )
        )
    return parts


def _losers(known: Known, asked: IbisTable) -> IbisTable:
    held = known.facts.rows("inboxes").distinct()
    both = asked.join(held, ["customer_no", "kind"])
    order = [both["rank"].asc(), both["value"].desc(), both["customer_no"].asc()]
    place = ibis.row_number().over(group_by=both.inbox_no, order_by=order)
    ranked = both.select("customer_no", place=place)
    return ranked.filter(ranked.place > 0).select("customer_no").distinct()
