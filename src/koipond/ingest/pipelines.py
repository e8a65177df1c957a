"""From staged text to facts, one pipeline a kind of import. All set-based, inside the writer's engine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Writer
from koipond.ingest.birthdays import YEARLESS, Yearless, apart
from koipond.ingest.carrying import carry_orders_down
from koipond.ingest.contacts import write_touches
from koipond.ingest.currency_checks import require_currency, require_signs
from koipond.ingest.currency_signs import NO_CENTS, POINTED
from koipond.ingest.customers import know_customers, write_customers, write_traits
from koipond.ingest.date_remarks import remarks_on_dates
from koipond.ingest.discount_texts import Discount, signed_discounts, without_signs
from koipond.ingest.events import write_events
from koipond.ingest.functions import day_text
from koipond.ingest.joined_rows import JoinedRows
from koipond.ingest.joining import file_of, numbered
from koipond.ingest.judging import put_aside
from koipond.ingest.mapping import ColumnMap
from koipond.ingest.model import ImportRequest, Kind
from koipond.ingest.order_changes import write_orders
from koipond.ingest.order_reading import read_orders
from koipond.ingest.orders import build_orders
from koipond.ingest.people import Registry, resolve_people, scope_ids
from koipond.ingest.plain_rows import judge_rows
from koipond.ingest.ports import RowSource, TouchHistory
from koipond.ingest.products import write_products
from koipond.ingest.readings import Readings, decide, said_in
from koipond.ingest.remarks import remarks_on_orders, remarks_on_people
from koipond.ingest.shares import bare_shares
from koipond.ingest.staging import RAW, Staged
from koipond.ingest.timing import Setting
from koipond.ingest.trait_remarks import further_traits, remarks_on_flags, remarks_on_left_out
from koipond.kernel import Message, joined


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One import under way."""

    request: ImportRequest
    rows: RowSource
    mapping: ColumnMap
    setting: Setting
    currency: str
    registry: Registry
    import_no: int
    touches: TouchHistory | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a pipeline did. ``changes``: facts written; those called ``…_unchanged`` are no change."""

    quarantined: dict[str, int]
    changes: dict[str, int]
    notes: dict[str, int]
    readings: Readings
    remarks: tuple[str, ...] = ()
    traits: tuple[str, ...] | None = None  # what further columns are kept as; None: this kind has no traits
    masked: Mapping[str, int] = field(default_factory=dict)  # field → values covered since they identify

    @property
    def changed(self) -> bool:
        counts = {**self.changes, "customers_new": self.notes.get("customers_new", 0)}
        return any(count for name, count in counts.items() if not name.endswith("_unchanged"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """A file's text with its formats decided: ``raw`` as staged, ``known`` with customers for identifiers."""

    raw: IbisTable
    heads: IbisTable | None  # columns of ``raw`` that stand in a file of their own
    known: IbisTable
    people: IbisTable | None
    readings: Readings
    staged: Staged
    signs: Mapping[str, Discount] = field(default_factory=dict)  # of discounts, by field

    @property
    def dropped(self) -> Mapping[str, int]:
        """How many values of which further columns identify people and were left out."""
        return self.staged.door.dropped_in if self.staged.door is not None else {}


def run(writer: Writer, staged: Staged, job: Job) -> Outcome:
    """Bring the staged rows into the warehouse; nothing is published yet."""
    raw = staged.table
    signs: dict[str, Discount] = {}
    if job.request.kind == "orders":
        columns = {name: used[0] for name, used in job.mapping.columns.items()}
        signs = signed_discounts(writer, raw, job.request.mapping, columns, job.rows.file)
        raw = without_signs(raw, signs)
        if len(job.mapping.columns["order_id"]) == 1 and staged.heads is None:
            raw, carried = carry_orders_down(writer, raw, f"{RAW}_carried")
            staged = replace(staged, orders_carried=carried)
    birthdays = Yearless(table=raw)
    if job.request.kind == "customers" and "birthday" in job.mapping:
        birthdays = apart(writer, raw, job.request.date_format, job.mapping.columns["birthday"][0])
        raw = birthdays.table
    plain = bare_shares(raw) if job.request.kind == "products" else raw
    digits = job.setting.minor_digits
    heads = staged.heads
    if heads is not None:
        heads = without_signs(heads, signs)
    readings = decide(
        writer, plain, job.mapping, job.request, job.rows,
        minor_digits=0 if job.currency in NO_CENTS else digits,
        heads=heads, pointed=job.currency in POINTED,
    )  # fmt: skip
    known, people = raw, None
    if job.request.kind != "products":
        found = resolve_people(writer, raw, job.request, job.registry, staged.door)
        known, people = scope_ids(found, staged.person_in), found.people
    rows = _Rows(
        raw=raw, heads=heads, known=known, people=people, readings=readings, staged=staged, signs=signs
    )
    done = _PIPELINES[job.request.kind](writer, rows, job)
    said = remarks_on_people(done.quarantined, job.mapping, job.registry.region)
    return replace(done, remarks=(*done.remarks, *birthdays.remarks, *said), masked=staged.masked)


