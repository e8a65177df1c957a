"""Rows of an events file → events, known by their id, else by their content and how often it occurs."""

from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Writer
from koipond.ingest.archive import as_facts
from koipond.ingest.door import OTHERS
from koipond.ingest.functions import md5
from koipond.ingest.model import ImportRequest

_CONTENT = ("customer_no", "name", "at_s", "sku", "amount_fen", "properties")


def write_events(writer: Writer, judged: IbisTable, request: ImportRequest, import_no: int) -> dict[str, int]:
    """Add the good events that are not known yet; return the changes.

    Further columns, cleaned at the door, are the properties.
    """
    good = judged.filter(judged["rule"].isnull())
    properties = good[OTHERS] if OTHERS in good.columns else ibis.null("string")
    events = identified(good.mutate(properties=properties), "event_id", _CONTENT).mutate(
        source=ibis.literal(request.source), import_no=ibis.literal(import_no, type="int32")
    )
    events = writer.cache("import_events", as_facts("events", events))
    fresh = unknown(writer, "events", events, "event_id", request.source)
    added = writer.append("events", fresh.order_by("customer_no", "at_s", "event_id"))
    total = int(writer.scalar(good.count()))
    return {"events_new": added, "events_unchanged": total - added}


def identified(rows: IbisTable, key: str, content: tuple[str, ...]) -> IbisTable:
    """Give every row a ``key``: its own one, else one made of its ``content`` and how often it occurred.

    Of several rows with the same key the first is kept.
    """
    text = ibis.literal("|").join([rows[name].cast("string").fill_null("") for name in content])
    rows = rows.mutate(digest=md5(text))
    made = rows[key].isnull()
    rows = rows.mutate(nth=ibis.row_number().over(group_by=[rows["digest"], made], order_by=rows["row"]))
    own: Any = ibis.literal("c:").concat(rows["digest"], ":", rows["nth"].cast("string"))
    rows = rows.mutate(**{key: rows[key].coalesce(own)}).drop("digest", "nth")
    rows = rows.mutate(copy=ibis.row_number().over(group_by=rows[key], order_by=rows["row"]))
    return rows.filter(rows["copy"] == 0).drop("copy")


def unknown(writer: Writer, dataset: str, rows: IbisTable, key: str, source: str | None) -> IbisTable:
    """Return those of ``rows`` whose ``key`` is not in ``dataset`` (of ``source``) yet."""
    live = writer.table(dataset)
    if source is not None:
        live = live.filter(live["source"] == source)
    return rows.anti_join(live, key)
