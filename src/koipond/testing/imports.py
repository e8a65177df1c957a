"""In-memory journal, consent book, touch history and verdicts: what an import asks of the store."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from koipond.facts.schemas import FACTS
from koipond.ingest.ports import ImportEntry, ImportStart
from koipond.outreach.consent import Statement, places


class MemoryJournal:
    """Imports of one process, numbered from 1."""

    def __init__(self) -> None:
        self._entries: dict[int, ImportEntry] = {}
        self._put_by: dict[int, list[Mapping[str, Any]]] = {}

    def begin(self, start: ImportStart, now: datetime) -> int:
        number = len(self._entries) + 1
        self._entries[number] = ImportEntry(
            import_no=number, start=start, began_at=now, outcome=None, summary={}
        )
        return number

    def finish(self, import_no: int, outcome: str, summary: Mapping[str, Any], now: datetime) -> None:  # noqa: ARG002
        self._entries[import_no] = replace(self._entries[import_no], outcome=outcome, summary=dict(summary))

    def entries(self, limit: int) -> Sequence[ImportEntry]:
        return list(reversed(self._entries.values()))[:limit]

    def entry(self, import_no: int) -> ImportEntry | None:
        return self._entries.get(import_no)

    def dead(self, now: datetime) -> Sequence[ImportEntry]:  # noqa: ARG002
        return ()

    def put_by(self, import_no: int, rows: Sequence[Mapping[str, Any]]) -> int:
        self._put_by[import_no] = [*rows]
        return len(rows)

    def put_by_rows(self) -> Mapping[int, Sequence[Mapping[str, Any]]]:
        return {number: rows for number, rows in self._put_by.items() if rows}

    def beat(self, import_no: int, now: datetime) -> None:
        pass


class MemoryConsents:
    """Consents of one process; statements are heard in the order of their imports."""

    def __init__(self) -> None:
        self._log: dict[tuple[Any, ...], tuple[int, int]] = {}  # FACTS consents → (import, heard at)

    def record(
        self,
        rows: pa.Table,
        *,
        import_no: int,
        proof: str,  # noqa: ARG002
        now: datetime,
        closes: bool = False,  # noqa: ARG002
    ) -> int:
        fresh = self._new(rows)
        self._log |= dict.fromkeys(fresh, (import_no, int(now.timestamp())))
        return len(fresh)

    def count_new(self, rows: pa.Table, *, import_no: int) -> int:  # noqa: ARG002
        return len(self._new(rows))

    def hand_over(self, import_no: int, to: int) -> None:
        pass

    def _new(self, rows: pa.Table) -> set[tuple[Any, ...]]:
        names = FACTS["consents"].names
        return {tuple(row[name] for name in names) for row in rows.to_pylist()} - self._log.keys()

    def void_import(self, import_no: int, now: datetime, *, grants_only: bool = False) -> int:  # noqa: ARG002
        gone = [
            row
            for row, (number, _) in self._log.items()
            if number == import_no and (row[3] or not grants_only)
        ]
        for row in gone:
            del self._log[row]
        return len(gone)

    def current(self) -> pa.Table:
        said: dict[int, list[Statement]] = {}
        for (customer, channel, purpose, granted, at_s), (number, heard_s) in self._log.items():
            said.setdefault(customer, []).append(Statement(number, at_s, granted, heard_s, channel, purpose))
        rows = [
            (customer, *place, held.granted, held.at_s)
            for customer, statements in sorted(said.items())
            for place, held in sorted(places(statements).items())
        ]
        names = FACTS["consents"].names
        return pa.Table.from_pylist(
            [dict(zip(names, row, strict=True)) for row in rows], schema=FACTS["consents"]
        )


class MemoryTouchHistory:
    """Touches of other tools, by key."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def import_touches(self, rows: pa.Table, *, import_no: int, now: datetime) -> int:  # noqa: ARG002
        fresh = [row for row in rows.to_pylist() if row["touch_key"] not in self.rows]
        self.rows |= {row["touch_key"]: row | {"import_no": import_no} for row in fresh}
        return len(fresh)

    def void_import(self, import_no: int, now: datetime) -> int:  # noqa: ARG002
        gone = [key for key, row in self.rows.items() if row["import_no"] == import_no]
        for key in gone:
            del self.rows[key]
        return len(gone)


class MemoryVerdicts:
    """What operators decided, newest verdict of each (rule, customer)."""

    def __init__(self) -> None:
        self._verdicts: dict[tuple[str, int], str] = {}

    def decide(
        self,
        rule: str,
        customer_nos: Sequence[int],
        *,
        verdict: str,
        by: str,  # noqa: ARG002
        now: datetime,  # noqa: ARG002
    ) -> int:
        changed = {(rule, no): verdict for no in customer_nos if self._verdicts.get((rule, no)) != verdict}
        self._verdicts |= changed
        return len(changed)

    def current(self) -> pa.Table:
        rows = [(rule, no, verdict) for (rule, no), verdict in sorted(self._verdicts.items())]
        return pa.table(
            {
                "rule": pa.array([row[0] for row in rows], pa.string()),
                "customer_no": pa.array([row[1] for row in rows], pa.int32()),
                "verdict": pa.array([row[2] for row in rows], pa.string()),
            }
        )
