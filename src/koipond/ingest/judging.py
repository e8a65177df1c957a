"""Put rows aside by the row rules, the first that fits, and keep them with their reason (隔离)."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Writer
from koipond.ingest.archive import as_facts
from koipond.ingest.door import OTHERS
from koipond.ingest.fields import PERSON
from koipond.ingest.functions import to_json, with_members, without_nulls
from koipond.ingest.model import ROW_RULES, SAMPLES_MAX, Sample
from koipond.ingest.privacy import DECLARED, LONG_NUMBER, MASK

_NUMBERS = (
    *(
        "amount",
        "unit_price",
        "quantity",
        "discount",
        "discount_rate",
        "paid_share",
        "price",
        "margin",
        "cost",
    ),
    *("order_amount", "refund_amount", "order_refund_amount"),
)


def first_rule(conditions: Mapping[str, Any]) -> Any:
    """Return the first of ROW_RULES whose condition holds for a row, null for a good row."""
    branches = [(conditions[rule].fill_null(False), rule) for rule in ROW_RULES if rule in conditions]
    return ibis.cases(*branches, else_=ibis.null("string")) if branches else ibis.null("string")


def first_field(faults: Mapping[str, Any]) -> Any:
    """Return the first field whose text could not be read, null when all could."""
    branches = [(fault.fill_null(False), field) for field, fault in faults.items()]
    return ibis.cases(*branches, else_=ibis.null("string")) if branches else ibis.null("string")


def put_aside(
    writer: Writer,
    raw: IbisTable,
    judged: IbisTable,
    import_no: int,
    *,
    declared: bool,
    numbered: Callable[[IbisTable], IbisTable] | None = None,
) -> dict[str, int]:
    """Write the rows of ``judged`` that have a rule to ``quarantine``; return their count by rule.

    ``judged`` has row, rule, field, customer_no; ``raw`` the texts by field as they came through the door,
    where identifiers were covered. Who it was is left out; long numbers are covered as well, and with
    ``declared`` properties whatever may be one. ``numbered``: gives the rows the numbers of their file.
    """
    rows = aside_rows(raw, judged, declared=declared)
    return write_aside(writer, rows if numbered is None else numbered(rows), import_no)


def aside_rows(raw: IbisTable, judged: IbisTable, *, declared: bool) -> IbisTable:
    """Return row, rule, field, customer_no and values (JSON) of the rows that are put aside."""
    if "customer_no" not in judged.columns:
        judged = judged.mutate(customer_no=ibis.null("int32"))
    bad = judged.filter(judged["rule"].notnull()).select("row", "rule", "field", "customer_no")
    return bad.inner_join(_texts(raw, declared), "row")


def write_aside(writer: Writer, rows: IbisTable, import_no: int) -> dict[str, int]:
    """Write ``rows`` to ``quarantine``; return their count by rule."""
    counts = writer.frame(rows.group_by("rule").agg(rows=lambda t: t.count())).to_pylist()
    found = {item["rule"]: int(item["rows"]) for item in counts}
    if found:
        rows = rows.mutate(import_no=ibis.literal(import_no, type="int32"))
        writer.append("quarantine", as_facts("quarantine", rows).order_by("row"))
    return {rule: found.get(rule, 0) for rule in ROW_RULES}


def _texts(raw: IbisTable, declared: bool) -> IbisTable:
    """Return row, values (JSON): the texts of every row without identifiers."""
    plain = {name: raw[name] for name in raw.columns if name not in ("row", *PERSON, OTHERS)}
    texts = {
        name: text.re_replace(LONG_NUMBER, MASK) if name in _NUMBERS else text for name, text in plain.items()
    }
    values = without_nulls(to_json(ibis.struct(texts))) if texts else ibis.literal("{}")
    if OTHERS in raw.columns:
        more = raw[OTHERS].re_replace(DECLARED, MASK) if declared else raw[OTHERS]
        values = with_members(more, values)
    return raw.select("row", values=values)


def samples(writer: Writer, import_no: int) -> dict[str, tuple[Sample, ...]]:
    """Return at most 20 rows for each rule, the first of the file."""
    table = writer.table("quarantine")
    mine = table.filter(table["import_no"] == import_no)
    place = ibis.row_number().over(group_by="rule", order_by="row")
    few = mine.mutate(place=place).filter(lambda t: t["place"] < SAMPLES_MAX).order_by("row")
    return shown(writer.frame(few).to_pylist())


def shown(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Sample, ...]]:
    """Return at most 20 of ``rows`` of quarantine for each rule, the first of the file."""
    found: dict[str, list[Sample]] = {}
    for item in sorted(rows, key=lambda one: int(one["row"])):
        sample = Sample(row=item["row"], field=item["field"] or "", values=json.loads(item["values"]))
        found.setdefault(item["rule"], []).append(sample)
    return {rule: tuple(found[rule][:SAMPLES_MAX]) for rule in ROW_RULES if rule in found}
