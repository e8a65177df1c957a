"""What happened becomes facts (事实回流): touches, responses, arms and consents of the store.

Whatever happens is told once and in order; how far it was told is published with the facts themselves, so a
killed run tells again what was not published.
"""

import hashlib
from collections.abc import Mapping

import pyarrow as pa

from koipond.bootstrap import App
from koipond.facts.ports import Writer
from koipond.facts.schemas import FACTS
from koipond.ingest.archive import as_facts
from koipond.ingest.contacts import COPIES
from koipond.kernel import BusyError
from koipond.store.export import Export, cursor_from

CURSOR = "store_export"
ROUNDS_MAX = 10_000


def sync_facts(app: App, writer: Writer) -> int:
    """Write what the store made since the last time; the caller publishes. Return how many rows came or
    went."""
    written = 0
    for _ in range(ROUNDS_MAX):
        told = app.store.export(app.zone).since(cursor_from(writer.meta(CURSOR)))
        written += _write(writer, told)
        writer.set_meta(CURSOR, told.cursor.to_dict())
        if told.done:
            break
    return written + _copy_states(app, writer) + _meet_customers(app, writer)


def tell_facts(app: App, purpose: str) -> bool:
    """Publish what the store made; False when another process writes: the next writer tells it."""
    try:
        with app.warehouse.write(purpose) as writer:
            if sync_facts(app, writer):
                writer.publish()
    except BusyError:
        return False
    return True


def _write(writer: Writer, told: Export) -> int:
    keys = told.touches.column("touch_key").to_pylist()
    old = [*keys, *told.dropped]
    rows = 0
    if old and writer.has("touches"):
        gone = writer.stage("_told_touches", pa.table({"touch_key": pa.array(old, pa.string())}))
        rows = writer.remove("touches", gone, ["touch_key"])  # what did not go out is news, too
    for dataset in ("touches", "responses", "assignments"):
        table = getattr(told, dataset)
        if table.num_rows:
            rows += writer.append(dataset, writer.stage(f"_told_{dataset}", table.cast(FACTS[dataset])))
    return rows


def copy_permissions(app: App, writer: Writer) -> int:
    """Replace the copies of what is permitted by what the gate knows now; return how many rows."""
    told = app.store.consents
    return _copy(writer, {"consents": told.current(), "suppressions": told.export_suppressions()})


def _copy_states(app: App, writer: Writer) -> int:
    """Replace the copies of what holds now: consents, suppressions, links, addresses by channel, inboxes."""
    people, kinds = app.store.people, app.address_kinds
    copies = {
        "identity_links": people.export_links(),
        "reachable": people.export_reachable(kinds),
        "inboxes": people.export_inboxes(set(kinds.values())),
    }
    return copy_permissions(app, writer) + _copy(writer, copies)


def _copy(writer: Writer, copies: Mapping[str, pa.Table]) -> int:
    rows, known = 0, dict(writer.meta(COPIES) or {})
    for dataset, table in copies.items():
        digest = _digest(table)
        if known.get(dataset, _digest(FACTS[dataset].empty_table())) != digest:
            rows += writer.replace(dataset, writer.stage(f"_copy_{dataset}", table.cast(FACTS[dataset])))
            known[dataset] = digest
    writer.set_meta(COPIES, known)
    return rows


def _meet_customers(app: App, writer: Writer) -> int:
    """Add customers whose consents were recorded while another process kept the warehouse."""
    strangers = writer.table("consents").anti_join(writer.table("customers"), "customer_no")
    numbers = writer.frame(strangers.select("customer_no").distinct()).column("customer_no").to_pylist()
    if not numbers:
        return 0
    met = app.store.people.uids(numbers)
    schema = pa.schema([("customer_no", pa.int32()), ("customer_uid", pa.string())])
    rows = pa.table([list(met), list(met.values())], schema=schema)
    return writer.append("customers", as_facts("customers", writer.stage("_met_customers", rows)))


def _digest(table: pa.Table) -> str:
    """Return the same text for the same rows in the same order."""
    found = hashlib.sha256()
    for column in table.combine_chunks().columns:
        for chunk in column.chunks:
            found.update(repr(chunk.type).encode())
            for buffer in chunk.buffers():
                found.update(b"-" if buffer is None else memoryview(buffer))
    return found.hexdigest()
