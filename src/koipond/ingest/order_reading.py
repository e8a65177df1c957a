"""An orders file from text to judged rows (订单读取): each row by itself, then beside those of its order."""

from collections.abc import Mapping
from dataclasses import dataclass

import ibis

from koipond.facts.ports import IbisTable, Writer
from koipond.ingest.amount_levels import Levels, decide_levels
from koipond.ingest.discount_texts import Discount
from koipond.ingest.discounts import decide_discount, discount_remarks, shares_left_out
from koipond.ingest.mapping import ColumnMap
from koipond.ingest.model import ImportRequest
from koipond.ingest.order_filling import fill_orders, needs_filling
from koipond.ingest.order_rows import judge_orders, look_at_orders, rule_rows, type_orders
from koipond.ingest.ports import RowSource
from koipond.ingest.readings import Readings
from koipond.ingest.repeats import Repeats, repeated_rows
from koipond.ingest.subtotals import subtotal_rows
from koipond.ingest.timing import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOrders:
    """``judged``: typed rows with ``rule``; what was decided on the way in sentences, and filled by count."""

    judged: IbisTable
    levels: Levels
    remarks: tuple[str, ...]
    notes: dict[str, int]


def read_orders(
    writer: Writer,
    known: IbisTable,
    readings: Readings,
    mapping: ColumnMap,
    request: ImportRequest,
    source: RowSource,
    *,
    setting: Setting,
    signs: Mapping[str, Discount],
) -> ReadOrders:
    """Return the rows of ``known`` (texts with customer_no) judged; raise InputError when two readings fit.

    ``signs``: what cells of discounts say by a sign, by field.
    """
    shares = shares_left_out(source.columns, mapping, request, source.file)
    discount = decide_discount(
        writer, known, readings, mapping, request, source, signs=signs, digits=setting.minor_digits
    )
    typed = type_orders(writer, known, readings, setting, discount)
    ruled = typed.kept(rule_rows(typed.whole(typed.rows), setting))
    rows = typed.whole(writer.cache("import_judged_alone", ruled))
    rows, out = _aside(rows, joined="aside" in known.columns)
    subtotals = subtotal_rows(writer, rows, source, has_sku="sku" in mapping)
    rows = subtotals.marked(writer, rows)
    ends = look_at_orders(writer, rows)
    found = _repeats(writer, rows, ends, mapping, request, source)
    rows, repeats = _once(rows, found.again)
    levels = decide_levels(writer, rows, mapping, request, source)
    notes: dict[str, int] = {}
    if needs_filling(writer, rows, levels):
        filled = fill_orders(writer, rows, levels)
        rows = writer.cache("import_filled", rule_rows(filled.rows, setting))
        notes = filled.notes
    if repeats is not None or notes or levels.paid:
        ends = look_at_orders(writer, rows)
    judged = judge_orders(writer, rows, ends)
    for more in (repeats, out):
        if more is not None:
            kinds = judged.schema()
            judged = judged.union(more.select(**{n: more[n].cast(kinds[n]) for n in judged.columns}))
    doubtful = () if levels.paid else subtotals.remarks
    remarks = (*levels.remarks, *doubtful, *discount_remarks(discount, mapping, request), *shares)
    beside = {"equal_rows_beside": found.beside} if found.beside else {}
    return ReadOrders(judged=judged, levels=levels, remarks=remarks, notes=notes | beside)


def _repeats(
    writer: Writer,
    rows: IbisTable,
    ends: IbisTable,
    mapping: ColumnMap,
    request: ImportRequest,
    source: RowSource,
) -> Repeats:
    """Look for rows that repeat another to the letter.

    An order number made of other columns does not tell two purchases of one day apart: then nothing repeats.
    """
    if request.keep_repeated or len(mapping.columns["order_id"]) > 1:
        return Repeats()
    return repeated_rows(writer, rows, ends, source, mapping.identifying)


def _aside(rows: IbisTable, *, joined: bool) -> tuple[IbisTable, IbisTable | None]:
    """Return ``rows`` without those that joining put aside, and these."""
    if not joined:
        return rows, None
    return rows.filter(rows["aside"].isnull()), rows.filter(rows["aside"].notnull())


def _once(rows: IbisTable, again: IbisTable | None) -> tuple[IbisTable, IbisTable | None]:
    """Return ``rows`` without those of ``again``, and these with their rule."""
    if again is None:
        return rows, None
    twice = rows.semi_join(again, "row").mutate(rule=ibis.literal("repeated_row"))
    return rows.anti_join(again, "row").select(*rows.columns), twice
