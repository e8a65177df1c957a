"""Imports whose process died (中断的导入): what they left goes, before anything new comes.

Only whoever writes the warehouse settles: nobody else can then be between the store and a publication.
"""

from datetime import datetime

import pyarrow as pa

from koipond.facts.ports import Writer
from koipond.ingest.judging import write_aside
from koipond.ingest.ports import ConsentBook, ImportJournal, TouchHistory

ASIDE_MAX = 100_000
"""So many rows that were put aside the store keeps for an import without a writer, the first of the file."""

_ASIDE = pa.schema(
    {
        "row": pa.int64(),
        "rule": pa.string(),
        "field": pa.string(),
        "customer_no": pa.int32(),
        "values": pa.string(),
    }
)
_KILLED = "killed before it ended; import the file again"


def settle_dead(
    writer: Writer,
    journal: ImportJournal,
    now: datetime,
    *,
    consents: ConsentBook | None,
    touches: TouchHistory | None,
) -> None:
    """End the imports that were killed: published ones are done, of the others no permission stays.

    Withdrawals stay whatever became of their import. Of a published import of consents the grants may be
    missing: it counts as failed, and the same file again takes them.
    """
    _take_put_by(writer, journal)
    dead = journal.dead(now)
    if not dead:
        return
    published = set(writer.frame(writer.table("imports").select("import_no"))["import_no"].to_pylist())
    for entry in dead:
        number, kind = entry.import_no, entry.start.kind
        if number in published and kind != "consents":
            journal.finish(number, "done", dict(entry.summary), now)
            continue
        if kind == "consents" and consents is not None:
            consents.void_import(number, now, grants_only=True)
        if kind == "touches" and touches is not None:
            touches.void_import(number, now)
        journal.finish(number, "failed", {**entry.summary, "error": _KILLED}, now)


def _take_put_by(writer: Writer, journal: ImportJournal) -> None:
    """Write the rows put aside by imports that had no writer; let go of those that a version holds."""
    waiting = journal.put_by_rows()
    if not waiting:
        return
    held = writer.table("quarantine").select("import_no").distinct()
    published = set(writer.frame(held)["import_no"].to_pylist())
    for number, rows in waiting.items():
        if number in published:
            journal.put_by(number, ())
        else:
            table = pa.Table.from_pylist([{**row, "customer_no": None} for row in rows], _ASIDE)
            write_aside(writer, writer.stage(f"import_aside_{number}", table), number)


def undo_left(
    import_no: int,
    journal: ImportJournal,
    now: datetime,
    *,
    consents: ConsentBook | None,
    touches: TouchHistory | None,
) -> dict[str, int] | None:
    """Take back what an import left of which no version holds a row; None when there is no such import.

    It never was published, or its undoing was killed once the facts were out.
    """
    entry = journal.entry(import_no)
    if entry is None or entry.outcome not in ("failed", "cancelled", "done") or entry.summary.get("repeated"):
        return None
    counts = {}
    if entry.start.kind == "consents" and consents is not None:
        counts["consents_voided"] = consents.void_import(import_no, now)
    if entry.start.kind == "touches" and touches is not None:
        counts["touches_removed"] = touches.void_import(import_no, now)
    journal.finish(import_no, "undone", counts, now)
    return counts
