"""One inbox for all who hold an address (同址收件箱): what one of them had counts for the others, as the
gate decides it (`koipond.outreach.gate`).
"""

from dataclasses import dataclass

import ibis
import numpy as np

from koipond.facts.ports import IbisTable, Reader
from koipond.facts.tables import read_facts
from koipond.strategy.plan.context import Context
from koipond.strategy.plan.dealing import Ints

BESIDE_MAX = 500
_TOUCH = ("customer_no", "at_s", "strategy", "channel", "purpose", "content")


def touches(known: Context) -> IbisTable:
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


def shares(known: Context) -> bool:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Inboxes:
    """Which shared addresses each customer holds. ``boxes``: how many there are, of all kinds."""

    boxes: int
    held: dict[str, tuple[Ints, Ints]]  # kind → where each customer's begin, and the addresses

    def of(self, customers: Ints, kind: str) -> tuple[Ints, Ints]:
        """Return (place in ``customers``, address) of each address of ``kind`` they hold."""
        if kind not in self.held:
            nothing = np.empty(0, dtype=np.int64)
            return nothing, nothing
        begins, boxes = self.held[kind]
        first, count = begins[customers], begins[customers + 1] - begins[customers]
        place = np.repeat(np.arange(len(customers)), count)
        within = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
        return place, boxes[first[place] + within]


def inboxes_of(known: Context, numbers: int) -> Inboxes | None:
    """Return who of the customers below ``numbers`` shares which address; None when nobody does."""
    if not shares(known):
        return None
    rows = known.facts.rows("inboxes")
    found = known.reader.frame(rows.filter(rows.customer_no < numbers).distinct())
    customers, inboxes = (found[name].to_numpy().astype(np.int64) for name in ("customer_no", "inbox_no"))
    kinds = np.array(found["kind"].to_pylist(), dtype=object)
    held: dict[str, tuple[Ints, Ints]] = {}
    before = 0
    for kind in sorted(set(kinds)):
        mine = np.flatnonzero(kinds == kind)
        mine = mine[np.argsort(customers[mine], kind="stable")]
        known_boxes, box = np.unique(inboxes[mine], return_inverse=True)
        begins = np.searchsorted(customers[mine], np.arange(numbers + 1))
        held[kind] = (begins, before + box.reshape(-1))
        before += len(known_boxes)
    return Inboxes(boxes=before, held=held)
