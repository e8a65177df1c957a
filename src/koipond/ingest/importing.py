"""The use case: one file into the warehouse, whole or not at all (导入)."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa

from koipond.ingest.archive import as_facts, columns_of
from koipond.ingest.facts import FACTS
from koipond.ingest.judging import put_aside, samples
from koipond.ingest.mapping import ColumnMap, choose_mapping
from koipond.ingest.model import ImportRequest, ImportResult, Progress
from koipond.ingest.order_changes import write_orders
from koipond.ingest.order_rows import judge_orders, type_orders
from koipond.ingest.orders import build_orders
from koipond.ingest.people import Registry, resolve_people
from koipond.ingest.ports import (
    IbisTable,
    IdentityStore,
    ImportJournal,
    ImportStart,
    RowSource,
    Warehouse,
    Writer,
)
from koipond.ingest.readings import Readings, decide, without_point_zero
from koipond.ingest.staging import Staged, stage_rows
from koipond.ingest.timing import Setting
from koipond.kernel import CancelledError, Clock, InputError, minor_digits

FUTURE_GRACE_S = 86_400
"""Clocks of shops differ: an instant counts as future only when it lies more than a day ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    request: ImportRequest
    rows: RowSource
    mapping: ColumnMap
    setting: Setting
    currency: str
    registry: Registry
    import_no: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    read: int
    quarantined: dict[str, int]
    changes: dict[str, int]
    notes: dict[str, int]
    readings: Readings


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
    region: str = "CN",
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ImportResult:
    """Import the file ``rows`` and publish it; return what was read, kept and put aside.

    Naive times are local in ``zone``; ``currency`` is the workspace's; ``region`` is the country of phone
    numbers without a country code. Raises InputError when the file cannot be read as it stands, BusyError
    when another process writes, CancelledError when ``cancelled()`` says so; then nothing was written.
    """
    if request.kind != "orders":
        raise InputError(f"{rows.file}: importing {request.kind} is not supported yet; orders are")
    mapping = choose_mapping(request.kind, rows.columns, request.mapping, rows.file)
    now = clock.now()
    setting = Setting(
        place=zone, minor_digits=minor_digits(currency), limit_s=int(now.timestamp()) + FUTURE_GRACE_S
    )
    registry = Registry(identities=identities, now=now, region=region, cancelled=cancelled)
    with warehouse.write(f"import {request.kind} {rows.file}") as writer:
        start = ImportStart(
            kind=request.kind, source=request.source, file=rows.file, fingerprint=rows.fingerprint
        )
        number = journal.begin(start, now)
        job = _Job(
            request=request,
            rows=rows,
            mapping=mapping,
            setting=setting,
            currency=currency,
            registry=registry,
            import_no=number,
        )
        try:
            staged = stage_rows(writer, rows, mapping, progress, cancelled)
            outcome = _orders(writer, staged, job)
            result = _publish(writer, job, outcome)
        except BaseException as error:
            how = "cancelled" if isinstance(error, CancelledError | KeyboardInterrupt) else "failed"
            journal.finish(number, how, {"error": str(error)[:2000]}, clock.now())
            raise
        journal.finish(number, "done", result.to_dict(), clock.now())
    return result


def _orders(writer: Writer, staged: Staged, job: _Job) -> _Outcome:
    raw = without_point_zero(writer, staged.table)
    _require_currency(writer, raw, job)
    readings = decide(writer, raw, job.mapping.shown(), job.request, job.rows)
    known = resolve_people(writer, raw, job.request, job.registry)
    if "order_id" in staged.person_in:
        own = known["customer_uid"].concat("|", known["order_id"])
        known = known.mutate(order_id=own)
    typed = type_orders(writer, known, readings, job.setting)
    judged = judge_orders(writer, typed, job.setting)
    quarantined = put_aside(writer, raw, judged, job.import_no)
    facts = build_orders(writer, judged, job.request, job.import_no)
    changes = write_orders(writer, facts, job.request, job.import_no)
    notes = {"customers_new": _know_customers(writer, judged, job.import_no)}
    return _Outcome(
        read=staged.count, quarantined=quarantined, changes=changes, notes=notes, readings=readings
    )


def _require_currency(writer: Writer, raw: IbisTable, job: _Job) -> None:
    if "currency" not in raw.columns:
        return
    code = raw["currency"].upper()
    other = raw.filter(raw["currency"].notnull() & (code != job.currency))
    found = writer.frame(other.group_by(code=code).agg(row=other["row"].min()).order_by("row").limit(5))
    if found.num_rows:
        rows = ", ".join(f"{item['code']} (row {item['row']})" for item in found.to_pylist())
        raise InputError(
            f"{job.rows.file}: amounts in {rows}, but the workspace counts in {job.currency}; other "
            "currencies are not supported yet: convert them first, or leave the column out: --map currency="
        )


def _know_customers(writer: Writer, judged: IbisTable, import_no: int) -> int:
    """Add the customers of good rows that the warehouse does not know yet, and how they can be reached."""
    good = judged.filter(judged["rule"].isnull() & judged["customer_no"].notnull())
    people = good.group_by("customer_no").agg(
        customer_uid=good["customer_uid"].min(), phone=good["has_phone"].any(), email=good["has_email"].any()
    )
    people = writer.cache("import_customers", people)
    number = ibis.literal(import_no, type="int32")
    new = people.anti_join(writer.table("customers"), "customer_no").mutate(import_no=number)
    added = writer.append("customers", as_facts("customers", new).order_by("customer_no"))
    ways = [
        people.filter(people[field]).select("customer_no", channel=ibis.literal(channel), import_no=number)
        for field, channel in (("phone", "sms"), ("email", "email"))
    ]
    reach = ibis.union(*ways).anti_join(writer.table("reachable"), ["customer_no", "channel"])
    writer.append("reachable", as_facts("reachable", reach).order_by("customer_no"))
    return added


def _publish(writer: Writer, job: _Job, outcome: _Outcome) -> ImportResult:
    aside = {rule: count for rule, count in outcome.quarantined.items() if count}
    result = ImportResult(
        import_no=job.import_no,
        kind=job.request.kind,
        file=job.rows.file,
        source=job.request.source,
        read=outcome.read,
        kept=outcome.read - sum(aside.values()),
        quarantined=aside,
        flagged={},
        mapping=job.mapping.shown(),
        formats={**job.rows.details, **outcome.readings.shown()},
        samples=samples(writer, job.import_no),
        changes=outcome.changes,
        notes=outcome.notes,
        version=writer.version + 1,
    )
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
    writer.publish()
    return result
