"""One inbox for all who hold an address (同址收件箱): what one of them had counts for the others, as the
gate decides it (`koipond.outreach.gate`).
"""

import ibis

from koipond.ingest.ports import IbisTable, Reader
from koipond.profiles.facts import read_facts
from koipond.strategy.plan.known import Known

BESIDE_MAX = 500
_TOUCH = ("customer_no", "at_s", "strategy", "channel", "purpose", "content")


def touches(known: Known) -> IbisTable:
    """Return the touches that count for each customer: his own, and those that went to an address of his
    under the number of another customer."""
    own = known.facts.rows("touches").select(*_TOUCH)
    if not shares(known):
        return own
    mine = known.facts.rows("inboxes")
    theirs = mine.select(other="customer_no", inbox="inbox_no")
    pairs = mine.join(theirs, mine.inbox_no == theirs.inbox)
    pairs = pairs.filter(pairs.customer_no != pairs.other)
    pairs = pairs.select(known_no="customer_no", other="other", kind="kind").distinct()
    kinds = {key: sheet.address_kind for key, sheet in known.request.channels.items() if sheet.address_kind}
    kind = ibis.cases(*((own.channel == name, used) for name, used in sorted(kinds.items())), else_="")
    near = own.mutate(used=kind).join(pairs, [("customer_no", "other"), ("used", "kind")])
    return own.union(near.select(**{name: near[name] for name in _TOUCH} | {"customer_no": near.known_no}))


def shares(known: Known) -> bool:
    """Say whether an address of some customer belongs to others too."""
    reached = any(sheet.address_kind for sheet in known.request.channels.values())
    return reached and known.reader.has("inboxes")


def co_holders(reader: Reader, customer_no: int) -> tuple[int, ...]:
    """Return who shares an address with ``customer_no``, at most `BESIDE_MAX`, by number."""
    if not reader.has("inboxes"):
        return ()
    rows = read_facts(reader).canonical(reader.table("inboxes"))
    near = rows.filter(rows.inbox_no.isin(rows.filter(rows.customer_no == customer_no).inbox_no))
    found = near.filter(near.customer_no != customer_no).select("customer_no").distinct()
    return tuple(reader.frame(found.order_by("customer_no").limit(BESIDE_MAX)).column(0).to_pylist())
