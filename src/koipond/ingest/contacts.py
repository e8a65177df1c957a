"""Rows of touches files: the store is told first, since it decides; and the copy of consents."""

from datetime import datetime
from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Writer
from koipond.ingest.archive import as_facts, columns_of
from koipond.ingest.events import identified, unknown
from koipond.ingest.model import ImportRequest
from koipond.ingest.ports import ConsentBook, TouchHistory
from koipond.ingest.readings import read_word
from koipond.ingest.words import meanings, word_table

COPIES = "store_copies"
"""Where a version keeps which copies of the store it holds, by digest; one without is compared anew."""
UNKNOWN = ""
"""The digest of a copy that an import made."""
MARKETING = "marketing"
_CONTENT = ("customer_no", "channel", "at_s", "strategy", "play", "content", "purpose", "cost_fen")


def copy_consents(writer: Writer, book: ConsentBook) -> bool:
    """Make the warehouse's ``consents`` what the store says holds now; say whether they were not."""
    current = writer.stage("current_consents", book.current()).select(columns_of("consents"))
    there = writer.table("consents").select(columns_of("consents"))
    apart = current.difference(there).union(there.difference(current))
    if not writer.scalar(apart.count()):
        return False
    writer.replace("consents", current.order_by("customer_no"))
    writer.set_meta(COPIES, {**(writer.meta(COPIES) or {}), "consents": UNKNOWN})
    return True


def write_touches(
    writer: Writer,
    judged: IbisTable,
    history: TouchHistory,
    *,
    request: ImportRequest,
    import_no: int,
    now: datetime,
) -> dict[str, int]:
    """Add the good touches that are not known yet, to the store (caps count them) and to the warehouse."""
    good = _worded(writer, judged.filter(judged["rule"].isnull()))
    scoped: Any = ibis.literal(f"{request.source}:").concat(good["touch_id"])
    rows = identified(good.mutate(touch_key=scoped), "touch_key", _CONTENT)
    rows = rows.mutate(
        cost_fen=rows["cost_fen"].fill_null(0),
        state=ibis.literal("accepted"),
        import_no=ibis.literal(import_no, type="int32"),
    )
    fresh = unknown(writer, "touches", as_facts("touches", rows), "touch_key", None)
    fresh = writer.cache("import_touches", fresh)
    history.import_touches(writer.frame(fresh), import_no=import_no, now=now)
    return {"touches_new": writer.append("touches", fresh.order_by("customer_no", "at_s"))}


def _worded(writer: Writer, rows: IbisTable) -> IbisTable:
    """Channels and purposes in our words; an unknown channel keeps its own in lower case."""
    channel = _known(writer, rows, "channel").coalesce(rows["channel"].lower())
    purpose = _known(writer, rows, "purpose").coalesce(rows["purpose"].lower(), MARKETING)
    return rows.mutate(channel=channel, purpose=purpose)


def _known(writer: Writer, rows: IbisTable, field: str) -> Any:
    words = rows.select(word=rows[field]).filter(lambda t: t["word"].notnull()).distinct().limit(1000)
    found = writer.frame(words).column("word").to_pylist()
    return read_word(rows[field], meanings(found, word_table(field), {}))