def _orders(writer: Writer, rows: _Rows, job: Job) -> Outcome:
    file = job.rows.file
    require_currency(writer, said_in(rows.raw, rows.heads, "currency"), job.currency, file)
    require_signs(writer, rows.raw, rows.heads, rows.readings, job.currency, file)
    told = read_orders(
        writer, rows.known, rows.readings, job.mapping, job.request, job.rows,
        setting=job.setting, signs=rows.signs,
    )  # fmt: skip
    strange = _strange_refund_words(writer, rows, job)
    settled = _settle(writer, rows, told.judged, job)
    facts = build_orders(writer, told.judged, job.request, job.import_no, told.levels)
    changes, notes = write_orders(writer, facts, job.request, job.import_no)
    notes = told.notes | notes
    if rows.staged.orders_carried:
        notes["order_id_carried_down"] = rows.staged.orders_carried
    if rows.staged.heads_alone:
        notes["orders_without_lines"] = rows.staged.heads_alone
    return _outcome(
        rows,
        settled,
        changes,
        (*told.remarks, *strange, *remarks_on_orders(settled.quarantined | notes, job.mapping)),
        **notes,
    )


def _strange_refund_words(writer: Writer, rows: _Rows, job: Job) -> tuple[str, ...]:
    """Return what is to be said of words in a column of refund states that do not say *given back*."""
    if "refund_status" not in job.mapping:
        return ()
    words = rows.raw["refund_status"]
    known = [*rows.readings.tables["refund_status"]]
    strange = rows.raw.filter(words.notnull() & ~words.isin(known or [""]))
    counted = strange.group_by(word=strange["refund_status"]).agg(count=strange.count())
    found = writer.frame(counted.order_by(ibis.desc("count"), "word").limit(5)).to_pylist()
    if not found:
        return ()
    return (
        Message(
            "{column}: {words} are not taken as given back; if one is: --status WORD=refunded",
            column=job.mapping.columns["refund_status"][0],
            words=joined(
                ", ",
                [Message("'{word}' ({count:,})", word=one["word"], count=one["count"]) for one in found],
            ),
        ),
    )


def _events(writer: Writer, rows: _Rows, job: Job) -> Outcome:
    judged = judge_rows(writer, "events", rows.known, rows.readings, job.setting)
    settled = _settle(writer, rows, judged, job)
    changes = write_events(writer, judged, job.request, job.import_no)
    left_out = remarks_on_left_out(rows.dropped)
    return _outcome(rows, settled, changes, left_out, properties_dropped=sum(rows.dropped.values()))


def _customers(writer: Writer, rows: _Rows, job: Job) -> Outcome:
    judged = judge_rows(writer, "customers", rows.known, rows.readings, job.setting)
    settled = _settle(writer, rows, judged, job)
    changes = write_customers(writer, judged, job.import_no)
    named: dict[str, Any] = {name: judged[name] for name in ("gender", "city") if name in job.mapping}
    if "birthday" in job.mapping:
        named["birthday"] = day_text(judged["birthday_day"])
        if YEARLESS in judged.columns:
            named["birthday"] = named["birthday"].coalesce(judged[YEARLESS])
    now_s = int(job.registry.now.timestamp())
    traits, changed = write_traits(
        writer,
        judged,
        named,
        job.request,
        now_s,
        job.import_no,
        setting=job.setting,
        file=job.rows.file,
    )
    kept = further_traits(writer, traits, named)
    remarks = (*remarks_on_left_out(rows.dropped), *remarks_on_flags(writer, traits, kept, job.mapping))
    done = _outcome(rows, settled, changes | changed, remarks, traits_dropped=sum(rows.dropped.values()))
    return replace(done, traits=kept)


def _products(writer: Writer, rows: _Rows, job: Job) -> Outcome:
    judged = judge_rows(writer, "products", rows.known, rows.readings, job.setting)
    settled = _settle(writer, rows, judged, job)
    return _outcome(rows, settled, write_products(writer, judged, job.import_no))


def _touches(writer: Writer, rows: _Rows, job: Job) -> Outcome:
    if job.touches is None:
        raise ValueError("importing touches needs a TouchHistory")
    judged = judge_rows(writer, "touches", rows.known, rows.readings, job.setting)
    settled = _settle(writer, rows, judged, job)
    changes = write_touches(
        writer, judged, job.touches, request=job.request, import_no=job.import_no, now=job.registry.now
    )
    return _outcome(rows, settled, changes)


_PIPELINES: dict[Kind, Callable[[Writer, _Rows, Job], Outcome]] = {
    "orders": _orders,
    "events": _events,
    "customers": _customers,
    "products": _products,
    "touches": _touches,
}


@dataclass(frozen=True, slots=True)
class _Settled:
    quarantined: dict[str, int]
    notes: dict[str, int]
    remarks: tuple[str, ...]


def _settle(writer: Writer, rows: _Rows, judged: IbisTable, job: Job) -> _Settled:
    """Put bad rows aside, make the people of good rows known, and let go of the text."""
    raw, joined = rows.raw, isinstance(job.rows, JoinedRows)
    if isinstance(job.rows, JoinedRows):
        raw = file_of(job.rows, raw)
    aside = put_aside(
        writer, raw, judged, job.import_no,
        declared=bool(job.request.declared), numbered=numbered if joined else None,
    )  # fmt: skip
    remarks = remarks_on_dates(writer, rows.raw, judged)
    if isinstance(job.rows, JoinedRows):
        remarks = tuple(map(job.rows.said, remarks))
    for name in rows.staged.tables:
        writer.forget(name)
    notes = {}
    if rows.people is not None:
        notes["customers_new"] = know_customers(writer, judged, rows.people, job.import_no)
    return _Settled(aside, notes, remarks)


def _outcome(
    rows: _Rows, settled: _Settled, changes: dict[str, int], remarks: tuple[str, ...] = (), **notes: int
) -> Outcome:
    return Outcome(
        quarantined=settled.quarantined,
        changes=changes,
        notes=settled.notes | notes,
        readings=rows.readings,
        remarks=(*settled.remarks, *remarks),
    )
