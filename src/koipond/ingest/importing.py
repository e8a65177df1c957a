"""The use cases: one file into the warehouse, whole or not at all (导入); and out again (撤销)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from koipond.facts.ports import Warehouse, Writer
from koipond.ingest.archive import take_back
from koipond.ingest.consenting import import_consents
from koipond.ingest.contacts import copy_consents
from koipond.ingest.door import Door
from koipond.ingest.erasing import purge_erased
from koipond.ingest.flags import FlagBook, flagged
from koipond.ingest.join_mapping import plan_join
from koipond.ingest.joined_rows import JoinedRows
from koipond.ingest.joining import stage_joined
from koipond.ingest.lone_price import counts_in
from koipond.ingest.mapping import choose_mapping
from koipond.ingest.model import ImportRequest, ImportResult, Progress
from koipond.ingest.people import Registry
from koipond.ingest.person_looks import person_looks
from koipond.ingest.pipelines import Job, run
from koipond.ingest.ports import (
    ConsentBook,
    IdentityStore,
    ImportJournal,
    ImportStart,
    RowSource,
    TouchHistory,
)
from koipond.ingest.privacy import said
from koipond.ingest.publishing import how_ended, publish, result_of
from koipond.ingest.quality import QualityRules
from koipond.ingest.settling import settle_dead, undo_left
from koipond.ingest.staging import stage_rows
from koipond.ingest.timing import Setting
from koipond.ingest.waiting import Patience, writing
from koipond.kernel import Clock, InputError, Message, RefusedError, day_of, listed, minor_digits

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
    flags: FlagBook | None = None,
    erased: Callable[[], Sequence[int]] | None = None,
    patience: Patience | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ImportResult:
    """Import the file ``rows`` and publish it; return what was read, kept and put aside.

    Naive times are local in ``zone``; ``currency`` is the workspace's; ``region`` is the country of phone
    numbers without a country code. ``consents`` and ``touches`` are needed for those kinds; ``flags``
    are told who is staff or a minor; ``erased`` names customers of whom nothing may come back; ``patience``
    waits for another process that writes (default: not at all). A file that is known already and changes
    nothing is not published again (``repeated``). Raises InputError when the file cannot be read as it
    stands, BusyError when another process writes, CancelledError when ``cancelled()``
    says so; then nothing was written.
    """
    if isinstance(rows, JoinedRows):
        rows, mapping = plan_join(rows, request, region)
    else:
        mapping = choose_mapping(
            request.kind, rows.columns, request.mapping, rows.file,
            looks=lambda: person_looks(rows, region), counts=counts_in(rows),
        )  # fmt: skip
    now = clock.now()
    setting = Setting(
        place=zone, minor_digits=minor_digits(currency), limit_s=int(now.timestamp()) + FUTURE_GRACE_S
    )
    start = ImportStart(
        kind=request.kind, source=request.source, file=rows.file, fingerprint=rows.fingerprint
    )
    job = Job(
        request=request,
        rows=rows,
        mapping=mapping,
        setting=setting,
        currency=currency,
        registry=Registry(identities=identities, now=now, region=region, cancelled=cancelled),
        import_no=0,
        touches=touches,
    )
    rules = rules or QualityRules()
    if request.kind == "consents":
        if consents is None:
            raise ValueError("importing consents needs a ConsentBook")
        return import_consents(
            job,
            start,
            book=consents,
            warehouse=warehouse,
            journal=journal,
            clock=clock,
            rules=rules,
            patience=patience,
            progress=progress,
            cancelled=cancelled,
        )
    with writing(warehouse, f"import {request.kind} {rows.file}", patience) as writer:
        settle_dead(writer, journal, now, consents=consents, touches=touches)
        job = replace(job, import_no=journal.begin(start, now))
        try:
            door = Door(
                mapping=mapping, declared=request.declared, blind=identities.blind, region=region,
                dates_as_written="%" in (request.date_format or ""),
            )  # fmt: skip
            if isinstance(rows, JoinedRows):
                staged = stage_joined(writer, rows, progress, cancelled, door, clock)
            else:
                staged = stage_rows(writer, rows, mapping, progress, cancelled, door, clock)
            outcome = run(writer, staged, job)
            result = result_of(writer, job, staged.count, outcome, rules)
            if flags is not None and request.kind == "customers":
                flags.mirror_flags(flagged(writer, day_of(now, zone)), clearing=False)
            purge_erased(writer, erased() if erased is not None else ())
            result = publish(writer, job, outcome, result)
        except BaseException as error:
            if touches is not None and request.kind == "touches":
                touches.void_import(job.import_no, clock.now())
            if isinstance(error, InputError) and isinstance(rows, JoinedRows):
                error = rows.placed(error)
            journal.finish(job.import_no, how_ended(error), {"error": said(error, region)}, clock.now())
            raise error
        journal.finish(job.import_no, "done", result.to_dict(), clock.now())
        if flags is not None and request.kind == "customers":
            flags.mirror_flags(flagged(writer, day_of(now, zone)))
    return result


def undo_import(
    import_no: int,
    *,
    warehouse: Warehouse,
    journal: ImportJournal,
    clock: Clock,
    consents: ConsentBook | None = None,
    touches: TouchHistory | None = None,
    flags: FlagBook | None = None,
    zone: ZoneInfo | None = None,
) -> dict[str, int]:
    """Take import ``import_no`` out again: its facts go, what it replaced comes back; return the row counts.

    Identities in the store stay. Raises InputError when there is no such import in force, RefusedError when
    a later import of the same kind is: undo that one first.
    """
    with warehouse.write(f"undo import {import_no}") as writer:
        now = clock.now()
        settle_dead(writer, journal, now, consents=consents, touches=touches)
        entry = _undoable(writer, import_no)
        if entry is None:
            left = undo_left(import_no, journal, now, consents=consents, touches=touches)
            if left is None:
                raise InputError(_no_import(writer, import_no))
            if consents is not None and "consents_voided" in left and copy_consents(writer, consents):
                writer.publish()
            return left
        if entry["kind"] == "consents" and consents is not None:
            consents.void_import(import_no, now)
            copy_consents(writer, consents)
        if entry["kind"] == "touches" and touches is not None:
            touches.void_import(import_no, now)
        counts = take_back(writer, import_no)
        writer.publish()
        journal.finish(import_no, "undone", counts, now)
        if flags is not None and zone is not None and entry["kind"] == "customers":
            flags.mirror_flags(flagged(writer, day_of(now, zone)))
    return counts


def _undoable(writer: Writer, import_no: int) -> dict[str, Any] | None:
    imports: list[dict[str, Any]] = writer.frame(
        writer.table("imports").drop("result").order_by("import_no")
    ).to_pylist()
    found = next((entry for entry in imports if entry["import_no"] == import_no), None)
    if found is None:
        return None
    later = [e for e in imports if e["import_no"] > import_no and e["kind"] == found["kind"]]
    if later:
        raise RefusedError(
            "import {import_no} of {kind} ({file}) came later and may have replaced rows of "
            "import {other_import_no}; undo it first",
            import_no=later[-1]["import_no"],
            kind=found["kind"],
            file=later[-1]["file"],
            other_import_no=import_no,
        )
    return found


def _no_import(writer: Writer, import_no: int) -> str:
    found = writer.frame(writer.table("imports").select("import_no").order_by("import_no"))
    numbers = listed(map(str, found.column("import_no").to_pylist()[-10:]))
    return Message(
        "no import {import_no} is in force; the newest are: {numbers}", import_no=import_no, numbers=numbers
    )
