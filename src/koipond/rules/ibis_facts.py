"""Facts as one row a customer (事实汇总), as Ibis: counts and sums, the last fact, sequences."""

from collections.abc import Mapping
from collections.abc import Sequence as Several
from dataclasses import replace
from typing import Any

import ibis

from koipond.rules.catalog import Catalog
from koipond.rules.ibis_tests import Counted, any_of, stored
from koipond.rules.order_lines import wanted, with_lines
from koipond.rules.sources import tie_breakers
from koipond.rules.tree import FactKind, Facts, Measure, Sequence
from koipond.rules.windows import Window

IbisTable = Any
Expr = Any


class FactRows:
    """The tables of facts, with what the rules ask of the lines of orders."""

    def __init__(self, tables: Mapping[FactKind, IbisTable], as_of_day: int, catalog: Catalog) -> None:
        self._tables = tables
        self._day = as_of_day
        self._catalog = catalog

    def table(self, kind: FactKind, facts: Several[Facts]) -> tuple[IbisTable, Counted]:
        """Return the rows of ``kind`` and the test that decides which of them are one of ``facts``."""
        rows, asked = self._tables[kind], wanted(facts)
        plain = Counted(as_of_day=self._day, catalog=self._catalog)
        if not asked:
            return rows, plain
        rows, names = with_lines(rows, self._tables["items"], asked, plain.line)
        return rows, replace(plain, held=names)

    def measured(self, kind: FactKind, asked: Mapping[Measure, str]) -> IbisTable:
        """Return customer_no and a column a measure of ``kind``, in one pass."""
        rows, counted = self.table(kind, [measure.facts for measure in asked])
        tests = [counted.test(measure.facts, measure.window, rows) for measure in asked]
        rows = rows.mutate(**{f"is_{name}": t for name, t in zip(asked.values(), tests, strict=True)})
        rows = rows.filter(any_of([rows[f"is_{name}"] for name in asked.values()]))
        totals = {name: self._total(m, rows, rows[f"is_{name}"]) for m, name in asked.items()}
        return rows.group_by("customer_no").aggregate(**totals)

    def _total(self, measure: Measure, rows: IbisTable, where: Expr) -> Expr:
        if measure.how == "count":
            return rows.count(where=where).cast("int64")
        if measure.how == "days":
            return rows.day.nunique(where=where).cast("int64")
        if measure.how == "sum":
            column = self._catalog.facts[measure.facts.kind].columns[measure.column or ""].column
            return rows[column].sum(where=where).cast("int64")
        edge = rows.day.max(where=where) if measure.how == "days_since_last" else rows.day.min(where=where)
        return ibis.literal(self._day, type="int32") - edge

    def latest(self, facts: Facts, window: Window, columns: Mapping[str, str]) -> IbisTable:
        """Return customer_no and ``columns`` (column → name) of each customer's last fact."""
        rows, counted = self.table(facts.kind, [facts])
        rows = rows.filter(counted.test(facts, window, rows))
        spec = self._catalog.facts[facts.kind]
        order = [
            ibis.desc(rows[column], nulls_first=False) for column in ("at_s", *tie_breakers(spec.columns))
        ]
        place = ibis.row_number().over(group_by=rows.customer_no, order_by=order)
        last = rows.mutate(_place=place).filter(lambda t: t["_place"] == 0)
        values = {
            name: stored(spec.columns[column], last, self._day, self._catalog)
            for column, name in columns.items()
        }
        return last.select("customer_no", **values)

    def sequence(self, leaf: Sequence) -> IbisTable:
        """Each first fact beside the day of the next then fact: a minimum over strictly later instants."""
        parts = []
        for facts, window, is_first in ((leaf.first, leaf.window, True), (leaf.then, None, False)):
            rows, counted = self.table(facts.kind, [facts])
            rows = rows.filter(counted.test(facts, window, rows))
            then_day = ibis.null("int32") if is_first else rows.day.cast("int32")
            parts.append(
                rows.select(
                    "customer_no",
                    at_s=rows.at_s.cast("int64"),
                    day=rows.day.cast("int32"),
                    is_first=ibis.literal(is_first),
                    then_day=then_day,
                )
            )
        rows = parts[0].union(parts[1])
        later = ibis.range_window(group_by=rows.customer_no, order_by=rows.at_s, following=(1, None))
        rows = rows.mutate(next_day=rows.then_day.min().over(later)).filter(lambda t: t.is_first)
        followed = (rows.next_day - rows.day <= leaf.within_days).fill_null(False)
        if leaf.missing:
            followed = ~followed & (rows.day + leaf.within_days <= self._day)
        return rows.filter(followed).select("customer_no").distinct()
