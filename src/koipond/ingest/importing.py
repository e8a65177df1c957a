"""The use cases: one file into the warehouse, whole or not at all (导入); and out again (撤销)."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from koipond.ingest.archive import columns_of, take_back
from koipond.ingest.contacts import copy_consents
from koipond.ingest.door import Door
from koipond.ingest.facts import FACTS
from koipond.ingest.judging import samples
from koipond.ingest.mapping import choose_mapping
from koipond.ingest.model import ImportRequest, ImportResult, Progress
from koipond.ingest.people import Registry
from koipond.ingest.pipelines import Job, Outcome, run
from koipond.ingest.ports import (
    ConsentBook,
    IdentityStore,
    ImportJournal,
    ImportStart,
    RowSource,
    TouchHistory,
    Warehouse,
    Writer,
)
from koipond.ingest.privacy import masked
from koipond.ingest.quality import QualityRules, count_flagged
from koipond.ingest.staging import stage_rows
from koipond.ingest.timing import Setting
from koipond.kernel import CancelledError, Clock, InputError, RefusedError, minor_digits

FUTURE_GRACE_S = 86_400
"""Clocks of shops differ: an instant counts as future only when it lies more than a day ahead."""


def import_file(
    request: ImportRequest,
    *,
    rows: RowSource,
    warehouse: Warehouse,
    identities: IdentityStore,
    journal: ImportJournal,
    clock: Clock,
    zone: ZoneInfo,
    currency: str,
    consents: ConsentBook | None = None,
    touches: TouchHistory | None = None,
    rules: QualityRules | None = None,
    region: str = "CN",
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ImportResult:
    """Import the file ``rows`` and publish it; return what was read, kept and put aside.

    Naive times are local in ``zone``; ``currency`` is the workspace's; ``region`` is the country of phone
    numbers without a country code. ``consents`` and ``touches`` are needed for those kinds. A file that is
    known already and changes nothing is not published again (``repeated``). Raises InputError when the file
    cannot be read as it stands, BusyError when another process writes, CancelledError when ``cancelled()``
    says so; then nothing was written.
    """
    mapping = choose_mapping(request.kind, rows.columns, request.mapping, rows.file)
    now = clock.now()
    setting = Setting(
        place=zone, minor_digits=minor_digits(currency), limit_s=int(now.timestamp()) + FUTURE_GRACE_S
    )
    start = ImportStart(
        kind=request.kind, source=request.source, file=rows.file, fingerprint=rows.fingerprint
    )
    with warehouse.write(f"import {request.kind} {rows.file}") as writer:
        job = Job(
            request=request,
            rows=rows,
            mapping=mapping,
            setting=setting,
            currency=currency,
            registry=Registry(identities=identities, now=now, region=region, cancelled=cancelled),
            import_no=journal.begin(start, now),
            consents=consents,
            touches=touches,
        )
        try:
            door = Door(mapping=mapping, declared=request.declared, blind=identities.blind)
            staged = stage_rows(writer, rows, mapping, progress, cancelled, door)
            outcome = run(writer, staged, job)
            result = _result(writer, job, staged.count, outcome, rules or QualityRules())
            result = _publish(writer, job, outcome, result)
        except BaseException as error:
            how = "cancelled" if isinstance(error, CancelledError | KeyboardInterrupt) else "failed"
            journal.finish(job.import_no, how, {"error": masked(str(error)[:2000])}, clock.now())
            raise
        journal.finish(job.import_no, "done", result.to_dict(), clock.now())
    return result


def undo_import(
    import_no: int,
    *,
    warehouse: Warehouse,
    journal: ImportJournal,
    clock: Clock,
    consents: ConsentBook | None = None,
    touches: TouchHistory | None = None,
) -> dict[str, int]:
    """Take import ``import_no`` out again: its facts go, what it replaced comes back; return the row counts.

    Identities in the store stay. Raises InputError when there is no such import in force, RefusedError when
    a later import of the same kind is: undo that one first.
    """
    with warehouse.write(f"undo import {import_no}") as writer:
        entry = _undoable(writer, import_no)
        now = clock.now()
        if entry["kind"] == "consents" and consents is not None:
            consents.void_import(import_no, now)
            copy_consents(writer, consents)
        if entry["kind"] == "touches" and touches is not None:
            touches.void_import(import_no, now)
        counts = take_back(writer, import_no)
        writer.publish()
        journal.finish(import_no, "undone", counts, now)
    return counts


def _undoable(writer: Writer, import_no: int) -> dict[str, Any]:
    imports: list[dict[str, Any]] = writer.frame(
        writer.table("imports").drop("result").order_by("import_no")
    ).to_pylist()
    found = next((entry for entry in imports if entry["import_no"] == import_no), None)
    if found is None:
        numbers = ", ".join(str(entry["import_no"]) for entry in imports[-10:]) or "none"
        raise InputError(f"no import {import_no} is in force; the newest are: {numbers}")
    later = [e for e in imports if e["import_no"] > import_no and e["kind"] == found["kind"]]
    if later:
        raise RefusedError(
            f"import {later[-1]['import_no']} of {found['kind']} ({later[-1]['file']}) came later and may "
            f"have replaced rows of import {import_no}; undo it first"
        )
    return found


def _result(writer: Writer, job: Job, read: int, outcome: Outcome, rules: QualityRules) -> ImportResult:
    aside = {rule: count for rule, count in outcome.quarantined.items() if count}
    return ImportResult(
        import_no=job.import_no,
        kind=job.request.kind,
        file=job.rows.file,
        source=job.request.source,
        read=read,
        kept=read - sum(aside.values()),
        quarantined=aside,
        flagged=count_flagged(writer, rules),
        mapping=job.mapping.shown(),
        formats={**job.rows.details, **outcome.readings.shown()},
        samples=samples(writer, job.import_no) if aside else {},
        changes=outcome.changes,
        notes=outcome.notes,
        version=writer.version + 1,
        declared=tuple(sorted(job.request.declared)),
    )


def _publish(writer: Writer, job: Job, outcome: Outcome, result: ImportResult) -> ImportResult:
    """Publish facts and journal entry together, or nothing when this very file is in force already."""
    imports = writer.table("imports")
    same = imports.filter(
        (imports["fingerprint"] == job.rows.fingerprint)
        & (imports["kind"] == result.kind)
        & (imports["source"] == result.source)
        & (imports["kept"] == result.kept)
    )
    known = writer.frame(same.agg(import_no=same["import_no"].max())).to_pylist()[0]["import_no"]
    if known is not None and not outcome.changed:
        return replace(result, import_no=known, version=writer.version, repeated=True)
    entry = {
        "import_no": job.import_no,
        "kind": result.kind,
        "source": result.source,
        "file": result.file,
        "fingerprint": job.rows.fingerprint,
        "at_s": int(job.registry.now.timestamp()),
        "read": result.read,
        "kept": result.kept,
        "result": json.dumps(result.to_dict(), ensure_ascii=False),
    }
    one = writer.stage("import_entry", pa.Table.from_pylist([entry], schema=FACTS["imports"]))
    writer.append("imports", one.select(columns_of("imports")))
    return replace(result, version=writer.publish())
