"""Rows of an events file → events, known by their id, else by their content and how often it occurs."""

from collections.abc import Collection, Mapping
from typing import Any

import ibis

from koipond.ingest.archive import as_facts
from koipond.ingest.functions import md5, to_json, without_nulls
from koipond.ingest.mapping import own_name
from koipond.ingest.model import ImportRequest
from koipond.ingest.ports import IbisTable, Writer
from koipond.ingest.privacy import looks_like_identifier

_CONTENT = ("customer_no", "name", "at_s", "sku", "amount_fen", "properties")


def write_events(
    writer: Writer, judged: IbisTable, others: Mapping[str, str], request: ImportRequest, import_no: int
) -> tuple[dict[str, int], int]:
    """Add the good events that are not known yet; return the changes and the count of dropped properties.

    ``others``: column of the file → its name in ``judged``; they become properties, but undeclared values
    that look like an identifier do not (design §2). A nested property counts before a flat one of its name.
    """
    judged, others = unnested(judged, others)
    good = judged.filter(judged["rule"].isnull())
    values, dropped = screened(writer, good, others, request.declared)
    properties = without_nulls(to_json(ibis.struct(values))) if values else ibis.null("string")
    events = identified(good.mutate(properties=properties), "event_id", _CONTENT).mutate(
        source=ibis.literal(request.source), import_no=ibis.literal(import_no, type="int32")
    )
    events = writer.cache("import_events", as_facts("events", events))
    fresh = unknown(writer, "events", events, "event_id", request.source)
    added = writer.append("events", fresh.order_by("customer_no", "at_s", "event_id"))
    total = int(writer.scalar(good.count()))
    return {"events_new": added, "events_unchanged": total - added}, dropped


def unnested(
    rows: IbisTable, others: Mapping[str, str], taken: Collection[str] = ()
) -> tuple[IbisTable, dict[str, str]]:
    """Return ``others`` by the own name of each column, and ``rows`` in which those of one name are one.

    A nested column whose own name is ``taken`` keeps its whole name.
    """
    found = {column: name for column, name in others.items() if own_name(column) == column}
    for column, name in others.items():
        own = own_name(column)
        if own == column:
            continue
        if own in found:
            rows = rows.mutate(**{found[own]: rows[name].coalesce(rows[found[own]])})
        else:
            found[column if own in taken else own] = name
    return rows, found


def screened(
    writer: Writer, rows: IbisTable, others: Mapping[str, str], declared: frozenset[str]
) -> tuple[dict[str, Any], int]:
    """Return column → its text without undeclared values that look like an identifier, and their count."""
    values: dict[str, Any] = {column: rows[name] for column, name in others.items()}
    suspect = {column: looks_like_identifier(values[column]) for column in others if column not in declared}
    if not suspect:
        return values, 0
    sums = {f"d{place}": flag.sum().fill_null(0) for place, flag in enumerate(suspect.values())}
    dropped = sum(int(count) for count in writer.frame(rows.agg(**sums)).to_pylist()[0].values())
    hidden = {
        column: ibis.ifelse(flag, ibis.null("string"), values[column]) for column, flag in suspect.items()
    }
    return values | hidden, dropped


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
