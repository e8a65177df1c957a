"""`koipond.rfm`, `lifecycle`, `aipl`, `grade`: the layers of a table of orders, without a workspace.

Tables are read as `koipond import` reads files and measured by the expressions of `koipond refresh`; a
workspace that imports the same rows shows the same counts.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from koipond.frames import TableLike
from koipond.frames.columns import to_day
from koipond.kernel import FindingsError, InputError, from_epoch_day
from koipond.library.facts import GivenTable, Place, TableFacts, facts_of
from koipond.segments.layers.compute import compute
from koipond.segments.layers.counts import count_profile
from koipond.segments.layers.definitions import LayerSet
from koipond.segments.layers.layered import Kind, LayeredCustomers, counts_of, cut_offs, layer_rows


def rfm(
    table: TableLike,
    customer: str | None = None,
    order: str | None = None,
    at: str | None = None,
    amount: str | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    as_of: str | date | None = None,
    zone: str = "UTC",
    currency: str = "CNY",
    date_format: str | None = None,
    **options: Any,
) -> LayeredCustomers:
    """Score recency, frequency and money of every customer (S16, science D2).

    One row an order or a line of one. Columns that are not named are guessed as `koipond import` guesses
    them; ``columns`` names further fields (quantity, unit_price, discount, status, refund_of …). Without
    order numbers, rows of one customer at one instant are one order. Negative rows are refunds: linked to
    their order when it has a sale, else they lower the customer's money on their own day. ``as_of`` is
    included; None = the newest day of the table. Naive times are local in ``zone``; money of ``currency``.
    ``options``: the keys of layers/rfm.yaml (docs/reference/layers.md): window, frequency, scoring, cuts,
    high, high_score, high_at, level. Raises InputError with everything that is wrong.
    """
    given = _orders(table, customer, order, at, amount, columns)
    place = Place(zone=zone, currency=currency, date_format=date_format)
    return _layer("rfm", [given], place, as_of, options)


def lifecycle(
    table: TableLike,
    customer: str | None = None,
    order: str | None = None,
    at: str | None = None,
    amount: str | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    as_of: str | date | None = None,
    zone: str = "UTC",
    currency: str = "CNY",
    date_format: str | None = None,
    **options: Any,
) -> LayeredCustomers:
    """Place every customer in his life cycle, by his personal repurchase cycle (S11, science D3).

    Tables as in `rfm`. ``options``: the keys of layers/lifecycle.yaml, such as churned_cycles or prior_gaps.
    """
    given = _orders(table, customer, order, at, amount, columns)
    place = Place(zone=zone, currency=currency, date_format=date_format)
    return _layer("lifecycle", [given], place, as_of, options)


def grade(
    table: TableLike,
    customer: str | None = None,
    order: str | None = None,
    at: str | None = None,
    amount: str | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    as_of: str | date | None = None,
    zone: str = "UTC",
    currency: str = "CNY",
    date_format: str | None = None,
    **options: Any,
) -> LayeredCustomers:
    """Grade every buyer by the share of value that stands ahead of him (S19, science D4).

    Tables as in `rfm`. ``options``: the keys of layers/grade.yaml, such as window or core_percent.
    """
    given = _orders(table, customer, order, at, amount, columns)
    place = Place(zone=zone, currency=currency, date_format=date_format)
    return _layer("grade", [given], place, as_of, options)


def aipl(
    table: TableLike | None = None,
    customer: str | None = None,
    order: str | None = None,
    at: str | None = None,
    amount: str | None = None,
    *,
    events: TableLike | None = None,
    touches: TableLike | None = None,
    columns: Mapping[str, str] | None = None,
    event_columns: Mapping[str, str] | None = None,
    touch_columns: Mapping[str, str] | None = None,
    as_of: str | date | None = None,
    zone: str = "UTC",
    currency: str = "CNY",
    date_format: str | None = None,
    **options: Any,
) -> LayeredCustomers:
    """Place every customer on aware, interest, purchase, loyal; the highest wins (S10, science D1).

    At least one table of orders (as in `rfm`), ``events`` or ``touches``. Events: customer_id, name, at and
    perhaps amount, named in ``event_columns`` or guessed. Touches: customer_id, at and ``state`` (delivered,
    opened, clicked, replied; delivered when there is no such column), named in ``touch_columns``. A customer
    is who has the same text in the customer columns. ``options``: the keys of layers/aipl.yaml, with
    ``events`` named ``event_names``, such as ``event_names={"browse": ["home"]}``.
    """
    given = [] if table is None else [_orders(table, customer, order, at, amount, columns)]
    if events is not None:
        given.append(GivenTable(kind="events", table=events, told=dict(event_columns or {})))
    if touches is not None:
        renamed = {"name" if field == "state" else field: c for field, c in (touch_columns or {}).items()}
        given.append(GivenTable(kind="touches", table=touches, told=renamed))
    if not given:
        raise InputError("aipl needs a table of orders, events or touches")
    body = {"events" if key == "event_names" else key: value for key, value in options.items()}
    place = Place(zone=zone, currency=currency, date_format=date_format)
    return _layer("aipl", given, place, as_of, body)


def _orders(
    table: TableLike,
    customer: str | None,
    order: str | None,
    at: str | None,
    amount: str | None,
    columns: Mapping[str, str] | None,
) -> GivenTable:
    named = {"customer_id": customer, "order_id": order, "at": at, "amount": amount}
    told = {field: column for field, column in named.items() if column is not None}
    if amount is not None:
        told["unit_price"] = ""  # what was paid is named: nothing is to be multiplied
    return GivenTable(kind="orders", table=table, told={**told, **(columns or {})})


def _layer(
    kind: Kind,
    tables: Sequence[GivenTable],
    place: Place,
    as_of: str | date | None,
    options: Mapping[str, Any],
) -> LayeredCustomers:
    layers = _definition(kind, options)
    with facts_of(tables, place) as facts:
        day = facts.last_day if as_of is None else to_day(as_of, "as_of")
        made = compute(facts.writer, layers, day)
        counted = count_profile(facts.writer, made.profile)
        return LayeredCustomers(
            kind=kind,
            rows=_table(facts, facts.writer.frame(layer_rows(kind, made, layers))),
            as_of=from_epoch_day(day),
            buyers=counted["buyers"],
            counts=counts_of(kind, counted),
            cut_offs=cut_offs(kind, made, layers),
            definition=layers.to_mapping()[kind],
            definition_version=layers.fingerprint,
            notes=facts.notes,
        )


def _definition(kind: Kind, options: Mapping[str, Any]) -> LayerSet:
    try:
        return LayerSet.from_mapping({kind: options})
    except FindingsError as error:
        raise InputError(
            "\n".join(f"{finding.message}. {finding.fix}" for finding in error.findings)
        ) from None


def _table(facts: TableFacts, rows: pa.Table) -> pa.Table:
    """Return ``rows`` with the customers as the tables name them and days as dates, sorted by customer."""
    columns = {"customer": facts.people.named(rows["customer_uid"])}
    for name in rows.column_names[1:]:
        is_day = name.endswith("_day")
        values = rows[name].cast(pa.int32()).cast(pa.date32()) if is_day else rows[name]
        columns[f"{name.removesuffix('_day')}_on" if is_day else name] = values
    return pa.table(columns).sort_by("customer")
