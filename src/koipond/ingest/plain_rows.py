"""Rows of every kind but orders: typed, and judged by those row rules that fit the kind."""

from typing import Any

import ibis

from koipond.facts.ports import IbisTable, Writer
from koipond.ingest.fields import FIELDS, PERSON
from koipond.ingest.judging import first_field, first_rule
from koipond.ingest.model import Kind
from koipond.ingest.numbers import read_number, to_units
from koipond.ingest.readings import Readings, read_word
from koipond.ingest.shares import read_margin
from koipond.ingest.timing import Setting, day_name, instant_columns, seconds_name

_NEEDED: dict[Kind, tuple[str, ...]] = {
    "events": ("name",),
    "products": ("sku",),
    "consents": ("channel",),
    "touches": ("channel",),
}
_DATED = ("events", "consents", "touches")
_CARRIED = ("row", "customer_no")


def judge_rows(writer: Writer, kind: Kind, raw: IbisTable, readings: Readings, setting: Setting) -> IbisTable:
    """Return the rows of ``raw`` with every field of ``kind`` typed, ``field`` and ``rule`` (null = good).

    Money is called ``<field>_fen``, instants ``<name>_s``; a field the file lacks is a null column. Further
    columns of ``raw`` are carried along.
    """
    columns, faults = _typed(kind, raw, readings, setting.minor_digits)
    instants, unreadable = instant_columns(writer, raw, readings, setting)
    faults |= unreadable
    lacking = first_field({name: raw[name].isnull() for name in _NEEDED.get(kind, ())})
    fields = {field.name for field in FIELDS[kind]}
    others = [name for name in raw.columns if name not in fields and name not in _CARRIED]
    carried = [name for name in _CARRIED if name in raw.columns]
    typed = raw.select(*carried, *others, field=first_field(faults), lacking=lacking, **instants, **columns)
    rule = first_rule(_conditions(kind, typed, readings, setting))
    untimed = ibis.cases((rule == "missing_at", "at"), else_=ibis.null("string"))
    field = typed["field"].coalesce(typed["lacking"], untimed)
    judged = typed.mutate(rule=rule, field=field).drop("lacking")
    return writer.cache("import_judged", judged)


def _conditions(kind: Kind, typed: IbisTable, readings: Readings, setting: Setting) -> dict[str, Any]:
    conditions = {"unparsable": typed["field"].notnull(), "missing_field": typed["lacking"].notnull()}
    if kind != "products":
        conditions["missing_customer"] = typed["customer_no"].isnull()
    if kind in _DATED:
        conditions["missing_at"] = typed["at_s"].isnull()
        conditions["future_at"] = typed["at_s"] > setting.limit_s
    if "joined_at" in readings.instants:
        conditions["future_at"] = typed["joined_s"] > setting.limit_s
    if "status" in readings.tables:
        conditions["unknown_status"] = typed["status"].isnull()
    return conditions


def _typed(
    kind: Kind, raw: IbisTable, readings: Readings, digits: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    columns: dict[str, Any] = {}
    faults: dict[str, Any] = {}
    for field in FIELDS[kind]:
        name, have = field.name, field.name in raw.columns
        if field.type in ("number", "money"):
            value = ibis.null("int64")
            if have and (kind, name) == ("products", "margin"):
                value = read_margin(raw[name], readings.numbers[name], columns["price_fen"], digits)
                faults[name] = raw[name].notnull() & value.isnull()
            elif have:
                number = read_number(raw[name], readings.numbers[name])
                value = to_units(number, digits)
                faults[name] = raw[name].notnull() & value.isnull()
            columns[f"{name}_fen"] = value
        elif field.type in ("status", "truth"):
            truth = ibis.null("boolean")
            if have and readings.tables[name]:
                truth = read_word(raw[name], readings.tables[name]) == "true"
            columns[name] = truth
            if have and field.type == "truth":
                faults[name] = raw[name].notnull() & truth.isnull()
        elif field.type == "text":
            columns[name] = raw[name] if have else ibis.null("string")
        elif field.type == "instant" and not have:
            columns[seconds_name(name)] = ibis.null("int64")
            columns[day_name(name)] = ibis.null("int32")
        elif field.type == "identifier":
            assert name in PERSON
    return columns, faults
